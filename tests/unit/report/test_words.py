"""The sentences of a report."""
# ruff: noqa: ISC004  a row has one long sentence

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from restore_watch.model.validation import Verdict
from restore_watch.report import words
from restore_watch.report.cluster_state import Policy, Unread
from restore_watch.report.period import DAY, Period
from restore_watch.report.report import Report, Snapshot
from restore_watch.report.restore_test import Rung
from unit.report.reports import EMPTY, END, HOUR, NO_ROLE, cluster, fleet, report, restore

LEDGER = cluster()
GOOD = restore(LEDGER, END - 3 * DAY)
WELL = report([(LEDGER, [GOOD])])
REFUSED = Unread("Atlas answers 401.", "Replace the secret.")
FAILED = restore(LEDGER, END - 2 * DAY, deliveryType="DOWNLOAD", status="FAILED")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (fleet(11), "4 of 11 clusters need a look."),
        (report([(LEDGER, [])]), "1 of 1 cluster needs a look."),
        (WELL, "All is well: 1 restore completed, 1 of 1 cluster tested in 90 days."),
        (
            report([(replace(LEDGER, created_at=END - DAY), [])]),
            "All is well: 0 restores completed, 0 of 1 cluster tested in 90 days.",
        ),
        (replace(WELL, unread_projects={"a": REFUSED}), "Some clusters cannot be read."),
        (replace(WELL, degraded=["a"]), "The watch itself needs a look."),
        (report([(LEDGER, [FAILED, GOOD])]), "1 restore needs a look."),
        (replace(WELL, unreadable=[{"restoreId": "x"}]), "Some restores cannot be read."),
        (replace(WELL, judged=None), "All is well: 1 restore completed."),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_the_headline_says_whether_anything_needs_somebody(made: Report, said: str) -> None:
    assert words.headline(made) == said
    assert made.needs_attention != said.startswith("All is well")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            fleet(11),
            "7 of 11 clusters had a good restore test in the last 90 days, and no failure since. "
            "5 restores in this period: 5 completed. The median took 42 min. 1 verdict FAILED.",
        ),
        (
            report([(LEDGER, [])]),
            "0 of 1 cluster had a good restore test in the last 90 days, and no failure since. "
            "No restore is recorded in this period.",
        ),
        (
            report([(LEDGER, [FAILED, GOOD])]),
            "1 of 1 cluster had a good restore test in the last 90 days, and no failure since. "
            "2 restores in this period: 1 completed, 1 failed. The median took 42 min.",
        ),
    ],
    ids=["fleet", "never", "failed"],
)
def test_the_lead_counts_clusters_and_restores(made: Report, said: str) -> None:
    assert words.lead(made) == said


PARTIAL = restore(LEDGER, END - DAY, deliveryType="DOWNLOAD")
VERIFIED = Policy(counts=Rung.VERIFIED)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            report([(LEDGER, [restore(LEDGER, END - DAY, status="FAILED")])]),
            "Atlas could not finish the restore of 29 Nov 2026.",
        ),
        (
            report([(LEDGER, [restore(LEDGER, END - DAY, verdict=Verdict.FAILED)])]),
            "The data restored on 29 Nov 2026 failed their test.",
        ),
        (
            report([(LEDGER, [restore(LEDGER, END - 100 * DAY)])]),
            "9 days over the window of 90 days.",
        ),
        (
            report([(LEDGER, [restore(LEDGER, END - 90 * DAY - 5 * HOUR)])]),
            "Less than a day over the window of 90 days.",
        ),
        (
            report([(LEDGER, [])]),
            "No test is known. The cluster is of 3 May 2024. The table begins on 3 Nov 2025.",
        ),
        (
            report([(replace(LEDGER, created_at=None), [])], watched_since=None),
            "No test is known.",
        ),
        (
            report([(replace(LEDGER, has_backups=False), [])]),
            "Its backups are off, so nothing can be restored.",
        ),
        (
            report([(LEDGER, [PARTIAL])]),
            "Only downloads or restores of some collections are known.",
        ),
        (report([(LEDGER, [GOOD])], policy=VERIFIED), "Its restores have no verdict PASSED."),
        (
            report([(LEDGER, [])], {"ledger": NO_ROLE}),
            "Atlas answers 403 to the list of its restores, since 3 Sep 2026.",
        ),
        (report([(LEDGER, [])], {"ledger": REFUSED}), "Atlas answers 401."),
        (report([(replace(LEDGER, tags={"restore-test": "exempt: a copy"}), [])]), "a copy"),
        (WELL, ""),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_state_has_its_reason(made: Report, said: str) -> None:
    (judged,) = made.judged or ()

    assert words.why(made, judged) == said


LATE = restore(LEDGER, END - DAY, took=2 * HOUR, snapshotFinishedDate=END - 3 * DAY)


@pytest.mark.parametrize(
    ("changed", "restores", "snapshot", "said"),
    [
        ({}, [GOOD], Snapshot(END - HOUR), []),
        ({"has_backups": False}, [], None, ["backups off"]),
        ({"is_paused": True}, [], Snapshot(None), ["paused", "no snapshot"]),
        ({}, [], Snapshot(None, NO_ROLE), []),
        ({}, [], Snapshot(END - 25 * HOUR), ["newest snapshot of 28 Nov 2026"]),
        ({}, [LATE], Snapshot(END), ["over the RTO", "over the RPO"]),
    ],
)
def test_a_cluster_has_the_facts_that_need_a_word(
    changed: dict[str, Any], restores: list[Any], snapshot: Snapshot | None, said: list[str]
) -> None:
    snapshots = {LEDGER.key: snapshot} if snapshot else {}
    made = report([(replace(LEDGER, **changed), restores)], snapshots=snapshots)
    (judged,) = made.judged or ()

    assert words.facts(made, judged) == said


def test_a_tested_cluster_that_was_not_fully_read_says_so() -> None:
    made = report([(LEDGER, [GOOD])], {"ledger": NO_ROLE})
    (judged,) = made.judged or ()

    assert words.facts(made, judged) == ["not fully read"]


def test_the_limits_say_what_counts_and_how_far_back_the_report_looks() -> None:
    usual = " ".join(words.limits(WELL))
    policy = Policy(Rung.VERIFIED, 30 * DAY, ("tier", "prod"))
    other = replace(EMPTY, policy=policy, watched_since=None, credentials_expire_at=None)

    assert "Downloads and restores of some collections never count." in usual
    assert "States hold for 30 Nov 2026, 00:00 UTC" in usual
    assert "The table of this stack begins on 3 Nov 2025." in usual
    assert "the newest 100 restores of each cluster" in usual
    assert "expire on 1 Mar 2027" in usual
    said = " ".join(words.limits(other))
    assert "verdict PASSED on its data" in said
    assert "The table is empty." in said
    assert "RestoreTestTag" in said
    assert "expire" not in said


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        ("2026-11-23", "2026-11-29", "week to 29 Nov 2026"),
        ("2026-11-01", "2026-11-30", "November 2026"),
        ("2026-11-30", "2026-11-30", "30 Nov 2026"),
        ("2026-11-24", "2026-11-30", "24 Nov 2026 to 30 Nov 2026"),
    ],
)
def test_a_period_has_the_name_that_people_give_it(first: str, last: str, name: str) -> None:
    period = Period(date.fromisoformat(first), date.fromisoformat(last))

    assert words.period_name(period) == name


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3569, "59 min"),
        (3571, "1 h"),
        (3660, "1 h 01 min"),
        (47.5 * 3600, "47 h 30 min"),
        (72 * 3600, "3 days"),
        (timedelta(minutes=90), "1 h 30 min"),
    ],
)
def test_a_duration_has_the_units_that_matter(seconds: float | timedelta, said: str) -> None:
    assert words.duration(seconds) == said
