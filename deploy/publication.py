"""
`make publication`: what the Serverless Application Repository takes of this application.

    python -m deploy.publication https://example.com/you/atlas-restore-watch

Beside the built template, this writes one with the addresses of the source and its version, and a
README whose links are absolute, because it is shown outside of the source. `sam package` and
`sam publish` take it from there.
"""

import argparse
import re
import sys
from typing import Any
from urllib.parse import urlsplit

from samcli.yamlhelper import yaml_dump, yaml_parse  # type: ignore[import-untyped]

from deploy import BUILD, ROOT

TEMPLATE = "publication.yaml"
README = "publication-README.md"
APPLICATION = "AWS::ServerlessRepo::Application"

_LINK = re.compile(r"(?P<before>\]\(|(?:src|srcset)=\")(?P<path>[^\s)\"#]+)")
_PICTURES = (".png", ".svg")


def absolute(text: str, repository: str, version: str) -> str:
    """Return a README whose links to files of the source lead to the repository."""

    def link(found: re.Match[str]) -> str:
        path = found["path"]
        if urlsplit(path).scheme:
            return found[0]
        kind = "raw" if path.endswith(_PICTURES) else "blob"
        return f"{found['before']}{repository}/{kind}/v{version}/{path}"

    return _LINK.sub(link, text)


def published(template: dict[str, Any], repository: str) -> dict[str, Any]:
    """Return the template with the addresses that a published application needs."""
    about = template["Metadata"][APPLICATION]
    version = about["SemanticVersion"]
    addresses = {
        "HomePageUrl": repository,
        "SourceCodeUrl": f"{repository}/tree/v{version}",
        "ReadmeUrl": README,
        "LicenseUrl": str(ROOT / "LICENSE"),
    }
    metadata = template["Metadata"] | {APPLICATION: about | addresses}
    return template | {"Metadata": metadata}


def main() -> None:
    """Write the template and the README of a publication."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("repository", help="https address of the source")
    repository = parser.parse_args().repository.rstrip("/")
    if urlsplit(repository).scheme != "https":
        parser.error("the repository must have an https address")
    template = published(yaml_parse((BUILD / "template.yaml").read_text()), repository)
    version = template["Metadata"][APPLICATION]["SemanticVersion"]
    (BUILD / TEMPLATE).write_text(yaml_dump(template))
    (BUILD / README).write_text(absolute((ROOT / "README.md").read_text(), repository, version))
    sys.stdout.write(f"Wrote {(BUILD / TEMPLATE).relative_to(ROOT)} and its README.\n")


if __name__ == "__main__":
    main()
