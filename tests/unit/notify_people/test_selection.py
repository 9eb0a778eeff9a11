"""Which changes people want to hear of."""

import pytest

from notify_people.message import NotificationTest
from notify_people.selection import DEFAULT_CHANGES, Change, change_of, is_wanted
from unit.notify_people.messages import read


@pytest.mark.parametrize(
    ("name", "data", "change"),
    [
        ("flex-started", {}, "started"),
        ("flex-started", {"previousStatus": "PENDING", "status": "RUNNING"}, "progressed"),
        ("flex-started", {"previousStatus": "PENDING", "status": "PAUSED"}, "progressed"),
        ("flex-completed", {"previousStatus": None, "sequence": 1}, "ended"),
        ("flex-download-ready", {}, "ready"),
        ("flex-download-link-expired", {}, "ended"),
        ("project-degraded", {}, "degraded"),
        ("stack-recovered", {}, "recovered"),
        ("validation-failed", {}, "validated"),
        ("credentials-expiring", {}, "expiring"),
        ("credentials-renewed", {}, "expiring"),
    ],
)
def test_a_message_is_about_one_change(name: str, data: dict[str, object], change: str) -> None:
    message = read(name, **data)

    assert not isinstance(message, NotificationTest)
    assert change_of(message) == change
    assert is_wanted(message, {Change(change)})
    assert not is_wanted(message, set(Change) - {change})


def test_by_default_people_hear_of_ends_and_of_the_watch() -> None:
    ends, watch = {"ready", "ended", "validated"}, {"degraded", "recovered", "expiring"}

    assert ends | watch == DEFAULT_CHANGES


def test_a_test_is_always_wanted() -> None:
    assert is_wanted(read("test"), set())
