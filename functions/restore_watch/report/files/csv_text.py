"""The text of a CSV file, whose cells a spreadsheet shows as they are. Pure."""

import csv
import io
import re
from collections.abc import Iterable

from restore_watch.report.files.visible_text import visible

# A spreadsheet takes a cell for a formula that begins with one of these, in wide forms too: OWASP,
# CSV Injection. Where numbers have a decimal comma, a semicolon begins the next cell.
_FORMULA = re.compile(r"""(^|;)(?=[\s"']*[=+\-@\uff1d\uff0b\uff0d\uff20])""")


def csv_file(columns: Iterable[str], lines: Iterable[str]) -> str:
    """Return a file. Without a byte order mark, Excel reads it in the code page of Windows."""
    return "".join(["\ufeff", csv_line(columns), *lines])


def csv_line(cells: Iterable[object]) -> str:
    """Return the line of these cells."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow([_cell(value) for value in cells])
    return buffer.getvalue()


def _cell(value: object) -> str:
    """The text of a cell: empty for None, and no formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return _FORMULA.sub(r"\1'", visible(str(value)))
