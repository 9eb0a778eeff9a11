"""The README and the pages, taken apart: sections, tables, code blocks, links and commands."""

import re
import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]

README = ROOT / "README.md"
CHANGELOG = ROOT / "CHANGELOG.md"
_OTHERS = ("CONTRIBUTING.md", "SECURITY.md", "tests/README.md")
DOCUMENTS = sorted([README, *(ROOT / name for name in _OTHERS), *(ROOT / "docs").glob("*.md")])

_BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


class Row(NamedTuple):
    """A row of a table: the names in backticks of its first cell, and the text of the others."""

    names: tuple[str, ...]
    cells: tuple[str, ...]


def page(name: str) -> str:
    """The text of a page of `docs/`."""
    return (ROOT / "docs" / f"{name}.md").read_text()


def section(text: str, title: str) -> str:
    """The text under a heading of the second level, up to the next one."""
    _, found, rest = text.partition(f"\n## {title}\n")
    assert found, f"there is no section {title}"
    return rest.partition("\n## ")[0]


def prose(text: str) -> str:
    """The text without its code blocks."""
    return _BLOCK.sub("", text)


def blocks(text: str, language: str) -> list[str]:
    return [body for found, body in _BLOCK.findall(text) if found == language]


def table(text: str) -> list[list[str]]:
    """The cells of all tables of a text, headings and rules included."""
    return [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in prose(text).splitlines()
        if line.startswith("|")
    ]


def quoted(text: str) -> tuple[str, ...]:
    """What stands in backticks."""
    return tuple(re.findall(r"`([^`]+)`", text))


def rows(text: str) -> list[Row]:
    """The rows of all tables of a text that have a name in backticks in their first cell."""
    return [Row(quoted(first), tuple(rest)) for first, *rest in table(text) if "`" in first]


def names(text: str) -> set[str]:
    """Every name in backticks in the first column of the tables of a text."""
    return {name for row in rows(text) for name in row.names}


def links(text: str) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", prose(text))


def anchors(text: str) -> set[str]:
    """What a link may name after `#`: GitHub's spelling of the headings, and -1 for the second."""
    seen = Counter[str]()
    found = set()
    for heading in _HEADING.findall(prose(text)):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return found


def commands(text: str) -> Iterator[list[str]]:
    """Every command of the shell blocks of a text, as words."""
    for block in blocks(text, "sh"):
        yield from commands_of(block)


def commands_of(block: str) -> Iterator[list[str]]:
    """Every command of a shell block, as words."""
    for line in block.replace("\\\n", " ").splitlines():
        words = shlex.split(line.partition(" > ")[0], comments=True)
        while words:
            end = words.index("&&") if "&&" in words else len(words)
            yield words[:end]
            words = words[end + 1 :]
