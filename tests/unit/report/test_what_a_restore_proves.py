"""What the table knows of restores and what Atlas lists, together; and the fleet that they test."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from restore_watch.atlas.families import CLUSTER_LISTS, jobs_of
from restore_watch.model.forms_of_fields import id_made_at
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import RestoreKind
from restore_watch.model.validation import Verdict
from restore_watch.report.cluster import Cluster, read_cluster
from restore_watch.report.files.html_page import html_page
from restore_watch.report.files.months_and_weeks import Sign, signs_by_month
from restore_watch.report.fleet.fleet import AtlasList, Fleet
from restore_watch.report.judging.cluster_state import ClusterState, judge_cluster
from restore_watch.report.judging.judge_fleet import judge_fleet
from restore_watch.report.judging.policy import Policy
from restore_watch.report.period import DAY
from restore_watch.report.restores.stored_restores import read_evidence
from restore_watch.report.restores.what_a_restore_proves import (
    DatedVerdict,
    Restore,
    merged,
    restore_listed,
)
from strategies import json_values
from unit.report.parsed_page import ParsedPage
from unit.report.reports import (
    END,
    HOUR,
    MATCHES,
    NO_ROLE,
    changed,
    cluster,
    group,
    measured_as,
    report,
    restore,
    rows,
)
from unit.report.stored import item_of

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


def identity(one: Restore) -> tuple[str, str, str]:
    """A job may stand in the table under a wrong cluster too."""
    return one.job.group_id, one.job.cluster_name, one.job.restore_id


@given(lists, lists)
def test_each_restore_is_there_once_and_keeps_its_verdict_and_its_end(
    known: Sequence[Restore], listed: Sequence[Restore]
) -> None:
    listed = [restore_listed(one.job) for one in listed]

    both = {identity(one): one for one in merged(known, listed)}

    began = [one.began for one in both.values()]
    assert began == sorted(began)
    assert both.keys() == {identity(one) for one in (*known, *listed)}
    for one in known:
        found = both[identity(one)]
        assert (found.verdicts, found.measured) == (one.verdicts, one.measured)
        assert found.job == one.job or (found.job.terminal and not one.job.terminal)
    assert merged(known, []) == merged([], known)


@st.composite
def fleets(draw: DrawFn) -> Fleet:
    ages = st.none() | st.integers(-5, 700)
    clusters = [
        Cluster(GROUP, name, kind, created_at=None if age is None else END - age * DAY)
        for name, kind, age in draw(st.lists(st.tuples(names, st.sampled_from(KINDS), ages)))
    ]
    unread = [jobs_of(kind).clusters for kind in draw(st.sets(st.sampled_from(KINDS)))]
    lists = [AtlasList.of_project(GROUP, one) for one in unread]
    return Fleet(clusters=clusters, unread=dict.fromkeys(lists, NO_ROLE))


@given(fleets(), lists)
def test_a_cluster_has_one_state_and_none_of_an_unread_list_is_called_never(
    fleet: Fleet, known: Sequence[Restore]
) -> None:
    listed = {one.key for one in fleet.clusters}
    unread = {atlas_list.family for atlas_list in fleet.unread}
    all_restores = merged(known, [])

    judged = judge_fleet(fleet, all_restores, policy=Policy(), at=END)

    states = {one.cluster.key: one.state for one in judged}
    assert len(states) == len(judged)
    for one in judged:
        is_listed = one.cluster.key in listed
        assert is_listed or one.state in {
            ClusterState.CANNOT_TELL,
            ClusterState.TESTED,
            ClusterState.FAILED,
        }
        assert is_listed or jobs_of(one.cluster.kind).clusters in unread
        made = one.cluster.created_at
        assert made is None or (made < END and all(each.began >= made for each in one.restores))
    if unread == set(CLUSTER_LISTS):
        assert {(one.job.group_id, one.job.cluster_name) for one in known} - listed <= states.keys()


LEDGER = cluster()


def test_a_cluster_without_a_date_is_as_old_as_its_id() -> None:
    """So a test of an older cluster of its name is not its own."""
    made = END - 20 * DAY
    said = {"name": "ledger", "id": f"{int(made.timestamp()):08x}{1:016x}"}
    read = read_cluster(group(0), RestoreKind.DEDICATED, said)

    assert read.created_at == made
    assert (
        judge_cluster(read, [restore(read, END - 40 * DAY)], None, Policy(), END).state
        is ClusterState.NEW
    )


@pytest.mark.parametrize("values", [("30m", "4h"), ("4h", "4h"), ("4h", None)])
def test_of_a_tag_that_is_there_twice_nobody_knows_the_value(values: Sequence[str | None]) -> None:
    entries = [{"key": "rto", "value": value} for value in values]
    said = {"name": "ledger", "tags": [*entries, {"key": "rpo", "value": "2h"}]}
    tags = read_cluster(GROUP, RestoreKind.DEDICATED, said).by_tags

    assert (tags.rto, tags.rpo, tags.repeated) == (None, 2 * HOUR, ("rto",))


REASONS = {
    "12/2026": "12/2026",
    "443/x until 01/02": "443/x until 01/02",
    " a copy, see A/B": "a copy, see A/B",
    "//wiki/x": "[redacted]",
    "https://restore.example.net/token/restore.tar.gz": "[redacted]",
    "restore.example.net:27017/token": "[redacted]",
    "see restore.example.net/token": "see [redacted]",
    "restore-5f00.tar.gz": "[redacted]",
}


@pytest.mark.parametrize(("said", "reason"), REASONS.items(), ids=list(REASONS))
def test_a_reason_with_a_slash_exempts_and_a_url_in_it_is_not_repeated(
    said: str, reason: str
) -> None:
    tags = [{"key": "restore-test", "value": f"exempt:{said}"}, {"key": "tier", "value": said}]
    read = read_cluster(GROUP, RestoreKind.DEDICATED, {"name": "ledger", "tags": tags})

    assert read.by_tags.exemption == reason
    assert "example.net" not in repr(read)


def test_a_restore_that_was_over_when_it_was_first_seen_is_not_of_that_day() -> None:
    job = restore(LEDGER, END - 300 * DAY, restoreFinishedDate=None).job

    read = read_evidence(item_of(job, observed_at=END - DAY), END).restore

    assert judge_cluster(LEDGER, [read], None, Policy(), END).state is ClusterState.OVERDUE


def test_a_verdict_is_no_older_than_the_restore_that_it_judges() -> None:
    """The pipeline wrote its local time as if it were UTC."""
    good = restore(LEDGER, END - 5 * HOUR)
    bad = replace(
        restore(LEDGER, END - 4 * HOUR, 2),
        verdicts=(DatedVerdict(END - 5 * HOUR, Verdict.FAILED),),
    )

    assert judge_cluster(LEDGER, [good, bad], None, Policy(), END).state is ClusterState.FAILED


@pytest.mark.parametrize(
    "said",
    [
        {"deliveryType": "oplogExport"},
        {"deliveryType": None, "targetDeploymentItemName": None},
    ],
    ids=["an unknown type", "no type and no target"],
)
def test_a_restore_of_an_unknown_form_is_no_test(said: dict[str, Any]) -> None:
    odd = restore(LEDGER, END - DAY, **said)
    failed = restore(LEDGER, END - DAY, status="FAILED", **said)

    assert judge_cluster(LEDGER, [odd], None, Policy(), END).state is not ClusterState.TESTED
    assert judge_cluster(LEDGER, [failed], None, Policy(), END).state is ClusterState.FAILED


@pytest.mark.parametrize("year", [1, 9999])
def test_an_end_that_cannot_be_counts_as_none(year: int) -> None:
    """It would be a test for ever, or of never, and count for thousands of years."""
    wrong = datetime(year, 1, 1, tzinfo=UTC)
    old = restore(LEDGER, END - 300 * DAY, restoreFinishedDate=wrong)
    new = restore(LEDGER, END - 2 * DAY, restoreFinishedDate=wrong)

    assert judge_cluster(LEDGER, [old], None, Policy(), END).state is ClusterState.OVERDUE
    (row,) = rows(report([(LEDGER, [new])]))
    assert (row["state"], row["days"], row["durationSeconds"]) == ("tested", "1", "")
    assert (row["rtoMet"], row["remarks"]) == ("", "RTO not known")
    assert "time not known, completed" in ParsedPage(html_page(report([(LEDGER, [new])]))).text


def test_months_before_a_list_that_goes_on_are_not_called_untested() -> None:
    """Restores of each night: the newest 100 reach back over the window, and no further."""
    nightly = [restore(LEDGER, END - number * DAY, number) for number in range(1, 101)]
    listed = Fleet(clusters=[LEDGER], listed_since={LEDGER.key: nightly[-1].began})
    (judged,) = judge_fleet(listed, nightly, policy=Policy(), at=END)
    made = changed(report([], watched_since=None), clusters=[judged])

    assert list(signs_by_month(made, judged).values()) == [Sign.ABSENT] * 9 + [Sign.RESTORED] * 4
    seen = changed(made, watched_since=datetime(2026, 6, 1, tzinfo=UTC))
    known = list(signs_by_month(seen, judged).values())
    assert known == [Sign.ABSENT] * 7 + [Sign.NONE] * 2 + [Sign.RESTORED] * 4


AT = END - DAY
ENDED = restore(LEDGER, AT - HOUR, took=HOUR / 2, verdict=Verdict.FAILED)


@pytest.mark.fault("F115")
@pytest.mark.parametrize(
    ("moment", "outcome", "verdict"),
    [
        (ENDED.ended_at, "OPEN", None),
        (ENDED.ended_at + timedelta(seconds=1), "COMPLETED", None),
        (ENDED.verdicts[0].at, "COMPLETED", None),
        (ENDED.verdicts[0].at + timedelta(seconds=1), "COMPLETED", Verdict.FAILED),
    ],
    ids=["at its end", "ended", "at its verdict", "judged"],
)
def test_a_restore_is_as_it_stood_then(
    moment: datetime, outcome: str, verdict: Verdict | None
) -> None:
    then = ENDED.as_of(moment)

    assert (then.outcome, then.verdict) == (outcome, verdict)


@pytest.mark.fault("F115")
def test_a_later_verdict_leaves_the_earlier_one() -> None:
    earlier, later = DatedVerdict(AT - HOUR, Verdict.PASSED), DatedVerdict(AT, Verdict.FAILED)
    both = replace(restore(LEDGER, AT - 5 * HOUR), verdicts=(earlier, later))

    assert (both.verdict, both.as_of(AT).verdict) == (Verdict.FAILED, Verdict.PASSED)


@pytest.mark.fault("F115")
def test_a_verdict_before_the_end_of_the_period_counts_though_the_restore_ends_after_it() -> None:
    verdict = DatedVerdict(END - HOUR, Verdict.FAILED)
    late = replace(restore(LEDGER, END - DAY, took=DAY + HOUR), verdicts=(verdict,))
    good = restore(LEDGER, END - 5 * DAY)

    assert judge_cluster(LEDGER, [good, late], None, Policy(), END).state is ClusterState.FAILED


@pytest.mark.fault("F115")
@pytest.mark.parametrize(
    ("later", "is_known"),
    [(timedelta(), False), (timedelta(seconds=1), True)],
    ids=["at its moment", "a second later"],
)
def test_a_measurement_is_known_after_its_moment(later: timedelta, *, is_known: bool) -> None:
    one = restore(LEDGER, AT, measurement=MATCHES)
    assert one.measured is not None

    then = one.as_of(one.measured.at + later)

    assert then.measured == (one.measured if is_known else None)


@pytest.mark.fault("F115")
@pytest.mark.parametrize(
    "said", [{}, {"restoreFinishedDate": None}], ids=["a dated end", "an end that was only seen"]
)
def test_a_restore_that_had_not_ended_then_has_no_end_and_counts_from_its_beginning(
    said: dict[str, Any],
) -> None:
    then = restore(LEDGER, AT, **said).as_of(AT + timedelta(minutes=1))

    assert (then.outcome, then.took, then.ended_at) == ("OPEN", None, AT)


@pytest.mark.parametrize(
    ("scheduled", "began"),
    [(AT - HOUR, AT - HOUR), (None, AT)],
    ids=["scheduled", "by its id"],
)
def test_a_listed_restore_began_when_it_was_scheduled_or_else_when_its_id_was_made(
    scheduled: datetime | None, began: datetime
) -> None:
    job = restore(LEDGER, AT, restoreScheduledDate=scheduled).job
    assert id_made_at(job.restore_id) == AT

    assert restore_listed(job) == Restore(job, began, began)


GIVEN_UP = replace(
    restore(LEDGER, AT, status="RUNNING", restoreFinishedDate=None),
    will_show_its_end=False,
)


def test_a_restore_that_the_watch_has_given_up_will_show_its_end_in_the_list() -> None:
    listed = restore_listed(GIVEN_UP.job)

    assert merged([GIVEN_UP], [listed]) == [replace(GIVEN_UP, will_show_its_end=True)]
    assert merged([GIVEN_UP], []) == [GIVEN_UP]


def test_a_list_ends_what_is_open_in_the_table_which_alone_has_the_verdicts() -> None:
    verdicts = (DatedVerdict(AT, Verdict.FAILED),)
    known = measured_as(MATCHES, replace(GIVEN_UP, verdicts=verdicts))
    in_list = restore_listed(restore(LEDGER, AT).job)

    (one,) = merged([known], [in_list])

    assert one == replace(in_list, verdicts=verdicts, measured=known.measured)
