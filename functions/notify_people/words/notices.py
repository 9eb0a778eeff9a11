"""Message → Notice. Pure."""

from notify_people.message import (
    CredentialsChange,
    Message,
    NotificationTest,
    ReportMade,
    RestoreMeasured,
    RestoreMessage,
    StatusChange,
    ValidationRecorded,
    WatchChange,
)
from notify_people.severity_and_paging import Paging, Severity
from notify_people.words.credentials_notice import credentials_notice
from notify_people.words.durations_and_moments import microseconds, moment
from notify_people.words.measurement_notice import measurement_notice
from notify_people.words.notice import Notice, Step
from notify_people.words.report_notice import report_notice
from notify_people.words.restore_notice import restore_notice
from notify_people.words.validation_notice import validation_notice
from notify_people.words.watch_notice import watch_notice


def notice_of(message: Message, console: str, stack: str) -> Notice:
    """Return the notice. `console` is the address of Atlas's console; `stack` is our stack."""
    match message:
        case StatusChange() | ValidationRecorded() | RestoreMeasured():
            return _notice_of_restore(message, console, stack)
        case WatchChange():
            return watch_notice(message, console, message.stack or stack)
        case CredentialsChange():
            return credentials_notice(message, console, message.stack or stack)
        case ReportMade():
            return report_notice(message, message.stack or stack)
        case NotificationTest():
            return _test_notice(message)


def _notice_of_restore(message: RestoreMessage, console: str, stack: str) -> Notice:
    match message:
        case StatusChange():
            return restore_notice(message, console, stack)
        case ValidationRecorded():
            return validation_notice(message, console, stack)
        case RestoreMeasured():
            return measurement_notice(message, console, stack)


def _test_notice(test: NotificationTest) -> Notice:
    """Nobody can mistake it for a real notice. The pager opens an alert and closes it at once."""
    return Notice(
        stack=test.subject,
        about=f"test/{test.subject}",
        order=microseconds(test.requested_at),
        thread=f"test-{test.subject}",
        change=None,
        event_type="test",
        what="test notification",
        outcome="",
        severity=Severity.INFO,
        paging=Paging.TRY_BOTH,
        title=f"TEST of Atlas Restore Watch: notices of {test.subject} arrive here",
        detail="No restore has changed.",
        facts={"Stack": test.subject, "Requested": moment(test.requested_at)},
        steps=(Step("Nothing is to be done: this is a test"),),
        at=test.requested_at,
        source=f"/stacks/{test.subject}",
        keywords=("test",),
    )
