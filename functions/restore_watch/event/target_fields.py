"""
The fields by which an event names a restore job. Pure.

An error never quotes a value: a secret pasted into the wrong field must not reach a log.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from restore_watch.errors import InvalidEventError
from restore_watch.model.fields import flag, is_cluster_name, is_object_id, or_none
from restore_watch.model.restore_job import RestoreKind, RestoreTarget

# Atlas's own endpoints use both spellings.
_SPELLINGS = {"groupId": "projectId", "restoreId": "restoreJobId"}


def _name(is_valid: Callable[[str], object]) -> Callable[[object], str]:
    def read(value: object) -> str:
        if isinstance(value, str) and is_valid(value):
            return value
        raise ValueError

    return read


# The expected form of each field, for the texts of errors, and what reads it.
_FIELDS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "groupId": ("Atlas's project id, 24 lowercase hexadecimal digits", _name(is_object_id)),
    "clusterName": (
        "the source cluster's name: letters, digits and hyphens, 64 characters at most",
        _name(is_cluster_name),
    ),
    "restoreId": ("the restore job's id, 24 lowercase hexadecimal digits", _name(is_object_id)),
    "kind": (
        'one of "auto", ' + ", ".join(f'"{kind}"' for kind in RestoreKind),
        or_none(lambda value: None if value == "auto" else RestoreKind(value)),
    ),
    "envelope": ("true or false", or_none(flag)),
    "pretty": ("true or false", or_none(flag)),
}

NAMES_OF_A_JOB = frozenset({*_SPELLINGS, *_SPELLINGS.values(), "clusterName", "kind"})
"""The fields that name a job."""

# They say who waits. Only one target, at the top level, may have them.
_BESIDE_ONE_TARGET = dict.fromkeys(
    ("taskToken", "waitUntil"),
    "accepted at the top level of an event only, beside one target",
)

_TYPES = {
    type(None): "nothing",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}

# Credentials go to the base URL, so only the operator chooses it.
_NEVER_ACCEPTED = dict.fromkeys(
    ("baseUrl", "base_url", "BaseUrl"),
    "not accepted in an event: the operator sets ATLAS_BASE_URL",
)


def read_target(fields: Mapping[str, Any], path: str = "") -> RestoreTarget:
    """Return the job that these fields name, and ignore others. Raises InvalidEventError."""
    for name, problem in (_NEVER_ACCEPTED | (_BESIDE_ONE_TARGET if path else {})).items():
        if name in fields:
            raise InvalidEventError(path + name, problem)
    return RestoreTarget(*(read_field(fields, name, path) for name in _FIELDS))


def read_field(fields: Mapping[str, Any], name: str, path: str = "") -> Any:
    """Return the value of one of the fields of a target. Raises InvalidEventError."""
    expected, read = _FIELDS[name]
    given, value = _one_of(fields, name, path)
    try:
        return read(value)
    except (TypeError, ValueError):
        raise unexpected(path + given, expected, value) from None


def _one_of(fields: Mapping[str, Any], name: str, path: str = "") -> tuple[str, Any]:
    """Return the spelling by which a field is given, and its value. None counts as absent."""
    other = _SPELLINGS.get(name, name)
    value, spelt = fields.get(name), fields.get(other)
    if value is not None and spelt is not None and value != spelt:
        problem = f"expected {name} and {other} to be the same or only one of them"
        raise InvalidEventError(path + other, problem)
    given = other if value is None and other in fields else name
    return given, fields.get(given)


def unexpected(path: str, expected: str, value: object) -> InvalidEventError:
    """Return the error for a JSON value, which is described without quoting it."""
    kind = "an empty list" if value == [] else _TYPES.get(type(value), "something else")
    if isinstance(value, str):
        kind = f"text of {len(value)} characters"
    return InvalidEventError(path, f"expected {expected}, got {kind}")


def one_word_of[Word: str](words: Iterable[Word], value: object, field: str) -> Word:
    """Return the value, one of these words."""
    known = {str(word): word for word in words}
    if not isinstance(value, str) or value not in known:
        quoted = [f'"{word}"' for word in known]
        either = " or ".join(quoted) if len(quoted) == 2 else f"one of {', '.join(quoted)}"
        raise unexpected(field, either, value)
    return known[value]
