"""
The fields of an event, above all those by which it names a restore job. Pure.

An error never quotes a value: a secret pasted into the wrong field must not reach a log.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import PlainValidator, ValidationError
from pydantic.alias_generators import to_camel

from foundation.outside import FromOutside, MustBeRight, first_problem, unreadable
from restore_watch.errors import InvalidEventError
from restore_watch.model.fields import Flag, is_cluster_name, is_object_id
from restore_watch.model.restore_job import RestoreKind, RestoreTarget

# Atlas's own endpoints use both spellings.
_SPELLINGS = {"groupId": "projectId", "restoreId": "restoreJobId"}

NAMES_OF_A_JOB = frozenset({*_SPELLINGS, *_SPELLINGS.values(), "clusterName", "kind"})
"""The fields that name a job."""

# They say who waits. Only one target, at the top level, may have them.
_BESIDE_ONE_TARGET = dict.fromkeys(
    ("taskToken", "waitUntil"),
    "accepted at the top level of an event only, beside one target",
)

# Credentials go to the base URL, so only the operator chooses it.
_NEVER_ACCEPTED = dict.fromkeys(
    ("baseUrl", "base_url", "BaseUrl"),
    "not accepted in an event: the operator sets ATLAS_BASE_URL",
)

_TYPES = {
    type(None): "nothing",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


@dataclass(frozen=True)
class _TwoValues:
    """What both spellings of a field give, if that differs. No field can be read from it."""


class EventFields(FromOutside):
    """Fields of an event."""

    @classmethod
    def of(cls, event: Mapping[str, Any], path: str = "") -> Self:
        """Read them. Raises InvalidEventError that names the first field that is wrong."""
        spelt = {name: _spelling(event, name) for name in map(to_camel, cls.model_fields)}
        values = {name: _value(event, name) for name, given in spelt.items() if given in event}
        try:
            return cls.read(values)
        except ValidationError as error:
            name, expected, value = first_problem(error)
        if isinstance(value, _TwoValues):
            other = _SPELLINGS[name]
            problem = f"expected {name} and {other} to be the same or only one of them"
            raise InvalidEventError(path + other, problem)
        raise InvalidEventError(path + spelt[name], f"{expected}, got {_kind_of(value)}")


def _spelling(event: Mapping[str, Any], name: str) -> str:
    """The spelling by which a field is given. Null counts as absent."""
    other = _SPELLINGS.get(name, name)
    return other if event.get(name) is None and other in event else name


def _value(event: Mapping[str, Any], name: str) -> object:
    value = event.get(name)
    other = event.get(_SPELLINGS[name]) if name in _SPELLINGS else None
    if value is not None and other is not None and value != other:
        return _TwoValues()
    return other if value is None else value


def _form(expected: str, is_right: Callable[[str], object]) -> PlainValidator:
    """Read a text of this form."""

    def read(value: object) -> str:
        if isinstance(value, str) and is_right(value):
            return value
        raise unreadable(f"expected {expected}")

    return PlainValidator(read)


_KINDS = 'one of "auto", ' + ", ".join(f'"{kind}"' for kind in RestoreKind)


def _kind(value: Any) -> RestoreKind | None:
    if value is None or value == "auto":
        return None
    try:
        return RestoreKind(value)
    except ValueError:
        raise unreadable(f"expected {_KINDS}") from None


GroupId = Annotated[str, _form("Atlas's project id, 24 lowercase hexadecimal digits", is_object_id)]
ClusterName = Annotated[
    str,
    _form(
        "the source cluster's name: letters, digits and hyphens, 64 characters at most",
        is_cluster_name,
    ),
]
_RestoreId = Annotated[
    str, _form("the restore job's id, 24 lowercase hexadecimal digits", is_object_id)
]


class _TargetFields(EventFields):
    """The fields of a target."""

    group_id: MustBeRight[GroupId]
    cluster_name: MustBeRight[ClusterName]
    restore_id: MustBeRight[_RestoreId]
    kind: Annotated[RestoreKind | None, PlainValidator(_kind)] = None
    envelope: Flag | None = None
    pretty: Flag | None = None


def read_target(fields: Mapping[str, Any], path: str = "") -> RestoreTarget:
    """Return the job that these fields name, and ignore others. Raises InvalidEventError."""
    for name, problem in (_NEVER_ACCEPTED | (_BESIDE_ONE_TARGET if path else {})).items():
        if name in fields:
            raise InvalidEventError(path + name, problem)
    read = _TargetFields.of(fields, path)
    return RestoreTarget(
        read.group_id, read.cluster_name, read.restore_id, read.kind, read.envelope, read.pretty
    )


def unexpected(path: str, expected: str, value: object) -> InvalidEventError:
    """Return the error for a JSON value, which is described without quoting it."""
    return InvalidEventError(path, f"expected {expected}, got {_kind_of(value)}")


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
