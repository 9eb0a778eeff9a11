"""Whether all is well: each line that has to hold."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest

from restore_watch.model.objectives import Objectives
from restore_watch.model.validation import Verdict
from restore_watch.report.judging.policy import Policy
from restore_watch.report.period import DAY
from restore_watch.report.report import Report
from restore_watch.report.restores.what_a_restore_proves import DatedVerdict, Restore
from restore_watch.report.snapshot import Snapshot
from restore_watch.report.words.headline import concerns, headline
from unit.report.reports import (
    EMPTY,
    END,
    HOUR,
    NO_ROLE,
    changed,
    cluster,
    evidence,
    group,
    report,
    restore,
)

LEDGER = cluster()
KEY = LEDGER.key
GOOD = restore(LEDGER, END - 3 * DAY)
ITEM = {"cluster": f"{group(0)}/ledger", "restoreId": "0" * 24}
TAG = Policy(required_tag=("tier", "Production"))


def well() -> Report:
    """A report of one cluster, which was tested."""
    return report([(LEDGER, [GOOD])])


def with_restore(days: float, **fields: Any) -> Report:
    """A restore of another cluster, so that the state of this one stays."""
    other = restore(cluster("gone", 1), END - days * DAY, 9, **fields)
    restores = sorted([GOOD, other], key=lambda one: one.began)
    seen = [evidence(one) for one in restores if EMPTY.period.includes(one.began)]
    return changed(well(), all_restores=restores, of_period=seen)


def with_verdicts(*verdicts: DatedVerdict, days: float = 2) -> Report:
    """Verdicts on a restore of another cluster, which began so many days before the end."""
    made = with_restore(days)
    other = [one for one in made.all_restores if one is not GOOD]
    judged = [replace(one, verdicts=verdicts) for one in other]
    seen = [evidence(one) for one in judged if EMPTY.period.includes(one.began)]
    known = sorted([GOOD, *judged], key=lambda one: one.began)
    return changed(made, all_restores=known, of_period=seen)


def with_cluster(*restores: Any, **fields: Any) -> Report:
    return report([(cluster(**fields), restores)])


def open_for(time: timedelta) -> Restore:
    """A restore that is still open when Atlas is read."""
    began = EMPTY.read_at - time
    return restore(cluster("crm"), began, 9, status="RUNNING", restoreFinishedDate=None)


def open_of(name: str) -> Restore:
    """A restore of this cluster that is open for two days."""
    return restore(cluster(name), END - 2 * DAY, 8, status="RUNNING", restoreFinishedDate=None)


HALF = {"rto": "30m"}
TESTED_CRM = restore(cluster("crm"), END - 4 * DAY, 7, took=HOUR / 2)

NOTHING = "No cluster needs a test: this report proves nothing."
CASES: dict[str, tuple[Callable[[], Report], list[str]]] = {
    "well": (well, []),
    "no project": (
        lambda: changed(well(), is_configured=False, clusters=[], watched_projects=0),
        ["No project is watched: this report proves nothing."],
    ),
    "no project in the list": (
        lambda: changed(well(), clusters=[], watched_projects=0),
        ["No project is watched: this report proves nothing."],
    ),
    "no cluster": (lambda: changed(well(), clusters=[]), [NOTHING]),
    "all exempt": (lambda: with_cluster(tags={"restore-test": "exempt"}), [NOTHING]),
    "tag mistyped": (
        lambda: report([(LEDGER, [GOOD])], policy=TAG),
        [NOTHING, "No cluster has the tag tier=Production of RestoreTestTag."],
    ),
    "never": (with_cluster, ["1 of 1 cluster needs a look."]),
    "two of three": (
        lambda: report([(LEDGER, [GOOD]), (cluster("stock"), []), (cluster("crm"), [])]),
        ["2 of 3 clusters need a look."],
    ),
    "all new": (
        lambda: with_cluster(created_at=END - DAY),
        ["1 of 1 cluster needs a look: none is tested yet."],
    ),
    "backups off": (
        lambda: with_cluster(GOOD, has_backups=False),
        ["1 cluster could not be restored as you expect."],
    ),
    "backups not said": (lambda: with_cluster(GOOD, has_backups=None), []),
    "exempt without backups": (
        lambda: report(
            [
                (LEDGER, [GOOD]),
                (cluster("copy", tags={"restore-test": "exempt"}, has_backups=False), []),
            ]
        ),
        [],
    ),
    "no snapshot": (
        lambda: changed(well(), snapshots={KEY: Snapshot(None)}),
        ["1 cluster could not be restored as you expect."],
    ),
    "fallback": (
        lambda: changed(well(), snapshots={KEY: Snapshot(END, is_fallback=True)}),
        ["1 cluster could not be restored as you expect."],
    ),
    "older than the RPO": (
        lambda: changed(
            well(), snapshots={KEY: Snapshot(EMPTY.read_at - 24 * HOUR - timedelta(seconds=1))}
        ),
        ["1 cluster could not be restored as you expect."],
    ),
    "as old as the RPO": (
        lambda: changed(well(), snapshots={KEY: Snapshot(EMPTY.read_at - 24 * HOUR)}),
        [],
    ),
    "without an RPO, older than two days": (
        lambda: changed(
            well(),
            objectives=Objectives(),
            snapshots={KEY: Snapshot(EMPTY.read_at - 2 * DAY - timedelta(seconds=1))},
        ),
        ["1 cluster could not be restored as you expect."],
    ),
    "restores not read": (
        lambda: report([(LEDGER, [GOOD])], {"ledger": NO_ROLE}),
        ["1 cluster could not be read as a whole."],
    ),
    "snapshots not read": (
        lambda: changed(well(), snapshots={KEY: Snapshot(None, unread=NO_ROLE)}),
        ["1 cluster could not be read as a whole."],
    ),
    "item not read": (
        lambda: changed(well(), unreadable=[ITEM]),
        ["1 cluster could not be read as a whole."],
    ),
    "projects not read": (
        lambda: changed(
            well(), unread_projects={"": NO_ROLE, group(1): NO_ROLE, group(2): NO_ROLE}
        ),
        ["The list of projects and 2 projects could not be read as a whole."],
    ),
    "no list read": (
        lambda: changed(well(), clusters=[], unread_projects={group(0): NO_ROLE}),
        ["1 project could not be read as a whole."],
    ),
    "over the RTO": (
        lambda: with_cluster(restore(LEDGER, END - DAY, took=HOUR + timedelta(seconds=1))),
        ["1 test missed its RTO or RPO."],
    ),
    "over the RPO": (
        lambda: with_cluster(restore(LEDGER, END - DAY, snapshotFinishedDate=END - 3 * DAY)),
        ["1 test missed its RTO or RPO."],
    ),
    "no date of its end": (
        lambda: with_cluster(restore(LEDGER, END - DAY, restoreFinishedDate=None)),
        ["1 test cannot be judged against RTO or RPO: a date is missing or wrong."],
    ),
    "an end before its beginning": (
        lambda: with_cluster(restore(LEDGER, END - DAY, took=-HOUR)),
        ["1 test cannot be judged against RTO or RPO: a date is missing or wrong."],
    ),
    "to a point in time, without a date of the snapshot": (
        lambda: with_cluster(
            restore(LEDGER, END - DAY, deliveryType="pointInTime", snapshotFinishedDate=None)
        ),
        [],
    ),
    "exempt and not read": (
        lambda: report(
            [(LEDGER, [GOOD]), (cluster("copy", tags={"restore-test": "exempt"}), [])],
            {"copy": NO_ROLE},
        ),
        [],
    ),
    "a download failed": (
        lambda: with_restore(1, status="FAILED", deliveryType="DOWNLOAD"),
        ["1 restore failed."],
    ),
    "failed before the period": (lambda: with_restore(30, status="FAILED"), []),
    "began before the period, and failed in it": (
        lambda: with_restore(8, status="FAILED", took=2 * DAY),
        ["1 restore failed that restores.csv does not have."],
    ),
    "only Atlas knows of it": (
        lambda: changed(with_restore(1, status="FAILED"), of_period=[evidence(GOOD)]),
        ["1 restore failed that restores.csv does not have."],
    ),
    "verdict in the period on an older restore": (
        lambda: with_restore(8, verdict=Verdict.FAILED, took=2 * DAY),
        ["1 verdict FAILED on restores outside restores.csv."],
    ),
    "verdict that one after the period takes back": (
        lambda: with_verdicts(
            DatedVerdict(END - DAY, Verdict.FAILED), DatedVerdict(END, Verdict.PASSED)
        ),
        ["1 verdict FAILED."],
    ),
    "verdict that one in the period takes back": (
        lambda: with_verdicts(
            DatedVerdict(END - DAY, Verdict.FAILED), DatedVerdict(END - HOUR, Verdict.PASSED)
        ),
        [],
    ),
    "verdict of long ago that arrived in the period": (
        lambda: with_verdicts(
            DatedVerdict(END - 20 * DAY, Verdict.FAILED, arrived_at=END - HOUR), days=25
        ),
        ["1 verdict FAILED on restores outside restores.csv."],
    ),
    "verdict of long ago": (lambda: with_restore(30, verdict=Verdict.FAILED), []),
    "open for six days": (
        lambda: with_restore(6, status="RUNNING", restoreFinishedDate=None),
        ["1 restore is open for longer than the RTO of 1 h."],
    ),
    "open for long, from before the period": (
        lambda: with_restore(30, status="RUNNING", restoreFinishedDate=None),
        ["1 restore is open for longer than the RTO of 1 h."],
    ),
    "verdict on a download": (
        lambda: with_restore(1, verdict=Verdict.FAILED, deliveryType="DOWNLOAD"),
        ["1 verdict FAILED."],
    ),
    "cancelled": (lambda: with_restore(1, status="CANCELLED"), []),
    "two tests over the RTO": (
        lambda: report(
            [
                (one, [restore(one, END - DAY, took=HOUR + timedelta(seconds=1))])
                for one in (cluster("stock"), cluster("crm"))
            ]
        ),
        ["2 tests missed their RTO or RPO."],
    ),
    "two are open": (
        lambda: changed(well(), all_restores=[GOOD, open_for(3 * DAY), open_for(2 * DAY)]),
        ["2 restores are open for longer than the RTO of 1 h."],
    ),
    "open for a day, without an RTO": (
        lambda: changed(well(), objectives=Objectives(), all_restores=[GOOD, open_for(DAY)]),
        [],
    ),
    "open for longer than a day, without an RTO": (
        lambda: changed(well(), objectives=Objectives(), all_restores=[GOOD, open_for(DAY + HOUR)]),
        ["1 restore is open for longer than a day."],
    ),
    "over its own RTO": (
        lambda: with_cluster(GOOD, tags={"rto": "30m"}),
        ["1 test missed its RTO or RPO."],
    ),
    "over its own RPO": (
        lambda: changed(with_cluster(GOOD, tags={"rpo": "2h"}), snapshots={}),
        ["1 test missed its RTO or RPO."],
    ),
    "within its own objectives": (
        lambda: with_cluster(
            restore(LEDGER, END - DAY, took=2 * HOUR, snapshotFinishedDate=END - 3 * DAY),
            tags={"rto": "2h", "rpo": "3d"},
        ),
        [],
    ),
    "without an objective, by its tags": (
        lambda: with_cluster(restore(LEDGER, END - DAY, took=9 * HOUR), tags={"rto": "0"}),
        [],
    ),
    "older than its own RPO": (
        lambda: changed(
            with_cluster(GOOD, tags={"rpo": "4h"}),
            snapshots={KEY: Snapshot(EMPTY.read_at - 4 * HOUR - timedelta(seconds=1))},
        ),
        ["1 cluster could not be restored as you expect."],
    ),
    "a tag that cannot be read": (
        lambda: with_cluster(GOOD, tags={"rto": "4 hours", "restore-test": "monthly"}),
        [],
    ),
    "open for longer than its own RTO": (
        lambda: report(
            [(LEDGER, [GOOD]), (cluster("crm", tags=HALF), [open_for(7 * HOUR), TESTED_CRM])]
        ),
        ["1 restore is open for longer than the RTO of 30 min."],
    ),
    "open within its own RTO": (
        lambda: report(
            [
                (LEDGER, [GOOD]),
                (cluster("crm", tags={"rto": "9h"}), [open_for(9 * HOUR), TESTED_CRM]),
            ]
        ),
        [],
    ),
    "open for longer than the RTO of each": (
        lambda: report(
            [
                (LEDGER, [GOOD, open_of("ledger")]),
                (cluster("crm", tags=HALF), [open_of("crm"), TESTED_CRM]),
            ]
        ),
        ["2 restores are open for longer than the RTO of the cluster, or a day without one."],
    ),
    "ended after the period, open as long as its RTO at its end": (
        lambda: with_restore(1 / 24, took=3 * HOUR),
        [],
    ),
    "ended after the period, open for longer at its end": (
        lambda: with_restore(2 / 24, took=3 * HOUR),
        ["1 restore is open for longer than the RTO of 1 h."],
    ),
    "ended without a date, and seen after the period": (
        lambda: with_restore(2 / 24, took=3 * HOUR, restoreFinishedDate=None),
        [],
    ),
    "begun with the next period": (
        lambda: changed(well(), all_restores=[GOOD, open_for(EMPTY.read_at - EMPTY.at)]),
        [],
    ),
    "items of one cluster not read": (
        lambda: changed(well(), unreadable=[ITEM, ITEM | {"restoreId": "1" * 24}]),
        ["1 cluster could not be read as a whole."],
    ),
    "items of two clusters not read": (
        lambda: changed(well(), unreadable=[ITEM, ITEM | {"cluster": f"{group(1)}/ledger"}]),
        ["2 clusters could not be read as a whole."],
    ),
    "an item not read of a cluster that was not read": (
        lambda: changed(
            report([(LEDGER, [GOOD])], {"ledger": NO_ROLE}),
            unreadable=[ITEM, ITEM | {"cluster": f"{group(1)}/ledger"}],
        ),
        ["2 clusters could not be read as a whole."],
    ),
    "all with the tag are exempt": (
        lambda: report(
            [(cluster(tags={"tier": "Production", "restore-test": "exempt"}), [GOOD])],
            policy=TAG,
        ),
        [NOTHING],
    ),
    "stack degraded": (
        lambda: changed(well(), degraded=["", group(0)]),
        ["The watch is degraded."],
    ),
    "project degraded": (
        lambda: changed(well(), degraded=[group(0)]),
        ["The watch of 1 project is degraded."],
    ),
    "no sweep yet": (
        lambda: changed(well(), swept_at=None),
        ["No sweep of the watch has succeeded yet."],
    ),
    "no sweep for over two hours": (
        lambda: changed(well(), swept_at=EMPTY.read_at - 2 * HOUR - timedelta(seconds=1)),
        ["No sweep of the watch has succeeded since 30 Nov 2026."],
    ),
    "no sweep for two hours": (lambda: changed(well(), swept_at=EMPTY.read_at - 2 * HOUR), []),
    "credentials expire": (
        lambda: changed(well(), credentials_expire_at=EMPTY.next_at),
        ["The credentials for Atlas expire on 7 Dec 2026, before the next report."],
    ),
    "credentials expired": (
        lambda: changed(well(), credentials_expire_at=EMPTY.asked_at),
        ["The credentials for Atlas expired on 30 Nov 2026."],
    ),
    "credentials last": (
        lambda: changed(well(), credentials_expire_at=EMPTY.next_at + timedelta(seconds=1)),
        [],
    ),
}


@pytest.mark.fault("F113")
@pytest.mark.parametrize(("make", "said"), CASES.values(), ids=CASES)
def test_each_line_that_does_not_hold_has_its_sentence(
    make: Callable[[], Report], said: list[str]
) -> None:
    made = make()

    assert concerns(made) == said
    assert headline(made).startswith("All is well") == (said == [])


@pytest.mark.parametrize(("days", "is_said"), [(30, False), (6, True)])
def test_a_restore_that_the_watch_has_given_up_is_open_in_its_own_period_only(
    *, days: int, is_said: bool
) -> None:
    """Atlas no longer knows it, so nobody will see its end."""
    lost = restore(LEDGER, END - days * DAY, 9, status="RUNNING", restoreFinishedDate=None)
    made = changed(well(), all_restores=[replace(lost, will_show_its_end=False), GOOD])

    assert bool(concerns(made)) == is_said


FIELDS: dict[str, Callable[[], dict[str, Any]]] = {
    "needs a look": lambda: {"clusters": with_cluster().coverage.clusters},
    "not restorable": lambda: {"snapshots": {KEY: Snapshot(None)}},
    "not read": lambda: {"unread_projects": {group(1): NO_ROLE}},
    "not swept": lambda: {"swept_at": None},
    "degraded": lambda: {"degraded": [""]},
    "expiring": lambda: {"credentials_expire_at": EMPTY.asked_at + DAY},
}


@pytest.mark.parametrize(("first", "second"), list(combinations(FIELDS, 2)), ids="-".join)
def test_of_two_concerns_the_weightier_is_the_headline(first: str, second: str) -> None:
    made = changed(well(), **(FIELDS[first]() | FIELDS[second]()))
    alone = changed(well(), **FIELDS[first]())

    assert len(concerns(made)) == 2
    assert [headline(made)] == concerns(alone)
