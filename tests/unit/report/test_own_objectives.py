"""Each cluster, and each restore of it, is judged by the tags of that cluster alone."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from restore_watch.report.cluster import Cluster
from restore_watch.report.files.coverage_columns import cluster_facts
from restore_watch.report.files.report_files import report_files
from restore_watch.report.fleet.fleet import Fleet
from restore_watch.report.judging.judge_fleet import judge_fleet
from restore_watch.report.judging.policy import Policy
from restore_watch.report.period import DAY
from restore_watch.report.report import Report
from restore_watch.report.restores.what_a_restore_proves import Restore
from restore_watch.report.snapshot import Snapshot
from unit.report.reports import (
    EMPTY,
    END,
    HOUR,
    WEEK,
    changed,
    cluster,
    evidence,
    report,
    restore,
)

NAMES = ("cards", "ledger", "stock")

tags = st.dictionaries(
    st.sampled_from(["rto", "rpo", "restore-test", "tier", "owner"]),
    st.sampled_from(["0", "30m", "4h", "2d", "30d", "400d", "4 hours", "exempt", "gold", "=1"]),
)
histories = st.lists(
    st.tuples(st.floats(0.1, 500), st.sampled_from(["COMPLETED", "FAILED", "RUNNING"])), max_size=3
)
policies = st.sampled_from([Policy(), Policy(required_tag=("tier", "gold"))])


def facts(
    tagged: Mapping[str, Mapping[str, str]],
    ago: Mapping[str, Sequence[tuple[float, str]]],
    listed_days: float | None,
    policy: Policy,
) -> dict[str, dict[str, Any]]:
    """The facts of each cluster by its name. Atlas's lists go back for `listed_days` days."""
    clusters = [cluster(name, tags=own) for name, own in tagged.items()]
    restores = [
        restore(one, END - days * DAY, number, status=status)
        for one in clusters
        for number, (days, status) in enumerate(ago[one.name])
    ]
    restores.sort(key=lambda each: each.began)
    fleet = Fleet(clusters=clusters)
    if listed_days is not None:
        fleet.listed_since = {one.key: END - listed_days * DAY for one in clusters}
    made = changed(
        EMPTY,
        is_configured=True,
        clusters=judge_fleet(
            fleet, restores, policy=policy, at=END, must_be_listed_since=WEEK.begin
        ),
        snapshots={one.key: Snapshot(END - 5 * HOUR) for one in clusters},
        policy=policy,
        all_restores=restores,
    )
    judged = made.coverage.clusters
    return {each.cluster.name: cluster_facts(made, each) for each in judged}


@settings(max_examples=60)
@given(
    st.fixed_dictionaries(dict.fromkeys(NAMES, tags)),
    st.fixed_dictionaries(dict.fromkeys(NAMES, tags)),
    st.fixed_dictionaries(dict.fromkeys(NAMES, histories)),
    st.none() | st.floats(1, 450),
    policies,
)
def test_the_tags_of_other_clusters_change_nothing(
    before: dict[str, dict[str, str]],
    after: dict[str, dict[str, str]],
    ago: dict[str, list[tuple[float, str]]],
    listed_days: float | None,
    policy: Policy,
) -> None:
    after["ledger"] = before["ledger"]

    first, second = (facts(tagged, ago, listed_days, policy) for tagged in (before, after))

    assert first["ledger"] == second["ledger"]


MADE = END - 20 * DAY
OWN = cluster(tags={"rto": "30m", "rpo": "2h"}, created_at=MADE)


def met(made: Report) -> tuple[object, object]:
    """Whether the only restore met its objectives, by the CSV and the JSON, which agree."""
    files = report_files(made)
    (one,) = json.loads(files["report.json"])["restores"]
    head, line = files["restores.csv"].decode().splitlines()
    row = dict(zip(head.split(","), line.split(","), strict=True))
    words = {True: "true", False: "false", None: ""}
    assert (row["rtoMet"], row["rpoMet"]) == (words[one["rtoMet"]], words[one["rpoMet"]])
    return one["rtoMet"], one["rpoMet"]


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (OWN, (False, False)),
        (replace(OWN, tags={"rto": "42m", "rpo": "3h"}), (True, True)),
        (replace(OWN, tags={"rto": "0", "rpo": "0"}), (None, None)),
        (replace(OWN, tags={"rto": "half an hour"}), (True, True)),
    ],
    ids=["missed", "met", "none", "unreadable"],
)
def test_a_restore_is_judged_by_the_objectives_of_its_cluster(
    own: Cluster, expected: tuple[object, object]
) -> None:
    assert met(report([(own, [restore(own, END - DAY)])])) == expected


def of_period(made: Report, one: Restore) -> Report:
    return changed(made, all_restores=[one], of_period=[evidence(one)])


@pytest.mark.parametrize(
    ("make", "began", "expected"),
    [
        (lambda: report([(OWN, [])]), MADE, (False, False)),
        (lambda: report([(OWN, [])]), MADE - DAY, (True, True)),
        (lambda: report([(replace(OWN, name="other"), [])]), END - DAY, (True, True)),
        (lambda: changed(EMPTY, clusters=[]), END - DAY, (True, True)),
    ],
    ids=["its own", "of an older cluster of its name", "of another", "of no listed cluster"],
)
def test_a_restore_of_a_cluster_that_is_gone_is_judged_by_the_objectives_of_the_stack(
    make: Callable[[], Report], began: Any, expected: tuple[object, object]
) -> None:
    assert met(of_period(make(), restore(OWN, began))) == expected
