"""What was checked, by whom and how soon, and where to, in all files: of a restore of the table."""

import json
from csv import DictReader
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest

from restore_watch.report.files.html_page import html_page
from restore_watch.report.files.report_json import report_json
from restore_watch.report.files.restores_csv import line_of_restore, restores_csv
from restore_watch.report.judging.cluster_state import judge_cluster
from restore_watch.report.judging.policy import Policy
from restore_watch.report.restores.stored_restores import read_evidence, read_stored_restores
from restore_watch.report.restores.what_a_restore_proves import Destination, Rung
from unit.report.parsed_page import ParsedPage
from unit.report.reports import (
    END,
    HOUR,
    USUAL,
    WEEK,
    changed,
    cluster,
    report,
    restore,
    rows,
)
from unit.report.stored import NOON, item_of, verdict_on

LEDGER = cluster()
BEGAN = END - 26 * HOUR
COUNTS = "12 of 12 collections have the expected number of documents"
HOSTILE = '=1+1&<img src=x onerror="alert(1)">'

JOB = restore(LEDGER, BEGAN, 7, targetProjectId="b" * 24).job
FIRST: dict[str, Any] = {
    "detail": COUNTS,
    "validatedBy": "pipeline/41",
    "validatedAt": BEGAN + 2 * HOUR,
}
SECOND: dict[str, Any] = {
    "detail": HOSTILE,
    "validatedBy": "auditor",
    "validatedAt": BEGAN + 3 * HOUR,
}


def made_of(*verdicts: dict[str, Any]) -> Any:
    """The report of a restore of the table with these entries of its history."""
    item = item_of(JOB, observed_at=BEGAN + 4 * HOUR)
    item["history"]["L"] += verdicts
    stored = read_stored_restores([item], WEEK, END)
    (evidence,) = stored.of_period
    made = report([(LEDGER, [evidence.restore])])
    return changed(made, of_period=[evidence])


def judged_twice() -> Any:
    """The report of a restore whose later test passed, and was recorded first."""
    return made_of(verdict_on(JOB, **SECOND), verdict_on(JOB, "FAILED", **FIRST))


def csv_row(made: Any) -> dict[str, str]:
    lines = [line_of_restore(judged.evidence, judged.facts) for judged in made.judged_restores]
    (row,) = DictReader(StringIO(restores_csv(lines)[1:], newline=""))
    return row


def test_the_newest_verdict_stands_in_restores_csv_and_its_text_is_no_formula() -> None:
    row = csv_row(judged_twice())

    assert row["detail"] == f"'{HOSTILE}"
    assert (row["verdict"], row["validatedBy"]) == ("PASSED", "auditor")
    assert row["verdictSeconds"] == "10800.0"
    assert row["restoredTo"] == "other project"


def test_coverage_names_the_restore_that_decides_and_what_was_checked() -> None:
    (row,) = rows(judged_twice())

    assert row["decidedBy"] == row["restoreId"] == JOB.restore_id
    assert row["targetProjectId"] == "b" * 24
    assert row["targetDeploymentItemName"] == "drill"
    assert row["restoredTo"] == "other project"
    assert (row["verdict"], row["validatedBy"]) == ("PASSED", "auditor")
    assert row["detail"] == f"'{HOSTILE}"
    assert row["validatedAt"] == "2026-11-29T01:00:00.000000Z"
    assert row["verdictSeconds"] == "10800.0"


def test_a_failed_test_decides_and_says_what_failed() -> None:
    (row,) = rows(made_of(verdict_on(JOB, "FAILED", **FIRST)))

    assert row["state"] == "failed"
    assert (row["decidedBy"], row["verdict"], row["detail"]) == (JOB.restore_id, "FAILED", COUNTS)


def test_the_json_has_every_verdict_the_oldest_test_first() -> None:
    (said,) = json.loads(report_json(judged_twice(), {}))["restores"]

    told = [(each["verdict"], each["detail"], each["validatedBy"]) for each in said["validations"]]
    assert told == [("FAILED", COUNTS, "pipeline/41"), ("PASSED", HOSTILE, "auditor")]
    assert said["validations"][0]["validatedAt"] == "2026-11-29T00:00:00Z"
    assert (said["restoredTo"], said["verdictSeconds"]) == ("other project", 10800.0)


def test_the_page_shows_under_the_restore_what_was_checked_and_by_whom() -> None:
    page = html_page(judged_twice())
    text = ParsedPage(page).text

    assert f"checked: {HOSTILE} , by auditor , 3 h after the request" in text
    assert "other project" in text
    assert "<img" not in page


def test_a_verdict_without_words_says_when() -> None:
    bare = made_of(verdict_on(JOB, validatedAt=BEGAN + HOUR))

    assert "verdict 1 h after the request" in ParsedPage(html_page(bare)).text


PLACES: list[tuple[dict[str, Any], Destination | None]] = [
    ({}, Destination.SAME_PROJECT),
    ({"targetDeploymentItemName": "ledger"}, Destination.IN_PLACE),
    ({"targetDeploymentItemName": "Ledger"}, Destination.IN_PLACE),
    ({"targetProjectId": "b" * 24}, Destination.OTHER_PROJECT),
    (
        {"targetProjectId": "b" * 24, "targetDeploymentItemName": "ledger"},
        Destination.OTHER_PROJECT,
    ),
    ({"targetProjectId": None}, None),
    ({"targetDeploymentItemName": None}, None),
    ({"deliveryType": "download"}, None),
]


@pytest.mark.parametrize(
    ("fields", "place"),
    PLACES,
    ids=[
        "usual",
        "over its source",
        "in other case",
        "other",
        "namesake",
        "no project",
        "no target",
        "download",
    ],
)
def test_a_restore_went_over_its_source_or_to_the_same_or_another_project(
    fields: dict[str, Any], place: Destination | None
) -> None:
    assert restore(LEDGER, BEGAN, 7, **fields).destination is place


def test_a_clock_that_is_behind_gives_no_negative_time() -> None:
    early = made_of(verdict_on(JOB, "FAILED", validatedAt=BEGAN - timedelta(minutes=1)))

    assert csv_row(early)["verdictSeconds"] == "0.0"


EARLY = "verdict PASSED of 28 Nov 2026 is dated before the end of its restore: not counted"


@pytest.mark.parametrize(
    ("early", "rung"),
    [(timedelta(minutes=5), "verified"), (timedelta(minutes=5, seconds=1), "restored")],
    ids=["a slow clock", "too early"],
)
def test_a_verdict_passed_before_the_end_of_its_restore_proves_nothing(
    early: timedelta, rung: str
) -> None:
    """The data that it is about were there before they were restored."""
    made = made_of(verdict_on(JOB, **(FIRST | {"validatedAt": BEGAN + USUAL - early})))
    (row,), is_early = rows(made), rung == "restored"
    verdict = "" if is_early else "PASSED"

    assert (row["state"], row["rung"], row["verdict"]) == ("tested", rung, verdict)
    assert row["remarks"] == (EARLY if is_early else "")
    assert (csv_row(made)["verdict"], csv_row(made)["detail"] == COUNTS) == (verdict, not is_early)
    text = ParsedPage(html_page(made)).text
    assert (f"completed {EARLY}" in text.replace("snapshot 3 h old ", "")) == is_early
    assert ("completed, verified" in text) != is_early


def test_a_verdict_without_a_date_of_its_own_is_of_when_it_arrived() -> None:
    """It is recorded once the end is known, so it is not too early."""
    job = restore(LEDGER, NOON - HOUR).job
    item = item_of(job)
    item["history"]["L"].append(verdict_on(job))

    assert read_evidence(item, NOON).restore.rung is Rung.VERIFIED


def test_a_verdict_that_does_not_count_hides_no_other() -> None:
    failed, early = (verdict_on(JOB, one, validatedAt=BEGAN) for one in ("FAILED", "PASSED"))
    made = made_of(failed, early)
    (row,) = rows(made)

    assert (row["state"], row["verdict"], row["remarks"]) == ("failed", "FAILED", EARLY)
    (row,) = rows(made_of(early, verdict_on(JOB, validatedAt=BEGAN + HOUR)))
    assert (row["rung"], row["remarks"]) == ("verified", EARLY)


def test_a_cluster_that_needs_a_verdict_is_not_tested_by_one_that_is_too_early() -> None:
    made = made_of(verdict_on(JOB, validatedAt=BEGAN))
    (judged,) = made.coverage.clusters
    policy = Policy(counts=Rung.VERIFIED)
    again = judge_cluster(judged.cluster, judged.restores, None, policy, END)
    (row,) = rows(changed(made, policy=policy, clusters=[again]))

    assert (row["state"], row["remarks"]) == ("never", EARLY)
    assert row["why"] == "Its restores have no verdict PASSED."
