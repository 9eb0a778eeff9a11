"""
Atlas's answer as a RestoreJob: tolerant in reading, exact in the result.

A strict model made from the specification fails on every recorded dedicated job: dates are null
although they are not nullable, and undeclared fields are present. So unknown fields are ignored.

- The id and the status decide. A dedicated job has no word for its status, but flags, a delivery
  type, a finish date and, if it is a download, links. An answer is refused if one of these cannot
  be read.
- Any other field is null if it cannot be read. That includes the finish date beside a word: if the
  word is unknown, the job counts as running until the date can be read.

Download URLs are dropped here; only their presence is kept.
"""

from abc import abstractmethod
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    ValidationInfo,
)
from pydantic.alias_generators import to_camel

from foundation.json_text import read_json
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.model.fields import OrNull, Text, UtcDate
from restore_watch.model.restore_job import (
    RestoreJob,
    RestoreKind,
    RestoreStatus,
    RestoreTarget,
    is_download,
)

_URLS = ("deliveryUrl", "downloadUrl", "privateDownloadDeliveryUrls")


def _holds_a_url(value: object) -> bool:
    match value:
        case None | str():
            return bool(value and value.strip())
        case list():
            return any(map(_holds_a_url, value))
        case dict():
            return any(_holds_a_url(value.get(name)) for name in _URLS)
        case _:
            raise ValueError("a URL must be text")


_HasUrl = Annotated[bool, BeforeValidator(_holds_a_url)]
"""True if a field holds a URL, in any of the shapes that Atlas uses. The URL is dropped."""


def _link_of_a_download(value: object, info: ValidationInfo) -> bool:
    return is_download(info.data.get("delivery_type")) and _holds_a_url(value)


_HasLink = Annotated[bool, BeforeValidator(_link_of_a_download)]
"""As _HasUrl. Unless a dedicated job is a download, its links decide nothing."""


class _Answer(BaseModel, defer_build=True):
    """A field of a RestoreJob is named as there, with Atlas's name as the alias."""

    model_config = ConfigDict(
        extra="ignore", alias_generator=to_camel, hide_input_in_errors=True, frozen=True
    )

    id: Text
    snapshot_id: OrNull[Text] = None

    def is_of(self, target: RestoreTarget) -> bool:
        return self.id == target.restore_id

    def job(self, target: RestoreTarget, kind: RestoreKind) -> RestoreJob:
        return RestoreJob.model_validate(
            {
                # A dedicated job has no creation date; its id contains it.
                "restore_scheduled_date": target.created_at,
                **dict(self),
                "group_id": target.group_id,
                "cluster_name": target.cluster_name,
                "restore_id": target.restore_id,
                "kind": kind,
                **self.decided,
            }
        )

    @property
    @abstractmethod
    def decided(self) -> dict[str, Any]:
        """The status, and the other values that need more than one field."""


class _FlexAnswer(_Answer, defer_build=False):
    """Flex and tenant jobs. They differ in one field, the name of the cluster."""

    project_id: OrNull[Text] = None
    instance_name: OrNull[Text] = None
    cluster_name: OrNull[Text] = None
    status: Text
    delivery_type: OrNull[Text] = None
    snapshot_finished_date: OrNull[UtcDate] = None
    restore_scheduled_date: OrNull[UtcDate] = None
    restore_finished_date: OrNull[UtcDate] = None
    expiration_date: OrNull[UtcDate] = None
    target_project_id: OrNull[Text] = None
    target_deployment_item_name: OrNull[Text] = None
    snapshot_url: OrNull[_HasUrl] = None

    def is_of(self, target: RestoreTarget) -> bool:
        """False if the answer names another job, cluster or project."""
        other_cluster = {self.instance_name, self.cluster_name} - {None, "", target.cluster_name}
        other_project = {self.project_id} - {None, "", target.group_id}
        return super().is_of(target) and not (other_cluster or other_project)

    @property
    def decided(self) -> dict[str, Any]:
        return {
            "status": RestoreStatus(self.status),
            "atlas_status": self.status,
            "download_available": bool(self.snapshot_url) and self.status == "COMPLETED",
        }


class _DedicatedAnswer(_Answer, defer_build=False):
    """Has no status field: the flags, the finish date and the presence of a URL decide it."""

    delivery_type: Text
    cancelled: StrictBool | None = None
    failed: StrictBool | None = None
    expired: StrictBool | None = None
    restore_finished_date: UtcDate | None = Field(None, alias="finishedAt")
    expiration_date: OrNull[UtcDate] = Field(None, alias="expiresAt")
    snapshot_finished_date: OrNull[UtcDate] = Field(None, alias="timestamp")
    target_project_id: OrNull[Text] = Field(None, alias="targetGroupId")
    target_deployment_item_name: OrNull[Text] = Field(None, alias="targetClusterName")
    delivery_url: _HasLink = False
    private_download_delivery_urls: _HasLink = False
    components: _HasLink = False

    @property
    def _has_link(self) -> bool:
        return self.delivery_url or self.private_download_delivery_urls or self.components

    @property
    def _status(self) -> RestoreStatus:
        # The first match wins: Atlas sets cancelled, failed and a finish date on one job.
        if self.cancelled:
            return RestoreStatus.CANCELLED
        if self.failed:
            return RestoreStatus.FAILED
        # A link that has expired is of no use, finished or not.
        if self.expired and is_download(self.delivery_type):
            return RestoreStatus.EXPIRED
        if self._has_link or self.restore_finished_date is not None:
            return RestoreStatus.COMPLETED
        return RestoreStatus.EXPIRED if self.expired else RestoreStatus.RUNNING

    @property
    def decided(self) -> dict[str, Any]:
        return {
            "status": self._status,
            "download_available": self._has_link and self._status is RestoreStatus.COMPLETED,
        }


_STATES = {
    "INITIALIZING": RestoreStatus.PENDING,
    "IN_PROGRESS": RestoreStatus.RUNNING,
    "FINALIZING": RestoreStatus.RUNNING,
    "SUCCESSFUL": RestoreStatus.COMPLETED,
    "FAILED": RestoreStatus.FAILED,
    "CANCELED": RestoreStatus.CANCELLED,
}


class _CollectionAnswer(_Answer, defer_build=False):
    """
    Some databases or collections of a snapshot, restored into a cluster.

    Atlas also sends an error message, which is free text, and the names of up to 200 namespaces.
    Neither is kept.
    """

    state: Text
    restore_scheduled_date: OrNull[UtcDate] = Field(None, alias="createdAt")
    restore_finished_date: OrNull[UtcDate] = Field(None, alias="finishedAt")
    target_project_id: OrNull[Text] = Field(None, alias="targetGroupId")
    target_deployment_item_name: OrNull[Text] = Field(None, alias="targetClusterName")

    @property
    def decided(self) -> dict[str, Any]:
        # The words of other kinds have no known meaning here.
        status = _STATES.get(self.state, RestoreStatus.UNKNOWN)
        return {"status": status, "atlas_status": self.state}


_ANSWERS: dict[RestoreKind, type[_Answer]] = {
    RestoreKind.FLEX: _FlexAnswer,
    RestoreKind.TENANT: _FlexAnswer,
    RestoreKind.DEDICATED: _DedicatedAnswer,
    RestoreKind.COLLECTION: _CollectionAnswer,
}

FIELDS = frozenset(
    field.alias or name for model in _ANSWERS.values() for name, field in model.model_fields.items()
)
"""The names of all fields that are read."""


def restore_job(body: bytes, target: RestoreTarget, kind: RestoreKind) -> RestoreJob:
    """Return the job. Raises UnexpectedAtlasResponseError that names the field that is wrong."""
    answer = read_json(body)
    if answer is None:
        raise _unexpected(kind, f"{len(body)} bytes that are not JSON")
    return read_job(answer, target, kind)


def read_job(answer: object, target: RestoreTarget, kind: RestoreKind) -> RestoreJob:
    """Return the job of a JSON value. Raises UnexpectedAtlasResponseError as `restore_job` does."""
    try:
        parsed = _ANSWERS[kind].model_validate(answer)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        field = ".".join(map(str, first["loc"])) or "the answer"
        raise _unexpected(kind, f"{field} is not as expected: {first['msg']}") from None
    except RecursionError:
        raise _unexpected(kind, "it is nested too deeply") from None
    if not parsed.is_of(target):
        raise _unexpected(kind, "it names another job, cluster or project")
    return parsed.job(target, kind)


def _unexpected(kind: RestoreKind, problem: str) -> UnexpectedAtlasResponseError:
    said = f"Atlas answered 200 for a {kind} restore job, but {problem}"
    return UnexpectedAtlasResponseError(said)
