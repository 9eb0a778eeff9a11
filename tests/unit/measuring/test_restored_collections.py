"""What Atlas says of each collection of a collection restore, and the measurement of it."""

import json
from typing import Any

import pytest
from hypothesis import given

from restore_watch.atlas.pages import Page
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.measuring.restored_collections import measure_collections, read_collections
from restore_watch.model.measurement import (
    Count,
    DifferingDatabase,
    DifferingFigure,
    Figure,
    Measurement,
    Outcome,
    WhyNotMeasured,
)
from strategies import json_values


def collection(namespace: str = "sales.orders", **fields: Any) -> dict[str, Any]:
    """A collection in the specified shape; none was recorded."""
    return {
        "effectiveTargetNamespace": f"{namespace}_copy",
        "indexStatus": {"errorMessage": None, "failedIndexes": [], "state": "SUCCESSFUL"},
        "restoredDocuments": 1000,
        "sourceNamespace": namespace,
        "state": "SUCCESSFUL",
        "targetNamespace": f"{namespace}_copy",
        "totalDocuments": 1000,
    } | fields


def measured(*entries: Any) -> Measurement:
    return measure_collections(read_collections(Page(list(entries), has_next=False)))


def test_collections_that_were_restored_whole_match() -> None:
    measurement = measured(
        collection(),
        collection("sales.lines.2026", indexStatus=None),
        collection("stock.items", indexStatus={"state": None}),
    )

    assert measurement == Measurement(
        outcome=Outcome.MATCHES,
        databases=Count(found=2, expected=2),
        documents=Count(found=3000, expected=3000),
        collections=Count(found=3, expected=3),
    )


def test_a_collection_without_documents_is_whole() -> None:
    measurement = measured(collection(restoredDocuments=0, totalDocuments=0))

    assert measurement.outcome is Outcome.MATCHES
    assert measurement.documents == Count(found=0, expected=0)


@pytest.mark.fault("F138")
@pytest.mark.parametrize(
    ("fields", "figures"),
    [
        ({"restoredDocuments": 999}, [Figure.COLLECTIONS, Figure.DOCUMENTS]),
        ({"restoredDocuments": 1001}, [Figure.COLLECTIONS, Figure.DOCUMENTS]),
        ({"indexStatus": {"failedIndexes": [{"key": {"a": 1}}]}}, [Figure.COLLECTIONS]),
        ({"indexStatus": {"state": "FAILED"}}, [Figure.COLLECTIONS]),
        (
            {"indexStatus": {"failedIndexes": [{"key": {"a": 1}}], "state": "IN_PROGRESS"}},
            [Figure.COLLECTIONS],
        ),
        *(
            ({"state": state}, [Figure.COLLECTIONS])
            for state in (
                "FAILED",
                "INDEX_BUILD_FAILED",
                "NOT_FOUND",
                "NOT_RESTORED",
                "ROLLBACK",
                "UNSUPPORTED",
            )
        ),
        (
            {"state": "NOT_RESTORED", "restoredDocuments": None},
            [Figure.COLLECTIONS, Figure.DOCUMENTS],
        ),
    ],
    ids=repr,
)
def test_a_collection_that_was_not_restored_whole_differs(
    fields: dict[str, Any], figures: list[Figure]
) -> None:
    measurement = measured(collection(), collection("stock.items", **fields), collection("a.b"))

    assert measurement.outcome is Outcome.DIFFERS
    assert measurement.databases == Count(found=2, expected=3)
    assert measurement.collections == Count(found=2, expected=3)
    (database,) = measurement.differing
    assert database.name == "stock"
    assert [figure.figure for figure in database.figures] == figures


def test_a_difference_counts_the_collections_and_the_documents_of_its_database() -> None:
    measurement = measured(collection(), collection("sales.lines", restoredDocuments=250))

    assert measurement.differing == (
        DifferingDatabase(
            name="sales",
            figures=(
                DifferingFigure(figure=Figure.COLLECTIONS, least=2, found=1),
                DifferingFigure(figure=Figure.DOCUMENTS, least=2000, most=2000, found=1250),
            ),
        ),
    )


@pytest.mark.fault("F138")
@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([], WhyNotMeasured.NO_COLLECTIONS),
        ([collection(state="IN_PROGRESS")], WhyNotMeasured.UNKNOWN_COLLECTIONS),
        ([collection(state="NOT_STARTED")], WhyNotMeasured.UNKNOWN_COLLECTIONS),
        ([collection(state="ADDED_LATER")], WhyNotMeasured.UNKNOWN_COLLECTIONS),
        *(
            ([collection(indexStatus={"state": state})], WhyNotMeasured.UNKNOWN_COLLECTIONS)
            for state in ("NOT_STARTED", "IN_PROGRESS", "NOT_RESTORED", "ADDED_LATER")
        ),
        ([collection(), collection(totalDocuments=None)], WhyNotMeasured.UNKNOWN_COLLECTIONS),
        ([collection(restoredDocuments="1000")], WhyNotMeasured.UNKNOWN_COLLECTIONS),
        ([collection(restoredDocuments=True)], WhyNotMeasured.UNKNOWN_COLLECTIONS),
        ([collection(restoredDocuments=-1)], WhyNotMeasured.UNKNOWN_COLLECTIONS),
        ([collection(restoredDocuments=10**19)], WhyNotMeasured.UNKNOWN_COLLECTIONS),
    ],
    ids=[
        "none",
        "under way",
        "not begun",
        "an unknown state",
        "indexes not begun",
        "indexes under way",
        "no indexes",
        "an unknown state of indexes",
        "no total",
        "a number of another form",
        "a flag",
        "a negative number",
        "too large a number",
    ],
)
def test_without_an_end_and_counts_of_each_collection_nothing_is_measured(
    entries: list[Any], why: WhyNotMeasured
) -> None:
    assert measured(*entries) == Measurement(outcome=Outcome.NOT_MEASURED, why=why)
    assert why.may_pass


@pytest.mark.parametrize(
    "entry",
    [
        None,
        {},
        collection(state=None),
        collection(state=7),
        collection(sourceNamespace=None),
        collection("sales"),
        collection(".orders"),
        collection("sales."),
        collection("a" * 64 + ".orders"),
        collection("sa\x07les.orders"),
        collection("sales\ud800.orders"),
        collection("https://sales.orders"),
        collection(indexStatus=7),
        collection(indexStatus={"state": 7}),
        collection(indexStatus={"failedIndexes": 7}),
    ],
    ids=[
        "null",
        "empty",
        "no state",
        "a state of another form",
        "no namespace",
        "a namespace without a collection",
        "a namespace without a database",
        "a collection without a name",
        "a database with a long name",
        "a control character",
        "half a character",
        "a link",
        "indexes of another form",
        "a state of indexes of another form",
        "failed indexes of another form",
    ],
)
def test_an_entry_that_cannot_be_read_is_refused_with_the_page(entry: Any) -> None:
    with pytest.raises(UnexpectedAtlasResponseError, match="restored collections cannot be read"):
        measured(collection(), entry)


def test_no_name_of_a_collection_is_kept() -> None:
    entries = [
        collection("sales.secret", state="FAILED", indexStatus={"failedIndexes": [{"secret": 1}]}),
        collection("sales.secret.more", effectiveTargetNamespace="other.secret"),
    ]
    read = read_collections(Page(entries, has_next=False))

    assert "secret" not in repr(read) + json.dumps([one.as_json() for one in read])
    assert "secret" not in json.dumps(measure_collections(read).as_json())


@given(json_values(), json_values())
def test_any_entry_is_read_or_refused(entry: Any, value: Any) -> None:
    odd = dict.fromkeys(["restoredDocuments", "totalDocuments", "effectiveTargetNamespace"], value)

    assert measured(collection(**odd)).outcome in Outcome
    with pytest.raises(UnexpectedAtlasResponseError):
        measured(entry)
