"""A look at something in AWS with the operator's own credentials, for a line of the doctor."""

from collections.abc import Callable

from operate.errors import OperateError, RefusedError
from restore_watch.diagnosis.line import Line

_GONE = {
    "AWS.SimpleQueueService.NonExistentQueue",
    "NotFound",
    "NotFoundException",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
}


def looked(check: str, look: Callable[[str], Line], *, gone: str) -> Line:
    """
    Return the line of a look. If it raises OperateError, the result is unknown.

    `gone` is the fix if AWS has no such thing.
    """
    try:
        return look(check)
    except RefusedError as error:
        if error.code in _GONE:
            return Line(check, ok=False, found="was deleted", fix=gone)
        found = str(error)
    except OperateError as error:
        found = str(error)
    return Line(check, ok=None, found=found)
