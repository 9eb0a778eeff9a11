"""The fields of one target in an event, and what is wrong with them."""

# ruff: noqa: FBT001 - a table may have a column of booleans

import pytest

from restore_watch.errors import InvalidEventError
from restore_watch.event.event import OneTarget, parse
from restore_watch.model.restore_job import RestoreKind, RestoreTarget
from unit.scripted_atlas import GROUP, RESTORE

FLEX = {"groupId": GROUP, "clusterName": "orders", "restoreId": RESTORE, "kind": "flex"}


def target(event: object) -> RestoreTarget:
    request = parse(event)
    assert isinstance(request, OneTarget)
    return request.target


def refusal(event: object) -> InvalidEventError:
    with pytest.raises(InvalidEventError) as refused:
        parse(event)
    return refused.value


def without(event: dict[str, str], field: str) -> dict[str, str]:
    return {name: value for name, value in event.items() if name != field}


@pytest.mark.parametrize("kind", RestoreKind)
def test_a_named_kind_is_accepted(kind: RestoreKind) -> None:
    assert target(FLEX | {"kind": str(kind)}).kind is kind


@pytest.mark.parametrize(
    "event",
    [FLEX | {"kind": "auto"}, without(FLEX, "kind")],
    ids=["auto", "absent"],
)
def test_the_kind_is_optional(event: object) -> None:
    assert target(event).kind is None


@pytest.mark.parametrize("value", [True, False])
def test_envelope_and_pretty_are_part_of_the_target(value: bool) -> None:
    named = target(FLEX | {"envelope": value, "pretty": value})

    assert (named.envelope, named.pretty) == (value, value)


ODD_IDS = {
    "short": "5f0000000000000000000a0",
    "long": GROUP + "0",
    "capitals": GROUP.upper(),
    "not hexadecimal": "5f0000000000000000000g01",
    "parent folder": "../../../api/atlas/v2/or",
    "line feed": GROUP + "\n",
    "header in the id": GROUP[:-2] + "\r\nHost: elsewhere",
    "space before": " " + GROUP,
    "full-width digits": "\N{FULLWIDTH DIGIT FIVE}" + GROUP[1:],
    "null character": GROUP + "\0",
    "lone surrogate": "\ud800" + GROUP[1:],
    "empty": "",
    "number": 5,
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
    "query": "orders?pretty=true",
    "line feed": "orders\n",
    "umlaut": "bestellübersicht",
    "lone surrogate": "orders\ud800",
    "65 characters": "a" * 65,
    "empty": "",
    "number": 5,
    "nothing": None,
    "list": ["orders"],
}


@pytest.mark.parametrize("field", ["groupId", "projectId", "restoreId", "restoreJobId"])
@pytest.mark.parametrize("value", ODD_IDS.values(), ids=ODD_IDS)
def test_the_error_for_an_invalid_id_names_the_field(field: str, value: object) -> None:
    usual = {"projectId": "groupId", "restoreJobId": "restoreId"}.get(field, field)
    error = refusal(without(FLEX, usual) | {field: value})

    assert error.field == field
    assert "24 lowercase hexadecimal digits" in str(error)


@pytest.mark.parametrize("value", ODD_NAMES.values(), ids=ODD_NAMES)
def test_a_name_that_no_cluster_can_have_is_refused(value: object) -> None:
    assert refusal(FLEX | {"clusterName": value}).field == "clusterName"


@pytest.mark.parametrize("name", ["a", "0", "Orders-2026-", "a" * 64], ids=lambda name: name[:12])
def test_a_name_that_a_cluster_can_have_is_accepted(name: str) -> None:
    assert target(FLEX | {"clusterName": name}).cluster_name == name


@pytest.mark.parametrize("field", ["groupId", "clusterName", "restoreId"])
def test_a_missing_field_is_named(field: str) -> None:
    error = refusal(without(FLEX, field))

    assert error.field == field
    assert str(error).endswith("got nothing")


def test_an_error_reports_only_the_length_of_a_text() -> None:
    assert str(refusal(FLEX | {"clusterName": "my orders"})).endswith("got text of 9 characters")


@pytest.mark.parametrize(
    ("one", "other"), [("groupId", "projectId"), ("restoreId", "restoreJobId")], ids=str
)
def test_two_spellings_that_disagree_are_refused(one: str, other: str) -> None:
    error = refusal(FLEX | {other: "0" * 24})

    assert error.field == other
    assert one in str(error)


@pytest.mark.parametrize(
    "kind", ["FLEX", "Auto", "m10", "", 1, True, ["flex"], {"is": "flex"}], ids=repr
)
def test_the_error_for_an_unknown_kind_names_the_known_kinds(kind: object) -> None:
    error = refusal(FLEX | {"kind": kind})

    assert error.field == "kind"
    assert all(f'"{known}"' in str(error) for known in ("auto", *RestoreKind))


@pytest.mark.parametrize("field", ["envelope", "pretty"])
@pytest.mark.parametrize("value", ["true", "false", 1, 0, [], {}], ids=repr)
def test_only_a_json_boolean_is_accepted_as_a_boolean(field: str, value: object) -> None:
    error = refusal(FLEX | {field: value})

    assert error.field == field
    assert "true or false" in str(error)


@pytest.mark.parametrize("field", ["baseUrl", "base_url", "BaseUrl"])
def test_an_event_cannot_change_where_credentials_are_sent(field: str) -> None:
    error = refusal(FLEX | {field: "https://cloud.mongodb.com"})

    assert error.field == field
    assert "ATLAS_BASE_URL" in str(error)
