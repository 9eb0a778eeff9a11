"""What is published shows nothing that only the source has."""

import re
from pathlib import Path

import pytest

from contract.deployed_template import CHECKOUT, source_template
from publication import APPLICATION, absolute, published

REPOSITORY = "https://example.com/you/atlas-restore-watch"


def test_every_link_of_the_published_readme_is_absolute() -> None:
    text = absolute((CHECKOUT / "README.md").read_text(), REPOSITORY, "1.0.0")
    links = re.findall(r"\]\(([^)\s]+)", text) + re.findall(r'src(?:set)?="([^"]+)"', text)

    assert f"{REPOSITORY}/blob/v1.0.0/docs/people.md" in links
    assert all(link.startswith(("https://", "#")) for link in links)


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("[a](docs/a.md#b)", f"[a]({REPOSITORY}/blob/v2.0.0/docs/a.md#b)"),
        ("[a](https://elsewhere.example)", "[a](https://elsewhere.example)"),
        ("[a](#b)", "[a](#b)"),
        ('<img src="docs/a.png">', f'<img src="{REPOSITORY}/raw/v2.0.0/docs/a.png">'),
    ],
)
def test_a_link_leads_to_the_version_that_is_published(link: str, expected: str) -> None:
    assert absolute(link, REPOSITORY, "2.0.0") == expected


def test_the_published_template_names_its_source() -> None:
    template = published(source_template(), REPOSITORY)
    about = template["Metadata"][APPLICATION]

    assert about["HomePageUrl"] == REPOSITORY
    assert about["SourceCodeUrl"] == f"{REPOSITORY}/tree/v{about['SemanticVersion']}"
    assert Path(about["LicenseUrl"]).is_file()
    assert template["Resources"] == source_template()["Resources"]
    assert "HomePageUrl" not in source_template()["Metadata"][APPLICATION]
