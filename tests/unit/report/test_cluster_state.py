"""The state of a cluster by its restores."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import RestoreKind
from restore_watch.model.validation import Verdict
from restore_watch.report.judging.cluster_state import ClusterState, JudgedCluster, judge_cluster
from restore_watch.report.judging.policy import Policy
from restore_watch.report.period import DAY
from restore_watch.report.restores.what_a_restore_proves import Restore, Rung
from restore_watch.report.why_unread import WhyUnread
from unit.report import reports
from unit.report.reports import DIFFERS, END, NO_ROLE, cluster

DONE, FAILED, RUNNING = RestoreStatus.COMPLETED, RestoreStatus.FAILED, RestoreStatus.RUNNING


def restore(
    days: float, status: RestoreStatus = DONE, verdict: Verdict | None = None, **fields: Any
) -> Restore:
    """A restore of so many days ago."""
    began = END - days * DAY
    return reports.restore(cluster(), began, status=status, verdict=verdict, **fields)


def state(
    *restores: Restore, unread: WhyUnread | None = None, policy: Policy | None = None, **fields: Any
) -> ClusterState:
    return judge_cluster(cluster(**fields), restores, unread, policy or Policy(), END).state


VERIFIED_ONLY = Policy(counts=Rung.VERIFIED)
PRODUCTION = Policy(required_tag=("tier", "production"))


MOMENT = timedelta(seconds=1)
WINDOW = 90 * DAY
EXEMPT, PRODUCTION_TAG = {"restore-test": "exempt"}, {"tier": "production"}
SHORT, LONG = {"restore-test": "30d"}, {"restore-test": "400d"}


def of_end(ago: timedelta) -> Restore:
    """A good test that ended so long ago."""
    return reports.restore(cluster(), END - ago - reports.USUAL)


BY_RESTORES: dict[str, tuple[list[Restore], ClusterState]] = {
    "none": ([], ClusterState.NEVER),
    "good": ([restore(5)], ClusterState.TESTED),
    "a second within the window": ([of_end(WINDOW - MOMENT)], ClusterState.TESTED),
    "as old as the window": ([of_end(WINDOW)], ClusterState.TESTED),
    "a second over the window": ([of_end(WINDOW + MOMENT)], ClusterState.OVERDUE),
    "running": ([restore(1, RUNNING)], ClusterState.NEVER),
    "cancelled": ([restore(1, RestoreStatus.CANCELLED)], ClusterState.NEVER),
    "an unknown status": ([restore(1, RestoreStatus.UNKNOWN)], ClusterState.NEVER),
    "failed after a good one": ([restore(5), restore(2, FAILED)], ClusterState.FAILED),
    "good after a failed one": ([restore(2), restore(5, FAILED)], ClusterState.TESTED),
    "failed long ago": ([restore(200, FAILED)], ClusterState.FAILED),
    "failed, of the next period": ([restore(5), restore(-1, FAILED)], ClusterState.TESTED),
    "good, begun with the next period": ([restore(0)], ClusterState.NEVER),
    "a verdict FAILED": ([restore(5), restore(2, verdict=Verdict.FAILED)], ClusterState.FAILED),
    "a failed download": ([restore(2, FAILED, deliveryType="download")], ClusterState.NEVER),
    "a download": ([restore(2, deliveryType="download")], ClusterState.NEVER),
    "a verified download": (
        [restore(2, deliveryType="DOWNLOAD", verdict=Verdict.PASSED)],
        ClusterState.NEVER,
    ),
    "a refuted download": (
        [restore(2, deliveryType="DOWNLOAD", verdict=Verdict.FAILED)],
        ClusterState.NEVER,
    ),
    "some collections": ([restore(2, kind=RestoreKind.COLLECTION)], ClusterState.NEVER),
    "some refuted collections": (
        [restore(2, kind=RestoreKind.COLLECTION, verdict=Verdict.FAILED)],
        ClusterState.NEVER,
    ),
    "expired": ([restore(2, RestoreStatus.EXPIRED)], ClusterState.NEVER),
    "cancelled after a good one": (
        [restore(5), restore(2, RestoreStatus.CANCELLED)],
        ClusterState.TESTED,
    ),
    "expired after a good one": (
        [restore(5), restore(2, RestoreStatus.EXPIRED)],
        ClusterState.TESTED,
    ),
    "ended after the period": ([restore(0.02)], ClusterState.NEVER),
    "failed after the period": ([restore(0.02, FAILED)], ClusterState.NEVER),
    "judged after the period": (
        [restore(5), restore(0.05, verdict=Verdict.FAILED)],
        ClusterState.TESTED,
    ),
}


@pytest.mark.parametrize(("known", "expected"), BY_RESTORES.values(), ids=BY_RESTORES)
def test_the_state_follows_from_the_restores(known: list[Restore], expected: ClusterState) -> None:
    assert state(*known) is expected


BY_CLUSTER: dict[str, tuple[list[Restore], dict[str, Any], ClusterState]] = {
    "unread": ([], {"unread": NO_ROLE}, ClusterState.CANNOT_TELL),
    "unread, overdue": ([restore(91)], {"unread": NO_ROLE}, ClusterState.CANNOT_TELL),
    "unread, tested": ([restore(5)], {"unread": NO_ROLE}, ClusterState.TESTED),
    "unread, failed": ([restore(5), restore(2, FAILED)], {"unread": NO_ROLE}, ClusterState.FAILED),
    "unread, new": (
        [],
        {"unread": NO_ROLE, "created_at": END - 30 * DAY},
        ClusterState.CANNOT_TELL,
    ),
    "verified only": ([restore(5)], {"policy": VERIFIED_ONLY}, ClusterState.NEVER),
    "verified": (
        [restore(5, verdict=Verdict.PASSED)],
        {"policy": VERIFIED_ONLY},
        ClusterState.TESTED,
    ),
    "verified after the period": (
        [restore(0.05, verdict=Verdict.PASSED)],
        {"policy": VERIFIED_ONLY},
        ClusterState.NEVER,
    ),
    "younger than the window": ([], {"created_at": END - WINDOW + MOMENT}, ClusterState.NEW),
    "as old as the window": ([], {"created_at": END - WINDOW}, ClusterState.NEVER),
    "young and tested": ([restore(2)], {"created_at": END - 30 * DAY}, ClusterState.TESTED),
    "young and failed": ([restore(2, FAILED)], {"created_at": END - 30 * DAY}, ClusterState.FAILED),
    "a restore of an older one": ([restore(40)], {"created_at": END - 30 * DAY}, ClusterState.NEW),
    "a restore of its first second": (
        [restore(30)],
        {"created_at": END - 30 * DAY},
        ClusterState.TESTED,
    ),
    "without a date": ([], {"created_at": None}, ClusterState.NEVER),
    "without a date, overdue": ([restore(400)], {"created_at": None}, ClusterState.OVERDUE),
    "exempt": ([], {"tags": EXEMPT}, ClusterState.EXEMPT),
    "exempt for a reason": (
        [restore(2, FAILED)],
        {"tags": {"restore-test": "exempt:a copy: of orders"}},
        ClusterState.EXEMPT,
    ),
    "almost exempt": ([], {"tags": {"restore-test": "exempted"}}, ClusterState.NEVER),
    "as old as its own window": ([of_end(30 * DAY)], {"tags": SHORT}, ClusterState.TESTED),
    "a second over its own window": (
        [of_end(30 * DAY + MOMENT)],
        {"tags": SHORT},
        ClusterState.OVERDUE,
    ),
    "within its own window, which is longer": (
        [of_end(400 * DAY)],
        {"tags": LONG},
        ClusterState.TESTED,
    ),
    "over its own window, which is longer": (
        [of_end(400 * DAY + MOMENT)],
        {"tags": LONG},
        ClusterState.OVERDUE,
    ),
    "younger than its own window": (
        [],
        {"tags": SHORT, "created_at": END - 30 * DAY + MOMENT},
        ClusterState.NEW,
    ),
    "as old as its own window, never tested": (
        [],
        {"tags": SHORT, "created_at": END - 30 * DAY},
        ClusterState.NEVER,
    ),
    "unread, over its own window": (
        [of_end(31 * DAY)],
        {"tags": SHORT, "unread": NO_ROLE},
        ClusterState.CANNOT_TELL,
    ),
    "failed, within its own window": (
        [restore(5), restore(2, FAILED)],
        {"tags": LONG},
        ClusterState.FAILED,
    ),
    "a window that cannot be read": (
        [of_end(WINDOW)],
        {"tags": {"restore-test": "30 days"}},
        ClusterState.TESTED,
    ),
    "a window that cannot be read, overdue": (
        [of_end(WINDOW + MOMENT)],
        {"tags": {"restore-test": "401d"}},
        ClusterState.OVERDUE,
    ),
    "free": ([], {"is_free": True}, ClusterState.NOT_REQUIRED),
    "internal": ([], {"is_internal": True}, ClusterState.NOT_REQUIRED),
    "without the tag": ([], {"policy": PRODUCTION}, ClusterState.NOT_REQUIRED),
    "with another value": (
        [],
        {"policy": PRODUCTION, "tags": {"tier": "test"}},
        ClusterState.NOT_REQUIRED,
    ),
    "with the tag twice": (
        [],
        {"policy": PRODUCTION, "tags": {"tier": "test"}, "repeated_tags": frozenset({"tier"})},
        ClusterState.NEVER,
    ),
    "with tags that nobody knows": (
        [],
        {"policy": PRODUCTION, "is_listed": False, "unread": NO_ROLE},
        ClusterState.CANNOT_TELL,
    ),
    "with the tag": ([], {"policy": PRODUCTION, "tags": PRODUCTION_TAG}, ClusterState.NEVER),
}


@pytest.mark.parametrize(("known", "said", "expected"), BY_CLUSTER.values(), ids=BY_CLUSTER)
def test_the_state_follows_from_the_cluster_and_the_policy(
    known: list[Restore], said: dict[str, Any], expected: ClusterState
) -> None:
    assert state(*known, **said) is expected


def test_a_failed_verdict_takes_the_test_away_that_it_judges() -> None:
    judged = judge_cluster(cluster(), [restore(2, verdict=Verdict.FAILED)], None, Policy(), END)

    assert (judged.state, judged.good) == (ClusterState.FAILED, None)


@pytest.mark.parametrize(
    "bad",
    [restore(5, FAILED), restore(5, measurement=DIFFERS)],
    ids=["failed", "differs"],
)
def test_what_ended_in_the_second_of_a_good_test_did_not_come_after_it(bad: Restore) -> None:
    found = judged([restore(5), bad])

    assert (found.failed, found.differs) == (None, None)


def test_a_restore_that_begins_with_the_next_period_is_not_of_this_one() -> None:
    assert judged([restore(0)]).restores == ()


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


def judged(known: Iterable[Restore], **fields: Any) -> JudgedCluster:
    return judge_cluster(cluster(**fields), known, None, Policy(), END)


@pytest.mark.fault("F112")
@given(restores, st.floats(1, 89))
def test_a_cluster_that_was_made_again_begins_as_new(known: list[Restore], days: float) -> None:
    made = END - days * DAY

    again = judged([one for one in known if one.began < made], created_at=made)

    assert (again.state, again.restores) == (ClusterState.NEW, ())


@given(restores)
def test_a_download_or_a_part_never_counts(known: list[Restore]) -> None:
    parts = [one for one in known if one.is_partial]

    assert judged(parts).state is ClusterState.NEVER
    assert judged(known).good not in parts


@given(restores)
def test_what_cannot_be_read_is_never_never(known: list[Restore]) -> None:
    """Only a test that the table proves says more."""
    unread = judge_cluster(cluster(), known, NO_ROLE, Policy(), END)

    assert unread.state in {ClusterState.CANNOT_TELL, ClusterState.TESTED, ClusterState.FAILED}
    is_proven = unread.state is ClusterState.TESTED
    assert is_proven == (judged(known).state is ClusterState.TESTED)
