"""The databases of a process, read from Atlas's answers, and which of them are measured. Pure."""

import re
from collections.abc import Iterable
from typing import Annotated, NamedTuple

from pydantic import PlainValidator, ValidationError

from foundation.outside import FromOutside, unreadable
from restore_watch.atlas.pages import Page
from restore_watch.errors import UnexpectedAtlasResponseError

SYSTEM = frozenset({"admin", "config", "local"})
"""The databases that MongoDB keeps for itself. Each member of a replica set has its own."""

DATABASES_LIMIT = 50
"""Databases of a restore that are measured at most, so that its calls leave room for others."""

_NAME = re.compile(r'[^\x00-\x20\x7f-\x9f/\\."$\ud800-\udfff]{1,63}')


def is_database_name(text: str) -> bool:
    """
    Whether a text may name a database, by MongoDB's own limits. A name becomes a part of a path.

    https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions
    """
    return _NAME.fullmatch(text) is not None


def _database_name(value: object) -> str:
    if isinstance(value, str) and is_database_name(value):
        return value
    raise unreadable("expected the name of a database")


class _Entry(FromOutside):
    database_name: Annotated[str, PlainValidator(_database_name)]


def read_database_names(page: Page) -> frozenset[str]:
    """
    Read a page of the databases of a process.

    Raises UnexpectedAtlasResponseError for an entry without a usable name: a measurement that
    leaves out a database says nothing of the whole.
    """
    try:
        return frozenset(_Entry.read(entry).database_name for entry in page.entries)
    except ValidationError:
        msg = "An entry in Atlas's list of the databases of a process has no usable name"
        raise UnexpectedAtlasResponseError(msg) from None


class ChosenDatabases(NamedTuple):
    """The `names` of the databases to measure, and how many others there are `beyond_limit`."""

    names: tuple[str, ...]
    beyond_limit: int


def choose_databases(of_source: Iterable[str]) -> ChosenDatabases:
    """
    Return which databases of the source are measured: of too many, the first by name.

    Atlas's list has no sizes: to find the largest would cost a call for each.
    """
    names = sorted(set(of_source) - SYSTEM)
    return ChosenDatabases(tuple(names[:DATABASES_LIMIT]), max(0, len(names) - DATABASES_LIMIT))


def choose_of_target(chosen: Iterable[str], of_target: Iterable[str]) -> tuple[str, ...]:
    """
    Return the databases of the target to ask about: those that were chosen and are there.

    If none is, it is a system database, whose figures show that Atlas has looked at the target
    since the restore.
    """
    there = set(of_target)
    return tuple(name for name in chosen if name in there) or tuple(sorted(there & SYSTEM)[:1])
