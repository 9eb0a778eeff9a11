"""What the golden files do not show: rarer words, pages, and the order of notices."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from notify_people.forms.mail import mail
from notify_people.message import read_message
from notify_people.severity_and_paging import Paging, Severity
from notify_people.words.missing_subscription_notice import (
    EmailOf,
    EmailSubscriptions,
    missing_subscription_notice,
)
from notify_people.words.notice import Step
from notify_people.words.notices import notice_of
from restore_watch import errors
from restore_watch.model.measurement import MayBe
from restore_watch.report.report import Report
from restore_watch.report.report_message import message_of_report
from restore_watch.report.words.headline import headline
from unit.notify_people.messages import ACCOUNT, MESSAGES, PROJECT, RESTORE, STACK, notice
from unit.report.reports import NO_ROLE, changed, fleet

type Data = dict[str, Any]

DOWNLOAD = {"deliveryType": "download"}
NO_TARGET = {"targetDeploymentItemName": None}
LATER = {"previousStatus": "PENDING"}
PARTLY = {"validation": {"verdict": "PARTLY"}}
UNKNOWN_BEFORE = {"previousStatus": "UNKNOWN"}
SECRET = f"credentials-{STACK}"


@pytest.mark.parametrize(
    ("name", "data", "title"),
    [
        ("flex-failed", NO_TARGET, "Restore FAILED: production after 42 min"),
        ("flex-failed", {"durationSeconds": None}, "Restore FAILED: production -> staging"),
        ("flex-failed", DOWNLOAD, "Download FAILED: production -> staging after 42 min"),
        ("flex-started", LATER | {"status": "QUEUED"}, "Restore queued: production -> staging"),
        ("flex-started", LATER | {"status": "RUNNING"}, "Restore running: production -> staging"),
        (
            "flex-started",
            LATER | {"status": "UNKNOWN", "atlasStatus": "PAUSED"},
            "Restore at PAUSED: production -> staging",
        ),
        ("dedicated-download-ready", {"expirationDate": None}, "Download ready: production"),
        ("validation-failed", PARTLY | NO_TARGET, "Validation PARTLY: production"),
        ("measured-differs", {}, "Restored data differs: production -> staging"),
        ("measured-differs", NO_TARGET, "Restored data differs: production"),
        *(
            (
                "validation-passed",
                {"status": status, **data},
                f"Validation {said}: production -> staging",
            )
            for status, data, said in (
                ("CANCELLED", {}, "PASSED, but the restore was CANCELLED"),
                ("RUNNING", {}, "PASSED, but the restore is RUNNING"),
                ("EXPIRED", {}, "PASSED, but the restore EXPIRED"),
                ("EXPIRED", DOWNLOAD, "passed"),
                ("CANCELLED", DOWNLOAD, "passed"),
                ("FAILED", DOWNLOAD, "passed"),
                ("RUNNING", DOWNLOAD, "PASSED, but the restore is RUNNING"),
            )
        ),
        (
            "project-degraded",
            {"error": "RestoreJobNotFoundError"},
            f"Restore watch blind: Atlas has no project {PROJECT}",
        ),
        ("stack-recovered", {}, "Restore watch recovered after 12 min: stack atlas-restore-watch"),
        (
            "credentials-expiring-in-1",
            {"stack": "blue"},
            "Service account secret expires within 1 day: stack blue",
        ),
        (
            "credentials-expired",
            {},
            "Service account secret has expired: stack atlas-restore-watch",
        ),
    ],
    ids=[
        "failed, without a target",
        "failed, without a time",
        "a failed download",
        "queued",
        "running",
        "an unknown word",
        "a ready download",
        "a verdict of another word",
        "a difference",
        "a difference, without a target",
        "passed, cancelled",
        "passed, running",
        "passed, expired",
        "passed download, expired",
        "passed download, cancelled",
        "passed download, failed",
        "passed download, running",
        "a project that is gone",
        "the stack recovered",
        "expiring",
        "expired",
    ],
)
def test_the_title_begins_with_the_outcome(name: str, data: Data, title: str) -> None:
    assert notice(name, **data).title == title


NAMED = {"projectName": "payments"}
LONG = {"projectName": "p" * 300}
IN = "(project payments)"


@pytest.mark.parametrize(
    ("name", "data", "title"),
    [
        ("flex-completed", NAMED, f"Restore completed: production -> staging in 42 min {IN}"),
        ("flex-failed", NAMED | NO_TARGET, f"Restore FAILED: production after 42 min {IN}"),
        ("flex-started", NAMED, f"Restore started: production -> staging {IN}"),
        (
            "flex-started",
            LONG,
            f"Restore started: production -> staging (project {'p' * 29}…)",
        ),
        (
            "flex-download-ready",
            NAMED,
            f"Download ready: production, until 2026-11-26 14:05 UTC {IN}",
        ),
        ("flex-download-link-expired", NAMED, f"Download link expired: production {IN}"),
        ("validation-passed", NAMED, f"Validation passed: production -> staging {IN}"),
        ("measured-differs", NAMED, f"Restored data differs: production -> staging {IN}"),
        (
            "project-degraded",
            NAMED,
            "Restore watch blind in payments: Atlas refuses the address or the access",
        ),
        (
            "project-degraded",
            NAMED | {"error": "RestoreJobNotFoundError"},
            "Restore watch blind: Atlas has no project payments",
        ),
        ("project-recovered", NAMED, "Restore watch recovered after 12 min: payments"),
        ("project-removed", NAMED, "Restore watch ended: payments is no longer watched"),
        (
            "project-removed",
            LONG,
            f"Restore watch ended: {'p' * 29}… is no longer watched",
        ),
    ],
    ids=[
        "completed",
        "failed",
        "started",
        "a long name",
        "ready",
        "expired",
        "validation",
        "difference",
        "degraded",
        "gone",
        "recovered",
        "removed",
        "removed, a long name",
    ],
)
def test_the_title_has_the_name_of_the_project_and_a_fact_has_its_id_too(
    name: str, data: Data, title: str
) -> None:
    made = notice(name, **data)
    shown = data["projectName"] if len(data["projectName"]) <= 64 else f"{'p' * 63}…"

    assert made.title == title
    assert made.facts["Project"] == f"{shown} ({PROJECT})"
    assert [*made.facts.values(), made.title, made.detail].count(made.facts["Project"]) == 1
    # Pages, threads and what was sent go by the id.
    others = ("about", "thread", "source", "key", "steps", "order")
    unnamed = notice(name, **data | {"projectName": None})
    assert [getattr(made, one) for one in others] == [getattr(unnamed, one) for one in others]


def test_a_subject_that_is_too_long_keeps_both_clusters() -> None:
    clusters = {"clusterName": "s" * 30, "targetDeploymentItemName": "t" * 30}
    subject, _ = mail([notice("flex-failed", **clusters, projectName="p" * 29)])

    assert f"{'s' * 30} -> {'t' * 30} after 42 min (p" in subject
    assert subject.endswith("...")


@pytest.mark.parametrize("unknown", [None, "", " \u200b\n"], ids=repr)
@pytest.mark.parametrize(
    "name", ["flex-failed", "validation-passed", "measured-differs", "project-degraded"]
)
def test_a_project_without_a_visible_name_is_shown_by_its_id(name: str, unknown: Any) -> None:
    message = json.loads(json.dumps(MESSAGES[name]()))
    del message["data"]["projectName"]
    older = notice_of(read_message(json.dumps(message)), "https://cloud.mongodb.com", STACK)

    assert notice(name, projectName=unknown) == notice(name) == older
    assert older.facts["Project"] == PROJECT


def test_a_name_is_one_line_without_urls_and_secrets() -> None:
    name = "pay\nments https://user:pw@a.mongodb.net/x"
    made = notice("flex-failed", projectName=name)

    assert made.facts["Project"] == f"pay ments [removed] ({PROJECT})"
    assert "\n" not in made.title


ONE = {"groupId": PROJECT, "clusterName": "ledger", "state": "never"}
REPORTS: dict[str, Callable[[], Report]] = {
    "to look at": lambda: fleet(11),
    "well": lambda: fleet(41, is_well=True),
    "large": lambda: fleet(120),
    "unwatched": lambda: changed(fleet(3), is_configured=False, clusters=[], watched_projects=0),
    "unread": lambda: changed(fleet(41, is_well=True), unread_projects={PROJECT: NO_ROLE}),
}


@pytest.mark.parametrize("make", REPORTS.values(), ids=REPORTS)
def test_people_read_the_sentence_that_the_page_begins_with(make: Callable[[], Report]) -> None:
    made = changed(make(), partition="aws-cn")
    message = message_of_report(made, "reports", "report.html").event
    read = notice_of(read_message(json.dumps(message)), "https://cloud.mongodb.com", STACK)

    assert f"{read.title}." == headline(made)
    assert read.paging is Paging.NOTHING
    is_well = read.title.startswith("All is well")
    assert read.severity is (Severity.SUCCESS if is_well else Severity.WARNING)
    assert read.outcome == ("with nothing to do" if is_well else "to look at")


def test_people_read_what_the_page_names() -> None:
    said: Data = {
        "concerns": ["First.", "Second.", "Third."],
        "needAttention": [
            ONE | {"projectName": "payments", "state": "tested", "why": "backups off."},
            ONE,
        ],
        "unreadProjects": [
            {"groupId": PROJECT, "projectName": "payments", "why": "Atlas answered 401"},
            {"groupId": None, "projectName": None, "why": "Atlas answered 403"},
        ],
        "unreadableItems": [
            {"cluster": f"{PROJECT}/ledger", "restoreId": "9" * 24},
            {"cluster": f"{PROJECT}/stock", "restoreId": "8" * 24},
        ],
        "degraded": ["", PROJECT, "f" * 24],
        "projectNames": [{"groupId": PROJECT, "projectName": "payments"}],
        "clusters": {},
    }
    facts = notice("report-to-look-at", **said).facts

    assert facts["Also"] == "Second. Third."
    assert (
        facts["Need a look"]
        == f"ledger in payments (tested: backups off), ledger in {PROJECT} (never)"
    )
    assert facts["Not read"] == (
        "payments: Atlas answered 401; The list of projects: Atlas answered 403"
    )
    assert facts["Items not read"] == (
        f"restore {'9' * 24} of {PROJECT}/ledger, restore {'8' * 24} of {PROJECT}/stock"
    )
    assert facts["Degraded"] == f"the whole stack, payments, {'f' * 24}"


def test_a_report_names_some_clusters_and_how_many_more_there_are() -> None:
    some = [ONE | {"clusterName": f"c{number}", "days": number} for number in range(20)]
    facts = notice("report-to-look-at", needAttention=some, clusters={"never": 131}).facts

    names = facts["Need a look"].split(", ")
    assert names[:2] == [f"c0 in {PROJECT} (never", "tested 0 days ago)"]
    assert names[3] == "tested 1 day ago)"
    assert names[8:] == [f"c4 in {PROJECT} (never", "tested 4 days ago)", "and 126 more"]
    assert facts["Clusters"] == "131 never tested"
    # Long names leave room for fewer.
    facts = notice("report-to-look-at", needAttention=some[:3], clusters={"never": 4}).facts
    assert facts["Need a look"].endswith(", and 1 more")
    assert notice("report-well", restores={}).facts["Restores"] == "none"


@pytest.mark.parametrize(
    ("name", "data", "change"),
    [
        ("flex-started", {}, "started"),
        ("flex-started", {"previousStatus": "PENDING", "status": "RUNNING"}, "progressed"),
        ("flex-started", {"previousStatus": "PENDING", "status": "PAUSED"}, "progressed"),
        ("flex-completed", {"previousStatus": None, "sequence": 1}, "ended"),
        ("flex-download-ready", {}, "ready"),
        ("flex-download-link-expired", {}, "ended"),
        ("project-degraded", {}, "degraded"),
        ("stack-recovered", {}, "recovered"),
        ("validation-failed", {}, "validated"),
        ("measured-differs", {}, "validated"),
        ("credentials-expiring", {}, "expiring"),
        ("credentials-renewed", {}, "expiring"),
        ("report-well", {}, "report"),
        ("test", {}, None),
    ],
    ids=[
        "started",
        "running",
        "an unknown word",
        "completed at once",
        "ready",
        "link expired",
        "degraded",
        "recovered",
        "validated",
        "differs",
        "expiring",
        "renewed",
        "report",
        "test",
    ],
)
def test_a_notice_is_about_one_change_and_a_test_about_none(
    name: str, data: dict[str, object], change: str | None
) -> None:
    assert notice(name, **data).change == change


@pytest.mark.parametrize(
    ("name", "event_type", "thread", "what", "outcome"),
    [
        ("flex-started", "restore-started", RESTORE, "restore", "started"),
        ("validation-passed", "restore-validated", RESTORE, "validation", "passed"),
        ("validation-failed", "restore-validated", RESTORE, "validation", "FAILED"),
        ("measured-differs", "restore-measured", RESTORE, "restore", "with data that differs"),
        ("project-degraded", "watch-degraded", PROJECT, "project", "not seen"),
        ("project-recovered", "watch-recovered", PROJECT, "project", "seen again"),
        ("project-removed", "watch-recovered", PROJECT, "project", "no longer watched"),
        ("stack-degraded", "watch-degraded", STACK, "stack", "not seen"),
        ("credentials-expiring", "credentials-expiring", SECRET, "secret", "expiring"),
        ("credentials-expired", "credentials-expiring", SECRET, "secret", "expired"),
        ("credentials-renewed", "credentials-renewed", SECRET, "secret", "renewed"),
        ("test", "test", f"test-{STACK}", "test notification", ""),
    ],
    ids=lambda value: value or "no outcome",
)
def test_an_email_counts_notices_by_what_became_of_what_and_a_chat_groups_them(
    name: str, event_type: str, thread: str, what: str, outcome: str
) -> None:
    made = notice(name)

    assert (made.event_type, made.thread) == (event_type, thread)
    assert (made.what, made.outcome) == (what, outcome)


TOPIC = "arn:aws:sns:us-east-1:111122223333:atlas-restore-watch-EmailTopic-1A2B"
MORNING = datetime(2026, 11, 26, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("of", "name", "what"),
    [
        (EmailOf.NOTICES, "email", "e-mail subscription"),
        (EmailOf.ALARMS, "alarms", "alarm subscription"),
    ],
)
def test_a_missing_subscription_is_said_once_a_day_for_each_topic(
    of: EmailOf, name: str, what: str
) -> None:
    found = EmailSubscriptions(of, TOPIC)
    made, later, tomorrow = (
        missing_subscription_notice(found, MORNING + timedelta(hours=hours), STACK)
        for hours in (0, 23, 24)
    )

    assert made.key == f"{STACK}/{name}/{STACK}"
    assert made.order == later.order == tomorrow.order - 1
    assert (made.event_type, made.thread) == ("email-missing", f"{name}-{STACK}")
    assert (made.what, made.outcome) == (what, "missing")


@pytest.mark.parametrize(
    ("found", "title"),
    [
        (
            EmailSubscriptions(EmailOf.NOTICES, TOPIC),
            "E-mail reaches nobody: nobody is subscribed",
        ),
        (
            EmailSubscriptions(EmailOf.ALARMS, TOPIC, confirmed=1, pending=1),
            "Alarms do not reach everybody: a subscription is not confirmed",
        ),
    ],
    ids=["nobody", "not all"],
)
def test_a_missing_subscription_has_the_reason_in_its_title(
    found: EmailSubscriptions, title: str
) -> None:
    assert missing_subscription_notice(found, MORNING, STACK).title == title


ERRORS: list[type[Exception]] = [errors.CredentialsError, *errors.AtlasError.__subclasses__()]


@pytest.mark.parametrize("error", [*(one.__name__ for one in ERRORS), "TimeBudgetExceededError"])
def test_the_cause_is_in_words(error: str) -> None:
    title = notice("stack-degraded", error=error).title

    assert re.fullmatch("Restore watch blind in stack atlas-restore-watch: .* [a-z]+", title)


def test_a_cause_that_this_version_does_not_know_has_its_own_name() -> None:
    degraded, recovered = (
        notice(name, error="SomeNewerError") for name in ("stack-degraded", "stack-recovered")
    )

    assert degraded.title.endswith(": SomeNewerError")
    assert recovered.facts["The cause was"] == "SomeNewerError"


@pytest.mark.parametrize(
    ("name", "data", "paging"),
    [
        ("flex-completed", {}, Paging.NOTHING),
        ("flex-completed", UNKNOWN_BEFORE, Paging.RESOLVE),
        ("flex-failed", {}, Paging.TRIGGER),
        ("flex-failed", DOWNLOAD, Paging.TRIGGER),
        ("flex-download-ready", UNKNOWN_BEFORE, Paging.RESOLVE),
        ("flex-download-link-expired", UNKNOWN_BEFORE, Paging.NOTHING),
        ("validation-failed", PARTLY, Paging.TRIGGER),
        ("measured-differs", {}, Paging.NOTHING),
    ],
    ids=[
        "completed",
        "completed after an unknown word",
        "failed",
        "a failed download",
        "a ready download",
        "an expired link",
        "a verdict of another word",
        "a difference",
    ],
)
def test_a_bad_end_is_paged(name: str, data: Data, paging: Paging) -> None:
    assert notice(name, **data).paging is paging


NEXT_OUTAGE = {"since": "2026-11-26T09:14:00.000001Z"}
ORDERS: dict[str, list[tuple[str, Data]]] = {
    "a restore recorded anew": [("flex-started", {}), ("flex-failed", {"sequence": 1})],
    "a download recorded anew": [
        ("flex-download-ready", {}),
        ("flex-download-ready", {"sequence": 1, "status": "FAILED"}),
    ],
    "an unknown word": [("flex-unknown-end", {"terminal": False}), ("flex-unknown-end", {})],
    "an end that is known now": [("flex-unknown-end", {}), ("flex-completed", {"sequence": 1})],
    "statuses": [
        ("flex-started", {"status": status, "sequence": 9 - rank})
        for rank, status in enumerate(("PENDING", "QUEUED", "RUNNING", "UNKNOWN"))
    ],
    "changes of one status": [("flex-started", {}), ("flex-started", {"sequence": 2})],
    "verdicts": [
        ("validation-passed", {}),
        ("validation-failed", {"sequence": 1, "observedAt": "2026-11-26T10:27:00Z"}),
    ],
    "measurements of a restore recorded anew": [
        ("measured-differs", {}),
        ("measured-differs", {"sequence": 2, "observedAt": "2026-11-26T10:22:00.000001Z"}),
    ],
    "outages": [
        (name, data) for data in ({}, NEXT_OUTAGE) for name in ("stack-degraded", "stack-recovered")
    ],
    "warnings, and what ends them": [
        (f"credentials-{name}", {})
        for name in ("expiring", "expiring-in-7", "expiring-soon", "renewed", "expiring-in-1")
    ],
    "reports, also of one day": [
        ("report-well", {}),
        ("report-later", {"period": {"from": "2026-11-29", "to": "2026-11-29"}}),
    ],
    "a new secret that expires soon too": [
        ("credentials-renewed", {}),
        ("credentials-renewed-and-expiring", {}),
    ],
}


@pytest.mark.parametrize("changes", ORDERS.values(), ids=ORDERS)
def test_a_later_notice_has_a_larger_order(changes: list[tuple[str, Data]]) -> None:
    """If an item is deleted, the restore is recorded anew, and its changes are counted from 1."""
    orders = [notice(name, **data).order for name, data in changes]

    assert orders == sorted(set(orders))


LOST = "Treat the data in staging as lost"
AS_IT_WAS = "It had not begun when it was last seen, so staging is probably as it was"


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("flex-failed", {"previousStatus": "PENDING"}, LOST),
        ("flex-cancelled", {"previousStatus": "RUNNING"}, LOST),
        ("flex-cancelled", {"previousStatus": None}, LOST),
        ("flex-cancelled", {"previousStatus": "PENDING"}, AS_IT_WAS),
        ("flex-cancelled", {"previousStatus": "QUEUED"}, AS_IT_WAS),
        ("collection-cancelled", {"previousStatus": "RUNNING"}, "Do not rely on the restored"),
        ("dedicated-download-ready", {"expirationDate": None}, "Fetch it soon"),
        ("flex-expired", DOWNLOAD, "Start a new download"),
        ("validation-failed", NO_TARGET, "Do not rely on the restored data in the target"),
        ("measured-differs", NO_TARGET, "Look at these databases in the target before"),
        ("project-degraded", {"fix": None}, "Read what failed above, and the log group"),
        ("project-degraded", {"fix": "Not at https://one.test/x"}, "Not at [removed]"),
    ],
    ids=[
        "failed",
        "cancelled while it ran",
        "cancelled, unseen",
        "cancelled before it began",
        "cancelled in the queue",
        "collections cancelled",
        "a ready download",
        "an expired download",
        "no target",
        "a difference, no target",
        "no advice",
        "an address as advice",
    ],
)
def test_people_are_told_first_what_is_most_urgent(name: str, data: Data, words: str) -> None:
    assert notice(name, **data).steps[0].text.startswith(words)


@pytest.mark.parametrize(
    ("error", "links"),
    [
        (
            "AtlasForbiddenError",
            [
                Step(
                    "Open the project in Atlas",
                    address=f"https://cloud.mongodb.com/v2/{PROJECT}",
                    label="Open Atlas",
                )
            ],
        ),
        (
            "AtlasUnavailableError",
            [
                Step(
                    "See whether Atlas has an incident",
                    address="https://status.mongodb.com",
                    label="Open the status page",
                )
            ],
        ),
        ("RestoreJobNotFoundError", []),
    ],
    ids=["refused", "no answer", "no project"],
)
def test_a_blind_watch_links_to_the_place_to_look(error: str, links: list[Step]) -> None:
    assert notice("project-degraded", error=error).links == links


EXPIRED, WRITTEN = map(str, MayBe)


def measured(*databases: Data, found: int = 0, expected: int = 0) -> Data:
    """A measurement that names these databases."""
    counts = {"found": found, "expected": expected or len(databases)}
    said = {"outcome": "differs", "databases": counts, "differing": list(databases)}
    return {"measurement": said}


def database(name: str = "sales", *figures: Data) -> Data:
    return {"name": name, "isMissing": not figures, "figures": list(figures)}


def figure(name: str, found: int, least: int, most: int | None = None, **may: str) -> Data:
    return {"figure": name, "found": found, "least": least, "most": most, **may}


@pytest.mark.parametrize(
    ("differs", "words"),
    [
        (database(), "sales (missing)"),
        (
            database("sales", figure("documents", 0, 1_000, 1_000)),
            "sales (documents: 0 instead of 1,000)",
        ),
        (
            database("sales", figure("documents", 3_000_000, 1_000_000, 1_000_001)),
            "sales (documents: 3,000,000 instead of 1,000,000 to 1,000,001)",
        ),
        (
            database("sales", figure("collections", 1, 2), figure("indexes", 6, 7)),
            "sales (collections: 1 instead of 2; indexes: 6 instead of 7)",
        ),
        ({"name": "sales"}, "sales (differs)"),
        (database(" \u200b\n"), "a name that cannot be shown (missing)"),
        (database("sa\u200bl\u202ees\x00\n2"), "sales 2 (missing)"),
    ],
    ids=[
        "missing",
        "fewer documents",
        "more documents",
        "no upper bound",
        "for no reason that is known here",
        "an unseen name",
        "unseen characters",
    ],
)
def test_a_difference_says_what_was_found_and_what_was_expected(differs: Data, words: str) -> None:
    assert notice("measured-differs", **measured(differs)).facts["Difference 1"] == words


@pytest.mark.parametrize(
    ("named", "found", "expected", "shown", "others"),
    [(2, 10, 12, 2, None), (10, 2, 13, 10, "1"), (10, 0, 1_300, 10, "1,290"), (12, 0, 12, 10, "2")],
    ids=["two", "eleven", "a thousand", "twelve names of a newer version"],
)
def test_ten_databases_are_named_and_the_others_are_counted(
    named: int, found: int, expected: int, shown: int, others: str | None
) -> None:
    differing = [database(f"db{number}") for number in range(named)]
    made = notice("measured-differs", **measured(*differing, found=found, expected=expected))

    numbers = range(1, shown + 1)
    assert [made.facts[f"Difference {number}"] for number in numbers] == [
        f"db{number} (missing)" for number in range(shown)
    ]
    assert f"Difference {shown + 1}" not in made.facts
    assert made.facts.get("Others that differ") == others
    assert made.detail.startswith(f"In {expected - found:,} of {expected:,} databases, ")


def test_two_databases_that_look_alike_are_two_differences() -> None:
    facts = notice("measured-differs", **measured(database("a\u200b"), database("a"))).facts

    assert facts["Difference 1"] == facts["Difference 2"] == "a (missing)"


FEWER = figure("documents", 1, 900, 900, mayBe=EXPIRED)
MORE = figure("documents", 9_000, 900, 900, mayBe=WRITTEN)


@pytest.mark.parametrize(
    ("databases", "reasons"),
    [
        ([database("a", FEWER)], [EXPIRED]),
        ([database("a", FEWER), database("b", MORE), database("c", FEWER)], [EXPIRED, WRITTEN]),
        ([database(), database("a", figure("indexes", 1, 2))], []),
    ],
    ids=["fewer documents", "fewer and more", "missing"],
)
def test_what_else_may_make_a_difference_is_asked_once_before_a_new_restore(
    databases: list[Data], reasons: list[str]
) -> None:
    _, *ask, again, link = [
        step.text for step in notice("measured-differs", **measured(*databases)).steps
    ]
    question = "Ask whether staging has changed since the restore: it may be"

    assert ask == ([f"{question} {' or '.join(reasons)}"] if reasons else [])
    assert again == "If staging has not changed since, restore again"
    assert link.startswith("Open the project in Atlas")


def test_a_difference_is_a_warning_with_the_moment_of_the_figures_and_another_project() -> None:
    made = notice("measured-differs", targetProjectId="5f0000000000000000000a01")

    assert made.severity is Severity.WARNING
    assert made.facts["Counted"] == "2026-11-26 10:14:00 UTC"
    assert made.facts["Target project"] == "5f0000000000000000000a01"
    assert "Target project" not in notice("measured-differs").facts


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("credentials-expiring", Severity.WARNING),
        ("credentials-expiring-in-7", Severity.ERROR),
        ("credentials-expiring-in-1", Severity.CRITICAL),
    ],
)
def test_an_expiry_is_worse_the_nearer_it_is(name: str, severity: Severity) -> None:
    assert notice(name).severity is severity


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("credentials-expiring", {}, f"choose {ACCOUNT}, and generate"),
        ("credentials-expiring", {"clientId": None}, "choose the one of this stack, and generate"),
        ("credentials-expiring", {}, "The old one then works for 7 days at most"),
        ("credentials-expiring-in-7", {}, "The old one works until 2026-12-26 09:14 UTC"),
        (
            "credentials-expiring-in-7",
            {"expiresAt": "2026-12-26T09:14:01Z"},
            "The old one then works for 7 days at most",
        ),
        ("credentials-expiring", {"isCertain": False}, "If the stack has a newer secret already"),
        ("credentials-expired", {}, "nothing else there. The ARN of the secret"),
        ("credentials-expiring", {"stack": "blue"}, "describe-stacks --stack-name blue "),
    ],
    ids=[
        "the account",
        "no account",
        "the old secret",
        "the old secret, in 7 days",
        "the old secret, a second later",
        "not certain",
        "expired",
        "the stack",
    ],
)
def test_an_expiry_has_the_steps_for_this_account(name: str, data: Data, words: str) -> None:
    assert words in str(notice(name, **data).steps)


def test_an_expired_secret_has_no_time_left() -> None:
    made = notice("credentials-expired", isCertain=False)

    assert made.title.startswith("Service account secret may have expired")
    assert made.facts["Secret expired"] == made.facts["Noticed"] == "2026-12-26 09:14:00 UTC"
    assert "Time left" not in made.facts
    assert made.detail == (
        "Atlas gives no new token for it. The last one ends within an hour: then no restore is "
        "seen until the watch has a new secret. Atlas does not show which secret the stack uses: "
        "this is the earliest known date."
    )


def test_only_after_a_dedicated_restore_people_wait_for_search() -> None:
    warned = {name for name in MESSAGES if "search indexes" in str(notice(name).steps)}

    assert warned == {"dedicated-completed"}


@pytest.mark.fault("F109")
def test_what_nobody_knows_is_not_known() -> None:
    assert notice("stack-degraded", lastSuccessAt=None).facts["Last seen before"] == "not known"


def test_the_facts_have_the_kind_the_times_in_utc_and_another_target_project() -> None:
    shown = notice(
        "dedicated-completed",
        deliveryType="pointInTime",
        restoreScheduledDate="2026-11-26T10:14:00+01:00",
        targetProjectId="5f0000000000000000000a01",
    ).facts

    assert shown["Kind"] == "dedicated restore to a point in time"
    assert shown["Began"] == "2026-11-26 09:14:00 UTC"
    assert shown["Target project"] == "5f0000000000000000000a01"


def test_a_validation_that_says_little_has_a_notice() -> None:
    made = notice("validation-failed", validation={"verdict": "FAILED"})

    assert made.facts.keys().isdisjoint({"Tested by", "Tested"})
    assert made.detail == ""
    assert made.steps[1].text.startswith("Look at what the pipeline reports")


def test_a_notice_is_of_the_stack_that_its_message_names_or_of_the_one_that_reads_it() -> None:
    assert notice("project-degraded", stack="blue").stack == "blue"
    assert notice("project-degraded", stack=None).stack == notice("flex-failed").stack == STACK
