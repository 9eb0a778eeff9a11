"""A month is kept for ever: a report that read everything writes it, and its files agree."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zipfile import ZipFile

import pytest

from behaviour.report.conftest import DAY, PUT, Reports
from behaviour.report.what_is_well import Furnished, Page
from behaviour.rows import case, rows
from local_stack.atlas import EmulatedCluster, Kind
from local_stack.environment import Environment
from local_stack.faults import Action, Answer, Ask, Reset
from local_stack.loopback import Line
from local_stack.refusal import atlas_error
from local_stack.running import wait_until_held_or_over
from local_stack.steps import MISSING_ROLE, too_many_requests
from local_stack.wire import Call, Phase, Selection
from local_stack.world import World

MINUTE = 60.0
FILES = {"report.html", "coverage.csv", "restores.csv", "report.json"}
BUNDLE = "report.zip"


@pytest.fixture(autouse=True)
def first(world: World) -> None:
    """Six o'clock in UTC on the first day of a month."""
    now = world.clock()
    of_next_month = (now.replace(day=1) + 32 * DAY).replace(day=1, hour=6, minute=0, second=0)
    world.pass_time((of_next_month.replace(microsecond=0) - now).total_seconds())


class Month:
    """The month before, of a fleet with a cluster in each of four states."""

    def __init__(self, reports: Reports) -> None:
        self.reports, self.world = reports, reports.world
        self.begin()

    def begin(self) -> None:
        """Nothing was written yet."""
        self.world.heal()
        self.world.stack.empty_table()
        self.world.atlas.empty()
        self.world.atlas.add_project(self.world.group)
        self.reports.delete_files()
        self.reports.settings["REPORT"] = "monthly"
        # The table does not know these tests, so that who does not ask cannot tell.
        self.cluster("orders", days=20)
        self.cluster("late", days=200)
        self.cluster("lost", days=None)
        self.cluster("shop", days=4, is_flex=True)
        self.truth = {"orders": "tested", "late": "overdue", "lost": "never", "shop": "tested"}
        self.world.received()

    def cluster(self, name: str, *, days: float | None, is_flex: bool = False) -> EmulatedCluster:
        kind: Kind = "flex" if is_flex else "dedicated"
        made = self.reports.cluster(name, kind)
        self.world.atlas.add_snapshot(self.world.group, name, kind=kind)
        if days is not None:
            self.reports.restored(name, kind, days=days)
        return made

    def scheduled(
        self, days: int = 0, environment: Environment | None = None, action: str = "report"
    ) -> None:
        """The schedule asks, so many days later."""
        at = self.reports.at + timedelta(days=days, hours=6)
        event = {"action": action, "scheduledTime": at.isoformat()}
        self._asked(event, environment)

    def by_hand(self) -> None:
        """Somebody asks for the month."""
        last = self.reports.at - DAY
        event = {"from": f"{last:%Y-%m}-01", "to": f"{last:%Y-%m-%d}"}
        self._asked({"action": "report"} | event)

    def _asked(self, event: Mapping[str, Any], environment: Environment | None = None) -> None:
        try:
            self.reports.make(event, environment)
        except Exception as error:  # noqa: BLE001 - whatever ends an invocation
            self.world.said.append(repr(error))

    @property
    def files(self) -> dict[str, bytes]:
        """Those that are kept, by their names."""
        month = f"months/{self.reports.at - DAY:%Y-%m}/"
        return {key.removeprefix(month): one for key, one in self.reports.files(month).items()}

    def states(self) -> dict[str, str] | None:
        """Of the kept clusters by name, and without what; None if the month is not there."""
        if "report.json" not in self.files:
            return None
        report = json.loads(self.files["report.json"])
        return {
            one["clusterName"]: one["state"] + ", no snapshot" * (one["newestSnapshotAt"] is None)
            for one in report["clusters"]
        }

    def disagreements(self) -> list[str]:
        """Where the kept files contradict each other."""
        files = self.files
        if not files:
            return []
        if files.keys() - {BUNDLE} != FILES:
            return [f"there are {sorted(files)}"]
        with ZipFile(io.BytesIO(files[BUNDLE])) as bundle:
            if {name: bundle.read(name) for name in bundle.namelist()} != _without(files, BUNDLE):
                return ["the bundle has other files"]
        report = json.loads(files["report.json"])
        found = []
        for name, said in report["files"].items():
            if said["sha256"] != hashlib.sha256(files[name]).hexdigest():
                found.append(f"the sum of {name}")
        coverage = {(row["clusterId"], row["state"]) for row in _rows(files["coverage.csv"])}
        if coverage != {(one["clusterId"], one["state"]) for one in report["clusters"]}:
            found.append("the clusters of the JSON and of coverage.csv")
        restores = {(row["restoreId"], row["outcome"]) for row in _rows(files["restores.csv"])}
        if restores != {(one["restoreId"], one["outcome"]) for one in report["restores"]}:
            found.append("the restores of the JSON and of restores.csv")
        page = Page.of(files["report.html"].decode()).text
        if report["headline"].rstrip(".") not in page:
            found.append("the headlines of the JSON and of the page")
        names = {row["clusterName"] for row in _rows(files["coverage.csv"])}
        found += [f"{one} on the page" for one in sorted(NAMES) if (one in names) != (one in page)]
        return found


NAMES = {"orders", "late", "lost", "shop", "newcomer"}


def _without(files: Mapping[str, bytes], name: str) -> Mapping[str, bytes]:
    return {key: body for key, body in files.items() if key != name}


def _rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


@pytest.fixture
def month(reports: Reports) -> Month:
    return Month(reports)


def change_atlas(month: Month) -> None:
    """While nobody reads, a cluster goes, another comes, and one of them gets its test."""
    month.world.atlas.remove_cluster(month.world.group, "shop")
    month.cluster("newcomer", days=2)
    month.reports.restored("lost", days=3, is_known=True)


def die_at(month: Month, number: int, phase: Phase, only: Selection) -> bool:
    """Let the report die at its n-th call to AWS of these. False if it makes fewer."""
    environment = month.reports.environment()
    seen = 0

    def is_nth(call: Call) -> bool:
        nonlocal seen
        if call.service == "atlas" or not only.covers(call):
            return False
        seen += 1
        return seen == number

    try:
        with month.world.death(environment, Selection(when=is_nth), phase):
            month.scheduled(environment=environment)
    except AssertionError:
        return False
    return True


def test_a_month_is_kept_whole(month: Month) -> None:
    month.scheduled()

    assert month.states() == month.truth
    assert month.disagreements() == []


PUT_OF_MONTH = Selection("s3", None, lambda call: PUT.covers(call) and "/months/" in call.path)


@pytest.mark.fault("F114")
@pytest.mark.parametrize(
    "number", [case(str(n), n, when="test" if n == 2 else "campaign") for n in range(1, 5)]
)
def test_a_death_between_two_files_and_another_atlas(month: Month, number: int) -> None:
    if not die_at(month, number, "after", PUT_OF_MONTH):
        assert number > 1
        return
    change_atlas(month)

    month.scheduled()

    assert month.states() is not None
    assert month.disagreements() == []


@pytest.mark.fault("F114")
def test_a_death_of_an_invocation_that_is_overtaken_leaves_files_that_agree(month: Month) -> None:
    """One is about to store its bundle when another stores its own, of another Atlas, and dies."""
    bundle = Selection(when=lambda call: PUT_OF_MONTH.covers(call) and BUNDLE in call.path)
    with month.world.hold(nth(bundle, 1)) as gate:
        slow = month.world.begin(lambda: month.scheduled(environment=month.reports.environment()))
        wait_until_held_or_over([slow], [gate])
        change_atlas(month)
        assert die_at(month, 1, "after", PUT_OF_MONTH)
        gate.open()
        slow.end()

    assert month.files.keys() == FILES | {BUNDLE}
    assert month.disagreements() == []


@pytest.mark.campaign
@pytest.mark.timeout(600)
@pytest.mark.fault("F114")
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_death_at_any_call_and_another_atlas(month: Month, phase: Phase) -> None:
    number = 1
    found = []
    while die_at(month, number, phase, Selection()):
        change_atlas(month)
        month.scheduled()
        if month.states() is None or month.disagreements():
            found.append((number, month.states(), month.disagreements()))
        month.begin()
        number += 1
    assert number > 8
    assert found == []


# An outage


@dataclass(frozen=True)
class Until:
    """Until this moment Atlas answers so; each answer takes a moment."""

    world: World
    end: datetime
    answer: Action

    def play(self, line: Line, ask: Ask, /) -> Answer:
        self.world.pass_time(0.2)
        if self.world.clock() >= self.end:
            return ask()
        return self.answer.play(line, ask)


ADDRESS = atlas_error(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", "This address is not allowed.")
OUTAGES: Mapping[str, Action] = {
    "500": Answer(500),
    "503": Answer(503),
    "429": too_many_requests(),
    "429 for a minute": too_many_requests({"Retry-After": "60"}),
    "401": MISSING_ROLE,
    "403": ADDRESS,
    "silence": Reset(),
}
SILENT = {"500", "503", "silence"}

SCOPES: Mapping[str, Callable[[Call], bool]] = {
    "everything": lambda call: call.operation != "token",
    "the token": lambda call: call.operation == "token",
    "lists of clusters": lambda call: call.operation in {"flex_clusters", "dedicated_clusters"},
    "a list of Flex clusters": lambda call: call.operation == "flex_clusters",
    "lists of restores": lambda call: call.operation in {"flex_list", "dedicated_list"},
    "a list of restores": lambda call: call.operation == "dedicated_list" and "/lost/" in call.path,
    "lists of snapshots": lambda call: "snapshots" in call.operation,
}

CASES = {f"{kind}, {scope}": (kind, scope) for kind in OUTAGES for scope in SCOPES}

PLAYED_AT_LANDING = list(CASES)[::3]
"""Each outage with two or three scopes, and each scope with as many outages."""


def break_atlas(month: Month, kind: str, scope: str, seconds: float) -> None:
    end = month.world.clock() + timedelta(seconds=seconds)
    action = Until(month.world, end, OUTAGES[kind])
    month.world.inject(Selection("atlas", when=SCOPES[scope]), action, times=None)


@pytest.mark.fault("F114")
@pytest.mark.parametrize(
    ("kind", "scope"),
    rows(CASES, "500, lists of restores", campaign=PLAYED_AT_LANDING),
)
def test_an_outage_of_ten_minutes_when_the_month_is_made(
    month: Month, kind: str, scope: str
) -> None:
    break_atlas(month, kind, scope, 10 * MINUTE)

    month.scheduled()

    assert month.states() in (None, month.truth)
    assert month.disagreements() == []
    month.world.pass_time(20 * MINUTE)
    month.by_hand()
    assert month.states() == month.truth
    assert month.disagreements() == []


@pytest.mark.fault("F114")
@pytest.mark.parametrize("kind", rows({kind: kind for kind in sorted(SILENT)}, "503"))
def test_an_outage_of_two_minutes_is_waited_for(month: Month, kind: str) -> None:
    break_atlas(month, kind, "lists of restores", 2 * MINUTE)

    month.scheduled()

    assert month.states() == month.truth


@pytest.mark.fault("F114")
@pytest.mark.parametrize(
    "action", rows({one: one for one in ("report", "keep-month")}, "keep-month")
)
def test_a_schedule_of_the_next_day_writes_the_month_that_is_missing(
    month: Month, action: str
) -> None:
    break_atlas(month, "401", "everything", 60 * MINUTE)
    month.scheduled()
    assert month.states() in (None, month.truth)
    month.world.pass_time(24 * 60 * MINUTE)
    month.world.watching().tick()
    # As if the watch had begun a month before.
    month.world.rewrite_bookkeeping(firstMark=(month.reports.at - 20 * DAY).isoformat())

    month.scheduled(days=1, action=action)

    assert month.states() == month.truth
    assert month.disagreements() == []


@pytest.mark.fault("F143")
def test_no_month_is_kept_while_nobody_sweeps(month: Month) -> None:
    """What Atlas does not list, such as a restore of collections, only sweeps and checks see."""
    month.reports.is_swept = False
    month.scheduled()
    assert month.states() is None

    month.reports.is_swept = True
    month.scheduled()
    assert month.states() == month.truth


@pytest.mark.fault("F114")
def test_an_item_that_cannot_be_read_is_not_kept_for_ever(month: Month) -> None:
    job = month.reports.restored("orders", days=3, is_known=True)
    month.world.rewrite(job, history="of a newer version")

    month.scheduled()

    assert month.states() is None
    month.world.delete(job)
    month.by_hand()
    assert month.states() == month.truth


# Several invocations


def nth(step: Selection, number: int) -> Selection:
    """The n-th call of a step alone."""
    seen = 0

    def is_nth(call: Call) -> bool:
        nonlocal seen
        seen += step.covers(call)
        return step.covers(call) and seen == number

    return Selection(when=is_nth)


@pytest.mark.campaign
@pytest.mark.parametrize("number", range(1, 9), ids=str)
def test_two_reports_at_once_do_not_mix(month: Month, number: int) -> None:
    """One is held at its n-th file, while another reads another Atlas and writes all of its own."""
    reports, world = month.reports, month.world
    with world.hold(nth(PUT, number)) as gate:
        slow = world.begin(lambda: month.scheduled(environment=reports.environment()))
        wait_until_held_or_over([slow], [gate])
        change_atlas(month)
        month.scheduled(environment=reports.environment())
        gate.open()
        slow.end()

    files = reports.files("reports/")
    found = [key for key in files if key.endswith("report.json")]
    for key in found:
        sums = {name: one["sha256"] for name, one in json.loads(files[key])["files"].items()}
        beside = key.removesuffix("report.json")
        lies = {name: hashlib.sha256(files[beside + name]).hexdigest() for name in sums}
        assert sums == lies
    assert found
    assert month.disagreements() == []


@pytest.mark.campaign
def test_two_invocations_without_the_time_of_a_schedule_have_two_ids(month: Month) -> None:
    for request_id in ("first", "second"):
        month.reports.make({"action": "report"}, request_id=request_id)
        month.world.pass_time(MINUTE)

    first, second = (one.event["id"] for one in month.reports.messages())
    assert first != second


def test_a_schedule_that_is_delivered_twice_has_one_id(month: Month) -> None:
    event = {"action": "report", "scheduledTime": month.world.clock().isoformat()}
    for request_id in ("first", "second"):
        month.reports.make(event, request_id=request_id)

    first, second = (one.event["id"] for one in month.reports.messages())
    assert first == second


def test_a_late_report_says_when_atlas_was_read(month: Month) -> None:
    month.world.pass_time(10 * 24 * 60 * MINUTE)
    before = month.world.clock()

    month.scheduled()

    read_at = datetime.fromisoformat(month.reports.json()["readAt"])
    assert before <= read_at <= month.world.clock()


# What a state knows


@pytest.mark.fault("F115")
def test_a_state_knows_nothing_that_came_after_the_end_of_the_period(reports: Reports) -> None:
    fleet = Furnished(reports)
    late = -0.1
    """Days before the end of the period: some hours after it."""
    fleet.tested("failed-later")
    fleet.restore("failed-later", days=late, end="failed")
    fleet.reports.cluster("tested-later")
    fleet.restore("tested-later", days=late)
    fleet.reports.cluster("ended-later")
    fleet.restore("ended-later", days=0.05, took=timedelta(hours=3))
    fleet.tested("judged-later")
    job = fleet.restore("judged-later", days=2)
    fleet.verdict(job, "FAILED", reports.at - late * DAY)
    fleet.reports.cluster("made-later", days=late)

    states = reports.states()

    assert states["failed-later"] == "tested"
    assert states["tested-later"] == "never"
    assert states["ended-later"] == "never"
    assert states["judged-later"] == "tested"
    assert "made-later" not in states


@pytest.mark.fault("F115")
def test_a_verdict_after_the_end_verifies_nothing(reports: Reports) -> None:
    reports.settings["RESTORE_TEST_COUNTS"] = "verified"
    fleet = Furnished(reports)
    fleet.verdict(fleet.restore("orders", days=2), "PASSED", reports.at + 0.1 * DAY)
    fleet.verdict(fleet.restore("shop", "flex", days=2), "PASSED", reports.at - 0.1 * DAY)

    states = reports.states()

    assert (states["orders"], states["shop"]) == ("never", "tested")


@pytest.mark.fault("F115")
def test_a_report_that_is_asked_for_later_says_what_it_knows_as_of_today(reports: Reports) -> None:
    Furnished(reports)
    end = reports.at - 10 * DAY
    days = {"from": f"{end - DAY:%Y-%m-%d}", "to": f"{end:%Y-%m-%d}"}
    reports.make({"action": "report"} | days)

    (html,) = [text for key, text in reports.files().items() if key.endswith(".html")]
    page = Page.of(html.decode()).text
    assert re.search(r"\b[Tt]ags\b", page)
    day = f"{reports.at.day} {reports.at:%b %Y}"
    assert re.search(rf"\b[Tt]ags\b[^.]*{day}|{day}[^.]*\b[Tt]ags\b", page)


@pytest.mark.campaign
@pytest.mark.fault("F115")
def test_downloads_and_partial_restores_never_count(reports: Reports) -> None:
    fleet = Furnished(reports)
    for name in ("fetched", "fetched-and-bad", "part", "part-and-bad"):
        fleet.reports.cluster(name)
    fleet.restore("fetched", days=3, end="download-ready", delivery_type="download")
    job = fleet.restore("fetched-and-bad", days=3, end="download-ready", delivery_type="download")
    fleet.verdict(job, "FAILED", reports.at - 2 * DAY)
    for name in ("part", "part-and-bad"):
        part = reports.restored(name, "collection", days=3, is_known=True)
        if name == "part-and-bad":
            fleet.verdict(part, "FAILED", reports.at - 2 * DAY)

    states = reports.states()

    names = ("fetched", "fetched-and-bad", "part", "part-and-bad")
    assert [states[name] for name in names] == ["never"] * 4


@pytest.mark.campaign
@pytest.mark.fault("F115")
def test_a_cancelled_attempt_is_named_and_changes_no_state(reports: Reports) -> None:
    fleet = Furnished(reports)
    fleet.tested("stopped")
    fleet.restore("stopped", days=2, end="cancelled")
    fleet.tested("lapsed", "flex")
    fleet.restore("lapsed", "flex", days=2, end="EXPIRED+finished")

    said = fleet.said()

    states = {one["clusterName"]: one["state"] for one in said.report["clusters"]}
    assert (states["stopped"], states["lapsed"]) == ("tested", "tested")
    assert re.search(r"stopped\b.*last attempt cancelled", said.page.text, re.IGNORECASE)
    assert re.search(r"lapsed\b.*last attempt expired", said.page.text, re.IGNORECASE)
