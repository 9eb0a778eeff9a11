"""
Tables of cases. `make test` runs the rows that tell most, `make campaign` the others.

Of the largest tables the campaign has a few; `make weekly` has the rest.
"""

from collections.abc import Collection, Mapping
from typing import Any, Literal

import pytest

MARKS = {"test": [], "campaign": [pytest.mark.campaign], "weekly": [pytest.mark.weekly]}

type When = Literal["test", "campaign", "weekly"]


def case(name: str, *values: object, when: When, faults: str = "") -> Any:
    """One row. `faults` names rows of the catalogue, "F77 F78" for example."""
    marks = [pytest.mark.fault(*faults.split())] if faults else []
    return pytest.param(*values, id=name, marks=[*marks, *MARKS[when]])


def when(name: str, telling: Collection[str], campaign: Collection[str] | None = None) -> When:
    """When a row runs. Without names for the campaign, it has all that are not telling."""
    if name in telling:
        return "test"
    return "campaign" if campaign is None or name in campaign else "weekly"


def rows(
    table: Mapping[str, Any], *telling: str, campaign: Collection[str] | None = None
) -> list[Any]:
    """
    Return a case for each row. A plain tuple has several values.

    Raises ValueError if a row that is named is not in the table.
    """
    if unknown := {*telling, *(campaign or ())} - table.keys():
        raise ValueError(unknown)
    return [
        case(name, *_values(row), when=when(name, telling, campaign)) for name, row in table.items()
    ]


def pairs(
    one: Mapping[str, Any],
    other: Mapping[str, Any],
    *telling: str,
    campaign: Collection[str] | None = None,
) -> list[Any]:
    """Return a case for each row of a table with each row of another: "404-the hosts" of both."""
    both = {
        f"{name}-{second}": (*_values(row), *_values(beside))
        for name, row in one.items()
        for second, beside in other.items()
    }
    return rows(both, *telling, campaign=campaign)


def _values(row: Any) -> tuple[Any, ...]:
    return row if type(row) is tuple else (row,)
