"""Which restore jobs an invocation event names, by which fields, and what is wrong with them."""

# ruff: noqa: FBT001 - a table may have a column of booleans

import json
from collections.abc import Iterator
from copy import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from restore_watch.errors import InvalidEventError
from restore_watch.event.request import (
    OneTarget,
    QueueBatch,
    QueueRecord,
    WaitForJob,
    read_request,
)
from restore_watch.event.several_targets import RefusedTarget, SeveralTargets
from restore_watch.model.restore_target import RestoreKind, RestoreTarget
from restore_watch.model.workflow_wait import Wait
from strategies import json_values
from unit.scripted_atlas import GROUP, RESTORE

FLEX = {"groupId": GROUP, "clusterName": "orders", "restoreId": RESTORE, "kind": "flex"}
TARGET = RestoreTarget(GROUP, "orders", RESTORE, RestoreKind.FLEX)
OTHER = FLEX | {"clusterName": "carts"}
OTHER_TARGET = replace(TARGET, cluster_name="carts")
DETAIL_TYPE = "Atlas Restore Watch Requested"

SIGN = "\N{PILCROW SIGN}"
"""Our own texts never contain it, so a value with it is recognised wherever it is quoted."""


def detail(body: object, detail_type: object = DETAIL_TYPE) -> dict[str, object]:
    return {"version": "0", "detail-type": detail_type, "source": "my.pipeline", "detail": body}


def record(body: object, message_id: str = "one") -> dict[str, object]:
    return {"messageId": message_id, "eventSource": "aws:sqs", "body": body}


def refusal(event: object) -> InvalidEventError:
    with pytest.raises(InvalidEventError) as refused:
        read_request(event)
    return refused.value


def flex(**fields: object) -> dict[str, object]:
    """An event that names a target, except for these fields. What is `...` is missing."""
    return {name: value for name, value in (FLEX | fields).items() if value is not ...}


ONE = {
    "direct": FLEX,
    "projectId": flex(groupId=..., projectId=GROUP),
    "restoreJobId": flex(restoreId=..., restoreJobId=RESTORE),
    "both spellings": FLEX | {"projectId": GROUP, "restoreJobId": RESTORE},
    "nothing": FLEX | {"projectId": GROUP, "groupId": None, "restoreJobId": None},
    "with a comment": FLEX | {"comment": "for the auditors"},
    "eventbridge": detail(FLEX),
}


@pytest.mark.parametrize("event", ONE.values(), ids=ONE)
def test_one_target_is_read_in_every_form(event: object) -> None:
    assert read_request(event) == OneTarget(TARGET)


TOKEN = "AQCEAAAAKgAAAAMAAAAA"


@pytest.mark.parametrize(("until", "read"), [("EXPIRED", "EXPIRED"), (None, "ended")])
def test_a_workflow_may_wait_for_a_target_or_ask_whether_its_wait_would_be_over(
    until: str | None, read: str
) -> None:
    wait = FLEX | {"waitUntil": until}

    assert read_request(wait) == OneTarget(TARGET, read)
    assert read_request(wait | {"taskToken": TOKEN}) == WaitForJob(TARGET, Wait(TOKEN, read))


SEVERAL = {"targets": [FLEX, OTHER]}


@pytest.mark.parametrize("wrap", [dict, detail], ids=["direct", "eventbridge"])
@pytest.mark.parametrize(
    ("body", "targets"),
    [(FLEX, (TARGET,)), (SEVERAL, (TARGET, OTHER_TARGET))],
    ids=["one target", "several"],
)
def test_a_queue_record_names_the_targets_of_its_body(
    wrap: Any, body: object, targets: tuple[RestoreTarget, ...]
) -> None:
    batch = {"Records": [record(json.dumps(wrap(body)))]}

    assert read_request(batch) == QueueBatch((QueueRecord("one", targets),))


@pytest.mark.parametrize(
    ("event", "all_must_succeed"),
    [(SEVERAL, False), (detail(SEVERAL), True)],
    ids=["direct", "eventbridge"],
)
def test_several_targets_keep_their_order_and_must_all_succeed_for_eventbridge(
    event: object, all_must_succeed: bool
) -> None:
    assert read_request(event) == SeveralTargets((TARGET, OTHER_TARGET), all_must_succeed)


# Each row: the field that is wrong, and events in which it is.
REFUSED: dict[str, list[object]] = {
    "event": [None, "text", 5, 5.5, True, [], [FLEX]],
    "groupId": [{}],
    "detail-type": [
        {"detail": FLEX},
        *(detail(FLEX, name) for name in ("Scheduled Event", DETAIL_TYPE.lower(), "", None, 5)),
    ],
    "detail": [detail(body) for body in (None, "text", [FLEX], json.dumps(FLEX))],
    "detail.kind": [detail(FLEX | {"kind": "m10"})],
    "detail.action": [detail({"action": "sweep"})],
    "detail.taskToken": [detail(FLEX | {"taskToken": TOKEN})],
    "taskToken": [FLEX | {"taskToken": odd} for odd in (None, 5, "", "a b", "x" * 2049)],
    "waitUntil": [FLEX | {"waitUntil": odd} for odd in (5, "", "over", ["ended"])],
    "targets": [
        {"targets": None},
        *({"targets": value} for value in ("", "text", 5)),
        *({"targets": value} for value in ({}, FLEX)),
        *({"targets": [FLEX] * count} for count in (0, 101)),
    ],
    "Records": [{"Records": None}, {"Records": []}, {"Records": "text"}, {"Records": {}}],
}


@pytest.mark.parametrize("field", REFUSED)
def test_the_error_for_a_wrong_event_names_the_field(field: str) -> None:
    assert {refusal(event).field for event in REFUSED[field]} == {field}


def test_an_error_names_the_expected_detail_type_and_the_empty_part() -> None:
    assert DETAIL_TYPE in str(refusal({"detail": FLEX}))
    assert "empty" in str(refusal({"targets": []}))
    assert "empty" in str(refusal({"Records": []}))


EXPECTED: dict[str, tuple[object, str]] = {
    "targets": ({"targets": "text"}, "targets: expected a list of targets, got text"),
    "records": ({"Records": {}}, "Records: expected a list of SQS records, got an object"),
    "too many": ({"targets": [FLEX] * 101}, "targets: expected at most 100 targets, got 101"),
    "no SQS record": (
        {"Records": [{"eventSource": "aws:sqs", "body": "{}"}]},
        "Records[0]: expected an SQS record with eventSource aws:sqs and a messageId",
    ),
    "too long a token": (
        FLEX | {"taskToken": "x" * 2049},
        "taskToken: expected a task token of Step Functions, 2048 characters at most",
    ),
}


@pytest.mark.parametrize(("event", "says"), EXPECTED.values(), ids=EXPECTED)
def test_an_error_says_what_was_expected(event: object, says: str) -> None:
    assert str(refusal(event)).startswith(says)


def test_an_event_may_name_a_hundred_targets() -> None:
    assert read_request({"targets": [FLEX] * 100}) == SeveralTargets((TARGET,) * 100)


@pytest.mark.parametrize(
    ("target", "field"),
    [
        (FLEX | {"groupId": "x"}, "targets[1].groupId"),
        (flex(restoreId=...), "targets[1].restoreId"),
        ("text", "targets[1]"),
        (None, "targets[1]"),
        ({"targets": [FLEX]}, "targets[1].groupId"),
    ],
    ids=["wrong id", "missing id", "text", "nothing", "targets within targets"],
)
def test_one_of_several_targets_is_refused_alone(target: object, field: str) -> None:
    request = read_request({"targets": [FLEX, target, OTHER]})

    assert isinstance(request, SeveralTargets)
    first, refused, last = request.targets
    assert (first, last) == (TARGET, OTHER_TARGET)
    assert isinstance(refused, RefusedTarget)
    assert refused.error.field == field
    assert refused.as_json() == {"path": "targets[1]"}


# Each row: the body of a record, and the field in it that is wrong, if the body is JSON at all.
POISON: dict[str, tuple[object, str]] = {
    "not JSON": ("{", ""),
    "null": (None, ""),
    "object": ({"groupId": GROUP}, ""),
    "JSON text in JSON text": (json.dumps(json.dumps(FLEX)), ""),
    "not a number": ("NaN", ""),
    "not an object": ('["list"]', ""),
    "wrong kind": (json.dumps(FLEX | {"kind": "m10"}), ".kind"),
    "wrong detail type": (json.dumps(detail(FLEX, "other")), ".detail-type"),
    "wrong kind in a detail": (json.dumps(detail(FLEX | {"kind": "m10"})), ".detail.kind"),
    "no targets": (json.dumps({"targets": []}), ".targets"),
    "batch in a batch": (json.dumps({"Records": [record(json.dumps(FLEX))]}), ".groupId"),
}


@pytest.mark.parametrize(("body", "field"), POISON.values(), ids=POISON)
def test_a_poison_record_is_refused_alone(body: object, field: str) -> None:
    good, other = record(json.dumps(FLEX), "good"), record(json.dumps(OTHER), "other")

    batch = read_request({"Records": [good, record(body, "poison"), other]})

    assert isinstance(batch, QueueBatch)
    first, poison, last = batch.records
    assert (first.targets, last.targets) == ((TARGET,), (OTHER_TARGET,))
    assert poison.message_id == "poison"
    (refused,) = poison.targets
    assert isinstance(refused, RefusedTarget)
    assert refused.error.field == f"Records[1].body{field}"
    assert refused.as_json() == {"path": "Records[1].body"}


def test_an_error_says_that_a_body_is_not_json() -> None:
    (error,) = refusals(read_request({"Records": [record("{")]}))

    assert str(error) == "Records[0].body: expected JSON text"


def test_one_of_several_targets_of_a_record_is_named_by_its_path() -> None:
    several = {"targets": [FLEX, FLEX | {"groupId": "x"}]}

    refused = [
        error.field for error in refusals(read_request({"Records": [record(json.dumps(several))]}))
    ]
    assert refused == ["Records[0].body.targets[1].groupId"]


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "text",
        {},
        {"messageId": "one", "body": "{}"},
        {"eventSource": "aws:sqs", "body": "{}"},
        {"eventSource": "aws:sqs", "messageId": 5, "body": "{}"},
        {"EventSource": "aws:sns", "Sns": {"Message": "{}"}},
        {"eventSource": "aws:s3", "messageId": "one", "body": "{}"},
    ],
    ids=str,
)
def test_a_record_without_a_message_id_of_sqs_fails_the_batch(odd: object) -> None:
    assert refusal({"Records": [odd]}).field.startswith("Records[0]")


# The fields of one target


@pytest.mark.parametrize(
    ("field", "given", "read"),
    [
        *(("kind", str(kind), kind) for kind in RestoreKind),
        *(("kind", kind, None) for kind in ("auto", None, ...)),
        *((name, value, value) for name in ("envelope", "pretty") for value in (True, False, None)),
        *(("clusterName", name, name) for name in ("a", "0", "Orders-2026-", "a" * 64)),
    ],
    ids=repr,
)
def test_a_field_of_a_target_is_read(field: str, given: object, read: object) -> None:
    request = read_request(flex(**{field: given}))

    assert isinstance(request, OneTarget)
    assert getattr(request.target, {"clusterName": "cluster_name"}.get(field, field)) == read


ODD_IDS = [
    "5f0000000000000000000a0",
    GROUP + "0",
    GROUP.upper(),
    "5f0000000000000000000g01",
    "../../../api/atlas/v2/or",
    GROUP + "\n",
    GROUP[:-2] + "\r\nHost: elsewhere",
    " " + GROUP,
    "\N{FULLWIDTH DIGIT FIVE}" + GROUP[1:],
    GROUP + "\0",
    "\ud800" + GROUP[1:],
    *("", 5, None, [GROUP], {"$oid": GROUP}),
]
ODD_NAMES = [
    *("orders/../carts", "orders%2fcarts", "..", "-orders", "my_orders", "orders?pretty=true"),
    *("orders\n", "bestellübersicht", "orders\ud800", "a" * 65, "", 5, None, ["orders"]),
]
ODD_KINDS = ["FLEX", "Auto", "m10", "", 1, True, ["flex"], {"is": "flex"}]
ODD_BOOLEANS = ["true", "false", 1, 0, [], {}]
ID = "24 lowercase hexadecimal digits"

# Each row: a field, the values that it cannot have, and what the error says of them.
WRONG: list[tuple[str, list[Any], str]] = [
    *((name, ODD_IDS, ID) for name in ("groupId", "projectId", "restoreId", "restoreJobId")),
    *((name, [...], "got nothing") for name in ("groupId", "clusterName", "restoreId")),
    ("clusterName", ODD_NAMES, "letters, digits and hyphens, 64 characters at most"),
    ("clusterName", ["my orders"], "got text of 9 characters"),
    ("kind", ODD_KINDS, 'one of "auto", "flex", "dedicated", "tenant", "collection"'),
    *((name, ODD_BOOLEANS, "true or false") for name in ("envelope", "pretty")),
    *((name, ["https://x"], "ATLAS_BASE_URL") for name in ("baseUrl", "base_url", "BaseUrl")),
]


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [(field, value, says) for field, values, says in WRONG for value in values],
    ids=lambda value: ascii(value)[:40],
)
def test_the_error_for_a_wrong_field_names_it(field: str, value: object, says: str) -> None:
    usual = {"projectId": "groupId", "restoreJobId": "restoreId"}.get(field, field)
    error = refusal(flex(**{usual: ..., field: value}))

    assert error.field == field
    assert says in str(error)


@pytest.mark.parametrize(
    ("one", "other"), [("groupId", "projectId"), ("restoreId", "restoreJobId")], ids=str
)
def test_two_spellings_that_disagree_are_refused(one: str, other: str) -> None:
    error = refusal(flex(**{other: "0" * 24}))

    assert error.field == other
    assert one in str(error)


# Any event

FIELDS = [
    *("groupId", "projectId", "clusterName", "restoreId", "restoreJobId", "kind", "envelope"),
    *("pretty", "baseUrl", "taskToken", "waitUntil", "targets", "detail", "detail-type"),
    *("Records", "messageId", "eventSource", "body", "action", "scheduledTime", "createdAfter"),
    *("source", "time", "verdict", "validatedBy", "detail", "validatedAt"),
]
WORDS = [
    *(DETAIL_TYPE, "aws:sqs", "aws.events", "Scheduled Event", "PASSED", "sweep", "diagnose"),
    *("record-validation", "newest-restore", "test-notification", GROUP, RESTORE, "orders", "flex"),
]
values: SearchStrategy[Any] = (
    st.text(max_size=20).map(lambda text: SIGN + text)
    | st.sampled_from([987_654_321, 0.5, True, None, {}, []])
    | st.sampled_from(WORDS)
)


def around(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Events of the right shape with any content."""
    fields = st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6)
    queued = fields.map(lambda body: record(json.dumps(body)))
    return (
        fields
        | inner.map(lambda one: FLEX | {"groupId": one})
        | fields.map(detail)
        | st.lists(fields, max_size=3).map(lambda targets: {"targets": targets})
        | st.lists(queued, min_size=1, max_size=3).map(lambda records: {"Records": records})
    )


events = st.recursive(values, around, max_leaves=8)


def refusals(request: object) -> Iterator[InvalidEventError]:
    match request:
        case InvalidEventError():
            yield request
        case RefusedTarget(_, error):
            yield error
        case SeveralTargets(targets) | QueueRecord(_, targets):
            for target in targets:
                yield from refusals(target)
        case QueueBatch(records):
            for queued in records:
                yield from refusals(queued)


@given(json_values() | events)
def test_any_json_is_read_or_an_error_that_names_a_field_and_quotes_no_value(event: object) -> None:
    try:
        outcome: object = read_request(event)
    except InvalidEventError as error:
        outcome = error

    for refused in refusals(outcome):
        assert refused.field
        assert str(refused).startswith(f"{refused.field}: ")
        assert not [text for text in (SIGN, "987654321", GROUP, RESTORE) if text in str(refused)]
