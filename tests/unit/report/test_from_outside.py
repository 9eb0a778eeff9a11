"""What a report must not claim, whatever Atlas, a pipeline or an operator says."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from restore_watch.model.restore_job import RestoreKind
from restore_watch.model.validation import Verdict
from restore_watch.report.cluster import read_cluster
from restore_watch.report.cluster_state import Policy, State, judge
from restore_watch.report.fleet import Fleet
from restore_watch.report.period import DAY
from restore_watch.report.report import Sign
from restore_watch.report.reporter import judge_fleet
from restore_watch.report.restore_evidence import Objectives, read_evidence
from unit.report.reports import END, HOUR, cluster, group, report, restore
from unit.report.stored import item_of

LEDGER = cluster()


def test_a_cluster_without_a_date_is_as_old_as_its_id() -> None:
    """So a test of an older cluster of its name is not its own."""
    made = END - 20 * DAY
    said = {"name": "ledger", "id": f"{int(made.timestamp()):08x}{1:016x}"}
    read = read_cluster(group(0), RestoreKind.DEDICATED, said)

    assert read.created_at == made
    assert judge(read, [restore(read, END - 40 * DAY)], None, Policy(), END).state is State.NEW


def test_a_restore_that_was_over_when_it_was_first_seen_is_not_of_that_day() -> None:
    job = restore(LEDGER, END - 300 * DAY, restoreFinishedDate=None).job

    read = read_evidence(item_of(job, observed_at=END - DAY), Objectives(), END).restore

    assert judge(LEDGER, [read], None, Policy(), END).state is State.OVERDUE


def test_a_verdict_is_no_older_than_the_restore_that_it_judges() -> None:
    """The pipeline wrote its local time as if it were UTC."""
    good = restore(LEDGER, END - 5 * HOUR)
    bad = replace(
        restore(LEDGER, END - 4 * HOUR, 2, verdict=Verdict.FAILED), judged_at=END - 5 * HOUR
    )

    assert judge(LEDGER, [good, bad], None, Policy(), END).state is State.FAILED


@pytest.mark.parametrize(
    "said",
    [
        {"deliveryType": "oplogExport"},
        {"deliveryType": None, "targetDeploymentItemName": None},
    ],
)
def test_a_restore_of_an_unknown_form_is_no_test(said: dict[str, Any]) -> None:
    odd = restore(LEDGER, END - DAY, **said)

    assert judge(LEDGER, [odd], None, Policy(), END).state is not State.TESTED


def test_months_before_a_list_that_goes_on_are_not_called_untested() -> None:
    """Restores of each night: the newest 100 reach back over the window, and no further."""
    nightly = [restore(LEDGER, END - number * DAY, number) for number in range(1, 101)]
    listed = Fleet(clusters=[LEDGER], reach={LEDGER.key: nightly[-1].began})
    (judged,) = judge_fleet(listed, nightly, Policy(), END)
    made = report([], judged=[judged], watched_since=None)

    known = list(made.signs(judged).values())

    assert known == [Sign.ABSENT] * 9 + [Sign.RESTORED] * 4
    seen = replace(made, watched_since=datetime(2026, 6, 1, tzinfo=UTC))
    known = list(seen.signs(judged).values())
    assert known == [Sign.ABSENT] * 7 + [Sign.NONE] * 2 + [Sign.RESTORED] * 4
