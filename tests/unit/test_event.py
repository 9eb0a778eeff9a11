"""Which restore jobs an invocation event names."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from restore_watch.errors import InvalidEventError
from restore_watch.event import (
    DETAIL_TYPE,
    TARGETS_LIMIT,
    OneTarget,
    QueueBatch,
    RefusedTarget,
    SeveralTargets,
    parse,
)
from restore_watch.restore_job import RestoreKind, RestoreTarget
from strategies import cluster_names, json_values, object_ids

GROUP = "5f0000000000000000000a01"
RESTORE = "6b4a0f800000000000000b01"
FLEX = {"groupId": GROUP, "clusterName": "orders", "restoreId": RESTORE, "kind": "flex"}
TARGET = RestoreTarget.model_validate(FLEX)
OTHER = FLEX | {"clusterName": "carts"}
OTHER_TARGET = RestoreTarget.model_validate(OTHER)

SIGN = "\N{PILCROW SIGN}"
"""No text of ours has it, so that a value that carries it is known wherever it is quoted."""


def detail(body: object, detail_type: object = DETAIL_TYPE) -> dict[str, object]:
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": detail_type,
        "source": "my.pipeline",
        "account": "123456789012",
        "time": "2026-05-04T12:00:00Z",
        "region": "eu-central-1",
        "resources": [],
        "detail": body,
    }


def record(body: object, message_id: str = "one") -> dict[str, object]:
    return {"messageId": message_id, "eventSource": "aws:sqs", "body": body}


def refusal(event: object) -> InvalidEventError:
    with pytest.raises(InvalidEventError) as refused:
        parse(event)
    return refused.value


def without(event: dict[str, str], field: str) -> dict[str, str]:
    return {name: value for name, value in event.items() if name != field}


@pytest.mark.parametrize(
    "event",
    [
        FLEX,
        without(FLEX, "groupId") | {"projectId": GROUP},
        without(FLEX, "restoreId") | {"restoreJobId": RESTORE},
        FLEX | {"projectId": GROUP, "restoreJobId": RESTORE},
        FLEX | {"comment": "for the auditors"},
        detail(FLEX),
    ],
    ids=["direct", "projectId", "restoreJobId", "both spellings", "with a comment", "eventbridge"],
)
def test_one_target_is_understood_in_every_form(event: object) -> None:
    assert parse(event) == OneTarget(TARGET)


@pytest.mark.parametrize("body", [FLEX, detail(FLEX)], ids=["direct", "eventbridge"])
def test_a_queue_record_asks_for_what_its_body_asks_for(body: object) -> None:
    batch = parse({"Records": [record(json.dumps(body))]})

    assert isinstance(batch, QueueBatch)
    assert [asked.request for asked in batch.records] == [OneTarget(TARGET)]


@pytest.mark.parametrize(
    "event",
    [{"targets": [FLEX, OTHER]}, detail({"targets": [FLEX, OTHER]})],
    ids=["direct", "eventbridge"],
)
def test_several_targets_keep_their_order(event: object) -> None:
    assert parse(event) == SeveralTargets((TARGET, OTHER_TARGET))


@pytest.mark.parametrize("kind", RestoreKind)
def test_a_kind_that_is_named_is_taken(kind: RestoreKind) -> None:
    request = parse(FLEX | {"kind": str(kind)})

    assert isinstance(request, OneTarget)
    assert request.target.kind is kind


@pytest.mark.parametrize(
    "event",
    [FLEX | {"kind": "auto"}, without(FLEX, "kind")],
    ids=["auto", "absent"],
)
def test_a_kind_that_is_left_open_is_asked_of_atlas(event: object) -> None:
    request = parse(event)

    assert isinstance(request, OneTarget)
    assert request.target.kind is None


@pytest.mark.parametrize("value", [True, False])
def test_envelope_and_pretty_are_passed_on(value: bool) -> None:  # noqa: FBT001
    request = parse(FLEX | {"envelope": value, "pretty": value})

    assert isinstance(request, OneTarget)
    assert (request.target.envelope, request.target.pretty) == (value, value)


ODD_IDS = {
    "short": "5f0000000000000000000a0",
    "long": GROUP + "0",
    "capitals": GROUP.upper(),
    "no hexadecimal": "5f0000000000000000000g01",
    "parent folder": "../../../api/atlas/v2/or",
    "escaped slash": "5f00000000000000000%2fa0",
    "line feed": GROUP + "\n",
    "carriage return and line feed": GROUP + "\r\n",
    "header in it": GROUP[:-2] + "\r\nHost: elsewhere",
    "space before": " " + GROUP,
    "full-width digits": "\N{FULLWIDTH DIGIT FIVE}" + GROUP[1:],
    "null character": GROUP + "\0",
    "lone surrogate": "\ud800" + GROUP[1:],
    "10 kB": "a" * 10_000,
    "empty": "",
    "number": 5,
    "boolean": True,
    "nothing": None,
    "list": [GROUP],
    "object": {"$oid": GROUP},
}

ODD_NAMES = {
    "slash": "orders/../carts",
    "escaped slash": "orders%2fcarts",
    "dots": "..",
    "hyphen first": "-orders",
    "underscore": "my_orders",
    "space": "my orders",
    "query": "orders?pretty=true",
    "line feed": "orders\n",
    "carriage return and line feed": "orders\r\nX-Evil: 1",
    "umlaut": "bestellübersicht",
    "emoji": "orders\N{PILE OF POO}",
    "lone surrogate": "orders\ud800",
    "null character": "orders\0",
    "65 characters": "a" * 65,
    "10 kB": "a" * 10_000,
    "empty": "",
    "number": 5,
    "nothing": None,
    "list": ["orders"],
}


@pytest.mark.parametrize("field", ["groupId", "projectId", "restoreId", "restoreJobId"])
@pytest.mark.parametrize("value", ODD_IDS.values(), ids=ODD_IDS)
def test_an_id_that_atlas_cannot_have_given_is_refused_by_its_field(
    field: str, value: object
) -> None:
    spelt = {"projectId": "groupId", "restoreJobId": "restoreId"}
    error = refusal(without(FLEX, spelt.get(field, field)) | {field: value})

    assert error.field == field
    assert "24 lowercase hexadecimal digits" in str(error)


@pytest.mark.parametrize("value", ODD_NAMES.values(), ids=ODD_NAMES)
def test_a_name_that_no_cluster_has_is_refused(value: object) -> None:
    assert refusal(FLEX | {"clusterName": value}).field == "clusterName"


@pytest.mark.parametrize("name", ["a", "0", "Orders-2026-", "a" * 64])
def test_a_name_that_a_cluster_can_have_is_taken(name: str) -> None:
    request = parse(FLEX | {"clusterName": name})

    assert isinstance(request, OneTarget)
    assert request.target.cluster_name == name


@pytest.mark.parametrize("field", ["groupId", "clusterName", "restoreId"])
def test_what_is_missing_is_named(field: str) -> None:
    error = refusal(without(FLEX, field))

    assert error.field == field
    assert str(error).endswith("got nothing")


def test_a_text_is_told_by_its_length_only() -> None:
    assert str(refusal(FLEX | {"clusterName": "my orders"})).endswith("got text of 9 characters")


@pytest.mark.parametrize(
    ("one", "other"), [("groupId", "projectId"), ("restoreId", "restoreJobId")]
)
def test_two_spellings_that_disagree_are_refused(one: str, other: str) -> None:
    error = refusal(FLEX | {other: "0" * 24})

    assert error.field == other
    assert one in str(error)


@pytest.mark.parametrize(
    "kind", ["FLEX", "Auto", "m10", "", 1, True, ["flex"], {"is": "flex"}], ids=repr
)
def test_a_kind_nobody_knows_is_refused_with_those_that_are(kind: object) -> None:
    error = refusal(FLEX | {"kind": kind})

    assert error.field == "kind"
    assert all(f'"{known}"' in str(error) for known in ("auto", *RestoreKind))


@pytest.mark.parametrize("field", ["envelope", "pretty"])
@pytest.mark.parametrize("value", ["true", "false", 1, 0, [], {}], ids=repr)
def test_a_boolean_is_no_text_and_no_number(field: str, value: object) -> None:
    error = refusal(FLEX | {field: value})

    assert error.field == field
    assert "true or false" in str(error)


@pytest.mark.parametrize("field", ["baseUrl", "base_url", "BaseUrl"])
def test_an_event_cannot_choose_where_credentials_go(field: str) -> None:
    error = refusal(FLEX | {field: "https://cloud.mongodb.com"})

    assert error.field == field
    assert "ATLAS_BASE_URL" in str(error)


@pytest.mark.parametrize(
    "event", [None, "text", 5, 5.5, True, [], [FLEX]], ids=lambda event: type(event).__name__
)
def test_an_event_that_is_no_object_is_refused(event: object) -> None:
    assert refusal(event).field == "event"


def test_an_empty_event_is_refused() -> None:
    assert refusal({}).field == "groupId"


@pytest.mark.parametrize(
    "detail_type",
    ["atlas restore watch requested", "Scheduled Event", "", None, 5, [DETAIL_TYPE]],
    ids=repr,
)
def test_a_detail_of_another_type_is_refused(detail_type: object) -> None:
    error = refusal(detail(FLEX, detail_type))

    assert error.field == "detail-type"
    assert DETAIL_TYPE in str(error)


def test_a_detail_without_a_type_is_refused() -> None:
    assert refusal({"detail": FLEX}).field == "detail-type"


@pytest.mark.parametrize("body", [None, "text", [FLEX], json.dumps(FLEX)], ids=repr)
def test_a_detail_that_is_no_object_is_refused(body: object) -> None:
    assert refusal(detail(body)).field == "detail"


def test_a_field_within_a_detail_is_named_by_its_path() -> None:
    assert refusal(detail(FLEX | {"kind": "m10"})).field == "detail.kind"


@pytest.mark.parametrize("value", [None, [], "", "text", 5, {}, FLEX], ids=repr)
def test_targets_are_a_list_that_is_not_empty(value: object) -> None:
    assert refusal({"targets": value}).field == "targets"


def test_an_empty_list_of_targets_is_told_from_a_wrong_type() -> None:
    assert "empty" in str(refusal({"targets": []}))
    assert "empty" in str(refusal({"Records": []}))


def test_there_is_a_limit_to_the_targets_of_one_event() -> None:
    request = parse({"targets": [FLEX] * TARGETS_LIMIT})

    assert isinstance(request, SeveralTargets)
    assert len(request.targets) == TARGETS_LIMIT
    assert refusal({"targets": [FLEX] * (TARGETS_LIMIT + 1)}).field == "targets"


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
    "empty": "",
    "nothing": None,
    "an object": {"groupId": GROUP},
    "a number": 5,
    "too deep": "[" * 100_000,
    "too long a number": "9" * 5000,
    "JSON text within": json.dumps(json.dumps(FLEX)),
    "a list": "[]",
    "not a number": "NaN",
    "no target": "{}",
    "wrong id": json.dumps(FLEX | {"groupId": "x"}),
    "wrong detail": json.dumps(detail(FLEX, "other")),
    "no targets": json.dumps({"targets": []}),
    "a batch within": json.dumps({"Records": [record(json.dumps(FLEX))]}),
}


@pytest.mark.parametrize("body", POISON.values(), ids=POISON)
def test_a_poison_record_is_refused_alone(body: object) -> None:
    batch = parse(
        {
            "Records": [
                record(json.dumps(FLEX), "good"),
                record(body, "poison"),
                record(json.dumps(OTHER), "good too"),
            ]
        }
    )

    assert isinstance(batch, QueueBatch)
    first, poison, last = batch.records
    assert (first.request, last.request) == (OneTarget(TARGET), OneTarget(OTHER_TARGET))
    assert poison.message_id == "poison"
    assert isinstance(poison.request, InvalidEventError)
    assert poison.request.field.startswith("Records[1].body")


def test_a_record_without_a_body_is_refused_alone() -> None:
    bodiless = {"messageId": "bodiless", "eventSource": "aws:sqs"}

    batch = parse({"Records": [bodiless]})

    assert isinstance(batch, QueueBatch)
    assert isinstance(batch.records[0].request, InvalidEventError)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (FLEX | {"kind": "m10"}, "Records[0].body.kind"),
        (detail(FLEX | {"kind": "m10"}), "Records[0].body.detail.kind"),
        (detail(FLEX, "other"), "Records[0].body.detail-type"),
        (["list"], "Records[0].body"),
    ],
    ids=["direct", "detail", "detail type", "no object"],
)
def test_a_field_within_a_record_is_named_by_its_path(body: object, field: str) -> None:
    batch = parse({"Records": [record(json.dumps(body))]})

    assert isinstance(batch, QueueBatch)
    assert isinstance(batch.records[0].request, InvalidEventError)
    assert batch.records[0].request.field == field


@pytest.mark.parametrize(
    "records",
    [
        None,
        [],
        "text",
        {},
        [None],
        ["text"],
        [{}],
        [{"messageId": "one", "body": json.dumps(FLEX)}],
        [{"eventSource": "aws:sqs", "body": json.dumps(FLEX)}],
        [{"eventSource": "aws:sqs", "messageId": 5, "body": json.dumps(FLEX)}],
        [{"EventSource": "aws:sns", "Sns": {"Message": json.dumps(FLEX)}}],
        [{"eventSource": "aws:s3", "messageId": "one", "body": json.dumps(FLEX)}],
    ],
    ids=[
        "nothing",
        "empty",
        "text",
        "object",
        "null record",
        "text record",
        "empty record",
        "no source",
        "no message id",
        "numeric message id",
        "sns",
        "s3",
    ],
)
def test_a_record_that_could_not_be_reported_alone_fails_the_batch(records: object) -> None:
    assert refusal({"Records": records}).field.startswith("Records")


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
        "kind": st.sampled_from(["auto", "flex", "dedicated", "tenant"]) | given_values,
        "envelope": given_values,
        "pretty": given_values,
        "baseUrl": signed_texts,
    },
)


def around(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Events whose parts are in their place, but for what is in them."""
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
        case SeveralTargets(targets):
            for target in targets:
                yield from refusals(target)
        case QueueBatch(records):
            for queued in records:
                yield from refusals(queued.request)


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
def test_any_json_is_understood_or_refused_by_the_name_of_a_field(event: object) -> None:
    for error in refusals(outcome(event)):
        assert error.field
        assert str(error).startswith(f"{error.field}: ")


@settings(max_examples=300)
@given(events)
def test_no_value_of_an_event_is_quoted(event: object) -> None:
    for error in refusals(outcome(event)):
        assert SIGN not in str(error)
        # The words of the documented vocabulary are ours to say.
        ours = {"dedicated", "tenant", "aws:sqs", DETAIL_TYPE}
        quotable = (value for value in given_in(event) if value not in ours)
        assert not [value for value in quotable if len(value) >= 6 and value in str(error)]
