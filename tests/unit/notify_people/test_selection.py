"""Which changes people want to hear of."""

import pytest

from unit.notify_people.messages import notice


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
        ("test", {}, None),
    ],
)
def test_a_notice_is_about_one_change_and_a_test_about_none(
    name: str, data: dict[str, object], change: str | None
) -> None:
    assert notice(name, **data).change == change
