"""The forms of fields in Atlas's answers and in our own items, and how they are read. Pure."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from foundation.clock import in_utc, without_leap_second
from restore_watch.redaction import without_urls

# Atlas's own patterns of the path parameters. The specification sets no limit for a cluster name;
# Atlas's console does, 64. The limit keeps the SNS subject and the partition key short as well.
_OBJECT_ID = "[a-f0-9]{24}"
_CLUSTER_NAME = "[a-zA-Z0-9][a-zA-Z0-9-]*"
NAME_LIMIT = 64

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


# What a value is read with. Each raises TypeError or ValueError, and quotes nothing.


def plain_text(value: object) -> str:
    """Read a text that needs no change."""
    if not isinstance(value, str):
        raise TypeError("expected text")
    return value


def text(value: object) -> str:
    """Read a text of any content: cut, without URLs, and fit for a message and an item."""
    # A download URL in the wrong field must not be stored or published. Its replacement may be
    # longer, and a stored text must not change when it is read again, so the result is cut too.
    # JSON can contain half of a surrogate pair, which no message and no item can hold.
    short = without_urls(plain_text(value)[:TEXT_LIMIT])[:TEXT_LIMIT]
    return short.encode(errors="replace").decode()


def word_of[Word: StrEnum](words: type[Word]) -> Callable[[Any], Word]:
    """Read one of these words."""

    def read(value: Any) -> Word:
        try:
            return words(value)
        except ValueError:
            raise ValueError(f"expected one of {', '.join(words)}") from None

    return read


def flag(value: object) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise TypeError("expected true or false")
    return value


def utc_date(value: object) -> datetime:
    """Read a date in ISO 8601. Without a zone it is in UTC already."""
    with suppress(ValueError):  # it would quote the value
        if isinstance(value, str) and _is_date(date := without_leap_second(value)):
            return in_utc(datetime.fromisoformat(date.upper()))
        if isinstance(value, datetime):
            return in_utc(value)
    raise ValueError("expected a date in ISO 8601, within the years 1 to 9999 in UTC too")


# fromisoformat also reads what only looks like a date, such as `2026-11-25T12:34:156Z`.
_is_date = re.compile(
    r"\d{4}-\d\d-\d\d([Tt _]\d\d:\d\d(:\d\d([.,]\d+)?)?([Zz]|[+-]\d\d:?[0-5]\d)?)?", re.ASCII
).fullmatch


def or_none[Read](read: Callable[[Any], Read]) -> Callable[[object], Read | None]:
    """None stays None."""
    return lambda value: None if value is None else read(value)


def if_readable[Read](read: Callable[[object], Read]) -> Callable[[object], Read | None]:
    """None for a value that cannot be read."""

    def read_if_possible(value: object) -> Read | None:
        try:
            return read(value)
        except (TypeError, ValueError, RecursionError):
            return None

    return read_if_possible


text_or_null, date_or_null = if_readable(text), if_readable(utc_date)


type Fields = Mapping[str, tuple[str, Callable[[object], Any]]]
"""Fields by their names in Python: the name in JSON, and what the value is read with."""


def fields(**reads: Callable[[object], Any]) -> Fields:
    """Return fields that have the same name in JSON, in camel case."""
    return {name: (_in_camel_case(name), read) for name, read in reads.items()}


def _in_camel_case(name: str) -> str:
    first, *others = name.split("_")
    return "".join((first, *map(str.title, others)))


def read_fields(values: object, wanted: Fields) -> dict[str, Any]:
    """Read fields of a JSON object, and ignore others. Raises ValueError that names the field."""
    if not isinstance(values, Mapping):
        raise ValueError("the value is not as expected: expected an object")  # noqa: TRY004 - as for a field
    read = {}
    for name, (public, reader) in wanted.items():
        try:
            read[name] = reader(values.get(public))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{public} is not as expected: {error}") from None
    return read


PlainText = Annotated[str, plain_text]
PlainTextOrNone = Annotated[str | None, or_none(plain_text)]
TextOrNone = Annotated[str | None, or_none(text)]
DateOrNone = Annotated[datetime | None, or_none(utc_date)]


class Shown:
    """A dataclass that items, messages and results show. Each annotation has what reads a field."""

    _fields: ClassVar[Fields]

    def __init_subclass__(cls) -> None:
        """List the fields."""
        reads = {name: one.__metadata__[0] for name, one in cls.__annotations__.items()}
        cls._fields = fields(**reads)

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Read what `as_json` wrote. Raises ValueError that names a field, and quotes nothing."""
        return cls(**read_fields(values, cls._fields))

    def as_json(self) -> dict[str, Any]:
        """Every field by its public name, as plain JSON values; None if absent."""
        return {public: _as_json(getattr(self, name)) for name, (public, _) in self._fields.items()}


def _as_json(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value) if isinstance(value, StrEnum) else value
