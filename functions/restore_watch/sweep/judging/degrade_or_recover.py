"""
When a project or the stack is degraded, since when, and when it has recovered. Pure.

| troubles of a sweep | before | after |
| --- | --- | --- |
| some | none | failing since now; a refusal replaces a missing answer, and keeps the moment |
| some | failing for DEGRADED_AFTER | degraded: reported once, with the oldest trouble |
| none | failing, not reported | forgotten |
| none | degraded | recovering since now |
| none | recovering for RECOVERED_AFTER | recovered: reported, with the first success |
"""

from collections.abc import Mapping
from copy import replace
from datetime import datetime, timedelta

from restore_watch.model.health import Health
from restore_watch.model.watch_change import Trouble, WatchChange, WatchState

DEGRADED_AFTER = timedelta(minutes=3)
"""A project or the stack is degraded after sweeps have failed to see it for this long."""

RECOVERED_AFTER = timedelta(minutes=3)
"""It has recovered after sweeps have seen it for this long without a failure."""

UNSENT_LIMIT = 50
"""Changes that may wait for the topic. Only a topic that refuses for hours leaves as many."""


def degrade_or_recover(
    health: Health,
    troubles: Mapping[str, Trouble],
    now: datetime,
    last_success_at: datetime | None,
    open_jobs: int,
) -> Health:
    """Return the health after a sweep that met these troubles."""
    if not troubles:
        return _without_troubles(health, now, open_jobs)
    lasting = {
        question: _lasting(health, question, trouble, now) for question, trouble in troubles.items()
    }
    first = min(lasting.values(), key=lambda trouble: trouble.since)
    # If different things fail in turn, it has failed since the first of them did.
    since = min(health.failing_since or first.since, now)
    after = replace(
        health,
        troubles=lasting,
        failing_since=since,
        recovering_since=None,
        last_success_at=health.last_success_at if health.is_failing else last_success_at,
    )
    is_old = now - since >= DEGRADED_AFTER
    if health.degraded is not None or not is_old or len(health.unsent) >= UNSENT_LIMIT:
        return after
    reported = replace(first, since=since)
    change = WatchChange(
        state=WatchState.DEGRADED,
        group_id=health.group_id,
        trouble=reported,
        at=now,
        last_success_at=after.last_success_at,
        open_jobs=open_jobs,
    )
    return replace(after, degraded=reported, unsent=(*health.unsent, change))


def _lasting(health: Health, question: str, trouble: Trouble, now: datetime) -> Trouble:
    """Return the trouble since it was first met. A refusal replaces a missing answer."""
    known = health.troubles.get(question)
    if known is None:
        return trouble
    is_news = known.is_unanswered and not trouble.is_unanswered
    # A clock that was ahead may have stored a moment that has not come.
    return replace(trouble if is_news else known, since=min(known.since, now))


def _without_troubles(health: Health, now: datetime, open_jobs: int) -> Health:
    if health.degraded is None:
        return end_outage(health, now, open_jobs)
    since = min(health.recovering_since or now, now)
    if now - since < RECOVERED_AFTER:
        return replace(health, troubles={}, recovering_since=since)
    return end_outage(health, since, open_jobs)


def end_outage(health: Health, at: datetime, open_jobs: int, reason: str | None = None) -> Health:
    """Return the health after the end of an outage, if there was one: unsent changes alone."""
    unsent = health.unsent
    if health.degraded is not None:
        change = WatchChange(
            state=WatchState.RECOVERED,
            group_id=health.group_id,
            trouble=health.degraded,
            at=at,
            last_success_at=health.last_success_at,
            open_jobs=open_jobs,
            reason=reason,
        )
        unsent = (*unsent, change)
    return Health(group_id=health.group_id, version=health.version, unsent=unsent)
