"""Which changes people want to hear of."""

import pytest

from notify_people.message import NotificationTest
from notify_people.selection import DEFAULT_CHANGES, Change, change_of, is_wanted
from unit.notify_people.messages import read


@pytest.mark.parametrize(
    ("name", "data", "change"),
    [
        ("flex-started", {}, Change.STARTED),
        ("flex-started", {"previousStatus": "PENDING", "status": "RUNNING"}, Change.PROGRESSED),
        ("flex-started", {"previousStatus": "PENDING", "status": "PAUSED"}, Change.PROGRESSED),
        ("flex-completed", {}, Change.ENDED),
        ("flex-completed", {"previousStatus": None, "sequence": 1}, Change.ENDED),
        ("flex-unknown-end", {}, Change.ENDED),
        ("dedicated-download-ready", {}, Change.READY),
        ("flex-download-ready", {}, Change.READY),
        ("flex-download-link-expired", {}, Change.ENDED),
        ("project-degraded-AtlasForbiddenError", {}, Change.DEGRADED),
        ("stack-recovered-CredentialsError", {}, Change.RECOVERED),
        ("validation-passed", {}, Change.VALIDATED),
        ("validation-failed", {}, Change.VALIDATED),
    ],
)
def test_a_message_is_about_one_change(name: str, data: dict[str, object], change: Change) -> None:
    message = read(name, **data)

    assert not isinstance(message, NotificationTest)
    assert change_of(message) is change
    assert is_wanted(message, {change})
    assert not is_wanted(message, set(Change) - {change})


def test_by_default_people_hear_of_ends_and_of_the_watch() -> None:
    assert set(Change) - DEFAULT_CHANGES == {Change.STARTED, Change.PROGRESSED}


def test_a_test_is_always_wanted() -> None:
    assert is_wanted(read("test"), set())
