"""
The fields of an event: how each is read, and which are refused. Pure.

An error never quotes a value: a secret pasted into the wrong field must not reach a log.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Self

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from foundation.outside import FromOutside, first_problem, unreadable
from restore_watch.errors import InvalidEventError
from restore_watch.event.spellings import SPELLINGS, TwoValues, spelling_of, value_of
from restore_watch.redaction import redact

_TYPES = {
    type(None): "nothing",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


class EventFields(FromOutside):
    """Fields of an event."""

    @classmethod
    def of(cls, event: Mapping[str, Any], path: str = "") -> Self:
        """Read them. Raises InvalidEventError that names the first field that is wrong."""
        spelt = {name: spelling_of(event, name) for name in map(to_camel, cls.model_fields)}
        values = {name: value_of(event, name) for name, given in spelt.items() if given in event}
        try:
            return cls.read(values)
        except ValidationError as error:
            name, expected, value = first_problem(error)
        if isinstance(value, TwoValues):
            other = SPELLINGS[name]
            problem = f"expected {name} and {other} to be the same or only one of them"
            raise InvalidEventError(path + other, problem)
        raise InvalidEventError(path + spelt[name], f"{expected}, got {_kind_of(value)}")


def refuse_others(event: Mapping[str, Any], action: str, fields: Collection[str]) -> None:
    """Raise InvalidEventError for a field that is not of this action."""
    for name in event:
        if name != "action" and name not in fields:
            raise InvalidEventError(redact(str(name)), f'not accepted beside the action "{action}"')


def unexpected(path: str, expected: str, value: object) -> InvalidEventError:
    """Return the error for a JSON value, which is described without quoting it."""
    return InvalidEventError(path, f"expected {expected}, got {_kind_of(value)}")


def require_object(value: object, path: str) -> Mapping[str, Any]:
    """Return a JSON object. Raises InvalidEventError."""
    if not isinstance(value, Mapping):
        raise unexpected(path, "a JSON object", value)
    return value


def require_list(value: object, path: str, of: str) -> Sequence[Any]:
    """Return a list that is not empty. Raises InvalidEventError."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise unexpected(path, f"a list of {of}", value)
    return value


def _kind_of(value: object) -> str:
    if isinstance(value, str):
        return f"text of {len(value)} characters"
    return "an empty list" if value == [] else _TYPES.get(type(value), "something else")


def one_word_of(words: Iterable[str]) -> Callable[[object], str]:
    """Return what reads one of these words."""
    known = {str(word): word for word in words}
    quoted = [f'"{word}"' for word in known]
    either = " or ".join(quoted) if len(quoted) == 2 else f"one of {', '.join(quoted)}"

    def read(value: object) -> str:
        if isinstance(value, str) and value in known:
            return known[value]
        raise unreadable(f"expected {either}")

    return read
