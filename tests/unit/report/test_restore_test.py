"""What the table knows of restores and what Atlas lists, together; and the fleet that they test."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from restore_watch.model.restore_job import RestoreKind, RestoreStatus
from restore_watch.model.validation import Verdict
from restore_watch.report.cluster import Cluster, read_cluster
from restore_watch.report.cluster_state import Policy, State
from restore_watch.report.fleet import CLUSTER_LISTS, Fleet
from restore_watch.report.period import DAY
from restore_watch.report.reporter import judge_fleet
from restore_watch.report.restore_test import Restore, merged, restore_listed
from strategies import json_values
from unit.report.reports import END, NO_ROLE, cluster, group, restore

GROUP, KINDS = group(0), (RestoreKind.FLEX, RestoreKind.DEDICATED)
FIELDS = (
    *("backupEnabled", "backupSettings", "clusterType", "createDate", "id", "internalClusterRole"),
    *("name", "paused", "pitEnabled", "replicationSpecs", "tags"),
)

names = st.sampled_from(["orders", "billing", "search"])


restores = st.builds(
    restore,
    st.builds(cluster, names, kind=st.sampled_from(RestoreKind)),
    st.integers(1, 500).map(lambda days: END - days * DAY),
    status=st.sampled_from(RestoreStatus),
    verdict=st.none() | st.sampled_from(Verdict),
    restoreId=st.integers(0, 5).map("{:024x}".format),
)


@given(st.dictionaries(st.sampled_from(FIELDS), json_values()), st.sampled_from(KINDS))
def test_whatever_atlas_says_of_a_cluster_is_read(entry: dict[str, Any], kind: RestoreKind) -> None:
    read = read_cluster(GROUP, kind, entry)

    assert read.key[0] == GROUP
    assert read.created_at is None or read.created_at.utcoffset() == timedelta()
    assert {type(text) for text in (*read.tags, *read.tags.values())} <= {str}


lists = st.lists(restores, max_size=6, unique_by=lambda one: one.job.restore_id)


@given(lists, lists)
def test_each_restore_is_there_once_and_keeps_its_verdict_and_its_end(
    known: Sequence[Restore], listed: Sequence[Restore]
) -> None:
    listed = [restore_listed(one.job) for one in listed]

    both = {one.job.restore_id: one for one in merged(known, listed)}

    began = [one.began for one in both.values()]
    assert began == sorted(began)
    assert both.keys() == {one.job.restore_id for one in (*known, *listed)}
    for one in known:
        found = both[one.job.restore_id]
        assert (found.verdict, found.judged_at) == (one.verdict, one.judged_at)
        assert found.job == one.job or (found.job.terminal and not one.job.terminal)
    assert merged(known, []) == merged([], known)


@st.composite
def fleets(draw: DrawFn) -> Fleet:
    ages = st.none() | st.integers(-5, 700)
    clusters = [
        Cluster(GROUP, name, kind, created_at=None if age is None else END - age * DAY)
        for name, kind, age in draw(st.lists(st.tuples(names, st.sampled_from(KINDS), ages)))
    ]
    unread = [CLUSTER_LISTS[kind] for kind in draw(st.sets(st.sampled_from(KINDS)))]
    return Fleet(clusters=clusters, unread={(GROUP, "", one): NO_ROLE for one in unread})


@given(fleets(), lists)
def test_a_cluster_has_one_state_and_none_of_an_unread_list_is_called_never(
    fleet: Fleet, known: Sequence[Restore]
) -> None:
    listed = {one.key for one in fleet.clusters}
    unread = {family for _, _, family in fleet.unread}
    all_restores = merged(known, [])

    judged = judge_fleet(fleet, all_restores, Policy(), END)

    states = {one.cluster.key: one.state for one in judged}
    assert len(states) == len(judged)
    for one in judged:
        is_listed = one.cluster.key in listed
        assert is_listed or one.state in {State.CANNOT_TELL, State.TESTED, State.FAILED}
        assert is_listed or CLUSTER_LISTS[one.cluster.kind] in unread
        made = one.cluster.created_at
        assert made is None or (made < END and all(each.began >= made for each in one.restores))
    if unread == set(CLUSTER_LISTS.values()):
        assert {one.cluster_key for one in known} - listed <= states.keys()
