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
        case(name, *(row if type(row) is tuple else (row,)), when=when(name, telling, campaign))
        for name, row in table.items()
    ]
