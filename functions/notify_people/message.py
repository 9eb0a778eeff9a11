"""
The machine messages that are read: CloudEvents in JSON, as they lie in the queue. Pure.

`events/` has their schemas. Every text loses URLs: a download URL in a wrong field must reach
nobody.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from functools import partial
from math import ceil
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasPath,
    AwareDatetime,
    BeforeValidator,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
)

from foundation.clock import in_utc
from foundation.json_text import read_object
from foundation.outside import FromOutside, first_problem
from notify_people.errors import InvalidMessageError
from notify_people.plain_text import SENTENCE_LIMIT, plain


def _require_text(value: object) -> object:
    # pydantic also reads a number as Unix time.
    if isinstance(value, str) and re.match(r"\d{4}-\d{2}-\d{2}T", value):
        return value
    raise ValueError("a date must be text in ISO 8601")


ObjectId = Annotated[StrictStr, Field(pattern=r"^[a-f0-9]{24}$")]
# Commands contain these two, so neither has a character that a shell interprets.
ClusterName = Annotated[StrictStr, Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9-]{0,63}$")]
Subject = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9-]{1,128}$")]
Text = Annotated[StrictStr, AfterValidator(plain)]
Sentence = Annotated[StrictStr, AfterValidator(partial(plain, limit=SENTENCE_LIMIT))]
UtcDate = Annotated[AwareDatetime, BeforeValidator(_require_text), AfterValidator(in_utc)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[StrictInt, Field(ge=0, lt=10**15)]
# Of documents, Atlas may count more than any other count has.
LargeCount = Annotated[StrictInt, Field(ge=0)]
Name = Annotated[StrictStr, AfterValidator(partial(plain, limit=64))]
Counts = Annotated[dict[Name, Count], Field(max_length=20)]
# A link has no sign that a form gives a meaning, except for &, and leads to AWS.
_AWS = r"^https://[a-z0-9-]+\.console\.(aws\.amazon\.com|amazonaws-us-gov\.com|amazonaws\.cn)/"
ConsoleUrl = Annotated[StrictStr, Field(pattern=_AWS + r"[A-Za-z0-9/._~%?&=-]{1,400}$")]


class Status(StrEnum):
    """The status of a restore job. A word that this version does not know is UNKNOWN."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    UNKNOWN = "UNKNOWN"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"

    @classmethod
    def _missing_(cls, value: object) -> "Status | None":
        return cls.UNKNOWN if isinstance(value, str) else None


class AboutRestore(FromOutside):
    """
    A message about a restore job.

    `sequence` counts its changes, its validations and its measurement from 1. 1.x sends no
    `project_name`.
    """

    group_id: ObjectId
    cluster_name: ClusterName
    restore_id: ObjectId
    sequence: Annotated[Count, Field(ge=1)]
    observed_at: UtcDate
    project_name: Name | None = None
    delivery_type: Text | None = None
    target_deployment_item_name: Text | None = None

    @property
    def is_download(self) -> bool:
        """Flex says DOWNLOAD, dedicated says download."""
        return (self.delivery_type or "").casefold() == "download"

    @property
    def source(self) -> str:
        """The source of its CloudEvent."""
        return f"/groups/{self.group_id}/clusters/{self.cluster_name}"


class StatusChange(AboutRestore):
    """A restore job has another status."""

    kind: Text
    status: Status
    terminal: StrictBool
    atlas_status: Text | None = None
    previous_status: Status | None = None
    restore_scheduled_date: UtcDate | None = None
    restore_finished_date: UtcDate | None = None
    expiration_date: UtcDate | None = None
    target_project_id: Text | None = None
    duration_seconds: Seconds | None = None
    snapshot_age_seconds: Seconds | None = None


class Validation(FromOutside):
    """The report of a pipeline. A verdict that this version does not know has not passed."""

    verdict: Text
    validated_by: Text | None = None
    detail: Sentence | None = None
    validated_at: UtcDate | None = None


class ValidationRecorded(AboutRestore):
    """A pipeline has tested the restored data. `status`: the status of the restore job."""

    status: Text
    validation: Validation


class DifferingFigure(FromOutside):
    """
    A figure of a database that differs, such as its `documents`.

    `least` and `most`: what the source had. `most`: None for a figure that may be larger. `found`:
    what the target has. `may_be`: what else may make the difference.
    """

    figure: Name
    least: LargeCount
    found: LargeCount
    most: LargeCount | None = None
    may_be: Text | None = None


class DifferingDatabase(FromOutside):
    """A database that differs. If it `is_missing` in the target, it has no figures."""

    name: Name
    is_missing: StrictBool = False
    figures: Annotated[tuple[DifferingFigure, ...], Field(max_length=10)] = ()


class Compared(FromOutside):
    """How many of the `expected` were `found`."""

    found: Count
    expected: Count


class Measurement(FromOutside):
    """
    What Atlas counts in the target, compared with what it counted in the source.

    `databases`: how many match, of those that were compared. `differing`: some of those that
    differ. `measured_at`: the moment of the newest figure.
    """

    outcome: Text
    databases: Compared
    differing: Annotated[tuple[DifferingDatabase, ...], Field(max_length=20)] = ()
    measured_at: UtcDate | None = None

    @property
    def differing_databases(self) -> int:
        """How many databases differ, with those that are not named."""
        return max(self.databases.expected - self.databases.found, len(self.differing))


class RestoreMeasured(AboutRestore):
    """The restored data was compared with its source."""

    measurement: Measurement
    target_project_id: Text | None = None

    @property
    def differs(self) -> bool:
        """Whether a database differs. An outcome that this version does not know is no such."""
        return self.measurement.outcome == "differs"


class WatchChange(FromOutside):
    """
    The watch cannot see a project, or the stack if `group_id` is None; or sees it again.

    `subject`: the project's id or the stack's name. `since`: the same in both messages about an
    outage. `at`: when the project or stack was seen again. 1.0.0 sends no `stack`, `fix` or
    `reason`, and 1.x no `project_name`.
    """

    recovered: bool
    subject: Subject
    at: UtcDate
    group_id: ObjectId | None
    error: Text
    message: Sentence
    since: UtcDate
    last_success_at: UtcDate | None = None
    open_jobs: Count = 0
    project_name: Name | None = None
    stack: Subject | None = None
    fix: Sentence | None = None
    reason: Text | None = None

    @property
    def is_removed(self) -> bool:
        """The project has not recovered: it is no longer watched."""
        return self.recovered and self.reason == "removed"


class CredentialsChange(FromOutside):
    """
    The secret of the service account expires soon, or was `renewed`: another secret is in use.

    `subject`: the stack's name. `expires_at`: when the secret in use expires. Unless `is_certain`,
    Atlas does not show which secret is in use, and `expires_at` is the earliest known date.
    """

    renewed: bool
    subject: Subject
    at: UtcDate
    expires_at: UtcDate
    client_id: Text | None = None
    days_left: Count | None = None
    is_certain: StrictBool = True
    stack: Subject | None = None

    @property
    def days(self) -> int:
        """The days within which the secret expires, at least 1."""
        left = (self.expires_at - self.at) / timedelta(days=1)
        return max(1, ceil(left) if self.days_left is None else self.days_left)

    @property
    def has_expired(self) -> bool:
        """Whether the secret had expired when this was noticed. A token may outlive it."""
        return self.expires_at <= self.at


class NotificationTest(FromOutside):
    """Somebody wants to see whether notices arrive. `subject` is the stack's name."""

    subject: Subject
    requested_at: UtcDate


class ToLookAt(FromOutside):
    """A cluster that needs a look, and `why`. `days`: since its last good test."""

    group_id: Name
    cluster_name: Name
    state: Name
    project_name: Name | None = None
    days: Count | None = None
    why: Sentence | None = None


class UnreadProject(FromOutside):
    """A project, or the list of projects if it has no id, that could not be read, and `why`."""

    why: Sentence
    group_id: Name | None = None
    project_name: Name | None = None


class NamedProject(FromOutside):
    """A project and its name in Atlas."""

    group_id: Name
    project_name: Name


class UnreadItem(FromOutside):
    """The key of an item of the table that could not be read."""

    cluster: Text
    restore_id: Name


class DueNext(FromOutside):
    """The first cluster whose restore test is due, and `why`."""

    group_id: Name
    cluster_name: Name
    why: Sentence
    project_name: Name | None = None


class ReportMade(FromOutside):
    """
    The restores of some days by their end, and the clusters by their state.

    `headline`: all is well, or the first of the `concerns`. `degraded`: projects, "" for the stack.
    `project_names`: of degraded projects. `attention`: whether there is a concern.
    """

    subject: Subject
    at: UtcDate
    first: Text = Field(validation_alias=AliasPath("period", "from"))
    last: Text = Field(validation_alias=AliasPath("period", "to"))
    restores: Counts
    clusters: Counts
    headline: Sentence
    concerns: Annotated[tuple[Sentence, ...], Field(max_length=20)] = ()
    due_next: DueNext | None = None
    need_attention: Annotated[tuple[ToLookAt, ...], Field(max_length=20)] = ()
    unread_projects: Annotated[tuple[UnreadProject, ...], Field(max_length=20)] = ()
    unreadable_items: Annotated[tuple[UnreadItem, ...], Field(max_length=20)] = ()
    credentials_expire_at: UtcDate | None = None
    degraded: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    project_names: Annotated[tuple[NamedProject, ...], Field(max_length=20)] = ()
    window_days: Count
    console_url: ConsoleUrl = Field(validation_alias=AliasPath("report", "consoleUrl"))
    attention: StrictBool = True
    stack: Subject | None = None


AboutStack = WatchChange | CredentialsChange | ReportMade | NotificationTest
RestoreMessage = StatusChange | ValidationRecorded | RestoreMeasured
Message = RestoreMessage | AboutStack


class _Envelope(FromOutside):
    specversion: Literal["1.0"]
    type: str
    data: dict[str, Any]
    subject: Any = None
    time: Any = None


def read_message(text: str) -> Message:
    """Return the message. Raises InvalidMessageError that names the wrong field, never a value."""
    value = read_object(text)
    if value is None:
        raise InvalidMessageError("body", "expected a CloudEvent in JSON")
    envelope = _validated(_Envelope, value, "")
    if envelope.type not in _TYPES:
        raise InvalidMessageError("type", "not one of the types that are known here")
    model, of_type = _TYPES[envelope.type]
    of_envelope = {"subject": envelope.subject, "at": envelope.time}
    return _validated(model, envelope.data | of_envelope | of_type, "data.")


_TYPES: Mapping[str, tuple[type[Message], dict[str, bool]]] = {
    "atlas-restore-watch.status-changed.v1": (StatusChange, {}),
    "atlas-restore-watch.validation-recorded.v1": (ValidationRecorded, {}),
    "atlas-restore-watch.restore-measured.v1": (RestoreMeasured, {}),
    "atlas-restore-watch.watch-degraded.v1": (WatchChange, {"recovered": False}),
    "atlas-restore-watch.watch-recovered.v1": (WatchChange, {"recovered": True}),
    "atlas-restore-watch.credentials-expiring.v1": (CredentialsChange, {"renewed": False}),
    "atlas-restore-watch.credentials-renewed.v1": (CredentialsChange, {"renewed": True}),
    "atlas-restore-watch.report.v1": (ReportMade, {}),
    "atlas-restore-watch.test-notification.v1": (NotificationTest, {}),
}

_OF_ENVELOPE = {"data.subject": "subject", "data.at": "time"}


def _validated[Model: FromOutside](model: type[Model], value: object, path: str) -> Model:
    try:
        return model.read(value)
    except ValidationError as error:
        problem = first_problem(error)
        field = path + problem.field
        raise InvalidMessageError(_OF_ENVELOPE.get(field, field), problem.expected) from None
