"""An error that nobody foresaw about one item is that item's failure, and holds up no other."""

from collections.abc import Iterator
from contextlib import contextmanager

from foundation.errors import ApplicationError
from restore_watch.errors import UnforeseenError
from restore_watch.telemetry.telemetry import Telemetry


@contextmanager
def isolated(telemetry: Telemetry, **names: str | None) -> Iterator[None]:
    """
    Within the block, raise UnforeseenError for an error that is not our own, and log it as a bug.

    The block is about one item, such as a restore job or a list, which has these `names`. The
    caller counts the failure like any other, and goes on with the next item.
    """
    try:
        yield
    except ApplicationError:
        raise
    except Exception as error:  # noqa: BLE001 - our own fault about one item is not the others'
        telemetry.report_bug(error, **names)
        # The text of an error of Python may hold anything.
        raise UnforeseenError(f"this is a bug: {type(error).__name__}") from None
