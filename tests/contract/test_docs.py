"""The pages describe exactly what exists."""

import inspect
import itertools
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from contract.documents import (
    DOCUMENTS,
    ROOT,
    anchors,
    blocks,
    links,
    names,
    page,
    prose,
    quoted,
    rows,
    section,
    table,
)
from operate.deployed_stack import RPO_PARAMETER, RTO_PARAMETER, TABLE_OUTPUT
from operate.evidence_files import COLUMNS
from operate.restore_evidence import OUTCOMES
from restore_watch import errors
from restore_watch.aws.cloud_events import EVENT_TYPE, message_attributes
from restore_watch.aws.secrets_manager import read_credentials
from restore_watch.event.event import SeveralTargets, parse
from restore_watch.model.marks import Marks
from restore_watch.model.outage import Watched
from restore_watch.model.restore_job import RestoreJob, RestoreKind, RestoreStatus
from restore_watch.model.status_change import StatusChange
from restore_watch.table.project_item import marks_as_values
from restore_watch.table.watched_item import watched_as_values

TEMPLATE: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
SCHEMA = json.loads((ROOT / "events" / "restore-status-changed.schema.json").read_text())
SOURCES = ROOT / "functions" / "restore_watch"

# A word that a reader has to look up, or read twice.
DIFFICULT = re.compile(
    r"\b(lest|mend|mends|mended|told of|is none|dear|whoever|whatever|thereby|in hand|of its own|"
    r"telling|besides|hereby|therein|wherein|shall)\b",
    re.IGNORECASE,
)

every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)


@every_document
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
        r"`((?:functions|operate|tests|events|docs|layers)/[\w./-]*|\.ci/run|template\.yaml)`",
        path.read_text(),
    )

    assert [name for name in named if not (ROOT / name).exists()] == []


@every_document
def test_every_json_shown_is_json(path: Path) -> None:
    for block in blocks(path.read_text(), "json"):
        json.loads(block)


@every_document
def test_every_sentence_uses_the_usual_words(path: Path) -> None:
    assert DIFFICULT.findall(prose(path.read_text())) == []


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


def test_every_output_is_described_and_no_other() -> None:
    assert names(section(page("operations"), "Outputs")) == set(TEMPLATE["Outputs"])


def test_every_key_of_the_secret_is_accepted() -> None:
    account, key, base_url, government = (
        quoted(cells[1])
        for cells in table(section(page("operations"), "Secret"))
        if "`" in cells[1]
    )

    for first, second in itertools.batched((*account, *key), 2, strict=True):
        read_credentials(json.dumps({first: "one", second: "two"}))
    for name, value, address in (
        *((name, "https://cloud.mongodb.com", "https://cloud.mongodb.com") for name in base_url),
        *((name, True, "https://cloud.mongodbgov.com") for name in government),
    ):
        secret = {"client_id": "one", "client_secret": "two", name: value}
        assert read_credentials(json.dumps(secret)).base_url == address


def test_the_map_of_the_code_has_every_module() -> None:
    tree = section(page("design"), "The code").split("```")[1]
    folders = SOURCES.parent, ROOT / "operate"
    modules = {path.stem for folder in folders for path in folder.rglob("*.py")} - {"__init__"}

    assert modules - set(re.findall(r"[a-z_]+", tree)) == set()


def test_every_metric_is_described_with_its_dimensions_and_no_other() -> None:
    source = "".join(path.read_text() for path in (SOURCES / "telemetry").glob("*.py"))
    described = rows(section(page("operations"), "Metrics"))
    dimensioned = {name for row in described if len(row.cells) == 2 for name in row.names}
    explained = {name for row in described if len(row.cells) == 1 for name in row.names}

    assert dimensioned == set(re.findall(r'"([A-Z]\w+)"', source))
    assert explained == dimensioned


def test_the_namespace_of_the_metrics_is_the_templates() -> None:
    variables = TEMPLATE["Resources"]["RestoreWatchFunction"]["Properties"]["Environment"]
    namespace = variables["Variables"]["POWERTOOLS_METRICS_NAMESPACE"]

    assert f"`{namespace}`" in section(page("operations"), "Metrics")


def test_every_attribute_of_an_item_is_described_and_no_other() -> None:
    """Those of the job stand on another page; `cluster` and `restoreId` are the key."""
    source = "".join(path.read_text() for path in (SOURCES / "table").glob("*.py"))
    sets = "".join(re.findall(r"\bsets\b[^{}\n]*= ?(\{[^{}]*\})", source))
    written = set(re.findall(r"#(\w+)", source)) - {"name"}
    written |= {*re.findall(r'"(\w+)":', sets), *re.findall(r'\bsets\["(\w+)"\]', source)}
    written |= watched_as_values(Watched(None)).keys()
    written |= marks_as_values(Marks.at_first(datetime.now(UTC))).keys()

    assert names(page("storage")) == written - set(job_fields())


def job_fields() -> list[str]:
    return [
        field.alias or name
        for fields in (RestoreJob.model_fields, RestoreJob.model_computed_fields)
        for name, field in fields.items()
    ]


def test_every_field_of_a_job_is_described_and_no_other() -> None:
    assert names(section(page("events"), "The job")) == set(job_fields())


def test_every_field_of_a_result_is_described_and_no_other() -> None:
    (result,) = blocks(section(page("events"), "Result"), "json")

    assert names(section(page("events"), "Result")) == set(json.loads(result))


def test_every_field_of_a_sweep_and_of_its_result_is_described_and_no_other() -> None:
    event, result = map(json.loads, blocks(section(page("events"), "A sweep"), "json"))
    tick = json.loads((ROOT / "events/schedule.json").read_text())

    assert event == json.loads((ROOT / "events/sweep.json").read_text())
    assert names(section(page("events"), "A sweep")) == {*tick, *result}


def test_every_error_that_a_sweep_raises_is_one_of_the_errors() -> None:
    assert names(section(page("errors"), "What a sweep raises")) <= set(leaves())


def test_every_metric_named_among_the_alarms_exists() -> None:
    metrics = names(section(page("operations"), "Metrics"))
    parameters, queues = set(TEMPLATE["Parameters"]), set(TEMPLATE["Resources"])
    named = {
        name
        for title in ("Alarms", "When NotReached is not 0")
        for name in quoted(section(page("operations"), title))
        if name[0].isupper()
    }

    assert named <= metrics | parameters | queues


def test_every_status_is_named_in_the_order_of_rank() -> None:
    order = section(page("events"), "Status").strip().splitlines()[0]
    ranked = [quoted(part) for part in order.split("<")]

    assert [status for part in ranked for status in part] == list(RestoreStatus)
    assert all(
        RestoreStatus(status).rank == rank for rank, part in enumerate(ranked) for status in part
    )


def test_every_kind_is_described_and_no_other() -> None:
    described = {
        name
        for row in rows(section(page("events"), "One target"))
        for name in row.names
        if len(row.cells) == 1 and name in {"auto", *RestoreKind}
    }

    assert described == {"auto", *RestoreKind}


def test_the_event_shown_has_the_fields_described() -> None:
    (event,) = blocks(section(page("events"), "One target"), "json")

    parse(json.loads(event))
    assert set(json.loads(event)) <= names(section(page("events"), "One target"))


def test_the_several_targets_shown_are_several_targets() -> None:
    (event,) = blocks(section(page("events"), "Several targets"), "json")

    assert isinstance(parse(json.loads(event)), SeveralTargets)


def test_every_sample_event_is_listed_and_no_other() -> None:
    samples = {path.name for path in (ROOT / "events").glob("*.json")}
    listed = {
        link.removeprefix("../events/")
        for name in ("events", "messages")
        for link in links(page(name))
        if link.startswith("../events/")
    }

    assert listed == samples


def test_every_field_of_a_message_is_described_and_no_other() -> None:
    described = names(section(page("messages"), "Body"))
    data = set(SCHEMA["$defs"]["change"]["required"])

    assert described == set(SCHEMA["required"]) | (data - set(job_fields()))


def test_every_attribute_of_a_message_is_described_and_no_other() -> None:
    (block,) = blocks((ROOT / "README.md").read_text(), "json")[-1:]
    data = json.loads(block)["data"]
    change = StatusChange(
        job=RestoreJob.model_validate(data),
        previous_status=RestoreStatus(data["previousStatus"]),
        sequence=data["sequence"],
        observed_at=datetime.now(UTC),
    )
    described = names(section(page("messages"), "Filter by attributes"))

    assert described == set(message_attributes(change))
    assert len(described) <= 10, "SNS drops messages with more for raw queues"


def test_the_filter_policy_uses_only_attributes() -> None:
    described = names(section(page("messages"), "Filter by attributes"))
    (policy,) = blocks(section(page("messages"), "Filter by attributes"), "json")
    alternatives = json.loads(policy).pop("$or")

    assert {"terminal", "clusterName", "$or"} == set(json.loads(policy))
    assert {"terminal", "clusterName", *(n for one in alternatives for n in one)} <= described


def test_the_type_of_a_message_is_the_functions() -> None:
    assert f"`{EVENT_TYPE}`" in section(page("messages"), "Body")


def test_every_error_is_described_and_no_other() -> None:
    assert names(page("errors").partition("\n## ")[0]) == set(leaves())


def leaves() -> list[str]:
    return [
        name
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.RestoreWatchError) and not kind.__subclasses__()
    ]


def test_the_docs_and_the_code_agree_on_who_can_fix_an_error() -> None:
    words = {"caller": "caller", "operator": "operator", "retry later": "retry", "us": "report"}
    tree = {
        line.split()[0]: line
        for line in re.findall(r"^[ |]*\+- (\w+ +.+)$", errors.__doc__ or "", re.MULTILINE)
    }

    for row in rows(page("errors").partition("\n## ")[0]):
        (name,) = row.names
        assert words[row.cells[1]] in tree[name]


def test_the_retry_example_lists_exactly_the_errors_to_retry_later() -> None:
    (block,) = blocks(page("errors"), "json")
    (retry,) = json.loads(block)["Retry"]

    assert retry["ErrorEquals"] == [
        row.names[0]
        for row in rows(page("errors").partition("\n## ")[0])
        if row.cells[1] == "retry later"
    ]


def test_the_docs_and_the_template_agree_on_what_aws_retries() -> None:
    resources = TEMPLATE["Resources"]
    function = resources["RestoreWatchFunction"]["Properties"]
    schedule, rule = (
        function["Events"][name]["Properties"]["RetryPolicy"] for name in ("Schedule", "Request")
    )
    asynchronous = function["EventInvokeConfig"]
    said = section(page("errors"), "What AWS retries by itself")

    assert [cells[1] for cells in table(said)[2:7]] == [
        "twice, for an hour at most",
        "20 times, for an hour at most",
        "twice, and skipped as too old",
        "not",
        "four times",
    ]
    assert (
        asynchronous["MaximumRetryAttempts"],
        asynchronous["MaximumEventAgeInSeconds"],
    ) == (2, 3600)
    assert (rule["MaximumRetryAttempts"], rule["MaximumEventAgeInSeconds"]) == (20, 3600)
    assert schedule["MaximumRetryAttempts"] == 0
    assert resources["RequestQueue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"] == 5
    assert "14 days" in said
    assert {
        resources[name]["Properties"]["MessageRetentionPeriod"]
        for name in ("RequestDeadLetterQueue", "OnFailureQueue")
    } == {14 * 24 * 60 * 60}


def test_every_variable_of_make_evidence_is_described_and_no_other() -> None:
    first_table = page("evidence").partition("\n## ")[0]
    recipe = (ROOT / "Makefile").read_text().partition("\nevidence:")[2].partition("\n\n")[0]
    passed_on = set(re.findall(r"\(call argument,(\w+),", recipe))

    assert names(first_table) == passed_on


def test_every_column_of_the_evidence_is_described_in_its_order() -> None:
    described = [
        name
        for row in rows(section(page("evidence"), "The lines of the CSV"))
        for name in row.names
    ]

    assert described == list(COLUMNS)


def test_evidence_reads_outputs_and_parameters_that_the_template_has() -> None:
    assert TABLE_OUTPUT in TEMPLATE["Outputs"]
    assert {RTO_PARAMETER, RPO_PARAMETER} <= TEMPLATE["Parameters"].keys()


def test_every_outcome_of_a_restore_is_described() -> None:
    (row,) = [
        row
        for row in rows(section(page("evidence"), "The lines of the CSV"))
        if row.names == ("outcome",)
    ]

    assert quoted(row.cells[0]) == OUTCOMES


def test_every_service_of_the_stack_is_among_the_permissions() -> None:
    made = {
        resource["Type"].split("::")[1]
        for resource in TEMPLATE["Resources"].values()
        if not resource["Type"].startswith("AWS::Serverless::")
    }
    said = {cells[0] for cells in table(section(page("deploying"), "Permissions in AWS"))}

    assert made | {"Lambda", "Events", "Scheduler", "CloudFormation"} <= said
