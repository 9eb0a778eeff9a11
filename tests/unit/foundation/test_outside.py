"""What comes from outside is read by two policies, and an error quotes nothing of it."""

from copy import replace
from datetime import UTC, datetime
from typing import Annotated, Any

import pytest
from pydantic import PlainValidator, StrictStr, ValidationError

from foundation.outside import (
    FromOutside,
    IfReadable,
    MustBeRight,
    UtcDate,
    first_problem,
    unreadable,
)

SECRET = "mdb_sa_sk_hidden"


def _lower_case(value: object) -> str:
    if not isinstance(value, str) or not value.islower():
        raise unreadable("expected {text} in lower case")
    return value


class Example(FromOutside):
    """It has a field of each policy."""

    its_name: MustBeRight[Annotated[str, PlainValidator(_lower_case)]]
    remark: IfReadable[StrictStr]
    made_at: UtcDate | None = None


def test_a_field_is_read_by_its_public_name_alone() -> None:
    read = Example.read({"itsName": "a", "its_name": "b", "madeAt": "2026-05-04", "newer": 5})

    assert read == Example(its_name="a", remark=None, made_at=datetime(2026, 5, 4, tzinfo=UTC))
    with pytest.raises(ValidationError):
        Example.read({"its_name": "a"})


@pytest.mark.parametrize("given", [{}, {"itsName": None}, {"itsName": SECRET.upper()}], ids=str)
def test_a_field_that_must_be_right_is_refused_by_its_name_and_not_quoted(
    given: dict[str, Any],
) -> None:
    with pytest.raises(ValidationError) as refused:
        Example.read(given)

    problem = first_problem(refused.value)
    assert problem == ("itsName", "expected {text} in lower case", given.get("itsName"))
    assert SECRET.upper() not in str(refused.value)


@pytest.mark.parametrize("value", [None, 5, ["a"], {"a": "b"}], ids=str)
def test_a_field_that_need_not_be_right_is_absent_if_it_cannot_be_read(value: object) -> None:
    assert Example.read({"itsName": "a", "remark": value}) == Example.read({"itsName": "a"})


def test_what_is_no_object_has_no_field() -> None:
    with pytest.raises(ValidationError) as refused:
        Example.read([SECRET])

    assert first_problem(refused.value).field == ""
    assert SECRET not in str(refused.value)


def test_a_value_is_written_by_its_public_names_and_printed_by_those_of_python() -> None:
    made = datetime(2026, 5, 4, 12, 0, 0, 500_000, UTC)
    value = replace(Example.read({"itsName": "a"}), made_at=made)

    assert value.as_json() == {
        "itsName": "a",
        "remark": None,
        "madeAt": "2026-05-04T12:00:00.500000Z",
    }
    assert repr(value).startswith("Example(its_name='a', remark=None, made_at=")
