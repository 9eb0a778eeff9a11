"""Pydantic's types of the fields that a sweep keeps, and asks for. A check needs no pydantic."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, GetPydanticSchema
from pydantic.alias_generators import to_camel
from pydantic_core import core_schema

from restore_watch.model.fields import utc_date

UtcDate = Annotated[datetime, BeforeValidator(utc_date)]


def on_error(how: Literal["default", "omit"], **default: Any) -> GetPydanticSchema:
    """Make an invalid value the default, or leave it out. Pydantic's core does it, not Python."""
    return GetPydanticSchema(
        lambda source, handler: core_schema.with_default_schema(
            handler(source), on_error=how, **default
        )
    )


type OrNull[Read] = Annotated[Read | None, on_error("default", default=None)]
type OrOmitted[Read] = Annotated[Read, on_error("omit")]


class Kept:
    """A dataclass that is kept in an item, with each field by its public name."""

    __pydantic_config__: ClassVar = ConfigDict(alias_generator=to_camel)
