"""Tables of cases. The rows that tell most run in `make test`, the others in `make campaign`."""

from collections.abc import Mapping
from typing import Any

import pytest


def rows(table: Mapping[str, Any], *telling: str) -> list[Any]:
    """Return a case for each row. Raises KeyError if a telling row is not in the table."""
    often = {name: table[name] for name in telling}
    return [
        pytest.param(
            *(row if isinstance(row, tuple) else (row,)),
            id=name,
            marks=() if name in often else pytest.mark.campaign,
        )
        for name, row in table.items()
    ]
