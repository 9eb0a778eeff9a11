"""Which restore jobs an invocation event names."""

# ruff: noqa: FBT001 - a table may have a column of booleans

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from restore_watch.errors import InvalidEventError
from restore_watch.event.event import (
    DETAIL_TYPE,
    TARGETS_LIMIT,
    OneTarget,
    QueueBatch,
    QueueRecord,
    RefusedTarget,
    SeveralTargets,
    parse,
)
from restore_watch.model.restore_job import RestoreKind, RestoreTarget
from strategies import cluster_names, json_values, object_ids
from unit.scripted_atlas import GROUP, RESTORE

FLEX = {"groupId": GROUP, "clusterName": "orders", "restoreId": RESTORE, "kind": "flex"}
TARGET = RestoreTarget.model_validate(FLEX)
OTHER = FLEX | {"clusterName": "carts"}
OTHER_TARGET = RestoreTarget.model_validate(OTHER)

SIGN = "\N{PILCROW SIGN}"
"""Our own texts never contain it, so a value with it is recognised wherever it is quoted."""


def detail(body: object, detail_type: object = DETAIL_TYPE) -> dict[str, object]:
    return {"version": "0", "detail-type": detail_type, "source": "my.pipeline", "detail": body}


def record(body: object, message_id: str = "one") -> dict[str, object]:
    return {"messageId": message_id, "eventSource": "aws:sqs", "body": body}


def refusal(event: object) -> InvalidEventError:
    with pytest.raises(InvalidEventError) as refused:
        parse(event)
    return refused.value


def refused_fields(event: object) -> list[str]:
    """The wrong fields in the targets of an otherwise valid event."""
    return [error.field for error in refusals(parse(event))]


def without(event: dict[str, str], field: str) -> dict[str, str]:
    return {name: value for name, value in event.items() if name != field}


@pytest.mark.parametrize(
    "event",
    [
        FLEX,
        without(FLEX, "groupId") | {"projectId": GROUP},
        without(FLEX, "restoreId") | {"restoreJobId": RESTORE},
        FLEX | {"projectId": GROUP, "restoreJobId": RESTORE},
        without(FLEX, "groupId") | {"projectId": GROUP, "groupId": None, "restoreJobId": None},
        FLEX | {"comment": "for the auditors"},
        detail(FLEX),
    ],
    ids=[
        "direct",
        "projectId",
        "restoreJobId",
        "both spellings",
        "nothing",
        "with a comment",
        "eventbridge",
    ],
)
def test_one_target_is_read_in_every_form(event: object) -> None:
    assert parse(event) == OneTarget(TARGET)


@pytest.mark.parametrize(("until", "read"), [("EXPIRED", "EXPIRED"), (None, "ended")])
def test_a_target_may_be_asked_about_as_a_workflow_waits_for_it(
    until: str | None, read: str
) -> None:
    assert parse(FLEX | {"waitUntil": until}) == OneTarget(TARGET, read)


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

    assert parse(batch) == QueueBatch((QueueRecord("one", targets),))


@pytest.mark.parametrize(
    ("event", "all_must_succeed"),
    [(SEVERAL, False), (detail(SEVERAL), True)],
    ids=["direct", "eventbridge"],
)
def test_several_targets_keep_their_order_and_must_all_succeed_for_eventbridge(
    event: object, all_must_succeed: bool
) -> None:
    assert parse(event) == SeveralTargets((TARGET, OTHER_TARGET), all_must_succeed)


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
    "targets": [
        {"targets": None},
        *({"targets": value} for value in ("", "text", 5)),
        *({"targets": value} for value in ({}, FLEX)),
        *({"targets": [FLEX] * count} for count in (0, TARGETS_LIMIT + 1)),
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


def test_an_event_may_name_a_hundred_targets() -> None:
    assert parse({"targets": [FLEX] * TARGETS_LIMIT}) == SeveralTargets((TARGET,) * 100)


@pytest.mark.parametrize(
    ("target", "field"),
    [
        (FLEX | {"groupId": "x"}, "targets[1].groupId"),
        (without(FLEX, "restoreId"), "targets[1].restoreId"),
        ("text", "targets[1]"),
        (None, "targets[1]"),
        ({"targets": [FLEX]}, "targets[1].groupId"),
    ],
    ids=["wrong id", "missing id", "text", "nothing", "targets within targets"],
)
def test_one_of_several_targets_is_refused_alone(target: object, field: str) -> None:
    request = parse({"targets": [FLEX, target, OTHER]})

    assert isinstance(request, SeveralTargets)
    first, refused, last = request.targets
    assert (first, last) == (TARGET, OTHER_TARGET)
    assert isinstance(refused, RefusedTarget)
    assert refused.error.field == field
    assert refused.as_json() == {"path": "targets[1]"}


POISON = {
    "not JSON": "{",
    "null": None,
    "object": {"groupId": GROUP},
    "too deep": "[" * 100_000,
    "too long a number": "9" * 5000,
    "JSON text in JSON text": json.dumps(json.dumps(FLEX)),
    "not a number": "NaN",
    "no target": "{}",
    "wrong id": json.dumps(FLEX | {"groupId": "x"}),
    "wrong detail": json.dumps(detail(FLEX, "other")),
    "no targets": json.dumps({"targets": []}),
    "batch in a batch": json.dumps({"Records": [record(json.dumps(FLEX))]}),
}


@pytest.mark.parametrize("body", POISON.values(), ids=POISON)
def test_a_poison_record_is_refused_alone(body: object) -> None:
    good, other = record(json.dumps(FLEX), "good"), record(json.dumps(OTHER), "other")

    batch = parse({"Records": [good, record(body, "poison"), other]})

    assert isinstance(batch, QueueBatch)
    first, poison, last = batch.records
    assert (first.targets, last.targets) == ((TARGET,), (OTHER_TARGET,))
    assert poison.message_id == "poison"
    (refused,) = poison.targets
    assert isinstance(refused, RefusedTarget)
    assert refused.error.field.startswith("Records[1].body")
    assert refused.as_json() == {"path": "Records[1].body"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (FLEX | {"kind": "m10"}, "Records[0].body.kind"),
        (detail(FLEX | {"kind": "m10"}), "Records[0].body.detail.kind"),
        (detail(FLEX, "other"), "Records[0].body.detail-type"),
        (["list"], "Records[0].body"),
        ({"targets": [FLEX, FLEX | {"groupId": "x"}]}, "Records[0].body.targets[1].groupId"),
    ],
    ids=["direct", "detail", "detail type", "not an object", "one of several"],
)
def test_a_field_within_a_record_is_named_by_its_path(body: object, field: str) -> None:
    assert refused_fields({"Records": [record(json.dumps(body))]}) == [field]


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


signed_texts = st.text(max_size=20).map(lambda text: SIGN + text)
numbers = st.integers(min_value=100_000) | st.integers(max_value=-100_000)
given_values = signed_texts | numbers | st.booleans() | st.none() | st.sampled_from([0.5, {}, []])
target_likes = st.fixed_dictionaries(
    {},
    optional={
        "groupId": object_ids | given_values,
        "projectId": object_ids | given_values,
        "clusterName": cluster_names | given_values,
        "restoreId": object_ids | given_values,
        "restoreJobId": object_ids | given_values,
        "kind": st.sampled_from(["auto", *RestoreKind]) | given_values,
        "envelope": given_values,
        "pretty": given_values,
        "baseUrl": signed_texts,
    },
)


def around(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Events of the right shape with any content."""
    several = st.fixed_dictionaries({"targets": st.lists(inner, max_size=3) | given_values})
    details = st.fixed_dictionaries(
        {"detail": inner | given_values}, optional={"detail-type": st.just(DETAIL_TYPE) | inner}
    )
    queued = st.fixed_dictionaries(
        {},
        optional={
            "messageId": st.text(),
            "eventSource": st.just("aws:sqs") | signed_texts,
            "body": inner.map(json.dumps) | given_values,
        },
    )
    return several | details | st.fixed_dictionaries({"Records": st.lists(queued | inner)})


events = st.recursive(target_likes | given_values, around, max_leaves=5)


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


def outcome(event: object) -> object:
    try:
        return parse(event)
    except InvalidEventError as error:
        return error


def given_in(event: object) -> Iterator[str]:
    """Every value at any depth, as an error would quote it."""
    if isinstance(event, dict):
        for value in event.values():
            yield from given_in(value)
    elif isinstance(event, list):
        for value in event:
            yield from given_in(value)
    elif isinstance(event, (str, int)):
        yield str(event)


@settings(max_examples=300)
@given(json_values() | events)
def test_any_json_gives_targets_or_an_error_that_names_a_field(event: object) -> None:
    for error in refusals(outcome(event)):
        assert error.field
        assert str(error).startswith(f"{error.field}: ")


@settings(max_examples=300)
@given(events)
def test_no_value_of_an_event_is_quoted(event: object) -> None:
    for error in refusals(outcome(event)):
        assert SIGN not in str(error)
        # A value may be a part of the documented vocabulary by chance.
        ours = " ".join([*RestoreKind, "eventSource", "aws:sqs", DETAIL_TYPE, error.field])
        quotable = (value for value in given_in(event) if value not in ours)
        assert not [value for value in quotable if len(value) >= 6 and value in str(error)]
