"""
`drawn.json`: the SHA-256 of every picture, and of the page that it was drawn from.

The SHA-256 of the page shows without a browser that a picture is out of date. The SHA-256 of the
picture shows that the picture of one branch was merged with the line of another.
"""

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pictures.pages import FOLDER

RECORD = FOLDER / "drawn.json"


@dataclass(frozen=True)
class Drawn:
    """`page`: the SHA-256 of the page. `picture`: the SHA-256 of the file that was drawn."""

    page: str
    picture: str


def file_of(name: str) -> Path:
    """The file of a picture."""
    return FOLDER / f"{name}.png"


def out_of_date(pages: Mapping[str, str]) -> list[str]:
    """The names of the pictures that are missing, or were not drawn from these pages."""
    recorded = read_record()
    return [name for name, page in pages.items() if recorded.get(name) != _drawn(name, page)]


def read_record() -> dict[str, Drawn]:
    """What is recorded of each picture. Nothing, if the file is missing."""
    if not RECORD.exists():
        return {}
    try:
        stored = json.loads(RECORD.read_text())
        return {name: Drawn(**sums) for name, sums in stored.items()}
    except (ValueError, TypeError, AttributeError):
        sys.exit(f"{RECORD} cannot be read: delete it, and every picture is drawn again.")


def record(pages: Mapping[str, str], name: str) -> None:
    """Record that the picture was drawn from its page. Keep the pictures that have a page."""
    recorded = read_record()
    recorded[name] = _drawn(name, pages[name])
    kept = {name: asdict(recorded[name]) for name in pages if name in recorded}
    RECORD.write_text(json.dumps(kept, indent=2) + "\n")


def _drawn(name: str, page: str) -> Drawn:
    file = file_of(name)
    return Drawn(_sha256(page.encode()), _sha256(file.read_bytes()) if file.exists() else "")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
