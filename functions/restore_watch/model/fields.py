"""The types of fields, of Atlas's answers and of our own items. Pure."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetPydanticSchema,
    StringConstraints,
)
from pydantic.alias_generators import to_camel
from pydantic_core import core_schema

from foundation.clock import in_utc
from restore_watch.redaction import without_urls

# Atlas's own patterns of the path parameters. The specification sets no limit for a cluster name;
# Atlas's console does, 64. The limit keeps the SNS subject and the partition key short as well.
_OBJECT_ID = "[a-f0-9]{24}"
_CLUSTER_NAME = "[a-zA-Z0-9][a-zA-Z0-9-]*"
NAME_LIMIT = 64

ObjectId = Annotated[str, StringConstraints(strict=True, pattern=f"^{_OBJECT_ID}$")]
ClusterName = Annotated[
    str, StringConstraints(strict=True, pattern=f"^{_CLUSTER_NAME}$", max_length=NAME_LIMIT)
]

AHEAD = timedelta(minutes=10)
"""A stored moment may lie so far in the future, because clocks differ."""

TEXT_LIMIT = 256
"""Characters kept of a text from Atlas, so that no answer is too large for an item or a message."""

is_object_id = re.compile(_OBJECT_ID).fullmatch
"""Whether a text is an id of Atlas."""


def id_made_at(object_id: str) -> datetime:
    """When Atlas made an id, in UTC: its first eight digits are Unix seconds."""
    return datetime.fromtimestamp(int(object_id[:8], 16), UTC)


def is_cluster_name(text: str) -> bool:
    """Whether the text may be the name of a cluster."""
    return len(text) <= NAME_LIMIT and re.fullmatch(_CLUSTER_NAME, text) is not None


def _require_iso_date(value: object) -> object:
    # pydantic also reads a number, or a text with a number, as Unix time. Atlas never sends one.
    if value is None or isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.match(r"\d{4}-\d{2}-\d{2}", value):
        return value
    raise ValueError("a date must be text in ISO 8601")


def _trim(text: str) -> str:
    # A download URL in the wrong field must not be stored or published. Its replacement may be
    # longer, and a stored text must not change when it is read again, so the result is cut too.
    # JSON can contain half of a surrogate pair, which no message and no item can hold.
    return without_urls(text[:TEXT_LIMIT])[:TEXT_LIMIT].encode(errors="replace").decode()


Text = Annotated[str, StringConstraints(strict=True), AfterValidator(_trim)]
UtcDate = Annotated[datetime, BeforeValidator(_require_iso_date), AfterValidator(in_utc)]


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


class Shown(BaseModel, defer_build=True):
    """A part of items, messages and results, with each field by its public name."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        validate_by_name=True,
        hide_input_in_errors=True,
    )

    def as_json(self) -> dict[str, Any]:
        """Every field by its public name, as plain JSON values; None if absent."""
        return self.model_dump(mode="json", by_alias=True)
