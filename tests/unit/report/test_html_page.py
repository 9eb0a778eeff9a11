"""The page of a report: what stands in it, and that no name becomes more than text."""

import json
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from restore_watch.model.objectives import Objectives
from restore_watch.model.validation import Verdict
from restore_watch.report.files.html_page import CLUSTERS, ROWS, UNFOLDED, html_page, shown_facts
from restore_watch.report.files.months_and_weeks import Sign, restores_by_week, signs_by_month
from restore_watch.report.files.report_json import report_json
from restore_watch.report.judging.cluster_state import ClusterState
from restore_watch.report.judging.policy import Policy
from restore_watch.report.period import DAY, Period
from restore_watch.report.report import Report
from restore_watch.report.report_message import message_of_report
from restore_watch.report.restores.what_a_restore_proves import Restore
from restore_watch.report.words.headline import concerns
from restore_watch.report.words.needs_look import needs_look
from unit.report.parsed_page import ParsedPage
from unit.report.reports import (
    DIFFERS,
    END,
    HOUR,
    MATCHES,
    NO_ROLE,
    changed,
    cluster,
    evidence,
    fleet,
    group,
    report,
    restore,
    rows,
)

HOSTILE = (
    "<script>alert(1)</script>",
    '"\' onload=alert(1) x="',
    "</title></style></svg><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}&lt;b&gt;",
    "\u202egnp.exe\u2066\u200f",
    "a\x00b\x1b[31m\r\nc\u2028d",
    "é" * 256,
    "שלום עולם",
)

LEDGER = cluster()
PLACE = ("a-bucket", "reports/2026-11-29/report.html", "aws")

FEW = settings(max_examples=8)
"""A page takes a tenth of a second to draw and to parse."""

any_fleet = st.builds(fleet, st.integers(1, 30), is_well=st.booleans())


@FEW
@given(any_fleet, st.sampled_from([Policy(), Policy(window=10 * DAY)]))
def test_the_sums_of_the_page_the_csv_the_json_and_the_message_agree(
    made: Report, policy: Policy
) -> None:
    made = changed(made, policy=policy)
    parsed, whole = ParsedPage(html_page(made)), json.loads(report_json(made, {}))
    message = message_of_report(made, *PLACE)
    said = message.event["data"]

    states = Counter(row["state"] for row in rows(made))
    assert parsed.states == Counter({one.replace(" ", "-"): states[one] for one in states})
    assert {one: count for one, count in whole["counts"]["clusters"].items() if count} == states
    assert Counter(one["state"] for one in whole["clusters"]) == states
    for state, count in states.items():
        assert f"{count} {state}" in parsed.text
    assert list(said["clusters"].values()) == list(whole["counts"]["clusters"].values())
    assert list(said["restores"].values()) == list(whole["counts"]["restores"].values())
    restores = sum(whole["counts"]["restores"].values())
    bars = sum(tag == "td" and ("class", "bar") in attrs for tag, attrs in parsed.structure)
    more = re.search(r"And (\d+) more restores", parsed.text)
    assert restores == len(whole["restores"]) == bars + int(more[1] if more else 0)
    looked = sum(states[str(one)] for one in ClusterState if one.is_bad)
    assert whole["headline"].startswith(f"{looked} of ") == (looked > 0)
    named = sum(needs_look(made, judged) for judged in made.coverage.in_order)
    assert len(said["needAttention"]) == min(named, 20)
    assert message.attributes["attention"] == json.dumps(whole["needsAttention"])


@pytest.mark.fault("F112")
@FEW
@given(st.sampled_from(HOSTILE) | st.text(max_size=40), st.integers(1, 12))
def test_a_name_is_text_and_never_an_element_or_an_attribute(name: str, size: int) -> None:
    plain = ParsedPage(html_page(fleet(size)))
    hostile = ParsedPage(html_page(fleet(size, name=lambda usual: f"{usual}{name}")))

    assert hostile.structure == plain.structure
    shown = hostile.text
    for sign in "\x00\x1b\u202e\u2066\u200f\u2028":
        assert sign not in shown


@pytest.mark.parametrize(
    ("name", "shown"), [*zip(HOSTILE[:4], HOSTILE, strict=False), ("\u202e\x07", "\ufffd\ufffd")]
)
def test_a_name_is_shown_apart_from_the_direction_of_others(name: str, shown: str) -> None:
    """As it is, without control characters and turns of the direction."""
    text = ParsedPage(html_page(fleet(3, name=lambda usual: f"{usual}{name}"))).within("bdi")

    assert {f"catalogue{shown}", f"drill{shown}"} <= set(text)


@pytest.mark.fault("F112")
@pytest.mark.parametrize("name", [HOSTILE[0], HOSTILE[7]], ids=["an element", "right to left"])
def test_the_name_of_a_project_that_is_not_watched_is_shown_apart(name: str) -> None:
    names = {group(8): f"crm{name}", group(9): f"shop{name}"}
    made = changed(fleet(3), unwatched_projects=list(names), project_names=names)
    page = ParsedPage(html_page(made))

    assert [text for text in page.within("bdi") if name in text] == list(names.values())
    assert f"the stack does not watch: crm{name} , shop{name} ." in page.text


@pytest.mark.parametrize("size", [3, 40, 400])
def test_the_page_has_no_script_and_no_address(size: int) -> None:
    html = html_page(fleet(size))

    structure = ParsedPage(html).structure
    tags = {tag for tag, _ in structure}
    assert tags & {"script", "link", "img", "iframe", "a", "form", "object"} == set()
    assert "://" not in html
    assert "url(" not in html
    assert "@import" not in html
    policy = ("content", "default-src 'none'; style-src 'unsafe-inline'")
    assert ("meta", (("http-equiv", "Content-Security-Policy"), policy)) in structure


def test_the_style_stands_on_the_page_as_it_is_written() -> None:
    style = "".join(ParsedPage(html_page(fleet(3))).within("style"))

    assert ".pill{" in style
    assert 'content:""' in style


def test_what_needs_a_look_stands_first_in_the_table_and_in_its_project() -> None:
    made = fleet(40)
    html = html_page(made)

    pills = re.findall(r'class="pill [a-z-]+">([a-z ]+)<', html)
    assert pills == [str(one.state) for one in made.coverage.in_order if needs_look(made, one)]
    for project in html.split("<h3>")[1:]:
        states = re.findall(r'<td class="state ([a-z-]+)"', project)
        order = [list(ClusterState).index(ClusterState(one.replace("-", " "))) for one in states]
        assert order == sorted(order)


def test_clusters_of_which_the_same_cannot_be_told_share_a_row() -> None:
    names = [f"crm-{number}" for number in range(5)]
    made = report([(cluster(name), []) for name in names], dict.fromkeys(names, NO_ROLE))

    text = ParsedPage(html_page(made)).text
    assert text.count(NO_ROLE.fix) == 1
    assert "crm-0 , crm-1 , crm-2 and 2 more" in text


@pytest.mark.parametrize(
    ("fields", "restores"),
    [({"is_paused": True}, []), ({}, [restore(cluster("crm-1"), END - 100 * DAY)])],
    ids=["a remark", "a good test"],
)
def test_a_cluster_of_which_more_is_known_has_a_row_of_its_own(
    fields: dict[str, Any], restores: list[Restore]
) -> None:
    clusters = [(cluster("crm-0"), []), (cluster("crm-1", **fields), restores)]
    made = report(clusters, dict.fromkeys(["crm-0", "crm-1"], NO_ROLE))

    assert ParsedPage(html_page(made)).text.count(NO_ROLE.fix) == 2


@pytest.mark.parametrize(("size", "is_folding"), [(UNFOLDED, False), (UNFOLDED + 1, True)])
def test_more_clusters_than_a_page_shows_unfolded_fold(size: int, *, is_folding: bool) -> None:
    names = [f"orders-{number:03}" for number in range(size)]
    made = report([(one, [restore(one, END - DAY)]) for one in map(cluster, names)])

    assert ("<details>" in html_page(made)) == is_folding


def test_projects_where_all_is_well_fold_among_many_clusters() -> None:
    html = html_page(fleet(70, is_well=True))

    assert html.count("<details>") == 7
    assert "<details open" not in html
    assert "<details>" not in html_page(fleet(40))


def test_among_many_clusters_only_those_without_a_remark_fold() -> None:
    made = fleet(70)
    html = html_page(made)

    folded = {
        name
        for part in html.split("<details>")[1:]
        for name in re.findall(r'<th scope="row"><bdi>([^<]*)</bdi>', part.split("</details>")[0])
    }
    without_remark = {
        judged.cluster.name
        for judged in made.coverage.in_order
        if not judged.state.is_bad and not shown_facts(made, judged)
    }
    remarked = [judged for judged in made.coverage.in_order if judged.state is ClusterState.TESTED]
    assert folded == without_remark
    assert 0 < len(folded) < 70
    assert any(shown_facts(made, judged) for judged in remarked)
    assert ParsedPage(html).states.total() == 70


def test_rows_of_one_state_and_beyond_a_thousand_those_of_months_are_counted() -> None:
    made = report([(cluster(f"orders-{number:04}"), []) for number in range(CLUSTERS + 3)])
    parsed = ParsedPage(html_page(made))

    assert f"And {CLUSTERS + 3 - ROWS} more clusters: the months below" in parsed.text
    assert parsed.states.total() == CLUSTERS
    assert "And 3 more clusters: coverage.csv has them." in parsed.text


def test_without_a_watched_project_the_page_says_so() -> None:
    made = changed(fleet(11), is_configured=False, clusters=[], watched_projects=0)
    text = ParsedPage(html_page(made)).text

    assert "No project is watched: this report proves nothing." in text
    assert "Name the projects to watch in the parameter AtlasProjectIds." in text
    assert "Tests by month" not in text
    assert "Restores week to 29 Nov 2026" in text


def test_the_worst_restores_come_first_and_the_others_are_counted() -> None:
    own = [restore(LEDGER, END - (2 + n) * HOUR, n, HOUR / 2) for n in range(ROWS + 3)]
    own.append(restore(LEDGER, END - 60 * HOUR, 90, 1.25 * HOUR))
    own.append(restore(LEDGER, END - 70 * HOUR, 91, status="FAILED"))
    html = html_page(report([(LEDGER, own)]))

    marks = re.findall(r'<rect class="([a-z]+)"', html)
    assert marks[:3] == ["bad", "late", "good"]
    assert len(marks) == ROWS
    text = ParsedPage(html).text
    assert "1 h 15 min, completed, over the RTO" in text
    assert "And 5 more restores: restores.csv has them all." in text


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"rto": "30m", "rpo": "2h"}, "42 min, completed, over its RTO of 30 min"),
        ({"rto": "30m", "rpo": "2h"}, "snapshot 3 h old, over its RPO of 2 h"),
        ({"rto": "4h", "rpo": "2d"}, "RTO 4 h RPO 2 days"),
        ({"rto": "0", "rpo": "0"}, "no RTO no RPO"),
        ({"restore-test": "30d"}, "window 30 days"),
        ({"rto": "4 hours"}, "tag rto=4 hours cannot be read"),
    ],
    ids=["over the RTO", "over the RPO", "others", "none", "window", "unreadable"],
)
def test_the_page_shows_what_the_tags_of_a_cluster_ask_for(tags: dict[str, str], said: str) -> None:
    own = cluster(tags=tags)

    assert said in ParsedPage(html_page(report([(own, [restore(own, END - DAY)])]))).text


def test_timelines_show_the_objectives_of_the_stack() -> None:
    made = [restore(LEDGER, END - DAY)]
    usual, own = (
        html_page(report([(cluster(tags=tags), made)]))
        for tags in ({}, {"rto": "30m", "rpo": "2h"})
    )
    goals = re.findall(r'class="goal" d="([^"]+)"', usual)

    assert len(goals) == 2
    assert goals == re.findall(r'class="goal" d="([^"]+)"', own)
    assert re.findall(r'<rect class="([a-z]+)"', usual) == ["good"]
    assert re.findall(r'<rect class="([a-z]+)"', own) == ["late"]


@pytest.mark.fault("F112")
@FEW
@given(st.sampled_from(HOSTILE) | st.text(max_size=40))
def test_a_tag_is_text_and_never_an_element_or_an_attribute(value: str) -> None:
    """A value with a digit is of no form, so it is named."""
    plain, hostile = (
        ParsedPage(html_page(report([(cluster(tags={"rto": f"1!{text}"}), [])])))
        for text in ("", value)
    )

    assert hostile.structure == plain.structure
    assert "tag rto=1!" in hostile.text


def test_a_tag_that_cannot_be_read_keeps_its_row_open_and_own_objectives_do_not() -> None:
    names = [f"orders-{number:03}" for number in range(61)]
    odd = {"orders-000": {"rto": "4 hours"}, "orders-001": {"rto": "4h"}}
    made = report(
        [(one, [restore(one, END - DAY)]) for one in
         (cluster(name, tags=odd.get(name, {})) for name in names)]
    )  # fmt: skip
    shown, _, folded = html_page(made).partition("<details>")

    assert "<bdi>orders-000</bdi>" in shown.partition('id="months"')[2]
    assert "<bdi>orders-001</bdi> <small>RTO 4 h</small>" in folded


def scheduled(made: Report) -> list[str]:
    """When the restores on the page were scheduled, in the order of the page."""
    return re.findall(r"scheduled </span>([^<]+)", html_page(made))


def test_what_missed_an_objective_and_what_is_open_for_too_long_are_equally_bad() -> None:
    """The newest comes first. Without an RTO, a restore may be open for a day."""
    late = restore(LEDGER, END - 60 * HOUR, 1, 2 * HOUR)
    stuck = restore(LEDGER, END - 70 * HOUR, 2, status="RUNNING", restoreFinishedDate=None)
    good = restore(LEDGER, END - 2 * HOUR, 3)

    assert scheduled(report([(LEDGER, [stuck, late, good])])) == [
        "27 Nov 12:00",
        "27 Nov 02:00",
        "29 Nov 22:00",
    ]


def test_the_page_and_the_headline_call_the_same_restores_late() -> None:
    """Atlas was read long after the question, and the restore was still open then."""
    good = restore(LEDGER, END - 2 * HOUR, 3)
    stuck = restore(LEDGER, END - 10 * HOUR, 2, status="RUNNING", restoreFinishedDate=None)
    seen = [evidence(each) for each in (stuck, good)]
    usual = report([(LEDGER, [stuck, good])], objectives=Objectives(), of_period=seen)

    assert not concerns(usual)
    assert scheduled(usual) == ["29 Nov 22:00", "29 Nov 14:00"]
    read_at = END + 15 * HOUR
    read_later = changed(usual, read_at=read_at, swept_at=read_at)
    assert concerns(read_later) == ["1 restore is open for longer than a day."]
    assert scheduled(read_later) == ["29 Nov 14:00", "29 Nov 22:00"]


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("took", "said"),
    [
        (HOUR, "1 h, completed"),
        (HOUR + SECOND, "1 h 01 min, completed, over the RTO"),
        (60 * HOUR - SECOND, "2 days 12 h, completed, over the RTO"),
    ],
    ids=["met", "missed by a second", "days"],
)
def test_what_is_over_an_objective_is_shown_as_longer(took: timedelta, said: str) -> None:
    one = restore(LEDGER, END - 4 * DAY, took=took, snapshotFinishedDate=END - 5 * DAY - SECOND)
    text = ParsedPage(html_page(report([(LEDGER, [one])]))).text

    assert said in text
    assert ("over the RTO" in text) == ("over the RTO" in said)
    assert "snapshot 24 h 01 min old, over the RPO" in text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"deliveryType": "DOWNLOAD"}, "download"),
        ({"kind": "collection"}, "drill (some collections)"),
        ({"targetDeploymentItemName": None}, "?"),
        ({"targetProjectId": f"{2:024x}"}, "drill in crm"),
        ({"targetProjectId": "f" * 24}, f"drill in {'f' * 24}"),
    ],
    ids=str,
)
def test_a_timeline_names_the_target(fields: dict[str, Any], said: str) -> None:
    made = report([(LEDGER, [restore(LEDGER, END - DAY, **fields)])])

    assert said in ParsedPage(html_page(made)).within("bdi")


def test_a_restore_far_beyond_others_ends_at_the_edge() -> None:
    own = [restore(LEDGER, END - (20 + n) * HOUR, n) for n in range(20)]
    own.append(restore(LEDGER, END - 120 * HOUR, 90, 90 * HOUR))

    assert html_page(report([(LEDGER, own)])).count('class="cut"') == 1


def test_goals_are_drawn_where_the_objectives_lie() -> None:
    """Of a scale that is two fifths longer than each."""
    html = html_page(report([(LEDGER, [restore(LEDGER, END - DAY)])]))

    assert re.findall(r'class="goal" d="M([0-9.]+) ', html) == ["40.0", "265.7"]


def test_without_objectives_no_goal_is_drawn() -> None:
    html = html_page(changed(fleet(11), objectives=Objectives()))

    assert 'class="goal"' not in html
    assert "RTO" not in html.partition('<h2 id="restores">')[2].partition("</h2>")[0]


def test_every_concern_stands_on_the_page() -> None:
    made = report([(LEDGER, [restore(LEDGER, END - DAY, status="FAILED")])], degraded=[""])
    text = ParsedPage(html_page(made)).text

    assert concerns(made) == [
        "1 of 1 cluster needs a look.",
        "1 restore failed.",
        "The watch is degraded.",
    ]
    for concern in concerns(made):
        assert concern in text


def test_the_heading_of_a_project_counts_the_states_of_its_clusters() -> None:
    own = [restore(LEDGER, END - DAY)]
    made = report([(LEDGER, own), (cluster("cards"), []), (cluster("stock"), [])])

    assert "catalogue 2 never, 1 tested" in ParsedPage(html_page(made)).text


def test_what_needs_a_look_beside_clusters_stands_above_the_table() -> None:
    made = changed(
        report([(LEDGER, [restore(LEDGER, END - DAY)])]),
        unread_projects={group(1): NO_ROLE, "": NO_ROLE},
        degraded=["", group(2)],
        unreadable=[{"cluster": f"{group(0)}/ledger", "restoreId": "x"}],
    )
    text = ParsedPage(html_page(made)).text

    assert f"crm : not read: {NO_ROLE.problem}, since 3 Sep 2026. {NO_ROLE.fix}" in text
    assert text.count(": not read: ") == text.count("cannot be seen.") == 2
    assert "orders cannot be seen." in text
    assert "The list of projects, 1 project and 1 cluster could not be read as a whole." in text
    assert f"Items of the table that cannot be read: {group(0)}/ledger , restore x ." in text


@pytest.mark.parametrize("status", ["CANCELLED", "EXPIRED"])
@pytest.mark.parametrize("minutes", [42, 90])
def test_a_restore_that_was_given_up_is_neither_late_nor_good_nor_failed(
    status: str, minutes: int
) -> None:
    took = timedelta(minutes=minutes)
    html = html_page(report([(LEDGER, [restore(LEDGER, END - DAY, took=took, status=status)])]))

    assert re.findall(r'<span class="open">[^<]*, ([a-z]+)</span>', html) == [status.lower()]
    assert f"last attempt {status.lower()} on 29 Nov 2026" in ParsedPage(html).text


@pytest.mark.parametrize(
    "fields",
    [{"took": -HOUR}, {"restoreFinishedDate": None, "took": timedelta()}],
    ids=["before it began", "not dated, and not seen"],
)
def test_of_an_end_that_nobody_knows_the_page_says_no_time(fields: dict[str, Any]) -> None:
    made = report([(LEDGER, [restore(LEDGER, END - DAY, **fields)])])
    text = ParsedPage(html_page(made)).text

    assert "time not known, completed" in text
    assert "RTO not known" in text


def test_a_restore_without_a_date_of_its_start_began_when_its_id_was_made() -> None:
    one = restore(LEDGER, END - DAY, restoreScheduledDate=None)

    assert "42 min, completed" in ParsedPage(html_page(report([(LEDGER, [one])]))).text


def test_a_restore_that_ended_after_the_period_is_listed_and_no_test_of_it() -> None:
    made = report([(LEDGER, [restore(LEDGER, END - HOUR / 2, took=2 * HOUR)])])
    text = ParsedPage(html_page(made)).text

    assert "2 h, completed" in text
    assert "Nov 2026: no test" in text
    assert rows(made)[0]["lastAttempt"] == "OPEN"


def test_a_test_of_the_last_day_is_of_today() -> None:
    made = report([(LEDGER, [restore(LEDGER, END - 2 * HOUR)])])

    assert "tested today" in ParsedPage(html_page(made)).text


ONE = cluster(created_at=END - 20 * DAY)
GOOD = restore(ONE, END - 10 * DAY)
FAILED = restore(ONE, END - 9 * DAY, 2, status="FAILED")
VERIFIED = restore(ONE, END - 8 * DAY, 3, verdict=Verdict.PASSED)
MEASURED = restore(ONE, END - 10 * DAY, 5, measurement=MATCHES)
DIFFERENT = restore(ONE, END - 10 * DAY, 6, measurement=DIFFERS)
DOWNLOAD = restore(ONE, END - 7 * DAY, 4, deliveryType="DOWNLOAD")


@pytest.mark.parametrize(
    ("restores", "sign"),
    [
        ([], Sign.NONE),
        ([DOWNLOAD], Sign.PARTLY),
        ([GOOD, DOWNLOAD], Sign.RESTORED),
        ([GOOD, FAILED], Sign.FAILED),
        ([GOOD, FAILED, VERIFIED], Sign.VERIFIED),
        ([MEASURED, GOOD], Sign.MEASURED),
        ([MEASURED, FAILED], Sign.FAILED),
        ([MEASURED, VERIFIED], Sign.VERIFIED),
        ([DIFFERENT], Sign.RESTORED),
    ],
    ids=[
        *("none", "a download", "a good one", "failed", "verified"),
        *("measured", "measured, then failed", "measured and verified", "different"),
    ],
)
def test_a_month_shows_the_best_test_or_a_failure_after_it(
    restores: list[Restore], sign: Sign
) -> None:
    made = report([(ONE, restores)])
    (judged,) = made.coverage.clusters
    before, now = list(signs_by_month(made, judged).values())[-2:]

    assert (before, now) == (Sign.ABSENT, sign)


def test_a_page_shows_thirteen_weeks_by_their_mondays() -> None:
    first, last = restore(LEDGER, datetime(2026, 9, 6, tzinfo=UTC)), restore(LEDGER, END - DAY, 2)
    weeks = restores_by_week(report([(LEDGER, [first, last])]))

    assert len(weeks) == 13
    assert {monday: begun for monday, begun in weeks.items() if begun} == {
        date(2026, 8, 31): [first],
        date(2026, 11, 23): [last],
    }


def test_a_week_that_the_period_cuts_has_no_restore_from_after_it() -> None:
    monday = Period(END.date(), END.date())
    last = restore(LEDGER, monday.end - SECOND)
    both = [last, restore(LEDGER, monday.end, 2)]
    made = report([(LEDGER, both)], period=monday, asked_at=monday.end + 6 * HOUR)

    assert restores_by_week(made)[END.date()] == [last]
