"""Test data: jobs, changes and targets that can occur, and any JSON."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from pydantic.alias_generators import to_camel

from foundation.outside import FromOutside
from restore_watch.event.target_fields import read_target
from restore_watch.model.forms_of_fields import TEXT_LIMIT, atlas_text, name_or_null
from restore_watch.model.history_entry import RecordedMeasurement, RecordedValidation
from restore_watch.model.measurement import (
    DATABASES_NAMED,
    Count,
    DifferingDatabase,
    DifferingFigure,
    Figure,
    MayBe,
    Measurement,
    Outcome,
    WhyNotMeasured,
)
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import RestoreKind
from restore_watch.model.status_change import StatusChange
from restore_watch.model.validation import DETAIL_LIMIT, VALIDATED_BY_LIMIT, Validation, Verdict
from restore_watch.redaction import redact_report

TEXTS = (
    "delivery_type",
    "atlas_status",
    "snapshot_id",
    "target_project_id",
    "target_deployment_item_name",
)
"""Fields that hold a text from Atlas."""

KNOWN_WORDS = sorted(set(RestoreStatus) - {RestoreStatus.UNKNOWN})

object_ids = st.text("0123456789abcdef", min_size=24, max_size=24)
cluster_names = st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9-]{0,63}", fullmatch=True)
kinds = st.sampled_from(RestoreKind)
statuses = st.sampled_from(RestoreStatus)
texts = st.text(max_size=TEXT_LIMIT)
project_names = st.none() | st.text(min_size=1, max_size=TEXT_LIMIT).map(name_or_null)
utc_dates = st.datetimes(timezones=st.just(UTC))
unknown_words = texts.filter(lambda word: word not in {*RestoreStatus, "CANCELED"})
"""Status words that Atlas may add."""

COLLECTION_WORDS = {
    "INITIALIZING": RestoreStatus.PENDING,
    "IN_PROGRESS": RestoreStatus.RUNNING,
    "FINALIZING": RestoreStatus.RUNNING,
    "SUCCESSFUL": RestoreStatus.COMPLETED,
    "FAILED": RestoreStatus.FAILED,
    "CANCELED": RestoreStatus.CANCELLED,
}
"""The states of a collection restore, and what they are here."""

collection_unknown_words = texts.filter(lambda word: word not in COLLECTION_WORDS)

date_likes = st.from_regex(
    r"(Mon, )?[0-9]{1,12} (Jan|Feb|Foo) [0-9]{1,22} [0-9]{1,3}:[0-9]{1,3}(:[0-9]{1,3})? "
    r"([+-][0-9]{1,16}|GMT|PST|)",
    fullmatch=True,
)
"""Texts that look like the date of an HTTP header."""

visible_ascii = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
secrets = st.text(visible_ascii, min_size=8, max_size=64)
"""Texts that may stand in a header: keys, client secrets, tokens."""

targets = st.builds(
    lambda group_id, cluster_name, restore_id, kind: read_target(
        {"groupId": group_id, "clusterName": cluster_name, "restoreId": restore_id, "kind": kind}
    ),
    object_ids,
    cluster_names,
    object_ids,
    st.none() | kinds,
)


def values_of[Model: FromOutside](
    model: type[Model], **fields: SearchStrategy[Any]
) -> SearchStrategy[Model]:
    """Values of a model. `st.builds` would draw its fields by their public names too."""
    return st.fixed_dictionaries(fields).map(lambda drawn: model(**drawn))


def json_values(leaves: SearchStrategy[Any] | None = None) -> SearchStrategy[Any]:
    """Any JSON, with these leaves if they are given."""
    return st.recursive(
        leaves if leaves is not None else _json_leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=8,
    )


_json_leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()


@st.composite
def jobs(draw: DrawFn) -> RestoreJob:
    """Any job that Atlas's answers can lead to."""
    state = draw(statuses)
    is_usual = state not in {RestoreStatus.QUEUED, RestoreStatus.EXPIRED}
    kind = draw(kinds.filter(lambda one: one is not RestoreKind.COLLECTION or is_usual))
    return RestoreJob.read(
        {
            "groupId": draw(object_ids),
            "clusterName": draw(cluster_names),
            "restoreId": draw(object_ids),
            "kind": kind,
            "deliveryType": draw(st.none() | st.sampled_from(["RESTORE", "download"]) | texts),
            "status": state,
            "atlasStatus": _word(draw, kind, state),
            "snapshotId": draw(st.none() | object_ids),
            "snapshotFinishedDate": draw(st.none() | utc_dates),
            "restoreScheduledDate": draw(st.none() | utc_dates),
            "restoreFinishedDate": draw(st.none() | utc_dates),
            "expirationDate": draw(st.none() | utc_dates),
            "targetProjectId": draw(st.none() | object_ids),
            "targetDeploymentItemName": draw(st.none() | texts),
            "downloadAvailable": draw(st.booleans()),
        }
    )


def _word(draw: DrawFn, kind: RestoreKind, state: RestoreStatus) -> str | None:
    """A word of Atlas that has this status."""
    is_collection = kind is RestoreKind.COLLECTION
    if state is RestoreStatus.UNKNOWN:
        return draw(collection_unknown_words if is_collection else unknown_words)
    if is_collection:
        return draw(st.sampled_from([w for w, one in COLLECTION_WORDS.items() if one is state]))
    return None if kind is RestoreKind.DEDICATED else str(state)


@st.composite
def changes(draw: DrawFn) -> StatusChange:
    """Any change that the table can have recorded. The first one has no previous status."""
    changed = draw(jobs())
    before = sorted(changed.may_replace, key=lambda status: status.rank)
    if changed.status is RestoreStatus.UNKNOWN:
        before.append(RestoreStatus.UNKNOWN)  # with another word
    previous = draw(st.sampled_from((None, *before)))
    return StatusChange(
        job=changed,
        previous_status=previous,
        sequence=1 if previous is None else draw(st.integers(min_value=2, max_value=21)),
        observed_at=draw(utc_dates),
    )


def _reported(limit: int) -> SearchStrategy[str | None]:
    """A text that an event gave, as it is kept."""
    return st.none() | st.text(max_size=limit).map(lambda text: redact_report(text, limit) or None)


validations = st.builds(
    Validation,
    verdict=st.sampled_from(Verdict),
    validated_by=_reported(VALIDATED_BY_LIMIT),
    detail=_reported(DETAIL_LIMIT),
    validated_at=st.none() | utc_dates,
)

recorded_validations = st.builds(
    RecordedValidation,
    job=jobs(),
    validation=validations,
    sequence=st.integers(min_value=2, max_value=41),
    observed_at=utc_dates,
)
"""Any validation that the table can have recorded."""


_counts = st.integers(min_value=0, max_value=10**18)
_both_counts = st.builds(Count, found=_counts, expected=_counts)
_differing_figures = st.builds(
    DifferingFigure,
    figure=st.sampled_from(Figure),
    least=_counts,
    most=st.none() | _counts,
    found=_counts,
    may_be=st.none() | st.sampled_from(MayBe),
)
_differing = st.builds(
    DifferingDatabase,
    name=st.text(min_size=1, max_size=63).map(lambda name: name.encode(errors="replace").decode()),
    is_missing=st.booleans(),
    figures=st.lists(_differing_figures, max_size=3).map(tuple),
)
measurements = st.builds(
    Measurement,
    outcome=st.sampled_from(Outcome),
    why=st.none() | st.sampled_from(WhyNotMeasured),
    error=st.none() | st.just("AtlasUnauthorizedError"),
    error_code=st.none() | st.text().map(atlas_text),
    databases=_both_counts,
    documents=_both_counts,
    collections=_both_counts,
    indexes=st.none() | _both_counts,
    differing=st.lists(_differing, max_size=DATABASES_NAMED).map(tuple),
    not_there=_counts,
    doubled=_counts,
    beyond_limit=_counts,
    measured_at=st.none() | utc_dates,
)

recorded_measurements = st.builds(
    RecordedMeasurement,
    job=jobs(),
    measurement=measurements,
    sequence=st.integers(min_value=2, max_value=41),
    observed_at=utc_dates,
)
"""Any measurement that the table can have recorded."""


def plain_job(**fields: Any) -> RestoreJob:
    """A usual Flex restore, except for the given fields."""
    usual = {
        "group_id": "5f0000000000000000000a01",
        "cluster_name": "orders",
        "restore_id": "6b4a0f800000000000000b01",
        "kind": RestoreKind.FLEX,
        "delivery_type": "RESTORE",
        "status": RestoreStatus.RUNNING,
    }
    return job_of(**usual | fields)


def job_of(**fields: Any) -> RestoreJob:
    """Read a job of fields by the names that they have in Python."""
    return RestoreJob.read({to_camel(name): value for name, value in fields.items()})


def plain_change(job: RestoreJob | None = None, **fields: Any) -> StatusChange:
    """A job's second recorded change, observed at noon, except for the given fields."""
    usual: dict[str, Any] = {
        "job": job or plain_job(),
        "previous_status": RestoreStatus.PENDING,
        "sequence": 2,
        "observed_at": datetime(2026, 5, 4, 12, tzinfo=UTC),
    }
    return StatusChange(**usual | fields)
