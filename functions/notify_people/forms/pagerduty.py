"""
Notice → events of PagerDuty's Events API v2, without the routing key. Pure.

The form and its limits: https://developer.pagerduty.com/docs/send-alert-event (`dedup_key` 255,
`payload.summary` 1,024 characters). Events with the same `dedup_key` are about the same alert.
"""

from collections.abc import Sequence
from typing import Any

from notify_people.plain_text import cut
from notify_people.severity_and_paging import Paging, Severity
from notify_people.words.notice import Notice


def pagerduty_events(notice: Notice) -> Sequence[dict[str, Any]]:
    """
    Return the events to send, in order.

    People close the alert of a failed restore by hand. The recovery of a degraded watch closes its
    alert, and also an alert of 1.0.0, whose key does not name the stack. PagerDuty ignores an event
    that closes an alert that is not open.
    """
    match notice.paging:
        case Paging.NOTHING:
            return ()
        case Paging.TRIGGER:
            return (_trigger(notice),)
        case Paging.RESOLVE:
            return (_resolve(_alert_key(notice)), _resolve(_alert_key_of_1_0_0(notice)))
        case Paging.TRY_BOTH:
            return (_trigger(notice), _resolve(_alert_key(notice)))


def _trigger(notice: Notice) -> dict[str, Any]:
    steps = [
        ": ".join(filter(None, (step.text, step.command or step.address))) for step in notice.steps
    ]
    return {
        "event_action": "trigger",
        "dedup_key": _alert_key(notice),
        "payload": {
            "summary": cut(notice.summary, 1024),
            "source": notice.source,
            # PagerDuty has our words, except for success.
            "severity": "info" if notice.severity is Severity.SUCCESS else notice.severity,
            "timestamp": notice.at.isoformat(),
            "class": notice.event_type,
            "custom_details": {**notice.facts, "What to do next": steps},
        },
        "client": "Atlas Restore Watch",
        "links": [{"href": step.address, "text": step.label} for step in notice.links],
    }


def _resolve(alert_key: str) -> dict[str, Any]:
    return {"event_action": "resolve", "dedup_key": alert_key}


def _alert_key(notice: Notice) -> str:
    """Only what is about a whole stack may be too long; the stack's name comes before it."""
    return _within_limit(notice.key)


def _alert_key_of_1_0_0(notice: Notice) -> str:
    return _within_limit(notice.about)


def _within_limit(key: str) -> str:
    return f"atlas-restore-watch/{key}"[:255]
