"""The sentences of a report."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from restore_watch.model.validation import Verdict
from restore_watch.report import words
from restore_watch.report.cluster_state import Policy, Unread
from restore_watch.report.period import DAY, Period
from restore_watch.report.report import Report, Snapshot
from restore_watch.report.what_a_restore_proves import Restore, Rung
from unit.report.reports import EMPTY, END, HOUR, NO_ROLE, cluster, fleet, report, restore

LEDGER = cluster()
REFUSED = Unread("Atlas answers 401.", "Replace the secret.")


def only(*restores: Restore, unread: Unread | None = None, **changed: Any) -> Report:
    """A report of this one cluster."""
    return report([(replace(LEDGER, **changed), restores)], {"ledger": unread} if unread else {})


def ended(days: float, **fields: Any) -> Restore:
    return restore(LEDGER, END - days * DAY, **fields)


GOOD = ended(3)
WRONG = ended(1, verdict=Verdict.FAILED)
FAILED = ended(2, deliveryType="DOWNLOAD", status="FAILED")
LATE = ended(1, took=2 * HOUR, snapshotFinishedDate=END - 3 * DAY)
WELL = only(GOOD)
VERIFIED = Policy(counts=Rung.VERIFIED)
MISTYPED = Policy(required_tag=("tier", "Production"))


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (fleet(11), "4 of 11 clusters need a look."),
        (only(), "1 of 1 cluster needs a look."),
        (WELL, "All is well: 1 restore completed, 1 of 1 cluster tested in 90 days."),
        (
            only(created_at=END - DAY),
            "All is well: 0 restores completed, 0 of 1 cluster tested in 90 days.",
        ),
        (replace(WELL, unread_projects={"a": REFUSED}), "Some clusters cannot be read."),
        (replace(WELL, degraded=["a"]), "The watch itself needs a look."),
        (only(FAILED, GOOD), "1 restore needs a look."),
        (replace(WELL, unreadable=[{"restoreId": "x"}]), "Some restores cannot be read."),
        (replace(WELL, judged=None), "All is well: 1 restore completed."),
        # The operator wrote Production, and the clusters have production.
        (
            report([(replace(LEDGER, tags={"tier": "production"}), [])], policy=MISTYPED),
            "No cluster has the tag of RestoreTestTag.",
        ),
    ],
)
def test_the_headline_says_whether_anything_needs_somebody(made: Report, said: str) -> None:
    assert words.headline(made) == said
    assert made.needs_attention != said.startswith("All is well")


@pytest.mark.parametrize(
    ("made", "tested", "said"),
    [
        (
            fleet(11),
            "7 of 11 clusters",
            "5 restores in this period: 5 completed. The median took 42 min. 1 verdict FAILED.",
        ),
        (only(), "0 of 1 cluster", "No restore is recorded in this period."),
        (
            only(FAILED, GOOD),
            "1 of 1 cluster",
            "2 restores in this period: 1 completed, 1 failed. The median took 42 min.",
        ),
    ],
)
def test_the_lead_counts_clusters_and_restores(made: Report, tested: str, said: str) -> None:
    tests = f"{tested} had a good restore test in the last 90 days, and no failure since."
    assert words.lead(made) == f"{tests} {said}"


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (only(ended(1, status="FAILED")), "Atlas could not finish the restore of 29 Nov 2026."),
        (only(WRONG), "The data restored on 29 Nov 2026 failed their test."),
        (only(ended(100)), "9 days over the window of 90 days."),
        (only(ended(90 + 5 / 24)), "Less than a day over the window of 90 days."),
        (only(), "No test is known. The cluster is of 3 May 2024. The table begins on 3 Nov 2025."),
        (replace(only(created_at=None), watched_since=None), "No test is known."),
        (only(has_backups=False), "Its backups are off, so nothing can be restored."),
        (
            only(ended(1, deliveryType="DOWNLOAD")),
            "Only downloads or restores of some collections are known.",
        ),
        (report([(LEDGER, [GOOD])], policy=VERIFIED), "Its restores have no verdict PASSED."),
        (only(unread=NO_ROLE), "Atlas answers 403 to the list of its restores, since 3 Sep 2026."),
        (only(unread=REFUSED), "Atlas answers 401."),
        (only(tags={"restore-test": "exempt: a copy"}), "a copy"),
        (WELL, ""),
    ],
)
def test_a_state_has_its_reason(made: Report, said: str) -> None:
    (judged,) = made.judged or ()

    assert words.why(made, judged) == said


@pytest.mark.parametrize(
    ("made", "snapshot", "said"),
    [
        (WELL, Snapshot(END - HOUR), []),
        (only(has_backups=False), None, ["backups off"]),
        (only(is_paused=True), Snapshot(None), ["paused", "no snapshot"]),
        (only(), Snapshot(None, NO_ROLE), []),
        (only(), Snapshot(END - 25 * HOUR), ["newest snapshot of 28 Nov 2026"]),
        (only(LATE), Snapshot(END), ["over the RTO", "over the RPO"]),
        (only(GOOD, unread=NO_ROLE), Snapshot(END), ["not fully read"]),
    ],
)
def test_a_cluster_has_the_facts_that_need_a_word(
    made: Report, snapshot: Snapshot | None, said: list[str]
) -> None:
    made = replace(made, snapshots={LEDGER.key: snapshot} if snapshot else {})
    (judged,) = made.judged or ()

    assert words.facts(made, judged) == said


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
