"""Which clusters are judged, and what the newest 100 restores of each, all that is read, hide."""

from datetime import timedelta

import pytest

from restore_watch.atlas.families import (
    DEDICATED_CLUSTERS,
    DEDICATED_JOBS,
    FLEX_CLUSTERS,
    FLEX_JOBS,
    Family,
)
from restore_watch.model.restore_target import RestoreKind
from restore_watch.report.cluster import Cluster
from restore_watch.report.fleet.fleet import AtlasList, Fleet
from restore_watch.report.judging.cluster_state import ClusterState, JudgedCluster
from restore_watch.report.judging.judge_fleet import judge_fleet
from restore_watch.report.judging.policy import Policy
from restore_watch.report.period import DAY
from restore_watch.report.restores.what_a_restore_proves import Restore
from unit.report.reports import END, HOUR, NO_ROLE, WEEK, cluster, group, restore

LEDGER = cluster()


def judge_young(*restores: Restore, listed: timedelta, knows_period: bool = False) -> JudgedCluster:
    """Judge by a list that goes back so far, and on, and a table younger than the period."""
    fleet = Fleet(clusters=[LEDGER], listed_since={LEDGER.key: END - listed})
    (judged,) = judge_fleet(
        fleet,
        restores,
        policy=Policy(),
        at=END,
        must_be_listed_since=WEEK.begin,
        projects_in_table={group(0 if knows_period else 1)},
    )
    return judged


def test_a_period_that_the_list_does_not_cover_is_not_read_as_a_whole() -> None:
    """A restore of the period may have failed, although the cluster was tested after it."""
    judged = judge_young(restore(LEDGER, END - HOUR), listed=2 * DAY)

    assert judged.state is ClusterState.TESTED
    assert judged.unread is not None
    assert "the period" in judged.unread.problem
    # Another test shows nothing of a restore before it.
    assert "Restore the whole cluster" not in judged.unread.fix


def test_where_a_test_may_be_hidden_another_test_helps() -> None:
    judged = judge_young(
        restore(LEDGER, END - HOUR, deliveryType="DOWNLOAD"), listed=2 * DAY, knows_period=True
    )

    assert judged.state is ClusterState.CANNOT_TELL
    assert judged.unread is not None
    assert "Restore the whole cluster once" in judged.unread.fix


@pytest.mark.parametrize("status", ["FAILED", "COMPLETED"])
def test_a_test_that_is_hidden_may_be_newer_than_what_is_known(status: str) -> None:
    """The table knows of an old restore; the list goes back two days only."""
    judged = judge_young(restore(LEDGER, END - 100 * DAY, status=status), listed=2 * DAY)

    assert judged.state is (ClusterState.FAILED if status == "FAILED" else ClusterState.CANNOT_TELL)
    assert judged.unread is not None
    assert "Restore the whole cluster once" in judged.unread.fix


@pytest.mark.parametrize(
    ("status", "state"),
    [("FAILED", ClusterState.FAILED), ("COMPLETED", ClusterState.OVERDUE)],
    ids=["failed since", "overdue"],
)
def test_a_table_that_knows_the_period_hides_no_test_that_is_newer_than_a_known_one(
    status: str, state: ClusterState
) -> None:
    known = [restore(LEDGER, END - 100 * DAY), restore(LEDGER, END - 95 * DAY, 2, status=status)]

    judged = judge_young(*known, listed=2 * DAY, knows_period=True)

    assert (judged.state, judged.unread) == (state, None)


def test_a_list_over_the_window_decides_although_the_period_is_longer() -> None:
    listed = Fleet(clusters=[LEDGER], listed_since={LEDGER.key: END - 90 * DAY})
    overdue = restore(LEDGER, END - 100 * DAY)

    begin = END - 200 * DAY
    (judged,) = judge_fleet(listed, [overdue], policy=Policy(), at=END, must_be_listed_since=begin)

    assert judged.state is ClusterState.OVERDUE
    assert judged.unread is not None
    assert "the period" in judged.unread.problem


@pytest.mark.parametrize(
    ("window", "state"),
    [
        ("30d", ClusterState.OVERDUE),
        ("31d", ClusterState.CANNOT_TELL),
        ("30 days", ClusterState.CANNOT_TELL),
    ],
)
def test_a_list_over_the_own_window_of_a_cluster_decides(window: str, state: ClusterState) -> None:
    """The list goes back 30 days, and the window of the stack is longer."""
    own = cluster(tags={"restore-test": window})
    listed = Fleet(clusters=[own], listed_since={own.key: END - 30 * DAY})

    old = restore(own, END - 100 * DAY)

    (judged,) = judge_fleet(listed, [old], policy=Policy(), at=END, must_be_listed_since=WEEK.begin)

    assert judged.state is state


@pytest.mark.parametrize(
    ("days", "knows_period"), [(2, True), (7, False)], ids=["in the table", "in the list"]
)
def test_a_period_that_is_known_is_read(*, days: int, knows_period: bool) -> None:
    tested = restore(LEDGER, END - HOUR)

    judged = judge_young(tested, listed=days * DAY, knows_period=knows_period)

    assert (judged.state, judged.unread) == (ClusterState.TESTED, None)


def judged_clusters(fleet: Fleet, *restores: Restore) -> list[Cluster]:
    return [one.cluster for one in judge_fleet(fleet, restores, policy=Policy(), at=END)]


FLEX, TENANT, DEDICATED = RestoreKind.FLEX, RestoreKind.TENANT, RestoreKind.DEDICATED


@pytest.mark.parametrize(
    "kinds", [(FLEX, DEDICATED), (DEDICATED, FLEX)], ids=["Flex first", "Flex last"]
)
def test_a_cluster_of_both_lists_is_flex_in_any_order(kinds: tuple[RestoreKind, ...]) -> None:
    fleet = Fleet(clusters=[cluster(kind=kind) for kind in kinds])

    assert judged_clusters(fleet) == [cluster(kind=FLEX)]


@pytest.mark.parametrize(
    ("kind", "unread", "stands_in"),
    [
        (FLEX, FLEX_CLUSTERS, FLEX),
        (TENANT, FLEX_CLUSTERS, FLEX),
        (DEDICATED, DEDICATED_CLUSTERS, DEDICATED),
        (FLEX, DEDICATED_CLUSTERS, None),
        (DEDICATED, FLEX_CLUSTERS, None),
    ],
    ids=["Flex", "tenant", "dedicated", "Flex, whose list was read", "dedicated, likewise"],
)
def test_a_cluster_of_the_table_stands_in_where_the_list_of_its_kind_was_not_read(
    kind: RestoreKind, unread: Family, stands_in: RestoreKind | None
) -> None:
    fleet = Fleet(unread={AtlasList.of_project(group(0), unread): NO_ROLE})

    found = judged_clusters(fleet, restore(cluster("gone", kind=kind), END - DAY))

    expected = [] if stands_in is None else [Cluster(group(0), "gone", stands_in, is_listed=False)]
    assert found == expected


@pytest.mark.parametrize(
    ("of", "family", "is_unread"),
    [
        (LEDGER, DEDICATED_JOBS, True),
        (LEDGER, FLEX_JOBS, False),
        (cluster("stock"), DEDICATED_JOBS, False),
        (cluster(number=1), DEDICATED_JOBS, False),
    ],
    ids=["its own", "of another kind", "of another cluster", "in another project"],
)
def test_a_cluster_is_unread_if_its_own_restores_could_not_be_read(
    of: Cluster, family: Family, *, is_unread: bool
) -> None:
    unread = {AtlasList.of_cluster(of.key, family): NO_ROLE}
    fleet = Fleet(clusters=[LEDGER], unread=unread)

    (judged,) = judge_fleet(fleet, [], policy=Policy(), at=END)

    expected = (ClusterState.CANNOT_TELL, NO_ROLE) if is_unread else (ClusterState.NEVER, None)
    assert (judged.state, judged.unread) == expected


def test_no_cluster_of_the_table_stands_in_for_a_list_of_another_project() -> None:
    fleet = Fleet(unread={AtlasList.of_project(group(1), DEDICATED_CLUSTERS): NO_ROLE})

    assert judged_clusters(fleet, restore(LEDGER, END - DAY)) == []


def test_clusters_that_were_made_later_are_left_out_and_no_others() -> None:
    ages = {"at the end": END, "later": END + HOUR, "before": END - HOUR, "undated": None}
    fleet = Fleet(clusters=[cluster(name, created_at=at) for name, at in ages.items()])

    assert [one.name for one in judged_clusters(fleet)] == ["before", "undated"]
