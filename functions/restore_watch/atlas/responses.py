"""
Atlas's answer as a RestoreJob: tolerant of what Atlas sends, exact in the result.

A strict model made from the specification fails on every recorded dedicated job: dates are null
although they are not nullable, and undeclared fields are present. So only a few fields are
required, and unknown ones are ignored. Download URLs are dropped here; only their presence is kept.
"""

import json
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StrictBool, ValidationError
from pydantic.alias_generators import to_camel

from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.restore_job import (
    RestoreJob,
    RestoreKind,
    RestoreStatus,
    RestoreTarget,
    Text,
    UtcDate,
    is_download,
)

Flag = Annotated[StrictBool, BeforeValidator(lambda value: False if value is None else value)]


def _holds_a_url(value: object) -> bool:
    match value:
        case str():
            return bool(value.strip())
        case list():
            return any(map(_holds_a_url, value))
        case dict():
            return any(_holds_a_url(value.get(name)) for name in ("deliveryUrl", "downloadUrl"))
        case _:
            return False


HasUrl = Annotated[bool, BeforeValidator(_holds_a_url)]
"""True if a field holds a URL, in any of the shapes that Atlas uses. The URL is dropped."""


class _Answer(BaseModel):
    model_config = ConfigDict(
        extra="ignore", alias_generator=to_camel, hide_input_in_errors=True, frozen=True
    )

    id: Text


class _FlexAnswer(_Answer):
    """Flex and tenant jobs. They differ in one field, which is not needed."""

    status: Text
    delivery_type: Text | None = None
    snapshot_id: Text | None = None
    snapshot_finished_date: UtcDate | None = None
    restore_scheduled_date: UtcDate | None = None
    restore_finished_date: UtcDate | None = None
    expiration_date: UtcDate | None = None
    target_project_id: Text | None = None
    target_deployment_item_name: Text | None = None
    snapshot_url: HasUrl = False

    def job(self, target: RestoreTarget, kind: RestoreKind) -> RestoreJob:
        return RestoreJob(
            **_named(target),
            kind=kind,
            delivery_type=self.delivery_type,
            status=RestoreStatus(self.status),
            atlas_status=self.status,
            snapshot_id=self.snapshot_id,
            snapshot_finished_date=self.snapshot_finished_date,
            restore_scheduled_date=self.restore_scheduled_date,
            restore_finished_date=self.restore_finished_date,
            expiration_date=self.expiration_date,
            target_project_id=self.target_project_id,
            target_deployment_item_name=self.target_deployment_item_name,
            download_available=self.snapshot_url and self.status == "COMPLETED",
        )


class _Component(BaseModel):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, hide_input_in_errors=True)

    download_url: HasUrl = False
    private_download_delivery_urls: HasUrl = False


class _DedicatedAnswer(_Answer):
    """Has no status field: the flags, the finish date and the presence of a URL decide it."""

    delivery_type: Text
    cancelled: Flag = False
    failed: Flag = False
    expired: Flag = False
    finished_at: UtcDate | None = None
    expires_at: UtcDate | None = None
    timestamp: UtcDate | None = None
    snapshot_id: Text | None = None
    target_group_id: Text | None = None
    target_cluster_name: Text | None = None
    delivery_url: HasUrl = False
    private_download_delivery_urls: HasUrl = False
    components: list[_Component] | None = None

    @property
    def _is_download(self) -> bool:
        return is_download(self.delivery_type)

    @property
    def _has_link(self) -> bool:
        parts = any(
            part.download_url or part.private_download_delivery_urls
            for part in self.components or ()
        )
        return self.delivery_url or self.private_download_delivery_urls or parts

    @property
    def _status(self) -> RestoreStatus:
        # The first match wins: Atlas sets cancelled, failed and a finish date on one job.
        if self.cancelled:
            return RestoreStatus.CANCELLED
        if self.failed:
            return RestoreStatus.FAILED
        if self._is_download:
            # A link that has expired is of no use, finished or not.
            if self.expired:
                return RestoreStatus.EXPIRED
            done = self._has_link or self.finished_at is not None
            return RestoreStatus.COMPLETED if done else RestoreStatus.RUNNING
        if self.finished_at is not None:
            return RestoreStatus.COMPLETED
        return RestoreStatus.EXPIRED if self.expired else RestoreStatus.RUNNING

    def job(self, target: RestoreTarget, kind: RestoreKind) -> RestoreJob:
        return RestoreJob(
            **_named(target),
            kind=kind,
            delivery_type=self.delivery_type,
            status=self._status,
            snapshot_id=self.snapshot_id,
            snapshot_finished_date=self.timestamp,
            # A dedicated job has no creation date; its id contains it.
            restore_scheduled_date=target.created_at,
            restore_finished_date=self.finished_at,
            expiration_date=self.expires_at,
            target_project_id=self.target_group_id,
            target_deployment_item_name=self.target_cluster_name,
            download_available=(
                self._is_download and self._has_link and self._status is RestoreStatus.COMPLETED
            ),
        )


_STATES = {
    "INITIALIZING": RestoreStatus.PENDING,
    "IN_PROGRESS": RestoreStatus.RUNNING,
    "FINALIZING": RestoreStatus.RUNNING,
    "SUCCESSFUL": RestoreStatus.COMPLETED,
    "FAILED": RestoreStatus.FAILED,
    "CANCELED": RestoreStatus.CANCELLED,
}


class _CollectionAnswer(_Answer):
    """
    Some databases or collections of a snapshot, restored into a cluster.

    Atlas also sends an error message, which is free text, and the names of up to 200 namespaces.
    Neither is kept.
    """

    state: Text
    snapshot_id: Text | None = None
    created_at: UtcDate | None = None
    finished_at: UtcDate | None = None
    target_group_id: Text | None = None
    target_cluster_name: Text | None = None

    def job(self, target: RestoreTarget, kind: RestoreKind) -> RestoreJob:
        return RestoreJob(
            **_named(target),
            kind=kind,
            # The words of other kinds have no known meaning here.
            status=_STATES.get(self.state, RestoreStatus.UNKNOWN),
            atlas_status=self.state,
            snapshot_id=self.snapshot_id,
            restore_scheduled_date=self.created_at,
            restore_finished_date=self.finished_at,
            target_project_id=self.target_group_id,
            target_deployment_item_name=self.target_cluster_name,
        )


_ANSWERS: dict[RestoreKind, type[_FlexAnswer | _DedicatedAnswer | _CollectionAnswer]] = {
    RestoreKind.FLEX: _FlexAnswer,
    RestoreKind.TENANT: _FlexAnswer,
    RestoreKind.DEDICATED: _DedicatedAnswer,
    RestoreKind.COLLECTION: _CollectionAnswer,
}


def restore_job(body: bytes, target: RestoreTarget, kind: RestoreKind) -> RestoreJob:
    """Return the job. Raises UnexpectedAtlasResponseError that names the field that is wrong."""
    try:
        answer: Any = json.loads(body.decode())
    except (ValueError, RecursionError):
        # Not chained: the decoder's error holds the whole body.
        msg = f"{_where(kind)} {len(body)} bytes that are not JSON"
        raise UnexpectedAtlasResponseError(msg) from None
    return read_job(answer, target, kind)


def read_job(answer: object, target: RestoreTarget, kind: RestoreKind) -> RestoreJob:
    """Return the job of a JSON value. Raises UnexpectedAtlasResponseError as `restore_job` does."""
    where = _where(kind)
    try:
        parsed = _ANSWERS[kind].model_validate(answer)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        field = ".".join(map(str, first["loc"])) or "the answer"
        msg = f"{where} {field} is not as expected: {first['msg']}"
        raise UnexpectedAtlasResponseError(msg) from None
    except RecursionError:
        msg = f"{where} it is nested too deeply"
        raise UnexpectedAtlasResponseError(msg) from None
    if parsed.id != target.restore_id:
        msg = f"{where} with the id of another job"
        raise UnexpectedAtlasResponseError(msg)
    return parsed.job(target, kind)


def _where(kind: RestoreKind) -> str:
    return f"Atlas answered 200 for a {kind} restore job, but"


def _named(target: RestoreTarget) -> dict[str, Any]:
    return {
        "group_id": target.group_id,
        "cluster_name": target.cluster_name,
        "restore_id": target.restore_id,
    }
