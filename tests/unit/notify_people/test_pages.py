"""Two stacks may share a project and a pager: neither closes a page of the other."""

from typing import Any

import pytest

from notify_people.forms.pagerduty import pagerduty_events
from notify_people.words.notices import notice_of
from unit.notify_people.messages import PROJECT, RESTORE, STACK, notice, read

WATCH, JOB, SECRET = f"watch/{PROJECT}", f"restore/{RESTORE}", f"credentials/{STACK}"


def open_pages(before: set[str], stack: str, name: str, data: dict[str, Any]) -> set[str]:
    """The keys of the pages that are open after a message of this stack, if these were before."""
    pages = set(before)
    message = read(name, **{"stack": stack, **data})
    for one in pagerduty_events(notice_of(message, "https://cloud.mongodb.com", stack)):
        (pages.add if one["event_action"] == "trigger" else pages.discard)(one["dedup_key"])
    return pages


@pytest.mark.fault("F93")
@pytest.mark.parametrize(
    ("bad", "good", "data", "about"),
    [
        ("project-degraded", "project-recovered", {}, WATCH),
        ("project-degraded", "project-removed", {}, WATCH),
        ("project-degraded", "project-recovered", {"stack": None, "fix": None}, WATCH),
        ("collection-unknown-end", "collection-completed", {"previousStatus": "UNKNOWN"}, JOB),
        ("credentials-expiring-in-7", "credentials-renewed", {}, SECRET),
    ],
    ids=["recovered", "removed", "messages-of-1.0.0", "an-end-that-is-known-now", "renewed"],
)
def test_a_stack_closes_its_own_page_alone(
    bad: str, good: str, data: dict[str, Any], about: str
) -> None:
    blue, green = f"atlas-restore-watch/blue/{about}", f"atlas-restore-watch/green/{about}"
    opened = open_pages(open_pages(set(), "blue", bad, data), "green", bad, data)

    assert opened == {blue, green}
    assert open_pages(opened, "blue", good, data) == {green}


@pytest.mark.fault("F93")
def test_a_page_that_was_opened_before_the_upgrade_closes() -> None:
    opened = {f"atlas-restore-watch/watch/{PROJECT}"}

    assert open_pages(opened, "blue", "project-recovered", {}) == set()


@pytest.mark.parametrize(
    ("name", "pages"),
    [
        ("credentials-expiring", 0),
        ("credentials-expiring-in-7", 1),
        ("credentials-expiring-soon", 1),
        ("credentials-expiring-in-1", 1),
    ],
)
def test_from_seven_days_on_an_expiry_is_one_page(name: str, pages: int) -> None:
    """Its date may change: once there is a new secret, Atlas lets the old one expire earlier."""
    opened = open_pages(set(), "blue", name, {})
    earlier = {"expiresAt": "2026-12-25T09:14:00Z"}

    assert len(opened) == pages
    assert len(open_pages(opened, "blue", "credentials-expiring-in-7", earlier)) == 1


def test_a_test_notification_closes_the_page_that_it_opens() -> None:
    actions = [one["event_action"] for one in pagerduty_events(notice("test"))]

    assert actions == ["trigger", "resolve"]
    assert open_pages(set(), "blue", "test", {}) == set()
