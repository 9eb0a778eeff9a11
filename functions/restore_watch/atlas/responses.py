"""
Atlas's answer as a RestoreJob: liberal in what is read, exact in what is made.

A strict model made from the specification fails on every recorded dedicated job: dates come as
null though not nullable, and fields come that nobody declared. So only what a status depends on is
required, and what is not understood is ignored. Download URLs end here: that one is present is
kept, the URL itself is not.
"""

import json
from http import HTTPStatus
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
"""Whether a field holds a URL, in any of the shapes Atlas has for it; the URL is dropped."""


class _Answer(BaseModel):
    model_config = ConfigDict(
        extra="ignore", alias_generator=to_camel, hide_input_in_errors=True, frozen=True
    )

    id: Text


class _FlexAnswer(_Answer):
    """Flex and tenant jobs; they differ in one field that is not read."""

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
    """Has no status: it follows from the flags, the finish date and the presence of a URL."""

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
    def _download_ready(self) -> bool:
        parts = any(
            part.download_url or part.private_download_delivery_urls
            for part in self.components or ()
        )
        ready = self.delivery_url or self.private_download_delivery_urls or parts
        return self.delivery_type.casefold() == "download" and ready

    @property
    def _status(self) -> RestoreStatus:
        # The order decides: Atlas sets both cancelled and failed, and a finish date, on one job.
        if self.cancelled:
            return RestoreStatus.CANCELLED
        if self.failed:
            return RestoreStatus.FAILED
        if self.finished_at is not None:
            return RestoreStatus.COMPLETED
        if self.expired:
            return RestoreStatus.EXPIRED
        return RestoreStatus.COMPLETED if self._download_ready else RestoreStatus.RUNNING

    def job(self, target: RestoreTarget, kind: RestoreKind) -> RestoreJob:
        return RestoreJob(
            **_named(target),
            kind=kind,
            delivery_type=self.delivery_type,
            status=self._status,
            snapshot_id=self.snapshot_id,
            snapshot_finished_date=self.timestamp,
            # A dedicated job has no date of creation; its id has.
            restore_scheduled_date=target.created_at,
            restore_finished_date=self.finished_at,
            expiration_date=self.expires_at,
            target_project_id=self.target_group_id,
            target_deployment_item_name=self.target_cluster_name,
            download_available=self._download_ready and self._status is RestoreStatus.COMPLETED,
        )


_ANSWERS: dict[RestoreKind, type[_FlexAnswer | _DedicatedAnswer]] = {
    RestoreKind.FLEX: _FlexAnswer,
    RestoreKind.TENANT: _FlexAnswer,
    RestoreKind.DEDICATED: _DedicatedAnswer,
}


def open_envelope(status: int, body: bytes) -> tuple[int, bytes]:
    """
    Return status and body as they would be without `envelope=true`.

    In an envelope even a refusal comes with HTTP 200, and the true status is a number beside the
    content. MongoDB's documents name the content both `content` and `envelope`.
    """
    try:
        answer = json.loads(body.decode())
    except (ValueError, RecursionError):
        return status, body
    if not isinstance(answer, dict):
        return status, body
    inner = answer.get("status")
    content = answer.get("content", answer.get("envelope"))
    # A job's own status is a word; only an envelope's is a number.
    if isinstance(inner, bool) or not isinstance(inner, int):
        return status, body
    if isinstance(content, dict):
        try:
            return inner, json.dumps(content).encode()
        except RecursionError:
            return status, body
    # A refusal may come without a reason, a job not without its content.
    return (status, body) if inner == HTTPStatus.OK else (inner, b"")


def restore_job(body: bytes, target: RestoreTarget, kind: RestoreKind) -> RestoreJob:
    """Raise UnexpectedAtlasResponseError, naming the field, for a body that is no restore job."""
    where = f"Atlas answered 200 for a {kind} restore job, but"
    try:
        answer: Any = json.loads(body.decode())
    except (ValueError, RecursionError):
        # Not chained: the decoder's error holds the whole body.
        msg = f"{where} {len(body)} bytes that are not JSON"
        raise UnexpectedAtlasResponseError(msg) from None
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


def _named(target: RestoreTarget) -> dict[str, str]:
    return {
        "group_id": target.group_id,
        "cluster_name": target.cluster_name,
        "restore_id": target.restore_id,
    }
