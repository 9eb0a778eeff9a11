"""The state of a cluster by its restores."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.model.restore_job import RestoreKind, RestoreStatus
from restore_watch.model.validation import Verdict
from restore_watch.report.judging.cluster_state import Judged, Policy, State, judge
from restore_watch.report.period import DAY
from restore_watch.report.restores.what_a_restore_proves import Restore, Rung
from restore_watch.report.why_unread import WhyUnread
from unit.report import reports
from unit.report.reports import END, NO_ROLE, cluster

DONE, FAILED, RUNNING = RestoreStatus.COMPLETED, RestoreStatus.FAILED, RestoreStatus.RUNNING


def restore(
    days: float, status: RestoreStatus = DONE, verdict: Verdict | None = None, **fields: Any
) -> Restore:
    """A restore of so many days ago."""
    began = END - days * DAY
    return reports.restore(cluster(), began, status=status, verdict=verdict, **fields)


def state(
    *restores: Restore, unread: WhyUnread | None = None, policy: Policy | None = None, **fields: Any
) -> State:
    return judge(cluster(**fields), restores, unread, policy or Policy(), END).state


VERIFIED_ONLY = Policy(counts=Rung.VERIFIED)
PRODUCTION = Policy(required_tag=("tier", "production"))


@pytest.mark.parametrize(
    ("is_state", "expected"),
    [
        (state(restore(5)), State.TESTED),
        (state(restore(90)), State.TESTED),
        (state(restore(91)), State.OVERDUE),
        (state(restore(91), unread=NO_ROLE), State.CANNOT_TELL),
        (state(restore(5), unread=NO_ROLE), State.TESTED),
        (state(unread=NO_ROLE), State.CANNOT_TELL),
        (state(), State.NEVER),
        (state(restore(1, RUNNING)), State.NEVER),
        (state(restore(1, RestoreStatus.CANCELLED)), State.NEVER),
        (state(restore(1, RestoreStatus.UNKNOWN)), State.NEVER),
        (state(restore(5), restore(2, FAILED)), State.FAILED),
        (state(restore(2), restore(5, FAILED)), State.TESTED),
        (state(restore(200, FAILED)), State.FAILED),
        (state(restore(5), restore(-1, FAILED)), State.TESTED),  # it began after the period
        (state(restore(5), restore(2, verdict=Verdict.FAILED)), State.FAILED),
        (state(restore(5), restore(2, FAILED), unread=NO_ROLE), State.FAILED),
        (state(restore(2, FAILED, deliveryType="download")), State.NEVER),
        (state(restore(2, deliveryType="download")), State.NEVER),
        (state(restore(2, deliveryType="DOWNLOAD", verdict=Verdict.PASSED)), State.NEVER),
        (state(restore(2, kind=RestoreKind.COLLECTION)), State.NEVER),
        (state(restore(2, kind=RestoreKind.COLLECTION, verdict=Verdict.FAILED)), State.NEVER),
        (state(restore(2, deliveryType="DOWNLOAD", verdict=Verdict.FAILED)), State.NEVER),
        (state(restore(2, RestoreStatus.EXPIRED)), State.NEVER),
        (state(restore(5), restore(2, RestoreStatus.CANCELLED)), State.TESTED),
        (state(restore(5), restore(2, RestoreStatus.EXPIRED)), State.TESTED),
        # It ended, or was judged, after the period.
        (state(restore(0.02)), State.NEVER),
        (state(restore(0.02, FAILED)), State.NEVER),
        (state(restore(5), restore(0.05, verdict=Verdict.FAILED)), State.TESTED),
        (state(restore(0.05, verdict=Verdict.PASSED), policy=VERIFIED_ONLY), State.NEVER),
        (state(restore(5), policy=VERIFIED_ONLY), State.NEVER),
        (state(restore(5, verdict=Verdict.PASSED), policy=VERIFIED_ONLY), State.TESTED),
        (state(created_at=END - 30 * DAY), State.NEW),
        (state(created_at=END - 90 * DAY), State.NEVER),
        (state(restore(2), created_at=END - 30 * DAY), State.TESTED),
        (state(restore(2, FAILED), created_at=END - 30 * DAY), State.FAILED),
        (state(restore(40), created_at=END - 30 * DAY), State.NEW),
        (state(created_at=END - 30 * DAY, unread=NO_ROLE), State.CANNOT_TELL),
        (state(created_at=None), State.NEVER),
        (state(restore(400), created_at=None), State.OVERDUE),
        (state(tags={"restore-test": "exempt"}), State.EXEMPT),
        (state(restore(2, FAILED), tags={"restore-test": "exempt:is a copy"}), State.EXEMPT),
        (state(tags={"restore-test": "exempted"}), State.NEVER),
        (state(is_free=True), State.NOT_REQUIRED),
        (state(is_internal=True), State.NOT_REQUIRED),
        (state(policy=PRODUCTION), State.NOT_REQUIRED),
        (state(policy=PRODUCTION, tags={"tier": "test"}), State.NOT_REQUIRED),
        (state(policy=PRODUCTION, tags={"tier": "production"}), State.NEVER),
    ],
)
def test_the_first_state_that_matches(is_state: State, expected: State) -> None:
    assert is_state is expected


def test_a_failed_verdict_takes_the_test_away_that_it_judges() -> None:
    judged = judge(cluster(), [restore(2, verdict=Verdict.FAILED)], None, Policy(), END)

    assert (judged.state, judged.good) == (State.FAILED, None)


restores = st.lists(
    st.builds(
        restore,
        st.floats(0, 500),
        st.sampled_from(RestoreStatus),
        st.none() | st.sampled_from(Verdict),
        kind=st.sampled_from(RestoreKind),
        deliveryType=st.sampled_from(["automated", "pointInTime", "download", "odd"]),
    ),
    max_size=6,
)


def judged(known: Iterable[Restore], **fields: Any) -> Judged:
    return judge(cluster(**fields), known, None, Policy(), END)


@pytest.mark.fault("F112")
@given(restores, st.floats(1, 89))
def test_a_cluster_that_was_made_again_begins_as_new(known: list[Restore], days: float) -> None:
    made = END - days * DAY

    again = judged([one for one in known if one.began < made], created_at=made)

    assert (again.state, again.restores) == (State.NEW, ())


@given(restores)
def test_a_download_or_a_part_never_counts(known: list[Restore]) -> None:
    parts = [one for one in known if one.is_partial]

    assert judged(parts).state is State.NEVER
    assert judged(known).good not in parts


@given(restores)
def test_what_cannot_be_read_is_never_never(known: list[Restore]) -> None:
    """Only a test that the table proves says more."""
    unread = judge(cluster(), known, NO_ROLE, Policy(), END)

    assert unread.state in {State.CANNOT_TELL, State.TESTED, State.FAILED}
    is_proven = unread.state is State.TESTED
    assert is_proven == (judged(known).state is State.TESTED)
