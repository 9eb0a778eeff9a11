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

from collections.abc import Callable
from typing import Annotated

from pydantic import PlainValidator, ValidationError

from foundation.json_text import read_json
from foundation.outside import (
    FromOutside,
    IfReadable,
    MustBeRight,
    UtcDate,
    first_problem,
    unreadable,
)
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.model.forms_of_fields import AtlasText, Flag
from restore_watch.model.restore_job import RestoreJob, is_download
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.restore_target import RestoreKind, RestoreTarget

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
            raise unreadable("a URL must be text")


_HoldsUrl = Annotated[bool, PlainValidator(_holds_a_url)]


class _Answer(FromOutside):
    """What the answers about all kinds of jobs say."""

    id: MustBeRight[AtlasText]
    snapshot_id: IfReadable[AtlasText]


class _FlexAnswer(_Answer):
    """Flex and tenant jobs. They differ in one field, the name of the cluster."""

    project_id: IfReadable[AtlasText]
    instance_name: IfReadable[AtlasText]
    cluster_name: IfReadable[AtlasText]
    status: MustBeRight[AtlasText]
    delivery_type: IfReadable[AtlasText]
    snapshot_finished_date: IfReadable[UtcDate]
    restore_scheduled_date: IfReadable[UtcDate]
    restore_finished_date: IfReadable[UtcDate]
    expiration_date: IfReadable[UtcDate]
    target_project_id: IfReadable[AtlasText]
    target_deployment_item_name: IfReadable[AtlasText]
    snapshot_url: IfReadable[_HoldsUrl]

    def is_of(self, target: RestoreTarget) -> bool:
        """Whether it names this cluster and project, as far as it names them."""
        clusters = {self.instance_name, self.cluster_name} - {None, ""}
        projects = {self.project_id} - {None, ""}
        return clusters <= {target.cluster_name} and projects <= {target.group_id}


class _DedicatedAnswer(_Answer):
    """Dedicated jobs."""

    delivery_type: MustBeRight[AtlasText]
    finished_at: MustBeRight[UtcDate | None]
    expires_at: IfReadable[UtcDate]
    timestamp: IfReadable[UtcDate]
    target_group_id: IfReadable[AtlasText]
    target_cluster_name: IfReadable[AtlasText]
    cancelled: MustBeRight[Flag | None]
    failed: MustBeRight[Flag | None]
    expired: MustBeRight[Flag | None]

    def status(self, *, has_link: bool) -> RestoreStatus:
        """Without a word: the flags, the finish date and the presence of a link decide it."""
        # The first match wins: Atlas sets cancelled, failed and a finish date on one job.
        if self.cancelled:
            return RestoreStatus.CANCELLED
        if self.failed:
            return RestoreStatus.FAILED
        if self.expired and is_download(self.delivery_type):
            # A link that has expired is of no use, finished or not.
            return RestoreStatus.EXPIRED
        if has_link or self.finished_at is not None:
            return RestoreStatus.COMPLETED
        return RestoreStatus.EXPIRED if self.expired else RestoreStatus.RUNNING


class _Links(FromOutside):
    """The links of a dedicated download. Those of another job decide nothing."""

    delivery_url: MustBeRight[_HoldsUrl]
    private_download_delivery_urls: MustBeRight[_HoldsUrl]
    components: MustBeRight[_HoldsUrl]

    @property
    def has_link(self) -> bool:
        """Whether there is any."""
        return self.delivery_url or self.private_download_delivery_urls or self.components


class _CollectionAnswer(_Answer):
    """Collection jobs."""

    state: MustBeRight[AtlasText]
    created_at: IfReadable[UtcDate]
    finished_at: IfReadable[UtcDate]
    target_group_id: IfReadable[AtlasText]
    target_cluster_name: IfReadable[AtlasText]


FIELDS = frozenset(
    str(field.alias)
    for answer in (_FlexAnswer, _DedicatedAnswer, _Links, _CollectionAnswer)
    for field in answer.model_fields.values()
)
"""The names of all fields that are read."""


def _flex_job(answer: object, target: RestoreTarget, kind: RestoreKind) -> RestoreJob:
    read = _FlexAnswer.read(answer)
    _require_same(read, target, kind, is_same=read.is_of(target))
    status = RestoreStatus(read.status)
    return RestoreJob(
        group_id=target.group_id,
        cluster_name=target.cluster_name,
        restore_id=target.restore_id,
        kind=kind,
        delivery_type=read.delivery_type,
        status=status,
        atlas_status=read.status,
        snapshot_id=read.snapshot_id,
        snapshot_finished_date=read.snapshot_finished_date,
        restore_scheduled_date=read.restore_scheduled_date,
        restore_finished_date=read.restore_finished_date,
        expiration_date=read.expiration_date,
        target_project_id=read.target_project_id,
        target_deployment_item_name=read.target_deployment_item_name,
        download_available=status is RestoreStatus.COMPLETED and read.snapshot_url is True,
    )


def _dedicated_job(answer: object, target: RestoreTarget, kind: RestoreKind) -> RestoreJob:
    read = _DedicatedAnswer.read(answer)
    has_link = is_download(read.delivery_type) and _Links.read(answer).has_link
    _require_same(read, target, kind)
    status = read.status(has_link=has_link)
    return RestoreJob(
        group_id=target.group_id,
        cluster_name=target.cluster_name,
        restore_id=target.restore_id,
        kind=kind,
        delivery_type=read.delivery_type,
        status=status,
        snapshot_id=read.snapshot_id,
        snapshot_finished_date=read.timestamp,
        # There is no creation date; the id contains it.
        restore_scheduled_date=target.created_at,
        restore_finished_date=read.finished_at,
        expiration_date=read.expires_at,
        target_project_id=read.target_group_id,
        target_deployment_item_name=read.target_cluster_name,
        download_available=has_link and status is RestoreStatus.COMPLETED,
    )


# The words of other kinds have no known meaning here.
_COLLECTION_STATES = {
    "INITIALIZING": RestoreStatus.PENDING,
    "IN_PROGRESS": RestoreStatus.RUNNING,
    "FINALIZING": RestoreStatus.RUNNING,
    "SUCCESSFUL": RestoreStatus.COMPLETED,
    "FAILED": RestoreStatus.FAILED,
    "CANCELED": RestoreStatus.CANCELLED,
}


def _collection_job(answer: object, target: RestoreTarget, kind: RestoreKind) -> RestoreJob:
    read = _CollectionAnswer.read(answer)
    _require_same(read, target, kind)
    return RestoreJob(
        group_id=target.group_id,
        cluster_name=target.cluster_name,
        restore_id=target.restore_id,
        kind=kind,
        status=_COLLECTION_STATES.get(read.state, RestoreStatus.UNKNOWN),
        atlas_status=read.state,
        snapshot_id=read.snapshot_id,
        restore_scheduled_date=read.created_at,
        restore_finished_date=read.finished_at,
        target_project_id=read.target_group_id,
        target_deployment_item_name=read.target_cluster_name,
    )


_READ: dict[RestoreKind, Callable[[object, RestoreTarget, RestoreKind], RestoreJob]] = {
    RestoreKind.FLEX: _flex_job,
    RestoreKind.TENANT: _flex_job,
    RestoreKind.DEDICATED: _dedicated_job,
    RestoreKind.COLLECTION: _collection_job,
}


def restore_job(body: bytes, target: RestoreTarget, kind: RestoreKind) -> RestoreJob:
    """Return the job. Raises UnexpectedAtlasResponseError that names the field that is wrong."""
    answer = read_json(body)
    if answer is None:
        raise _unexpected(kind, f"{len(body)} bytes that are not JSON")
    return read_job(answer, target, kind)


def read_job(answer: object, target: RestoreTarget, kind: RestoreKind) -> RestoreJob:
    """Return the job of a JSON value. Raises UnexpectedAtlasResponseError as `restore_job` does."""
    try:
        return _READ[kind](answer, target, kind)
    except ValidationError as error:
        field, expected, _ = first_problem(error)
        problem = "the value is not as expected: expected an object"
        if field:
            problem = f"{field} is not as expected: {expected}"
        raise _unexpected(kind, problem) from None
    except RecursionError:
        raise _unexpected(kind, "it is nested too deeply") from None


def _require_same(
    answer: _Answer, target: RestoreTarget, kind: RestoreKind, *, is_same: bool = True
) -> None:
    """Refuse an answer that names another job or, as far as it names them, cluster or project."""
    if answer.id != target.restore_id or not is_same:
        raise _unexpected(kind, "it names another job, cluster or project")


def _unexpected(kind: RestoreKind, problem: str) -> UnexpectedAtlasResponseError:
    said = f"Atlas answered 200 for a {kind} restore job, but {problem}"
    return UnexpectedAtlasResponseError(said)
