"""CHANGELOG.md has a line with a link for each change, and begins with the version."""

import re

from contract.documents import CHANGELOG, DOCUMENTS, ROOT, links
from foundation import __version__

TEXT = CHANGELOG.read_text()


def test_it_begins_with_the_version_of_the_source() -> None:
    """`make release` writes a version only with a date."""
    newest, *older = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)

    assert re.fullmatch(rf"\[{re.escape(__version__)}\] - (unreleased|\d{{4}}-\d\d-\d\d)", newest)
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", one) for one in older)


def test_an_entry_has_a_link() -> None:
    entries = re.findall(r"^- (.+(?:\n  .+)*)", TEXT, re.MULTILINE)

    assert len(entries) > 50
    assert [one for one in entries if not links(one)] == []


def test_no_page_repeats_the_version() -> None:
    pages = [*DOCUMENTS, ROOT / "deploy" / "README.txt"]
    repeated = re.compile(r"(?:atlas-restore-watch[-/]|\bv)\d+\.\d+\.\d+")

    assert [page.name for page in pages if repeated.search(page.read_text())] == []
