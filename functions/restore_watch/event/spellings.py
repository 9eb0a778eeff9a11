"""The fields of an event that have two names. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SPELLINGS = {"groupId": "projectId", "restoreId": "restoreJobId"}
"""The other name of each of these fields. Atlas's own endpoints use both."""


@dataclass(frozen=True)
class TwoValues:
    """What both names of a field give, if that differs. No field can be read from it."""


def spelling_of(event: Mapping[str, Any], name: str) -> str:
    """Return the name by which the event gives a field. Null counts as absent."""
    other = SPELLINGS.get(name, name)
    return other if event.get(name) is None and other in event else name


def value_of(event: Mapping[str, Any], name: str) -> object:
    """Return the value of a field under either name, null if both are absent."""
    value = event.get(name)
    other = event.get(SPELLINGS[name]) if name in SPELLINGS else None
    if value is not None and other is not None and value != other:
        return TwoValues()
    return other if value is None else value
