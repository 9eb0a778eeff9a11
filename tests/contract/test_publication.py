"""What is published shows nothing that only the source has."""

import re
import tomllib
from pathlib import Path

from contract.deployed_template import CHECKOUT, source_template
from deploy.publication import APPLICATION, absolute, published
from foundation import __version__

REPOSITORY = "https://example.com/you/atlas-restore-watch"


def test_every_link_of_the_published_readme_is_absolute_and_of_its_version() -> None:
    text = absolute((CHECKOUT / "README.md").read_text(), REPOSITORY, "1.0.0")
    links = re.findall(r"\]\(([^)\s]+)", text) + re.findall(r'src(?:set)?="([^"]+)"', text)

    assert f"{REPOSITORY}/blob/v1.0.0/docs/people.md" in links
    assert all(link.startswith(("https://", "#")) for link in links)
    for link, expected in (
        ("[a](docs/a.md#b)", f"[a]({REPOSITORY}/blob/v2.0.0/docs/a.md#b)"),
        ("[a](https://elsewhere.example)", "[a](https://elsewhere.example)"),
        ("[a](#b)", "[a](#b)"),
        ('<img src="docs/a.png">', f'<img src="{REPOSITORY}/raw/v2.0.0/docs/a.png">'),
    ):
        assert absolute(link, REPOSITORY, "2.0.0") == expected


def test_the_published_template_names_its_source() -> None:
    template = published(source_template(), REPOSITORY)
    about = template["Metadata"][APPLICATION]
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]

    assert about["SemanticVersion"] == __version__
    assert about["HomePageUrl"] == REPOSITORY
    assert about["SourceCodeUrl"] == f"{REPOSITORY}/tree/v{__version__}"
    assert Path(about["LicenseUrl"]).is_file()
    assert (about["Name"], about["SpdxLicenseId"]) == (project["name"], project["license"])
    assert template["Resources"] == source_template()["Resources"]
    own = source_template()["Metadata"][APPLICATION]
    assert "HomePageUrl" not in own
    assert all((CHECKOUT / own[name]).is_file() for name in ("LicenseUrl", "ReadmeUrl"))
