"""When a project counts as degraded and as recovered, and which changes that makes."""

from copy import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.model.health import Health
from restore_watch.model.watch_change import REMOVED, Trouble, WatchChange, WatchState
from restore_watch.sweep.judging.degrade_or_recover import degrade_or_recover, end_outage
from unit.open_jobs import NOON
from unit.scripted_atlas import GROUP

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
BEFORE = NOON - MINUTE
DEGRADED, RECOVERED = WatchState

UNSEEN = Health(group_id=GROUP)


def trouble(at: datetime = NOON, message: str = "Atlas did not answer") -> Trouble:
    return Trouble(since=at, error="AtlasUnavailableError", message=message)


def swept(
    health: Health,
    at: datetime,
    *fails: str,
    last_success_at: datetime | None = BEFORE,
    open_jobs: int = 2,
) -> Health:
    """What is remembered after a sweep in which these families failed."""
    troubles = {family: trouble(at, f"{family} failed at {at}") for family in fails}
    return degrade_or_recover(health, troubles, at, last_success_at, open_jobs)


def failing(health: Health, begin: datetime, minutes: int) -> Health:
    """A sweep each minute fails, for so many minutes."""
    for minute in range(minutes + 1):
        health = swept(health, begin + minute * MINUTE, "flex")
    return health


def degraded() -> Health:
    """A project that was not seen for three minutes, which is reported."""
    return failing(UNSEEN, NOON, 3)


# Degraded


def test_the_first_failure_is_remembered_with_when_the_project_was_last_seen() -> None:
    """Further ones write nothing."""
    first = swept(UNSEEN, NOON, "flex")

    assert swept(UNSEEN, NOON) == UNSEEN
    assert failing(first, NOON, 2) == first
    assert swept(degraded(), NOON + 9 * MINUTE, "flex", last_success_at=None) == degraded()
    assert first == Health(
        group_id=GROUP,
        troubles={"flex": trouble(NOON, f"flex failed at {NOON}")},
        failing_since=NOON,
        last_success_at=BEFORE,
    )


def test_a_project_that_was_never_seen_has_no_last_success() -> None:
    health = swept(UNSEEN, NOON, "flex", last_success_at=None)
    # A success after the first failure does not count as one before it.
    health = swept(health, NOON + 3 * MINUTE, "flex", last_success_at=NOON + MINUTE)

    assert health.unsent[0].last_success_at is None


def test_that_no_answer_came_neither_hides_a_refusal_nor_replaces_it() -> None:
    silent, refused = (
        trouble(),
        Trouble(since=NOON + MINUTE, error="AtlasUnauthorizedError", message="No role"),
    )
    health = UNSEEN
    for minute, met in enumerate((silent, refused, silent)):
        health = degrade_or_recover(health, {"flex": met}, NOON + minute * MINUTE, BEFORE, 0)

    assert health.troubles == {"flex": replace(refused, since=NOON)}


def test_what_fails_in_turn_is_one_outage_since_the_first_failure() -> None:
    health = UNSEEN
    for minute, family in enumerate(("flex", "events", "flex", "events")):
        health = swept(health, NOON + minute * MINUTE, family)

    assert [(one.state, one.trouble.since) for one in health.unsent] == [(DEGRADED, NOON)]


# Recovered


def recovering(health: Health, begin: datetime, minutes: int) -> Health:
    """A sweep each minute sees it without a failure, for so many minutes."""
    for minute in range(minutes + 1):
        health = swept(health, begin + minute * MINUTE, open_jobs=7)
    return health


def test_an_outage_is_said_twice_with_all_that_is_known_of_it() -> None:
    known = replace(UNSEEN, version=7)
    met = trouble(NOON, f"flex failed at {NOON}")

    after = recovering(failing(known, NOON, 3), NOON + 4 * MINUTE, 3)

    assert after == Health(
        group_id=GROUP,
        version=7,
        unsent=(
            WatchChange(
                state=DEGRADED,
                group_id=GROUP,
                trouble=met,
                at=NOON + 3 * MINUTE,
                last_success_at=BEFORE,
                open_jobs=2,
            ),
            WatchChange(
                state=RECOVERED,
                group_id=GROUP,
                trouble=met,
                at=NOON + 4 * MINUTE,
                last_success_at=BEFORE,
                open_jobs=7,
            ),
        ),
    )


def test_a_degraded_project_that_is_removed_is_over_at_once() -> None:
    health = end_outage(degraded(), NOON + 5 * MINUTE, 7, REMOVED)

    assert health == Health(group_id=GROUP, unsent=health.unsent)
    assert health.unsent[1].reason == "removed"
    assert health.unsent[1].state is RECOVERED
    # Before it was reported, it says nothing.
    assert end_outage(failing(UNSEEN, NOON, 2), NOON + 3 * MINUTE, 7, REMOVED) == UNSEEN


def test_a_project_is_gone_when_no_list_has_shown_it_for_a_day() -> None:
    refused = swept(UNSEEN, NOON - 5 * DAY, "flex")
    absent = swept(refused, NOON, "projects")

    assert not absent.is_gone(NOON + DAY - SECOND)
    assert absent.is_gone(NOON + DAY)
    assert not refused.is_gone(NOON + DAY)


# A topic that accepts nothing


@pytest.mark.parametrize(("waiting", "begins"), [(49, True), (50, False)])
def test_no_degradation_begins_while_fifty_changes_wait_for_the_topic(
    waiting: int, *, begins: bool
) -> None:
    health = failing(Health(group_id=GROUP, unsent=degraded().unsent * waiting), NOON, 3)

    assert (health.degraded is not None) is begins
    assert len(health.unsent) == 50


def test_a_degradation_that_waits_for_the_topic_always_finds_room_for_its_end() -> None:
    health = Health(group_id=GROUP, degraded=trouble(), unsent=degraded().unsent * 50)

    after = recovering(health, NOON + MINUTE, 3)

    assert after.unsent[-1].state is RECOVERED


# Any sweeps

families = st.sampled_from(["flex", "dedicated", "events"])
some_sweeps = st.lists(
    st.tuples(st.integers(20, 240), st.sets(families, max_size=2), st.booleans()), max_size=30
)
"""Seconds after the one before, what fails, and whether the topic accepts what waits for it."""


@given(some_sweeps)
def test_changes_alternate_each_with_a_cause_and_a_different_id(
    sweeps: list[tuple[int, set[str], bool]],
) -> None:
    health, at = UNSEEN, NOON
    since: datetime | None = None
    good: datetime | None = None
    published: list[WatchChange] = []
    for seconds, fails, is_published in sweeps:
        at += seconds * SECOND
        good = None if fails else (good or at)
        has_recovered = good is not None and at - good >= 3 * MINUTE
        if health.degraded is None or has_recovered:
            since = (since or at) if fails else None
        before, health = health, swept(health, at, *fails)

        new = health.unsent[len(before.unsent) :]
        assert health.unsent[: len(before.unsent)] == before.unsent
        is_old = since is not None and at - since >= 3 * MINUTE
        if before.degraded is None and fails and is_old:
            assert [change.state for change in new] == [DEGRADED]
            assert new[0].trouble.since == since
        elif before.degraded is not None and has_recovered:
            assert [change.state for change in new] == [RECOVERED]
        else:
            assert new == ()
        assert health.troubles.keys() == fails
        assert health.failing_since == since
        assert all(since and one.since >= since for one in health.troubles.values())
        # The same once more is nothing to write.
        assert swept(health, at, *fails) == health
        published += new
        if is_published:
            health = replace(health, unsent=())

    assert all(one.state is not other.state for one, other in pairwise(published))
    assert [change.state for change in published[:1]] in ([], [DEGRADED])
    ids = [(change.state, change.trouble.since) for change in published]
    assert len(set(ids)) == len(ids)
    for begin, end in pairwise(published):
        if end.state is RECOVERED:
            assert end.trouble == begin.trouble
            assert end.at > begin.at >= begin.trouble.since + 3 * MINUTE
