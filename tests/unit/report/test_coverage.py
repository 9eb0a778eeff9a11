"""What a report says of the clusters of a fleet, before any words."""

from datetime import timedelta

import pytest

from restore_watch.atlas.families import CLUSTER_LISTS
from restore_watch.model.restore_target import RestoreKind
from restore_watch.report.fleet.fleet import AtlasList, Fleet
from restore_watch.report.judging.cluster_state import ClusterState, JudgedCluster
from restore_watch.report.judging.coverage import Coverage
from restore_watch.report.period import DAY
from restore_watch.report.snapshot import Snapshot
from unit.report.reports import END, NO_ROLE, cluster, group, restore

LEDGER, STOCK = cluster("ledger"), cluster("stock", kind=RestoreKind.FLEX)
NEWEST = Snapshot(END)
FLEET = Fleet(
    projects={group(0)},
    project_names={group(0): "crm", group(9): "", group(8): "orders"},
    has_all_projects=True,
    clusters=[LEDGER, STOCK],
    # Atlas may list a cluster in the list of another kind as well.
    snapshots={
        (*LEDGER.key, RestoreKind.DEDICATED): NEWEST,
        (*STOCK.key, RestoreKind.DEDICATED): Snapshot(END - timedelta(days=1)),
    },
    unread={AtlasList.of_project(group(0), CLUSTER_LISTS[0]): NO_ROLE},
)
JUDGED = [JudgedCluster(one, ClusterState.NEVER, (), None, None) for one in (LEDGER, STOCK)]


def test_it_has_what_the_fleet_says_of_the_clusters_and_their_projects() -> None:
    assert Coverage.of(FLEET, JUDGED) == Coverage(
        is_configured=True,
        clusters=JUDGED,
        watched_projects=1,
        project_names={group(0): "crm", group(8): "orders"},
        unread_projects={group(0): NO_ROLE},
        snapshots={LEDGER.key: NEWEST},
        unwatched_projects=[group(8), group(9)],
    )


def test_of_an_operator_who_names_no_project_nothing_is_known() -> None:
    assert Coverage.of(Fleet(), None) == Coverage(
        is_configured=False,
        clusters=(),
        watched_projects=0,
        project_names={},
        unread_projects={},
        snapshots={},
        unwatched_projects=None,
    )


TIER = {"tier": "production"}


@pytest.mark.parametrize(
    ("tags", "lacks"),
    [([], False), ([{}, TIER], False), ([{}], True), ([{"tier": "test"}], True)],
    ids=["no cluster", "one has it", "none has it", "another value"],
)
def test_a_tag_is_lacking_if_there_are_clusters_and_none_has_it(
    tags: list[dict[str, str]], *, lacks: bool
) -> None:
    judged = [JudgedCluster(cluster(tags=own), ClusterState.NEVER, (), None, None) for own in tags]

    assert Coverage.of(FLEET, judged).lacks_tag(("tier", "production")) is lacks


def test_of_clusters_whose_test_failed_those_without_any_good_test_come_first() -> None:
    """A young cluster, too, comes before one whose good test is long ago."""
    old, young = cluster("old"), cluster("young", created_at=END - 10 * DAY)
    good = restore(old, END - 300 * DAY)
    judged = [
        JudgedCluster(old, ClusterState.FAILED, (good,), good, None),
        JudgedCluster(young, ClusterState.FAILED, (), None, None),
    ]

    assert [one.cluster for one in Coverage.of(FLEET, judged).in_order] == [young, old]


def test_clusters_that_are_well_go_by_the_names_of_their_projects() -> None:
    fleet = Fleet(project_names={group(0): "orders", group(1): "crm"})
    of_orders, of_crm = cluster("accounts", 0), cluster("stock", 1)
    judged = [
        JudgedCluster(one, ClusterState.EXEMPT, (), None, None) for one in (of_orders, of_crm)
    ]

    assert [one.cluster for one in Coverage.of(fleet, judged).in_order] == [of_crm, of_orders]
