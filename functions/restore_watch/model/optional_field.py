"""A field that decides nothing: it is null if it is absent or cannot be read. Pure."""

from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetPydanticSchema
from pydantic_core import CoreSchema, core_schema


def _null_if_unreadable(source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
    return core_schema.with_default_schema(handler(source), default=None, on_error="default")


type OrNull[Read] = Annotated[Read | None, GetPydanticSchema(_null_if_unreadable)]
"""
What does not validate is null, and the other fields of its model stay.

Pydantic's core has this as `on_error`, so no validator in Python runs for each field.
"""
