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
from typing import Any

from foundation.json_text import read_json
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.model.fields import (
    date_or_null,
    fields,
    flag,
    if_readable,
    or_none,
    read_fields,
    text,
    text_or_null,
    utc_date,
)
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


_NAMES = fields(
    id=text, project_id=text_or_null, instance_name=text_or_null, cluster_name=text_or_null
)

# The other fields have the names of a RestoreJob.
_FLEX = {
    **fields(
        status=lambda value: RestoreStatus(text(value)),
        snapshot_id=text_or_null,
        delivery_type=text_or_null,
        snapshot_finished_date=date_or_null,
        restore_scheduled_date=date_or_null,
        restore_finished_date=date_or_null,
        expiration_date=date_or_null,
        target_project_id=text_or_null,
        target_deployment_item_name=text_or_null,
    ),
    "atlas_status": ("status", text),
    "download_available": ("snapshotUrl", if_readable(_holds_a_url)),
}

_FLAGS = fields(cancelled=or_none(flag), failed=or_none(flag), expired=or_none(flag))
_LINKS = fields(
    delivery_url=_holds_a_url, private_download_delivery_urls=_holds_a_url, components=_holds_a_url
)
_DEDICATED = {
    **fields(delivery_type=text, snapshot_id=text_or_null),
    "restore_finished_date": ("finishedAt", or_none(utc_date)),
    "expiration_date": ("expiresAt", date_or_null),
    "snapshot_finished_date": ("timestamp", date_or_null),
    "target_project_id": ("targetGroupId", text_or_null),
    "target_deployment_item_name": ("targetClusterName", text_or_null),
}

_STATES = {
    "INITIALIZING": RestoreStatus.PENDING,
    "IN_PROGRESS": RestoreStatus.RUNNING,
    "FINALIZING": RestoreStatus.RUNNING,
    "SUCCESSFUL": RestoreStatus.COMPLETED,
    "FAILED": RestoreStatus.FAILED,
    "CANCELED": RestoreStatus.CANCELLED,
}

# Some databases or collections of a snapshot, restored into a cluster. Atlas also sends an error
# message, which is free text, and the names of up to 200 namespaces. Neither is kept.
_COLLECTION = {
    # The words of other kinds have no known meaning here.
    "status": ("state", lambda value: _STATES.get(text(value), RestoreStatus.UNKNOWN)),
    "atlas_status": ("state", text),
    "snapshot_id": ("snapshotId", text_or_null),
    "restore_scheduled_date": ("createdAt", date_or_null),
    "restore_finished_date": ("finishedAt", date_or_null),
    "target_project_id": ("targetGroupId", text_or_null),
    "target_deployment_item_name": ("targetClusterName", text_or_null),
}

FIELDS = frozenset(
    public
    for wanted in (_NAMES, _FLEX, _FLAGS, _LINKS, _DEDICATED, _COLLECTION)
    for public, _ in wanted.values()
)
"""The names of all fields that are read."""


def _flex(answer: object) -> dict[str, Any]:
    """Flex and tenant jobs. They differ in one field, the name of the cluster."""
    read = read_fields(answer, _FLEX)
    is_ready = read["status"] is RestoreStatus.COMPLETED
    return read | {"download_available": is_ready and bool(read["download_available"])}


def _dedicated(answer: object) -> dict[str, Any]:
    """Without a status: the flags, the finish date and the presence of a URL decide it."""
    read, flags = read_fields(answer, _DEDICATED), read_fields(answer, _FLAGS)
    # Unless the job is a download, its links decide nothing.
    is_one = is_download(read["delivery_type"])
    has_link = is_one and any(read_fields(answer, _LINKS).values())
    # The first match wins: Atlas sets cancelled, failed and a finish date on one job.
    if flags["cancelled"]:
        status = RestoreStatus.CANCELLED
    elif flags["failed"]:
        status = RestoreStatus.FAILED
    elif flags["expired"] and is_one:
        # A link that has expired is of no use, finished or not.
        status = RestoreStatus.EXPIRED
    elif has_link or read["restore_finished_date"] is not None:
        status = RestoreStatus.COMPLETED
    else:
        status = RestoreStatus.EXPIRED if flags["expired"] else RestoreStatus.RUNNING
    is_ready = has_link and status is RestoreStatus.COMPLETED
    return read | {"status": status, "download_available": is_ready}


_READ: dict[RestoreKind, Callable[[object], dict[str, Any]]] = {
    RestoreKind.FLEX: _flex,
    RestoreKind.TENANT: _flex,
    RestoreKind.DEDICATED: _dedicated,
    RestoreKind.COLLECTION: lambda answer: read_fields(answer, _COLLECTION),
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
        is_named = _is_of(target, kind, answer)
        read = _READ[kind](answer)
    except ValueError as error:
        raise _unexpected(kind, str(error)) from None
    except RecursionError:
        raise _unexpected(kind, "it is nested too deeply") from None
    if not is_named:
        raise _unexpected(kind, "it names another job, cluster or project")
    return RestoreJob(
        group_id=target.group_id,
        cluster_name=target.cluster_name,
        restore_id=target.restore_id,
        kind=kind,
        # A dedicated job has no creation date; its id contains it.
        **{"restore_scheduled_date": target.created_at} | read,
    )


def _is_of(target: RestoreTarget, kind: RestoreKind, answer: object) -> bool:
    """False if the answer names another job or, as far as it names them, cluster or project."""
    names = read_fields(answer, _NAMES)
    if names["id"] != target.restore_id or _READ[kind] is not _flex:
        return bool(names["id"] == target.restore_id)
    clusters = {names["instance_name"], names["cluster_name"], None, ""}
    projects = {names["project_id"], None, ""}
    return clusters <= {target.cluster_name, None, ""} and projects <= {target.group_id, None, ""}


def _unexpected(kind: RestoreKind, problem: str) -> UnexpectedAtlasResponseError:
    said = f"Atlas answered 200 for a {kind} restore job, but {problem}"
    return UnexpectedAtlasResponseError(said)
