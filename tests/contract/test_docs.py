"""The README and the pages: links, generated parts, samples, and the tables of names."""

import inspect
import json
import re
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import notify_people.errors
import restore_watch.errors
from contract.deployed_template import Stack, source_template
from contract.documents import (
    CHANGELOG,
    DOCUMENTS,
    README,
    ROOT,
    anchors,
    blocks,
    links,
    names,
    page,
    quoted,
    rows,
    section,
    table,
)
from contract.test_schemas import WATCH, fits
from foundation import __version__
from foundation.errors import ApplicationError
from foundation.outside import utc_date
from notify_people.channels.notify_secret import KEYS
from notify_people.wanted_changes import DEFAULT_CHANGES, Change
from restore_watch.atlas.read_credentials import read_credentials
from restore_watch.atlas.read_restore_job import FIELDS, restore_job
from restore_watch.aws import restore_messages, watch_messages
from restore_watch.aws.restore_messages import message_of_job
from restore_watch.event.request import OneTarget, read_request
from restore_watch.event.several_targets import SeveralTargets
from restore_watch.event.target_fields import read_target
from restore_watch.model.cluster_tags import RESTORE_TEST_TAG, RPO_TAG, RTO_TAG
from restore_watch.model.health import Health
from restore_watch.model.history_entry import RecordedValidation
from restore_watch.model.marks import Marks
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import RestoreKind
from restore_watch.model.status_change import StatusChange
from restore_watch.model.validation import Validation
from restore_watch.report.files import coverage_columns
from restore_watch.report.files.restores_csv import COLUMNS
from restore_watch.table.project_item import health_as_values, marks_as_values
from strategies import plain_job

TEMPLATE = source_template()
SOURCES = ROOT / "functions" / "restore_watch"
CATALOGUE = ROOT / "tests" / "behaviour" / "README.md"
GOLDEN = ROOT / "tests" / "unit" / "notify_people" / "__snapshots__" / "test_golden"

every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)


def event(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return found


def json_of(name: str, title: str) -> list[Any]:
    """The JSON that a section of a page shows, or of the README."""
    text = README.read_text() if name == "README" else page(name)
    return [json.loads(block) for block in blocks(section(text, title), "json")]


# Links and files


@pytest.mark.parametrize("path", [*DOCUMENTS, CHANGELOG], ids=lambda path: path.name)
def test_every_link_has_a_target(path: Path) -> None:
    broken = []
    for link in links(path.read_text()):
        if link.startswith("https://"):
            continue
        target, _, anchor = link.partition("#")
        file = (path.parent / target).resolve() if target else path
        if not file.exists() or (anchor and anchor not in anchors(file.read_text())):
            broken.append(link)

    assert broken == []


@every_document
def test_every_file_named_exists(path: Path) -> None:
    named = re.findall(
        r"`((?:functions|tests|events|docs|layers)/[\w./-]*|\.ci/run|template\.yaml)`",
        path.read_text(),
    )

    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_page_and_every_sample_event_is_linked() -> None:
    linked = links(section(README.read_text(), "Pages"))
    listed = {link for name in ("events", "messages") for link in links(page(name))}

    assert {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} <= set(linked)
    assert {"SECURITY.md", "CONTRIBUTING.md"} <= set(linked)
    assert {f"../events/{path.name}" for path in (ROOT / "events").glob("*.json")} <= listed


def test_the_first_line_of_a_page_is_the_question_that_it_answers() -> None:
    without = [
        path.name
        for path in (ROOT / "docs").glob("*.md")
        if not re.match(r"# .+\n\n(?:.+\n)*?.*\?(?: |\n)", path.read_text())
    ]

    assert without == []


def test_the_readme_has_the_version_and_what_it_was_proven_with() -> None:
    status = section(README.read_text(), "Status")
    (faults,) = re.findall(r"more than (\d+) faults", status)

    assert f"Version {__version__} " in status
    assert int(faults) < len(re.findall(r"^\| F\d+ \|", CATALOGUE.read_text(), re.MULTILINE))


# Pictures and figures


DRAWN = re.compile(
    r"AWS::(Serverless::(Function|StateMachine)|DynamoDB::Table|S3::Bucket|S[NQ]S::(Topic|Queue))"
)


def test_the_flowchart_names_what_holds_or_moves_data_and_nothing_that_is_gone() -> None:
    (flowchart,) = blocks(page("design"), "mermaid")
    nodes = set(re.findall(r"^ +(\w+)[\[({]", flowchart, re.MULTILINE))
    kinds = {name: one["Type"] for name, one in TEMPLATE["Resources"].items()}

    assert {name for name, kind in kinds.items() if DRAWN.fullmatch(kind)} == nodes & kinds.keys()


def test_every_picture_is_shown_in_light_and_dark() -> None:
    shown = {
        (path.parent / name).resolve()
        for path in DOCUMENTS
        for name in re.findall(r'src(?:set)?="([^"]+)"', path.read_text())
    }
    light = {path.with_name(path.name.replace("-dark.", "-light.")) for path in shown}
    dark = {path.with_name(path.name.replace("-light.", "-dark.")) for path in shown}

    assert shown == light | dark == set((ROOT / "docs" / "pictures").glob("*.png"))


def test_the_words_for_the_picture_of_the_sample_count_what_the_sample_counts() -> None:
    (words,) = re.findall(r'alt="The top of a report: ([^"]+)"', README.read_text())
    sample = json.loads((ROOT / "docs" / "sample" / "report.json").read_text())
    counts = sample["counts"]["clusters"]

    assert words.startswith(sample["headline"].rstrip("."))
    assert [counts[state] for state in ("failed", "overdue", "never")] == [2, 1, 1]
    assert words.endswith("two failed, one is overdue, one was never tested")


SECRET_ARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:n-a1b2c3"


def test_the_page_of_costs_counts_the_alarms_of_the_template_and_keeps_the_promise() -> None:
    costs = page("costs")
    by_email, by_slack = {"NotifyEmail": "a@b.example"}, {"NotifySecretArn": SECRET_ARN}
    for parameters in ({}, by_email, by_slack):
        assert f"{metrics_of_alarms(Stack(**parameters))} metrics" in costs

    row = re.compile(r"^\| .+? \| ([0-9.]+) \| ([0-9.]+) \|", re.MULTILINE)
    default, small, *_ = row.findall(costs)
    without_people, with_email = map(float, default)
    assert without_people <= 3.00
    assert with_email <= 3.50
    assert float(small[0]) <= 0.75


def metrics_of_alarms(stack: Stack) -> int:
    """An alarm costs by its metrics; one on an expression has several."""
    alarms = stack.of_type("AWS::CloudWatch::Alarm").values()
    return sum(max(1, json.dumps(alarm).count('"MetricStat"')) for alarm in alarms)


# Samples


@every_document
def test_every_json_shown_is_json(path: Path) -> None:
    for block in blocks(path.read_text(), "json"):
        json.loads(block)


def test_every_event_shown_is_read_as_what_it_shows() -> None:
    (one,), (several,) = json_of("events", "One target"), json_of("events", "Several targets")

    assert isinstance(read_request(one), OneTarget)
    assert isinstance(read_request(several), SeveralTargets)
    assert one.keys() <= names(section(page("events"), "One target"))
    assert json_of("events", "A sweep")[0] == event("sweep")
    assert json_of("events", "A validation")[0] == event("record-validation")


def test_the_messages_shown_are_those_that_the_function_publishes() -> None:
    (message,) = json_of("messages", "A change")
    data = message["data"]
    change = StatusChange(
        job=RestoreJob.read(data),
        previous_status=data["previousStatus"],
        sequence=data["sequence"],
        observed_at=utc_date(data["observedAt"]),
    )

    assert message_of_job(change, data["projectName"]).event == message
    assert fits(WATCH, json_of("messages", "When the watch cannot see")[0])


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Restored data that differs", "measured-differs"),
        ("Before the credentials expire", "credentials-expiring"),
    ],
)
def test_the_email_shown_is_what_people_get(title: str, name: str) -> None:
    (shown,) = blocks(section(page("people"), title), "text")

    assert shown == (GOLDEN / f"test_people_get_what_is_stored[email-{name}].txt").read_text()


def test_the_subject_shown_counts_no_more_than_an_email_has() -> None:
    (subject,) = blocks(section(page("people"), "E-mail"), "text")
    function = source_template()["Resources"]["NotifyPeopleFunction"]["Properties"]
    together = function["Events"]["Notices"]["Properties"]["BatchSize"]
    assert sum(map(int, re.findall(r"\d+", subject))) <= together


def test_every_type_of_a_message_is_named() -> None:
    on_demand = {restore_messages.VALIDATION_EVENT_TYPE, restore_messages.TEST_EVENT_TYPE}
    others = {
        restore_messages.EVENT_TYPE,
        *watch_messages.WATCH_EVENT_TYPES.values(),
        *(watch_messages.EXPIRING_EVENT_TYPE, watch_messages.RENEWED_EVENT_TYPE),
    }

    assert [one for one in on_demand if f"`{one}`" not in page("events")] == []
    assert [one for one in on_demand | others if f"`{one}`" not in page("messages")] == []


def test_every_key_of_the_secrets_is_read() -> None:
    source = (SOURCES / "atlas" / "read_credentials.py").read_text()
    accepted = table(section(page("operations"), "Secret"))
    keys = [key for cells in accepted for key in quoted(cells[1])]

    assert len(keys) == 18
    assert [key for key in keys if f'"{key}"' not in source] == []
    assert all(f"`{key}`" in page("people") for key in KEYS.values())
    (secret,) = json_of("deploying", "Store the credentials")
    assert read_credentials(json.dumps(secret))


# Tables of names


def leaves(errors: Any, root: type[Exception]) -> set[str]:
    return {
        name
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, root) and not kind.__subclasses__()
    }


ERRORS = leaves(restore_watch.errors, ApplicationError)


def fields_of_a_job() -> set[str]:
    return set(plain_job().as_json())


def attributes_of_an_item() -> set[str]:
    """Those of the job stand on another page; `cluster` and `restoreId` are the key."""
    source = "".join(path.read_text() for path in (SOURCES / "table").glob("*.py"))
    sets = "".join(re.findall(r"\b(?:sets|adds)\b[^{}\n]*= ?(\{[^{}]*\})", source))
    written = set(re.findall(r'\bAttr\("(\w+)"\)', source))
    written |= {*re.findall(r'"(\w+)":', sets), *re.findall(r'\bsets\["(\w+)"\]', source)}
    written |= health_as_values(Health(group_id=None)).keys()
    written |= marks_as_values(Marks.at_first(datetime.now(UTC))).keys()
    return written - fields_of_a_job()


def attributes_of_messages() -> tuple[set[str], set[str]]:
    """Of a change, and of a validation."""
    job = RestoreJob.read(json_of("messages", "A change")[0]["data"])
    now = datetime.now(UTC)
    change = StatusChange(job, RestoreStatus.RUNNING, 4, now)
    validation = RecordedValidation(job, Validation(verdict="PASSED"), 4, now)  # type: ignore[arg-type]
    return set(message_of_job(change).sns_attributes), set(
        message_of_job(validation).sns_attributes
    )


OF_CHANGES, OF_VALIDATIONS = attributes_of_messages()
MESSAGE = event("restore-status-changed.schema")
DATA = set(MESSAGE["$defs"]["change"]["required"])
OF_PEOPLE = leaves(notify_people.errors, notify_people.errors.NotifyPeopleError)

TABLES: dict[tuple[str, str], Collection[str]] = {
    ("operations", "Outputs"): TEMPLATE["Outputs"],
    ("storage", ""): attributes_of_an_item(),
    ("errors", ""): ERRORS,
    ("events", "One target"): {
        *("groupId", "projectId", "clusterName", "restoreId", "restoreJobId", "kind", "envelope"),
        *("pretty", "auto", *RestoreKind),
    },
    ("events", "A sweep"): {*event("schedule"), "requestedAt", *json_of("events", "A sweep")[1]},
    ("events", "A validation"): {
        *json_of("events", "A validation")[0],
        *json_of("events", "A validation")[1],
        "kind",
    },
    ("events", "Result"): json_of("events", "Result")[0],
    ("events", "The job"): fields_of_a_job(),
    ("messages", "Body"): {*MESSAGE["required"], *(DATA - fields_of_a_job())},
    ("messages", "Filter by attributes"): OF_CHANGES,
    ("messages", "A validation"): {"id", "time", "validation", *OF_VALIDATIONS},
    ("report", ""): {
        *("reports/<last day>/", "report.html", "coverage.csv", "restores.csv", "report.json")
    },
    ("report", "One period"): {
        name for name in TEMPLATE["Parameters"] if name.startswith(("Report", "RestoreTest"))
    },
    ("report", "The tags of a cluster"): {RTO_TAG, RPO_TAG, RESTORE_TEST_TAG},
    ("report", "coverage.csv"): coverage_columns.COLUMNS,
    ("report", "restores.csv"): COLUMNS,
    ("people", "Which changes"): {*Change, "all"},
    ("people", "When a message does not arrive"): {"NoticeDeadLetterQueueArn", *OF_PEOPLE},
}


@pytest.mark.parametrize(("name", "title"), TABLES, ids=" ".join)
def test_a_table_has_the_names_that_exist_and_no_other(name: str, title: str) -> None:
    """Without a title, it is what the page begins with, or the only table of the page."""
    text = page(name)
    if title:
        text = section(text, title)
    elif name != "storage":
        text = text.partition("\n## ")[0]

    assert names(text) == set(TABLES[name, title])


def test_every_parameter_is_described_with_its_default() -> None:
    said = {
        name: row.cells[0].strip("`")
        for row in rows(section(page("operations"), "Parameters"))
        for name in row.names
    }

    assert said == {
        name: str(parameter.get("Default", "")) or ("empty" if "Default" in parameter else "")
        for name, parameter in TEMPLATE["Parameters"].items()
    }


@pytest.mark.parametrize("kind", RestoreKind)
def test_each_field_of_a_job_comes_from_the_field_of_atlas_that_the_table_names(
    kind: RestoreKind,
) -> None:
    told = {row.names[0]: row.cells for row in rows(section(page("events"), "The job"))}
    told = {name: cells for name, cells in told.items() if len(cells) == 3}
    column = {"dedicated": 1, "collection": 2}.get(kind, 0)
    copied = {name: re.fullmatch(r"`(\w+)`", cells[column]) for name, cells in told.items()}
    target = read_target(json_of("events", "One target")[0])
    answer, expected = {}, {}
    for number, (name, found) in enumerate(copied.items()):
        date = f"2026-10-05T12:00:{number:02}Z"
        fixed = {"restoreId": target.restore_id, "status": "FAILED", "atlasStatus": "FAILED"}
        value = fixed.get(name, date if name.endswith("Date") else name)
        if found:
            answer[found[1]] = expected[name] = value

    job = restore_job(json.dumps(answer).encode(), target, kind).as_json()
    assert {name: job[name] for name in expected} == expected
    assert {one for cells in told.values() for cell in cells for one in quoted(cell)} == FIELDS


def test_every_status_is_named_in_the_order_of_rank() -> None:
    order = section(page("events"), "Status").strip().splitlines()[0]

    assert list(quoted(order)) == sorted(RestoreStatus, key=lambda status: status.rank)


def test_the_retry_example_lists_exactly_the_errors_to_retry_later() -> None:
    (retry,) = json_of("errors", "Retry in Step Functions")[0]["Retry"]
    to_retry = [row.names[0] for row in rows(page("errors")) if row.cells[1:] == ("retry later",)]

    assert retry["ErrorEquals"] == to_retry
    assert names(section(page("errors"), "What a sweep raises")) <= ERRORS


def test_the_filter_policies_use_only_attributes() -> None:
    for title, known in (("Filter by attributes", OF_CHANGES), ("A validation", OF_VALIDATIONS)):
        (policy,) = json_of("messages", title)
        alternatives = policy.pop("$or", [])
        assert {*policy, *(name for one in alternatives for name in one)} <= known
    assert len(OF_CHANGES) <= 10, "SNS drops messages with more for raw queues"


def test_what_people_get_by_default_exists() -> None:
    (default,) = re.findall(r"The default is `([\w,]+)`", page("people"))

    assert set(default.split(",")) == DEFAULT_CHANGES
