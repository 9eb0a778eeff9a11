"""Publishes the changes of one project, of the stack or of its credentials, the oldest first."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from foundation.errors import TimeBudgetExceededError
from restore_watch.errors import NotificationPendingError, UnforeseenError
from restore_watch.telemetry.isolation import isolated
from restore_watch.telemetry.telemetry import Telemetry


@dataclass(frozen=True)
class Sent:
    """How many changes went out, and whether the topic refused the next one."""

    count: int
    is_refused: bool


def publish_in_order[Change](
    changes: Iterable[Change],
    publish: Callable[[Change], object],
    telemetry: Telemetry,
    group_id: str | None = None,
) -> Sent:
    """
    Publish one change after the other, until one does not go out.

    A refusal is reported. If no time is left, or after an error that nobody foresaw, the next sweep
    tries again.
    """
    count = 0
    try:
        for change in changes:
            with isolated(telemetry, group_id=group_id):
                publish(change)
            count += 1
    except NotificationPendingError as error:
        telemetry.report_failure(error)
        return Sent(count, is_refused=True)
    except (TimeBudgetExceededError, UnforeseenError):
        return Sent(count, is_refused=False)
    return Sent(count, is_refused=False)
