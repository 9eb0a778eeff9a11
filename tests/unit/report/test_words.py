"""The sentences of a report."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from restore_watch.atlas.families import CLUSTER_LISTS
from restore_watch.model.validation import Verdict
from restore_watch.report.files.html_page import shown_facts
from restore_watch.report.fleet.fleet import AtlasList, Fleet
from restore_watch.report.judging.judge_fleet import judge_fleet
from restore_watch.report.judging.policy import Policy
from restore_watch.report.period import DAY
from restore_watch.report.report import Report
from restore_watch.report.restores.what_a_restore_proves import Restore, Rung
from restore_watch.report.snapshot import Snapshot
from restore_watch.report.why_unread import WhyUnread
from restore_watch.report.words.headline import headline
from restore_watch.report.words.lead import lead
from restore_watch.report.words.limits import limits
from restore_watch.report.words.why_in_this_state import why
from unit.report.reports import (
    EMPTY,
    END,
    HOUR,
    MATCHES,
    NO_ROLE,
    changed,
    cluster,
    fleet,
    group,
    report,
    restore,
)

LEDGER = cluster()
REFUSED = WhyUnread("Atlas answers 401.", "Replace the secret.")


def only(*restores: Restore, unread: WhyUnread | None = None, **said: Any) -> Report:
    """A report of this one cluster."""
    return report([(replace(LEDGER, **said), restores)], {"ledger": unread} if unread else {})


def ended(days: float, **fields: Any) -> Restore:
    return restore(LEDGER, END - days * DAY, **fields)


GOOD = ended(3)
WRONG = ended(1, verdict=Verdict.FAILED)
FAILED = ended(2, deliveryType="DOWNLOAD", status="FAILED")
LATE = ended(1, took=2 * HOUR, snapshotFinishedDate=END - 3 * DAY)
ONE_TESTED = "1 of 1 cluster had a good restore test in the last 90 days"
NAME_PROJECTS = "Name the projects to watch in the parameter AtlasProjectIds."
NO_TIME = "cannot be read: expected a time such as 4h, 30m or 1d12h, 3650d at most, or 0 for none"
NO_WINDOW = "cannot be read: expected 1d to 400d, exempt or exempt:<reason>"
OWN_WINDOW = {"restore-test": "30d"}
OWN_OBJECTIVES = {"rto": "30m", "rpo": "2h"}
CANCELLED = "last attempt cancelled on 29 Nov 2026"
EXPIRED = "last attempt expired on 29 Nov 2026"
VERIFIED, MEASURED = Policy(counts=Rung.VERIFIED), Policy(counts=Rung.MEASURED)


def well() -> Report:
    """A report of one cluster, which was tested."""
    return only(GOOD)


def said_limits(made: Report) -> list[str]:
    return [str(limit) for limit in limits(made)]


def test_the_headline_is_the_weightiest_concern_or_that_all_is_well() -> None:
    assert headline(well()) == (
        "All is well: 1 restore completed, 1 of 1 cluster tested in 90 days."
    )
    assert headline(changed(fleet(11), degraded=[""])) == "4 of 11 clusters need a look."


@pytest.mark.parametrize(
    ("make", "is_said"),
    [
        (lambda: only(GOOD, tags=OWN_WINDOW), True),
        (lambda: only(GOOD, tags={"restore-test": "90d"}), False),
        (lambda: only(GOOD, tags={"restore-test": "30 days"}), False),
        (lambda: only(GOOD, tags=OWN_OBJECTIVES | {"rto": "1h"}), False),
        (
            lambda: report(
                [(LEDGER, [GOOD]), (cluster("copy", tags=OWN_WINDOW, is_free=True), [])]
            ),
            False,
        ),
        (lambda: report([(LEDGER, [GOOD]), (cluster("stock", tags=OWN_WINDOW), [])]), True),
    ],
    ids=["own", "as the stack's", "unreadable", "objectives", "of a free one", "of another"],
)
def test_the_days_of_the_stack_are_not_said_of_a_cluster_with_other_days(
    make: Callable[[], Report], *, is_said: bool
) -> None:
    said = "had a good restore test in the last 90 days, or the days of their tags" in lead(make())

    assert said == is_said


def test_all_is_well_names_the_days_of_tags() -> None:
    assert headline(only(GOOD, tags=OWN_WINDOW)) == (
        "All is well: 1 restore completed, 1 of 1 cluster tested in 90 days, or the days of their "
        "tags."
    )


@pytest.mark.parametrize(
    ("make", "tested", "said"),
    [
        (
            lambda: fleet(11),
            "7 of 11 clusters had a good restore test in the last 90 days, and no failure since.",
            "5 restores in this period: 5 completed. The median took 42 min. 1 verdict FAILED.",
        ),
        (
            only,
            "0 of 1 cluster had a good restore test in the last 90 days.",
            "No restore is recorded in this period.",
        ),
        (
            lambda: only(FAILED, GOOD),
            "1 of 1 cluster had a good restore test in the last 90 days, and no failure since.",
            "2 restores in this period: 1 completed, 1 failed. The median took 42 min.",
        ),
        (
            lambda: only(GOOD, unread=NO_ROLE),
            f"{ONE_TESTED}. Whether a restore of 1 of them failed since could not be read.",
            "1 restore in this period: 1 completed. The median took 42 min.",
        ),
        (
            lambda: changed(well(), is_configured=False, clusters=[], watched_projects=0),
            f"It has restores, and no clusters. {NAME_PROJECTS}",
            "1 restore in this period: 1 completed. The median took 42 min.",
        ),
        (
            lambda: only(tags={"restore-test": "exempt"}),
            "Atlas lists no cluster that needs a test.",
            "No restore is recorded in this period.",
        ),
        (
            lambda: changed(only(), clusters=[], watched_projects=0),
            f"Atlas lists no cluster that needs a test. {NAME_PROJECTS}",
            "No restore is recorded in this period.",
        ),
        (
            lambda: changed(only(), clusters=[], unread_projects={group(0): NO_ROLE}),
            "No cluster that needs a test could be read.",
            "No restore is recorded in this period.",
        ),
    ],
    ids=[
        *("fleet", "never", "tested", "unread", "unwatched", "exempt", "no project"),
        "no list read",
    ],
)
def test_the_lead_counts_clusters_and_restores(
    make: Callable[[], Report], tested: str, said: str
) -> None:
    assert lead(make()) == f"{tested} {said}"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: only(ended(1, status="FAILED")),
            "Atlas could not finish the restore of 29 Nov 2026.",
        ),
        (lambda: only(WRONG), "The data restored on 29 Nov 2026 failed their test."),
        (lambda: only(ended(100)), "The last good test is 99 days old, 9 over the window."),
        (
            lambda: only(ended(90 + 5 / 24)),
            "The last good test is 90 days old, less than a day over the window.",
        ),
        (
            lambda: only(ended(40), tags=OWN_WINDOW),
            "The last good test is 39 days old, 9 over its window of 30 days.",
        ),
        (
            lambda: only(ended(30 + 5 / 24), tags=OWN_WINDOW),
            "The last good test is 30 days old, less than a day over its window of 30 days.",
        ),
        (
            only,
            "No test is known. The cluster is of 3 May 2024. The table begins on 3 Nov 2025.",
        ),
        (lambda: changed(only(created_at=None), watched_since=None), "No test is known."),
        (lambda: only(has_backups=False), "Its backups are off, so nothing can be restored."),
        (
            lambda: only(has_backups=None),
            "No test is known. The cluster is of 3 May 2024. The table begins on 3 Nov 2025.",
        ),
        (
            lambda: only(ended(1, deliveryType="DOWNLOAD")),
            "Only downloads or restores of some collections are known.",
        ),
        (
            lambda: only(ended(1, deliveryType="oplogExport")),
            "What its restores restored is not known, so they prove nothing.",
        ),
        (
            lambda: report([(LEDGER, [GOOD])], policy=VERIFIED),
            "Its restores have no verdict PASSED.",
        ),
        (
            lambda: report([(LEDGER, [ended(3, measurement=MATCHES)])], policy=VERIFIED),
            "Its restores have no verdict PASSED.",
        ),
        (
            lambda: report([(LEDGER, [GOOD])], policy=MEASURED),
            "Its restores have neither a measurement that matches nor a verdict PASSED.",
        ),
        (
            lambda: only(unread=NO_ROLE),
            "Atlas answers 403 to the list of its restores, since 3 Sep 2026.",
        ),
        (lambda: only(unread=REFUSED), "Atlas answers 401."),
        (lambda: only(tags={"restore-test": "exempt: a copy"}), ""),
        (well, ""),
    ],
    ids=[
        "failed",
        "a verdict FAILED",
        "overdue",
        "overdue by hours",
        "over its own window",
        "over its own window by hours",
        "never",
        "never, without dates",
        "backups off",
        "backups not said",
        "a download",
        "an unknown type",
        "no verdict",
        "measured, no verdict",
        "not measured, no verdict",
        "unread since",
        "unread",
        "exempt",
        "well",
    ],
)
def test_a_state_has_its_reason(make: Callable[[], Report], said: str) -> None:
    made = make()
    (judged,) = made.coverage.clusters

    assert why(made, judged) == said


@pytest.mark.parametrize(
    ("make", "snapshot", "said"),
    [
        (well, Snapshot(END - HOUR), []),
        (lambda: only(GOOD, has_backups=False), None, ["backups off"]),
        (lambda: only(GOOD, has_backups=None), None, []),
        (lambda: only(GOOD, has_backups=None), Snapshot(None), ["no snapshot"]),
        (lambda: only(GOOD, is_paused=True), Snapshot(END), ["paused"]),
        (lambda: only(GOOD), Snapshot(None, unread=NO_ROLE), ["snapshots not read"]),
        (lambda: only(GOOD), Snapshot(END - 25 * HOUR), ["newest snapshot of 28 Nov 2026"]),
        (
            lambda: only(GOOD),
            Snapshot(END, is_fallback=True),
            ["newest snapshot of 30 Nov 2026 is a fallback, which may be inconsistent"],
        ),
        (lambda: only(LATE), Snapshot(END), ["over the RTO", "over the RPO"]),
        (lambda: only(GOOD, unread=NO_ROLE), Snapshot(END), ["restores not fully read"]),
        (lambda: only(unread=NO_ROLE), Snapshot(END), []),
        (lambda: only(GOOD, ended(1, status="CANCELLED")), Snapshot(END), [CANCELLED]),
        (lambda: only(GOOD, ended(1, status="EXPIRED")), Snapshot(END), [EXPIRED]),
        (lambda: only(GOOD, ended(4, status="CANCELLED")), Snapshot(END), []),
        (lambda: only(ended(100)), Snapshot(END), ["99 days old, 9 over the window"]),
        (lambda: only(tags={"restore-test": "exempt: a copy"}), Snapshot(None), ["a copy"]),
        (lambda: only(has_backups=False, tags={"restore-test": "exempt"}), None, []),
        (
            lambda: only(GOOD, tags=OWN_OBJECTIVES),
            Snapshot(END + 5 * HOUR),
            ["over its RTO of 30 min", "over its RPO of 2 h"],
        ),
        (lambda: only(GOOD, tags={"rpo": "5h"}), Snapshot(END), ["newest snapshot of 30 Nov 2026"]),
        (lambda: only(GOOD, tags={"rpo": "6h"}), Snapshot(END), []),
        (lambda: only(LATE, tags={"rto": "3h", "rpo": "4d"}), Snapshot(END - 3 * DAY), []),
        (lambda: only(LATE, tags={"rto": "0", "rpo": "0"}), Snapshot(END), []),
        (
            lambda: only(ended(1, restoreFinishedDate=None), tags={"rto": "4h"}),
            Snapshot(END),
            ["RTO not known"],
        ),
        (lambda: only(ended(1, restoreFinishedDate=None), tags={"rto": "0"}), Snapshot(END), []),
        (lambda: only(ended(1, snapshotFinishedDate=None)), Snapshot(END), ["RPO not known"]),
        (
            lambda: only(GOOD, tags={"rto": "4 hours"}),
            Snapshot(END),
            [f"tag rto=4 hours {NO_TIME}"],
        ),
        (
            lambda: only(GOOD, tags={"restore-test": "30 days"}),
            Snapshot(END),
            [f"tag restore-test=30 days {NO_WINDOW}"],
        ),
        (
            lambda: only(GOOD, tags={"RTO": "30m", " rpo ": "1h"}),
            Snapshot(END),
            ['tag " rpo " is not read: its key is rpo', 'tag "RTO" is not read: its key is rto'],
        ),
        (
            lambda: only(GOOD, tags={"rto": "30m"}, repeated_tags=frozenset({"rto", "tier"})),
            Snapshot(END),
            ["tag rto is listed more than once, so it is not read"],
        ),
        (
            lambda: only(LATE, tags={"rto": "x" * 256, "rpo": "4d"}),
            Snapshot(END),
            ["over the RTO", f"tag rto={'x' * 39}… {NO_TIME}"],
        ),
        (
            lambda: only(GOOD, tags={"rto": "x" * 40}),
            Snapshot(END),
            [f"tag rto={'x' * 40} {NO_TIME}"],
        ),
        (
            lambda: only(GOOD, is_listed=False),
            Snapshot(END),
            ["tags not read: judged by the values of the stack"],
        ),
    ],
    ids=[
        "well",
        "backups off",
        "backups not said",
        "no snapshot",
        "paused",
        "snapshots unread",
        "an old snapshot",
        "a fallback",
        "over both objectives",
        "restores unread",
        "nothing known",
        "cancelled",
        "expired",
        "cancelled before the test",
        "overdue",
        "exempt for a reason",
        "exempt without backups",
        "over its own objectives",
        "a snapshot over its own RPO",
        "a snapshot as old as its own RPO",
        "within its own objectives",
        "without an objective",
        "unknown by its own RTO",
        "without an RTO, unknown",
        "without a date of the restored snapshot",
        "an objective that cannot be read",
        "a window that cannot be read",
        "keys in another case or with blanks",
        "a key that is there twice",
        "over the objective of the stack, which counts meanwhile",
        "a value that is not cut",
        "not listed",
    ],
)
def test_a_cluster_has_the_facts_that_need_a_word(
    make: Callable[[], Report], snapshot: Snapshot | None, said: list[str]
) -> None:
    made = changed(make(), snapshots={LEDGER.key: snapshot} if snapshot else {})
    (judged,) = made.coverage.clusters

    assert shown_facts(made, judged) == said


def test_the_limits_say_what_counts_and_how_far_back_the_report_looks() -> None:
    usual = " ".join(said_limits(well()))
    policy = Policy(Rung.VERIFIED, 30 * DAY, ("tier", "prod"))
    other = changed(EMPTY, policy=policy, watched_since=None, credentials_expire_at=None)

    assert "Downloads and restores of some collections never count." in usual
    assert "States know what had happened by 30 Nov 2026, 00:00 UTC." in usual
    assert "those of 30 Nov 2026, 06:00 UTC, when Atlas was read." in usual
    assert "The table of this stack begins on 3 Nov 2025." in usual
    assert "the newest 100 restores of each cluster" in usual
    assert "expire on 1 Mar 2027" in usual
    said = " ".join(said_limits(other))
    assert (
        "A good test is a completed restore of a whole cluster into a cluster, if a pipeline "
        "reported the verdict PASSED on its data."
    ) in said
    assert "The table is empty." in said
    assert "RestoreTestTag" in said
    assert "expire" not in said


def test_the_limits_of_a_usual_report() -> None:
    assert said_limits(well()) == [
        (
            "A good test is a completed restore of a whole cluster into a cluster. Downloads and "
            "restores of some collections never count."
        ),
        "COMPLETED says that Atlas wrote the data. Only a verdict says that somebody tested them.",
        (
            "States know what had happened by 30 Nov 2026, 00:00 UTC. Restores, verdicts, "
            "clusters, their tags, backups and snapshots are those of 30 Nov 2026, 06:00 UTC, when "
            "Atlas was read."
        ),
        (
            "The table of this stack begins on 3 Nov 2025. Months and weeks also show the newest "
            "100 restores of each cluster in Atlas."
        ),
        "How long Atlas lists a restore is not documented.",
        "The credentials for Atlas expire on 1 Mar 2027.",
    ]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: changed(well(), watched_since=None),
            (
                "The table is empty. Months and weeks also show the newest 100 restores of each "
                "cluster in Atlas."
            ),
        ),
        (
            lambda: only(ended(3, measurement=MATCHES)),
            (
                "A measurement compares how many documents, collections and indexes Atlas counts. "
                "It does not say that a document is right, or that an application starts."
            ),
        ),
        (
            lambda: changed(well(), policy=Policy(required_tag=("tier", "prod"))),
            "Only clusters with the tag of the parameter RestoreTestTag need a test.",
        ),
        (
            lambda: only(GOOD, tags=OWN_OBJECTIVES),
            (
                "Clusters with an objective or a window in their tags are judged by it; timelines "
                "show the objectives of the stack."
            ),
        ),
        (
            lambda: only(GOOD, is_listed=False),
            (
                "Clusters of a list that could not be read are judged by the values of the stack: "
                "their own objectives, windows and exemptions were not read."
            ),
        ),
    ],
    ids=["an empty table", "measured", "a tag", "own objectives", "not listed"],
)
def test_the_limits_say_what_is_so_of_this_report_alone(
    make: Callable[[], Report], said: str
) -> None:
    assert said in said_limits(make())
    assert said not in said_limits(well())


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (Policy(), "into a cluster. Downloads"),
        (VERIFIED, "into a cluster, if a pipeline reported the verdict PASSED on its data."),
        (MEASURED, "if its measurement matches or a pipeline reported the verdict PASSED on its"),
    ],
    ids=["restored", "verified", "measured"],
)
def test_the_limits_say_what_a_good_test_is(policy: Policy, said: str) -> None:
    assert said in " ".join(said_limits(changed(well(), policy=policy)))


def test_the_limits_say_what_a_measurement_does_not_where_there_is_one() -> None:
    measured = only(ended(3, measurement=MATCHES))

    assert [said for said in said_limits(measured) if "that a document is right" in said] != []
    assert [said for said in said_limits(well()) if "measure" in said.casefold()] == []


@pytest.mark.parametrize(
    ("tags", "is_said"), [(OWN_OBJECTIVES, True), (OWN_WINDOW, True), ({"rto": "1 hour"}, False)]
)
def test_the_limits_say_that_tags_decide(tags: dict[str, str], *, is_said: bool) -> None:
    said = any(
        "in their tags are judged by it" in limit for limit in said_limits(only(GOOD, tags=tags))
    )

    assert said == is_said


UNLISTED = "judged by the values of the stack"


@pytest.mark.parametrize("own", [[GOOD], [GOOD, ended(2, status="FAILED")]], ids=["good", "failed"])
def test_of_a_cluster_that_only_the_table_knows_no_tags_were_read(own: list[Restore]) -> None:
    fleet = Fleet(unread={AtlasList.of_project(LEDGER.group_id, CLUSTER_LISTS[1]): NO_ROLE})
    (judged,) = judge_fleet(fleet, own, policy=Policy(), at=END)
    made = changed(well(), clusters=[judged])

    assert [text for text in shown_facts(made, judged) if UNLISTED in text] != []
    assert [limit for limit in said_limits(made) if UNLISTED in limit] != []
    assert not any(UNLISTED in limit for limit in said_limits(well()))


def test_of_a_cluster_of_which_nothing_is_known_nothing_is_judged() -> None:
    """So those of a project share a row."""
    made = only(unread=NO_ROLE)
    (judged,) = made.coverage.clusters
    unlisted = replace(judged, cluster=replace(judged.cluster, is_listed=False))

    assert shown_facts(made, unlisted) == []


def test_the_limits_do_not_announce_an_expiry_that_is_over() -> None:
    expired = " ".join(said_limits(changed(well(), credentials_expire_at=EMPTY.asked_at)))

    assert "The credentials for Atlas expired on 30 Nov 2026." in expired


def test_the_limits_name_projects_that_are_seen_and_not_watched() -> None:
    made = changed(EMPTY, unwatched_projects=[group(0), group(9)], project_names={group(0): "crm"})

    (said,) = [limit for limit in said_limits(made) if "does not watch" in limit]
    assert said == (
        f"The credentials also see 2 projects that the stack does not watch: {group(9)}, crm."
    )


@pytest.mark.parametrize(
    ("number", "end"),
    [(20, f"{group(19)}."), (21, f"{group(19)} and 1 more."), (25, f"{group(19)} and 5 more.")],
    ids=["all", "one more", "five more"],
)
def test_the_limits_name_twenty_projects(number: int, end: str) -> None:
    made = changed(EMPTY, unwatched_projects=[group(n) for n in range(number)])

    (said,) = [limit for limit in said_limits(made) if "does not watch" in limit]
    assert said.endswith(f", {end}")


def test_the_limits_say_if_other_projects_could_not_be_read() -> None:
    unread = changed(EMPTY, unwatched_projects=None)

    assert "Whether the credentials see other projects could not be read." in said_limits(unread)
    none = changed(EMPTY, unwatched_projects=[])
    assert not any("credentials see" in limit for limit in said_limits(none))
