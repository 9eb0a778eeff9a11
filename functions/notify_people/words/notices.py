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
from notify_people.words.credentials_notice import credentials_notice
from notify_people.words.measurement_notice import measurement_notice
from notify_people.words.notice import Notice
from notify_people.words.notification_test_notice import notification_test_notice
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
            return notification_test_notice(message)


def _notice_of_restore(message: RestoreMessage, console: str, stack: str) -> Notice:
    match message:
        case StatusChange():
            return restore_notice(message, console, stack)
        case ValidationRecorded():
            return validation_notice(message, console, stack)
        case RestoreMeasured():
            return measurement_notice(message, console, stack)
