"""A month that is kept: written once, whole, and with files that agree with each other."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from behaviour.report.conftest import DAY, PUT, Reports
from behaviour.rows import rows
from local_stack.faults import Action, Answer, Close
from local_stack.steps import DEDICATED_LIST, MISSING_ROLE, QUESTION
from local_stack.wire import Call, Selection
from restore_watch.errors import InvalidEventError, ReportNotWrittenError

FILES = ["coverage.csv", "report.html", "report.json", "report.zip", "restores.csv"]
KEEP = {"action": "keep-month"}


def furnish(reports: Reports) -> None:
    reports.cluster("orders", "flex")
    reports.restored("orders", "flex", days=70, is_known=True)
    reports.cluster("billing")
    reports.restored("billing", days=75)


def last_month(reports: Reports, back: int = 1) -> Mapping[str, Any]:
    """The event that asks for a calendar month that is over."""
    last = reports.at.date()
    for _ in range(back):
        last = last.replace(day=1) - DAY
    return {"action": "report", "from": str(last.replace(day=1)), "to": str(last)}


def begin_the_next_month(reports: Reports) -> None:
    """Let the watch see its project, and go to 06:00 of the first day of the next month."""
    reports.environment().sweep()
    go_to_the_next_month(reports, timedelta(hours=6))


def go_to_the_next_month(reports: Reports, after: timedelta) -> None:
    """Go to so long after the next month has begun."""
    now = reports.world.clock()
    first = (now.replace(day=28) + 4 * DAY).replace(day=1, hour=0, minute=0, second=0)
    reports.world.pass_time((first + after - now).total_seconds())


def month_of(reports: Reports) -> dict[str, bytes]:
    """The files of the only month that is kept, by name."""
    kept = reports.files("months/")
    assert len({key.split("/")[1] for key in kept}) <= 1
    return {key.rpartition("/")[2]: body for key, body in kept.items()}


def is_put_of(name: str, call: Call) -> bool:
    return call.method == "PUT" and call.path.endswith(f"/{name}")


def must_agree(files: Mapping[str, bytes]) -> None:
    """The sums are right, and page, CSV and JSON have the same clusters."""
    whole = json.loads(files["report.json"])
    for name, said in whole["files"].items():
        assert said["sha256"] == hashlib.sha256(files[name]).hexdigest()
    names = [cluster["clusterName"] for cluster in whole["clusters"]]
    lines = files["coverage.csv"].decode().splitlines()[1:]
    assert [line.split(",")[2] for line in lines] == names
    assert all(name.encode() in files["report.html"] for name in names)


@pytest.mark.fault("F110")
def test_a_month_is_written_once(reports: Reports) -> None:
    furnish(reports)
    event = last_month(reports)
    result = reports.make(event)
    months = reports.files("months/")

    reports.cluster("later", days=399)
    reports.make(event)

    assert result["month"] == f"months/{str(event['from'])[:7]}/"
    assert [key.rpartition("/")[2] for key in months] == FILES
    assert reports.files("months/") == months
    assert "later" in str(reports.json())
    conditions = {
        call.path.split("/")[2]: call.headers.get("If-None-Match")
        for call in reports.world.calls(PUT)
    }
    assert conditions == {"months": "*", "reports": None}
    assert reports.messages() == []


def test_a_month_that_is_not_over_and_a_part_of_one_are_no_months(reports: Reports) -> None:
    first = reports.at.date().replace(day=1)
    end = (first.replace(day=28) + 4 * DAY).replace(day=1) - DAY
    for period in (
        {"from": str(first), "to": str(end)},
        {"from": "2026-01-01", "to": "2026-01-30"},
    ):
        reports.make({"action": "report", **period})

    assert reports.files("months/") == {}
    assert len(reports.files("reports/")) == 2 * 4


NOT_READ: dict[str, tuple[Selection, Action]] = {
    "no-answer": (QUESTION, Answer(503)),
    "restores-silent": (DEDICATED_LIST, Close()),
    "no-role": (DEDICATED_LIST, MISSING_ROLE),
    "snapshots": (Selection("atlas", "snapshots"), Answer(500)),
    "refused": (QUESTION, MISSING_ROLE),
}


@pytest.mark.fault("F114")
@pytest.mark.parametrize(("step", "action"), rows(NOT_READ, "restores-silent", "snapshots"))
def test_a_month_is_kept_by_the_first_report_that_has_read_everything(
    reports: Reports, step: Selection, action: Action
) -> None:
    furnish(reports)
    event = last_month(reports)
    with reports.world.inject(step, action, times=None):
        result = reports.make(event)
    assert result["month"] is None
    assert reports.files("months/") == {}
    assert len(reports.files("reports/")) == 4

    reports.make(event)

    must_agree(month_of(reports))


def test_a_month_is_kept_by_the_schedule_of_the_following_days(reports: Reports) -> None:
    furnish(reports)
    begin_the_next_month(reports)
    with reports.world.inject(DEDICATED_LIST, MISSING_ROLE, times=None):
        first = reports.make(KEEP)
    reports.world.pass_time(DAY.total_seconds())
    second = reports.make(KEEP)
    asked = len(reports.asked())
    third = reports.make(KEEP)

    assert [result["isKept"] for result in (first, second, third)] == [False, True, True]
    must_agree(month_of(reports))
    assert len(reports.asked()) == asked
    assert reports.files("reports/") == {}
    assert reports.messages() == []


def test_a_month_in_which_nobody_watched_is_kept_only_if_somebody_asks(reports: Reports) -> None:
    furnish(reports)
    reports.environment().sweep()

    result = reports.make(KEEP)

    assert (result["isKept"], result["why"]) == (False, "No project was watched in this month.")
    assert reports.files() == {}


def test_a_watch_that_began_half_an_hour_after_a_month_does_not_keep_it(reports: Reports) -> None:
    furnish(reports)
    go_to_the_next_month(reports, timedelta(minutes=30))
    reports.environment().sweep()

    result = reports.make(KEEP)

    assert (result["isKept"], result["why"]) == (False, "No project was watched in this month.")
    assert reports.files() == {}


def test_a_month_is_over_by_the_clock_of_the_function(reports: Reports) -> None:
    """The clock of the schedule may be a minute ahead."""
    furnish(reports)
    begin_the_next_month(reports)
    reports.world.pass_time(-6 * 3600 - 30)
    event = {**KEEP, "scheduledTime": (reports.world.clock() + timedelta(seconds=45)).isoformat()}

    reports.make(event)

    assert reports.files("months/") == {}


@pytest.mark.fault("F114")
def test_no_month_is_kept_of_a_list_without_projects(reports: Reports) -> None:
    furnish(reports)
    reports.projects = ("all",)
    reports.environment().sweep()
    empty = Answer.json(200, {"results": [], "links": []})
    reports.world.inject(Selection("atlas", "projects"), empty, times=None)

    result = reports.make(last_month(reports))

    assert result["month"] is None
    assert reports.files("months/") == {}


@pytest.mark.fault("F114")
@pytest.mark.parametrize("projects", [(), ("all",)], ids=["none is named", "Atlas lists none"])
def test_no_month_is_kept_of_a_stack_that_watches_nothing(
    reports: Reports, projects: tuple[str, ...]
) -> None:
    """No sweep has seen a project, so that no list can leave one out."""
    reports.projects = projects
    empty = Answer.json(200, {"results": [], "links": []})
    reports.world.inject(Selection("atlas", "projects"), empty, times=None)

    result = reports.make(last_month(reports))

    assert result["month"] is None
    assert reports.files("months/") == {}


@pytest.mark.fault("F110")
@pytest.mark.parametrize("body", [b"", b"PK odd"], ids=["empty", "odd"])
def test_a_month_that_cannot_be_written_or_read_leaves_the_report(
    reports: Reports, body: bytes
) -> None:
    """The function fails then, so that AWS tries again and somebody hears of it."""
    furnish(reports)
    event = last_month(reports)
    key = f"months/{str(event['from'])[:7]}/report.zip"
    reports.world.aws.client("s3").put_object(Bucket=reports.bucket, Key=key, Body=body)

    reports.world.raised(ReportNotWrittenError, lambda: reports.make(event))

    assert len(reports.files("reports/")) == 4


def test_an_event_of_a_month_names_no_period(reports: Reports) -> None:
    reports.world.raised(InvalidEventError, lambda: reports.make({**KEEP, "from": "2026-11-01"}))


def test_a_restore_that_is_named_later_is_said_beside_the_month(reports: Reports) -> None:
    furnish(reports)
    event = last_month(reports)
    day = date.fromisoformat(str(event["to"]))
    days = (reports.at.date() - day).days + 1
    late = reports.restored("billing", days=days)
    reports.make(event)
    reports.world.check(reports.target(late, "dedicated"))

    reports.make(event)

    whole, page = reports.json(), reports.page()
    assert whole["missingInMonth"] == [late.restore_id]
    assert f"1 restore of this month became known after months/{day:%Y-%m}/ was written" in page
    assert late.restore_id not in month_of(reports)["restores.csv"].decode()


@pytest.mark.fault("F110")
def test_two_invocations_at_once_leave_the_files_of_one(reports: Reports) -> None:
    """The other one has seen another fleet, and its files arrive among those of this one."""
    reports.cluster("orders")
    reports.make()
    others = reports.files("reports/")
    reports.cluster("later", days=399)
    mine, s3 = reports.environment(), reports.world.aws.client("s3")
    in_the_middle = Selection(
        "s3", None, lambda call: mine.by.made(call) and is_put_of("restores.csv", call)
    )

    def write_too() -> None:
        while others:
            key, body = others.popitem()
            s3.put_object(Bucket=reports.bucket, Key=key, Body=body)

    with reports.world.whenever(in_the_middle, write_too):
        reports.make(environment=mine)

    files = {key.rpartition("/")[2]: body for key, body in reports.files("reports/").items()}
    must_agree(files)
    assert b"later" in files["coverage.csv"]
