"""
How everything is read that comes from outside: an event, an answer, an item, the environment.

Each is a model, and a field follows one of two policies:

- `MustBeRight`: a value that cannot be read is refused, and the error names the field. A field that
  is absent counts as null. A plain annotation says the same of a field that must be present.
- `IfReadable`: a value that cannot be read counts as absent, which is None.

Other fields are ignored, because a newer version may add some. No error quotes a value, because a
secret may be in the wrong field.
"""

import re
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, NamedTuple, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from foundation.clock import date_text, in_utc

Read = TypeVar("Read")


class FromOutside(BaseModel):
    """A value that is read from outside. Its public names are in camel case."""

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        hide_input_in_errors=True,
    )

    @classmethod
    def read(cls, values: object, context: object = None) -> Self:
        """Read an object of JSON, by its public names. Raises ValidationError."""
        return cls.model_validate(values, context=context, by_alias=True, by_name=False)

    def __replace__(self, **changes: Any) -> Self:
        """Return the same with other values, by `copy.replace`. They are ours, and not read."""
        return self.model_copy(update=changes)

    def as_json(self) -> dict[str, Any]:
        """Every field by its public name, as plain JSON values; None if absent."""
        return self.model_dump(mode="json", by_alias=True)


def if_unreadable(default: object) -> WrapValidator:
    """Take this value for what cannot be read."""

    def read_or_default(value: object, read: ValidatorFunctionWrapHandler) -> Any:
        try:
            return read(value)
        except (ValidationError, RecursionError):
            return default

    return WrapValidator(read_or_default)


MustBeRight = Annotated[Read, Field(default=None, validate_default=True)]
IfReadable = Annotated[Read | None, if_unreadable(None), Field(default=None)]


def unreadable(problem: str) -> PydanticCustomError:
    """Return the error for a value of another form, a ValueError. The problem quotes no value."""
    return PydanticCustomError("unreadable", "{problem}", {"problem": problem})


class Problem(NamedTuple):
    """Why a value cannot be read: its field, "" for all of it, what was expected, and the value."""

    field: str
    expected: str
    value: object


def first_problem(error: ValidationError) -> Problem:
    """Return the problem of the first field that cannot be read."""
    first = error.errors(include_url=False, include_context=False)[0]
    # Pydantic names an absent field as Python does: `restore_id` for `restoreId`.
    field = ".".join(to_camel(str(part)) for part in first["loc"])
    return Problem(field, first["msg"], first["input"])


# fromisoformat also reads what only looks like a date, such as `2026-11-25T12:34:156Z`.
_is_date = re.compile(
    r"\d{4}-\d\d-\d\d([Tt _]\d\d:\d\d(:\d\d([.,]\d+)?)?([Zz]|[+-]\d\d:?[0-5]\d)?)?", re.ASCII
).fullmatch


def utc_date(value: object) -> datetime:
    """Read a date in ISO 8601. Without a zone it is in UTC already. Raises ValueError."""
    with suppress(ValueError):  # it would quote the value
        if isinstance(value, str) and _is_date(value):
            return in_utc(datetime.fromisoformat(value.upper()))
        if isinstance(value, datetime):
            return in_utc(value)
    raise unreadable("expected a date in ISO 8601, within the years 1 to 9999 in UTC too")


UtcDate = Annotated[
    datetime, PlainValidator(utc_date), PlainSerializer(date_text, when_used="json")
]
