"""
What Atlas says of each collection of a collection restore, read and judged. Pure.

Atlas counts the documents itself. Of the collections, only the names of their databases are kept.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated

from pydantic import PlainValidator, ValidationError

from foundation.outside import FromOutside, IfReadable, MustBeRight, unreadable
from restore_watch.atlas.pages import Page
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.model.forms_of_fields import AtlasText
from restore_watch.model.measurement import (
    DATABASES_NAMED,
    LARGEST,
    Count,
    DifferingDatabase,
    DifferingFigure,
    Figure,
    Measurement,
    Outcome,
    WhyNotMeasured,
    not_measured,
)

_RESTORED = "SUCCESSFUL"
_NOT_RESTORED = {
    "FAILED",
    "INDEX_BUILD_FAILED",
    "NOT_FOUND",
    "NOT_RESTORED",
    "ROLLBACK",
    "UNSUPPORTED",
}
"""The states of a collection whose restore has ended. Of another state nobody knows the end."""


def _database_of(value: object) -> str:
    """Read a namespace, and keep its database."""
    if isinstance(value, str):
        database, dot, collection = value.partition(".")
        if database and dot and collection and len(database) < 64:
            return database.encode(errors="replace").decode()
    raise unreadable("expected a namespace")


def _documents(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST:
        return value
    raise unreadable("expected a number of documents")


def _is_any(value: object) -> bool:
    """Whether a list has entries. They name indexes, and are not kept."""
    if value is None or isinstance(value, list):
        return bool(value)
    raise unreadable("expected a list")


_Documents = Annotated[int, PlainValidator(_documents)]


class _IndexStatus(FromOutside):
    failed_indexes: MustBeRight[Annotated[bool, PlainValidator(_is_any)]]


class RestoredCollection(FromOutside):
    """
    A collection of a collection restore, without its name.

    `source_namespace`: only the database. `state`: Atlas's word. `restored_documents` and
    `total_documents`: None if Atlas does not say.
    """

    source_namespace: Annotated[str, PlainValidator(_database_of)]
    state: AtlasText
    restored_documents: IfReadable[_Documents]
    total_documents: IfReadable[_Documents]
    index_status: _IndexStatus | None = None

    @property
    def is_known(self) -> bool:
        """Whether Atlas says what became of it."""
        if self.state in _NOT_RESTORED:
            return True
        has_counts = self.restored_documents is not None and self.total_documents is not None
        return self.state == _RESTORED and has_counts

    @property
    def is_whole(self) -> bool:
        """Whether all its documents and indexes were restored."""
        has_failed_indexes = self.index_status is not None and self.index_status.failed_indexes
        has_all_documents = self.restored_documents == self.total_documents
        return self.state == _RESTORED and has_all_documents and not has_failed_indexes


def read_collections(page: Page) -> list[RestoredCollection]:
    """Read a page of the collections of a restore. Raises UnexpectedAtlasResponseError."""
    try:
        return [RestoredCollection.read(entry) for entry in page.entries]
    except ValidationError:
        msg = "An entry in Atlas's list of restored collections cannot be read"
        raise UnexpectedAtlasResponseError(msg) from None


def measure_collections(collections: Sequence[RestoredCollection]) -> Measurement:
    """Judge the collections of a restore that completed, by Atlas's own count of documents."""
    if not collections:
        return not_measured(WhyNotMeasured.NO_COLLECTIONS)
    if not all(collection.is_known for collection in collections):
        return not_measured(WhyNotMeasured.UNKNOWN_COLLECTIONS)
    by_database: dict[str, list[RestoredCollection]] = defaultdict(list)
    for collection in collections:
        by_database[collection.source_namespace].append(collection)
    differing = [
        _difference(name, by_database[name])
        for name in sorted(by_database)
        if not all(collection.is_whole for collection in by_database[name])
    ]
    return Measurement(
        outcome=Outcome.DIFFERS if differing else Outcome.MATCHES,
        databases=Count(found=len(by_database) - len(differing), expected=len(by_database)),
        documents=_documents_of(collections),
        collections=_whole_of(collections),
        differing=tuple(differing[:DATABASES_NAMED]),
    )


def _difference(name: str, collections: Sequence[RestoredCollection]) -> DifferingDatabase:
    """Return how a database differs. A collection whose index failed is not whole."""
    whole, documents = _whole_of(collections), _documents_of(collections)
    figures = [
        DifferingFigure(figure=Figure.COLLECTIONS, least=whole.expected, found=whole.found),
        DifferingFigure(
            figure=Figure.DOCUMENTS,
            least=documents.expected,
            most=documents.expected,
            found=documents.found,
        ),
    ]
    return DifferingDatabase(
        name=name, figures=tuple(figure for figure in figures if figure.found != figure.least)
    )


def _whole_of(collections: Sequence[RestoredCollection]) -> Count:
    whole = sum(collection.is_whole for collection in collections)
    return Count(found=whole, expected=len(collections))


def _documents_of(collections: Sequence[RestoredCollection]) -> Count:
    return Count(
        found=sum(collection.restored_documents or 0 for collection in collections),
        expected=sum(collection.total_documents or 0 for collection in collections),
    )
