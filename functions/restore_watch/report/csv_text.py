"""Lines of CSV that a spreadsheet shows as they are. Pure."""

import csv
import io
import re
from collections.abc import Iterable

BYTE_ORDER_MARK = "\ufeff"
"""Without the mark, Excel reads UTF-8 in the code page of Windows."""

# A spreadsheet takes a cell for a formula that begins with one of these, in wide forms too: OWASP,
# CSV Injection. Where numbers have a decimal comma, a semicolon begins the next cell.
_FORMULA = re.compile(r"""(^|;)(?=[\s"']*[=+\-@\uff1d\uff0b\uff0d\uff20])""")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def csv_cell(value: object) -> str:
    """Return the text of a cell: empty for None, and no formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = _CONTROLS.sub(" ", str(value))
    return _FORMULA.sub(r"\1'", text)


def csv_line(cells: Iterable[object]) -> str:
    """Return the line of these cells."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow(map(csv_cell, cells))
    return buffer.getvalue()
