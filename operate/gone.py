"""A look at a thing of AWS, which may be gone, or may not be seen with these credentials."""

from collections.abc import Callable

from operate.errors import OperateError
from restore_watch.diagnosis.aws_fixes import GONE
from restore_watch.diagnosis.line import Line, bad, unsure


def line_even_if_gone(check: str, find: Callable[[str], Line], gone: str) -> Line:
    """
    Return the line about a check that `find` returns.

    `gone`: the fix if AWS has no such thing. Without an answer, the result is unknown.
    """
    try:
        return find(check)
    except OperateError as error:
        if error.code in GONE:
            return bad(check, "was deleted", gone)
        return unsure(check, str(error))
