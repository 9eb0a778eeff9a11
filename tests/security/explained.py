"""What the security tools find, compared with the findings that docs/security.md explains."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product

from contract.documents import page, quoted, rows, section

TABLE = "Findings that stay"
TEMPLATE_CHECK = re.compile(r"(CKV2?_[A-Z0-9_]+|[EWI]\d{4})")


@dataclass(frozen=True, order=True)
class Finding:
    """A check, and the resource or the package that it is about."""

    check: str
    place: str
    message: str = field(default="", compare=False)


def explained(text: str | None = None) -> set[Finding]:
    """Return the findings of the table: each check of a row, at each of its places."""
    return {
        Finding(check, place)
        for row in rows(section(text or page("security"), TABLE))
        for check, place in product(row.names, quoted(row.cells[0]))
    }


def differences(found: Iterable[Finding], expected: Iterable[Finding]) -> list[str]:
    """
    Return one line for each finding that the table does not explain, and for each stale row.

    A row is stale when its check finds nothing any more.
    """
    found, expected = set(found), set(expected)
    return [
        *(
            f"{one.check} {one.place}: {one.message}. Fix it, or explain it in docs/security.md"
            for one in sorted(found - expected)
        ),
        *(
            f"{one.check} {one.place}: finds nothing any more. Remove it from docs/security.md"
            for one in sorted(expected - found)
        ),
    ]
