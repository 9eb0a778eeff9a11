"""What a measurement says in all files, what it takes away from a report, and what it does not."""

import json
from collections.abc import Callable
from copy import replace
from csv import DictReader
from io import StringIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from restore_watch.model.measurement import (
    Count,
    DifferingDatabase,
    Measurement,
    Outcome,
    WhyNotMeasured,
    not_measured,
)
from restore_watch.model.restore_target import RestoreKind
from restore_watch.model.validation import Verdict
from restore_watch.report.files.html_page import ROWS, html_page
from restore_watch.report.files.report_files import report_files
from restore_watch.report.judging.cluster_state import ClusterState, judge_cluster
from restore_watch.report.judging.policy import Policy
from restore_watch.report.period import DAY
from restore_watch.report.report import Report
from restore_watch.report.report_message import message_of_report
from restore_watch.report.restores.stored_restores import read_stored_restores
from restore_watch.report.restores.what_a_restore_proves import DatedMeasurement, Restore, Rung
from restore_watch.report.words.headline import concerns, headline
from restore_watch.report.words.measurement_line import measurement_line
from restore_watch.report.words.needs_look import needs_look
from strategies import measurements
from unit.report.parsed_page import ParsedPage
from unit.report.reports import (
    DIFFERS,
    END,
    HOUR,
    MATCHES,
    MINUTE,
    SHARDED,
    WEEK,
    changed,
    cluster,
    evidence,
    fleet,
    measured_as,
    report,
    restore,
    rows,
)
from unit.report.stored import item_of, measurement_of
from unit.report.test_html_page import HOSTILE, PLACE, scheduled

LEDGER = cluster()
RESTORED, MEASURED, VERIFIED = (
    Policy(counts=rung) for rung in (Rung.RESTORED, Rung.MEASURED, Rung.VERIFIED)
)
POLICIES = {"restored": RESTORED, "measured": MEASURED, "verified": VERIFIED}
NOT_MINDED = [RESTORED, VERIFIED]


def ended(days: float, measurement: Measurement | None = None, **fields: Any) -> Restore:
    """A completed restore of so many days ago."""
    number = int(days * 10)
    return restore(LEDGER, END - days * DAY, number, measurement=measurement, **fields)


# The line


COUNTED = "measured: 12 of 12 databases, 41.2 M of 41.2 M documents, 131 of 131 indexes"
COUNTED_SOON = f"{COUNTED}, 18 min after the end"
DIFFERENT = (
    "measured: 10 of 12 databases, 40.1 M of 41.2 M documents, 131 of 131 indexes, 18 min after "
    "the end; different: archive (missing), sales (collections: expected 12, found 11; documents: "
    "expected 2,176,000 to 2,190,000, found 1,088,000, maybe documents that an index expired, or "
    "that were deleted since)"
)
COLLECTIONS = Measurement(
    outcome=Outcome.MATCHES,
    databases=Count(found=1, expected=1),
    documents=Count(found=1, expected=1),
    collections=Count(found=1, expected=1),
)
LINES: dict[str, tuple[Measurement, str]] = {
    "matches": (MATCHES, COUNTED_SOON),
    "differs": (DIFFERS, DIFFERENT),
    "more differ than are named": (
        replace(DIFFERS, databases=Count(found=9, expected=12)),
        f"{DIFFERENT.replace('10 of 12', '9 of 12')} and 1 other",
    ),
    "newer databases": (
        replace(MATCHES, not_there=2),
        f"{COUNTED_SOON}; 2 databases newer than the snapshot",
    ),
    "a database that doubled": (
        replace(MATCHES, doubled=1),
        f"{COUNTED_SOON}; 1 database whose documents doubled or halved around the snapshot",
    ),
    "too many databases": (
        replace(MATCHES, not_there=1, beyond_limit=7),
        f"{COUNTED_SOON}; 1 database newer than the snapshot; 7 databases not asked for",
    ),
    "not measured": (SHARDED, "not measured: the figures of a sharded cluster cannot be added up"),
    "a reason of a newer version": (
        Measurement(outcome=Outcome.NOT_MEASURED, why="moonlight"),
        "not measured: moonlight",
    ),
}


@pytest.mark.parametrize(("measurement", "line"), LINES.values(), ids=LINES)
def test_a_measurement_is_a_line(measurement: Measurement, line: str) -> None:
    assert str(measurement_line(ended(1, measurement))) == line


def test_of_some_collections_there_are_no_indexes_and_no_moment() -> None:
    measured = DatedMeasurement(END - HOUR, COLLECTIONS)
    one = replace(ended(1, kind=RestoreKind.COLLECTION), measured=measured)

    line = "measured: 1 of 1 database, 1 of 1 document, 1 of 1 collection"
    assert str(measurement_line(one)) == line
    (row,) = DictReader(StringIO(files_of(report([(LEDGER, [one])]))["restores.csv"], newline=""))
    assert (row["measured"], row["measuredAt"], row["indexesFound"]) == (line, "", "")
    assert row["collectionsExpected"] == "1"


def test_without_a_date_of_the_end_the_line_says_no_time_after_it() -> None:
    undated = ended(1, MATCHES, restoreFinishedDate=None)

    assert str(measurement_line(undated)) == COUNTED


def test_a_restore_that_is_not_measured_has_no_line() -> None:
    assert measurement_line(ended(1)) is None


# The files, of a restore of the table


BEGAN = END - 26 * HOUR
JOB = restore(LEDGER, BEGAN, 7).job
COUNTED_AT = "2026-11-28T23:00:00.000000Z"


def recorded(measurement: Measurement, *verdicts: dict[str, Any], policy: Policy = RESTORED) -> Any:
    """The report of a restore of the table with this measurement, and these verdicts."""
    item = item_of(JOB, observed_at=BEGAN + HOUR)
    item["history"]["L"] += [measurement_of(JOB, measurement, BEGAN + 2 * HOUR), *verdicts]
    stored = read_stored_restores([item], WEEK, END)
    (seen,) = stored.of_period
    return changed(report([(LEDGER, [seen.restore])], policy=policy), of_period=[seen])


def files_of(made: Report) -> dict[str, str]:
    return {name: content.decode("utf-8-sig") for name, content in report_files(made).items()}


def counted(measurement: Measurement) -> Measurement:
    """The measurement, an hour after the restore began."""
    return replace(measurement, measured_at=BEGAN + HOUR)


def test_the_line_and_its_numbers_stand_in_every_file() -> None:
    made = recorded(counted(MATCHES))
    files, line = files_of(made), COUNTED_SOON
    whole = json.loads(files["report.json"])
    (row,) = DictReader(StringIO(files["restores.csv"], newline=""))
    ((in_coverage,), (in_json,), (in_clusters,)) = rows(made), whole["restores"], whole["clusters"]

    assert line in ParsedPage(files["report.html"]).text
    for cells in (row, in_coverage):
        assert (cells["measurementOutcome"], cells["measured"]) == ("matches", line)
        assert cells["measuredAt"] == COUNTED_AT
        assert (cells["databasesFound"], cells["databasesExpected"]) == ("12", "12")
        assert (cells["documentsFound"], cells["documentsExpected"]) == ("41234567", "41250000")
        assert (cells["collectionsFound"], cells["collectionsExpected"]) == ("44", "44")
        assert (cells["indexesFound"], cells["indexesExpected"]) == ("131", "131")
    assert in_coverage["lastAttemptMeasurement"] == "matches"
    assert in_json["measured"] == in_clusters["measured"] == line
    assert in_clusters["measurement"] == counted(MATCHES).as_json()
    assert in_json["measurement"] == {
        "id": f"{JOB.restore_id}:MEASURED",
        "published": False,
        "sequence": 2,
        "observedAt": "2026-11-29T00:00:00.000000Z",
        **counted(MATCHES).as_json(),
    }


def test_what_was_not_measured_has_no_numbers() -> None:
    made = recorded(not_measured(WhyNotMeasured.REFUSED, "AtlasForbiddenError", "USER_REFUSED"))
    (row,) = rows(made)
    (in_json,) = json.loads(files_of(made)["report.json"])["restores"]

    assert row["measurementOutcome"] == "not measured"
    assert row["measured"] == f"not measured: {WhyNotMeasured.REFUSED}"
    assert (row["measuredAt"], row["databasesFound"], row["documentsExpected"]) == ("", "", "")
    assert in_json["measurement"]["errorCode"] == "USER_REFUSED"


def test_before_a_restore_is_measured_its_cells_are_empty() -> None:
    made = report([(LEDGER, [ended(1)])])
    (row,) = rows(made)
    (in_json,) = json.loads(files_of(made)["report.json"])["restores"]

    assert (row["measurementOutcome"], row["measured"], row["lastAttemptMeasurement"]) == ("",) * 3
    assert (in_json["measured"], in_json["measurement"]) == (None, None)


def test_coverage_has_the_measurement_of_the_restore_that_decides() -> None:
    """And the outcome of the newest attempt beside it."""
    (row,) = rows(report([(LEDGER, [ended(5, MATCHES), ended(2, DIFFERS)])], policy=MEASURED))

    assert row["restoreId"] == row["decidedBy"] == ended(5).job.restore_id
    assert (row["rung"], row["measurementOutcome"]) == ("measured", "matches")
    assert row["lastAttemptMeasurement"] == "differs"


def test_the_page_names_each_database_that_differs_below_its_restore() -> None:
    more = replace(DIFFERS, databases=Count(found=3, expected=12))
    page = ParsedPage(html_page(report([(LEDGER, [ended(1, more)])])))

    assert {"archive", "sales"} <= set(page.within("bdi"))
    assert "archive : missing sales : collections: expected 12, found 11; documents" in page.text
    assert "and 7 others" in page.text


@pytest.mark.fault("F112")
@pytest.mark.parametrize("name", [*HOSTILE, "=1+1;=2", "@x"])
def test_the_name_of_a_database_is_text_and_no_formula(name: str) -> None:
    plain, hostile = (
        files_of(report([(LEDGER, [ended(1, replace(DIFFERS, differing=(named,)))])]))
        for named in (DifferingDatabase(name=one, is_missing=True) for one in ("sales", name))
    )

    structure = ParsedPage(plain["report.html"]).structure
    assert ParsedPage(hostile["report.html"]).structure == structure
    for file in ("restores.csv", "coverage.csv"):
        (row,) = DictReader(StringIO(hostile[file], newline=""))
        assert row["measured"].startswith("measured: 10 of 12")
        assert "\n" not in row["measured"]
        assert ";=" not in row["measured"]


def test_a_reason_of_a_newer_version_is_text_and_no_element() -> None:
    odd = Measurement(outcome=Outcome.NOT_MEASURED, why="<b>=1</b>")
    page = html_page(report([(LEDGER, [ended(1, odd)])]))

    assert "<b>=1" not in page
    assert "not measured: <b>=1</b>" in ParsedPage(page).text


def test_restores_that_differ_stand_before_those_that_match() -> None:
    """Beyond so many rows the page counts."""
    own = [ended(0.1 + 0.1 * n, MATCHES) for n in range(ROWS)]

    assert scheduled(report([(LEDGER, [*own, ended(6, DIFFERS)])]))[0] == "24 Nov 00:00"


# What counts as a test


STATES: dict[str, tuple[Restore, dict[str, ClusterState]]] = {
    "it matches": (
        ended(5, MATCHES),
        {"restored": ClusterState.TESTED, "measured": ClusterState.TESTED},
    ),
    "it differs": (
        ended(5, DIFFERS),
        {"restored": ClusterState.TESTED, "measured": ClusterState.NEVER},
    ),
    "not measured": (
        ended(5, SHARDED),
        {"restored": ClusterState.TESTED, "measured": ClusterState.NEVER},
    ),
    "not yet": (ended(5), {"restored": ClusterState.TESTED, "measured": ClusterState.NEVER}),
    "matches, and PASSED": (
        ended(5, MATCHES, verdict=Verdict.PASSED),
        dict.fromkeys(POLICIES, ClusterState.TESTED),
    ),
    "differs, and PASSED": (
        ended(5, DIFFERS, verdict=Verdict.PASSED),
        dict.fromkeys(POLICIES, ClusterState.TESTED),
    ),
    "not measured, and PASSED": (
        ended(5, SHARDED, verdict=Verdict.PASSED),
        dict.fromkeys(POLICIES, ClusterState.TESTED),
    ),
    "matches, and FAILED": (
        ended(5, MATCHES, verdict=Verdict.FAILED),
        dict.fromkeys(POLICIES, ClusterState.FAILED),
    ),
    "matches, as far as databases were asked for": (
        ended(5, replace(MATCHES, beyond_limit=1)),
        {"restored": ClusterState.TESTED},
    ),
    "matches, as far as documents can tell": (
        ended(5, replace(MATCHES, doubled=1)),
        {"restored": ClusterState.TESTED},
    ),
    "some collections match": (ended(5, MATCHES, kind=RestoreKind.COLLECTION), {}),
    "a download": (ended(5, MATCHES, deliveryType="download"), {}),
    "of an unknown type": (ended(5, MATCHES, deliveryType="odd"), {}),
    "cancelled": (ended(5, MATCHES, status="CANCELLED"), {}),
    "measured after the period": (
        measured_as(MATCHES, ended(0.04)),
        {"restored": ClusterState.TESTED},
    ),
}
"""By what counts; ClusterState.NEVER where nothing is said."""


@pytest.mark.parametrize("counts", POLICIES)
@pytest.mark.parametrize(("one", "states"), STATES.values(), ids=STATES)
def test_a_verdict_stands_above_a_measurement(
    one: Restore, states: dict[str, ClusterState], counts: str
) -> None:
    judged = judge_cluster(LEDGER, [one], None, POLICIES[counts], END)

    assert judged.state is states.get(counts, ClusterState.NEVER)


@given(measurements, st.sampled_from(Verdict))
def test_a_verdict_alone_decides_what_a_restore_proves(
    measurement: Measurement, verdict: Verdict
) -> None:
    alone = ended(5, verdict=verdict)
    measured = ended(5, measurement, verdict=verdict)

    assert (measured.rung, measured.failed_at) == (alone.rung, alone.failed_at)
    assert not measured.differs


@pytest.mark.fault("F139")
@given(measurements, st.sampled_from(list(POLICIES.values())))
def test_what_is_a_test_by_a_higher_rung_is_one_by_each_lower(
    measurement: Measurement, policy: Policy
) -> None:
    one = ended(5, measurement)

    assert RESTORED.is_good(one)
    assert not VERIFIED.is_good(one)
    has_compared_all = measurement.beyond_limit == measurement.doubled == 0
    assert MEASURED.is_good(one) == (measurement.outcome is Outcome.MATCHES and has_compared_all)
    assert policy.measurements_count == (policy is MEASURED)


# What a difference takes away


def plainly(made: Report) -> Report:
    """The report of the same restores without their measurements."""
    clusters = [
        judge_cluster(one.cluster, map(_bare, one.restores), one.unread, made.policy, END)
        for one in made.coverage.clusters
    ]
    seen = list(map(_bare, made.all_restores))
    of_period = [evidence(one) for one in seen if made.period.includes(one.began)]
    return changed(made, clusters=clusters, all_restores=seen, of_period=of_period)


def _bare(one: Restore) -> Restore:
    return replace(one, measured=None)


@pytest.mark.fault("F113")
@settings(max_examples=12)
@given(
    st.builds(fleet, st.integers(1, 30), is_well=st.booleans(), policy=st.sampled_from(NOT_MINDED))
)
def test_by_itself_no_measurement_changes_what_people_are_told(made: Report) -> None:
    bare = plainly(made)

    assert concerns(made) == concerns(bare)
    assert made.coverage.states == bare.coverage.states
    told, of_bare = (message_of_report(one, *PLACE) for one in (made, bare))
    assert (told.subject, told.attributes) == (of_bare.subject, of_bare.attributes)
    assert told.event == of_bare.event


REMARK = "restore of 28 Nov 2026 differs from its source"
ONE_DIFFERS = "The data of 1 restore differ from their source."


def test_by_itself_a_difference_is_a_remark_on_the_page() -> None:
    made = report([(LEDGER, [ended(2, DIFFERS)])])
    (row,) = rows(made)

    assert headline(made).startswith("All is well")
    assert (row["state"], row["remarks"]) == ("tested", REMARK)
    text = ParsedPage(html_page(made)).text
    assert "What is wrong" not in text
    assert REMARK in text


def test_a_cluster_that_needs_a_look_for_something_else_shows_it_on_the_page_alone() -> None:
    bare = replace(LEDGER, has_backups=False)
    made = report([(bare, [ended(2, DIFFERS)])])
    (named,) = message_of_report(made, *PLACE).event["data"]["needAttention"]

    assert named["why"] == "backups off"
    assert rows(made)[0]["remarks"] == f"backups off; {REMARK}"


def test_where_measurements_count_a_difference_needs_a_look_everywhere() -> None:
    made = report([(LEDGER, [ended(5, MATCHES), ended(2, DIFFERS)])], policy=MEASURED)
    message = message_of_report(made, *PLACE)
    (named,) = message.event["data"]["needAttention"]
    page = html_page(made)

    assert concerns(made) == [ONE_DIFFERS]
    assert headline(made) == ONE_DIFFERS
    assert ONE_DIFFERS.rstrip(".") in message.subject
    assert message.attributes["attention"] == "true"
    assert (named["state"], named["why"]) == ("tested", REMARK)
    assert (rows(made)[0]["state"], rows(made)[0]["remarks"]) == ("tested", REMARK)
    assert '<span class="pill tested">tested</span>' in page
    assert '<span class="late">measured: 10 of 12' in page


def of(*restores: Restore, **fields: Any) -> Callable[[], Report]:
    """A report of this one cluster, where measurements count."""
    return lambda: report([(cluster(**fields), restores)], policy=MEASURED)


TESTED = ended(2, MATCHES)
LOOK = "1 of 1 cluster needs a look."
OUTSIDE = "The data of 1 restore outside restores.csv differ from their source."
CASES: dict[str, tuple[Callable[[], Report], list[str], bool]] = {
    "a match": (of(TESTED), [], False),
    "the only test": (of(ended(2, DIFFERS)), [LOOK, ONE_DIFFERS], True),
    "a match before": (of(ended(5, MATCHES), ended(2, DIFFERS)), [ONE_DIFFERS], True),
    "a match after": (of(ended(5, DIFFERS), TESTED), [ONE_DIFFERS], False),
    "a match after, before the period": (of(ended(40, DIFFERS), TESTED), [], False),
    "before the period, and no test since": (
        of(ended(50, MATCHES), ended(40, DIFFERS)),
        [OUTSIDE],
        True,
    ),
    "not measured since": (
        of(ended(5, MATCHES), ended(4, DIFFERS), ended(2, SHARDED)),
        [ONE_DIFFERS],
        True,
    ),
    "two": (
        of(ended(6, MATCHES), ended(4, DIFFERS), ended(3, DIFFERS)),
        ["The data of 2 restores differ from their source."],
        True,
    ),
    "a verdict PASSED": (of(ended(2, DIFFERS, verdict=Verdict.PASSED)), [], False),
    "a verdict FAILED": (
        of(ended(5, MATCHES), ended(2, DIFFERS, verdict=Verdict.FAILED)),
        [LOOK, "1 verdict FAILED."],
        True,
    ),
    "some collections": (
        of(ended(5, MATCHES), ended(2, DIFFERS, kind=RestoreKind.COLLECTION)),
        [ONE_DIFFERS],
        False,
    ),
    "some collections, before the period": (
        of(ended(5, MATCHES), ended(40, DIFFERS, kind=RestoreKind.COLLECTION)),
        [],
        False,
    ),
    "no test is needed": (
        lambda: report(
            [
                (LEDGER, [TESTED]),
                (
                    cluster("copy", tags={"restore-test": "exempt"}),
                    [restore(cluster("copy"), END - 40 * DAY, 9, measurement=DIFFERS)],
                ),
            ],
            policy=MEASURED,
        ),
        [],
        False,
    ),
}


@pytest.mark.fault("F113")
@pytest.mark.parametrize(("make", "said", "is_row"), CASES.values(), ids=CASES)
def test_a_difference_needs_a_look_until_a_test_is_good(
    make: Callable[[], Report], said: list[str], *, is_row: bool
) -> None:
    made = make()

    assert concerns(made) == said
    assert any(needs_look(made, one) for one in made.coverage.in_order) == is_row


@pytest.mark.parametrize(
    ("began", "said"),
    [
        (WEEK.begin - HOUR, [OUTSIDE]),
        (WEEK.begin - 62 * MINUTE, []),
        (END - HOUR, [ONE_DIFFERS]),
    ],
    ids=["measured in the period", "a second before", "measured after it"],
)
def test_a_difference_is_of_the_period_of_its_restore_or_its_measurement(
    began: Any, said: list[str]
) -> None:
    """A restore takes 42 minutes and is measured 18 minutes later. A good test came after it."""
    gone = restore(cluster("gone", 1), began, 9, measurement=DIFFERS)
    made = report([(LEDGER, [TESTED])], policy=MEASURED)
    seen = [*made.stored.of_period, evidence(gone)] if said == [ONE_DIFFERS] else None
    made = changed(made, all_restores=[*made.all_restores, gone])
    made = changed(made, of_period=seen) if seen else made

    assert concerns(made) == said


def test_what_differs_after_the_period_is_no_remark_on_its_clusters() -> None:
    late = ended(0.04, DIFFERS)
    judged = judge_cluster(LEDGER, [late], None, MEASURED, END)

    assert (judged.state, judged.differs) == (ClusterState.NEVER, None)


@given(
    st.lists(
        st.builds(
            ended,
            st.floats(0.1, 200),
            st.sampled_from([None, MATCHES, DIFFERS, SHARDED]),
            verdict=st.none() | st.sampled_from(Verdict),
        ),
        max_size=6,
    ),
    st.sampled_from(list(POLICIES.values())),
)
def test_a_cluster_that_differs_has_a_concern_where_it_needs_a_look(
    known: list[Restore], policy: Policy
) -> None:
    made = report([(LEDGER, known)], policy=policy)
    (judged,) = made.coverage.clusters

    assert needs_look(made, judged) <= bool(concerns(made))
    if judged.differs is not None:
        assert judged.differs.differs
        assert judged.good is None or judged.differs.ended_at >= judged.good.ended_at
        if policy is MEASURED:
            assert needs_look(made, judged)
