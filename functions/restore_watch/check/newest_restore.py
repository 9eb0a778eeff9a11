"""
Finds the newest restore job of a cluster, for a workflow that knows only the cluster.

Stores and publishes nothing.
"""

from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import Any

from foundation.deadline import Deadline
from restore_watch.asking.list_pages import ListPages, Stop
from restore_watch.atlas.entries import Unreadable, job_entries
from restore_watch.atlas.session import AtlasSession
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasUnauthorizedError,
    RestoreJobNotFoundError,
    UnexpectedAtlasResponseError,
)
from restore_watch.event.actions import FindNewestRestore
from restore_watch.model.restore_target import ClusterKey, RestoreKind, RestoreTarget
from restore_watch.time_limits import QUESTION_TIME


def find_newest_restore(
    atlas: AtlasSession, wanted: FindNewestRestore, deadline: Deadline
) -> dict[str, Any]:
    """
    Return the target of the job that was created last, of any kind.

    Raises RestoreJobNotFoundError if the cluster has none, or none that was created after the
    moment, and otherwise as a check does. An ObjectId has whole seconds, so a job of the same
    second counts as created after it.
    """
    listed = partial(_listed, atlas, (wanted.group_id, wanted.cluster_name), deadline)
    try:
        found = listed(RestoreKind.FLEX)
    except (AtlasBadRequestError, RestoreJobNotFoundError):  # it is no Flex cluster
        found = listed(RestoreKind.DEDICATED)
        # Not every cluster has collection restores.
        with suppress(AtlasBadRequestError, AtlasUnauthorizedError, RestoreJobNotFoundError):
            found += listed(RestoreKind.COLLECTION)
    after, since = wanted.created_after, ""
    if after is not None:
        after = after.replace(microsecond=0)
        found = [target for target in found if target.created_at >= after]
        since = f" that was created after {after:%Y-%m-%dT%H:%M:%SZ}"
    if not found:
        msg = f"the cluster {wanted.cluster_name} has no restore job{since}"
        raise RestoreJobNotFoundError(msg)
    return max(found, key=lambda target: target.restore_id).as_json()


def _listed(
    atlas: AtlasSession, cluster: ClusterKey, deadline: Deadline, kind: RestoreKind
) -> list[RestoreTarget]:
    """
    Read all pages, or raise: nobody documents the order of a list.

    Raises UnexpectedAtlasResponseError if a page shows nothing new, because the same page may
    follow for ever, or if an entry that cannot be read may be the newest.
    """
    pages = ListPages()
    unreadable: list[Unreadable] = []
    while pages.stop is None:
        page = atlas.page_of_jobs(cluster, kind, pages.at, deadline.within(QUESTION_TIME))
        entries = job_entries(page, kind)
        unreadable += entries.unreadable
        pages = pages.after(page, [entry.id for entry in entries.readable])
    if pages.stop is Stop.NOTHING_NEW:
        msg = f"Atlas repeats a page of a list of {kind} restore jobs"
        raise UnexpectedAtlasResponseError(msg)
    found = [RestoreTarget.listed(*cluster, restore_id, kind) for restore_id in pages.ids]
    _require_older(unreadable, found)
    return found


def _require_older(unreadable: Iterable[Unreadable], found: Iterable[RestoreTarget]) -> None:
    newest = max((target.created_at for target in found), default=None)
    for entry in unreadable:
        if entry.created_at is None or newest is None or entry.created_at >= newest:
            raise UnexpectedAtlasResponseError(entry.problem)
