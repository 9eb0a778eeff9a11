"""Tables of cases. The rows that tell most run in `make test`, the others in `make campaign`."""

from collections.abc import Mapping
from typing import Any

import pytest


def case(name: str, *values: object, is_telling: bool, faults: str = "") -> Any:
    """One row. `faults` names rows of the catalogue, "F77 F78" for example."""
    marks = [pytest.mark.fault(*faults.split())] if faults else []
    if not is_telling:
        marks.append(pytest.mark.campaign)
    return pytest.param(*values, id=name, marks=marks)


def rows(table: Mapping[str, Any], *telling: str) -> list[Any]:
    """
    Return a case for each row. A plain tuple has several values.

    Raises KeyError if a telling row is not in the table.
    """
    often = {name: table[name] for name in telling}
    return [
        case(name, *(row if type(row) is tuple else (row,)), is_telling=name in often)
        for name, row in table.items()
    ]
