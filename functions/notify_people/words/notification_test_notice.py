"""The notice of a test that somebody asked for. Pure."""

from notify_people.message import NotificationTest
from notify_people.severity_and_paging import Paging, Severity
from notify_people.words.durations_and_moments import microseconds, moment
from notify_people.words.notice import Notice, Step


def notification_test_notice(test: NotificationTest) -> Notice:
    """
    Return the notice.

    Nobody can mistake it for a real notice. The pager opens an alert and closes it at once.
    """
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
