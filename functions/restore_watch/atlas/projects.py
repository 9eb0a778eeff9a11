"""
Reads what shows that restore jobs exist: projects, their events and clusters, and clusters' jobs.

Each call reads one page of 500 entries at most.
"""

from datetime import datetime
from functools import partial

from restore_watch.atlas.client import AtlasClient, Query
from restore_watch.atlas.credentials import Credentials
from restore_watch.atlas.endpoints import PROJECTS_PATH, AtlasList, project_list_path
from restore_watch.atlas.pages import Page, PageAt, page_query, read_page
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.deadline import Deadline
from restore_watch.model.restore_job import RestoreKind

EVENTS_ON_PAGE = 100
"""Events of a page. Between two sweeps a project has a few."""

RESTORE_EVENTS = (
    "TENANT_RESTORE_REQUESTED_AUDIT",
    "TENANT_RESTORE_COMPLETED_AUDIT",
    "TENANT_RESTORE_FAILED",
    "CPS_RESTORE_REQUESTED_AUDIT",
    "CPS_RESTORE_AUTH_AUDIT",
    "CPS_RESTORE_SUCCESSFUL",
    "CPS_RESTORE_FAILED",
    "CPS_COLLECTION_RESTORE_SUCCESSFUL",
    "CPS_COLLECTION_RESTORE_FAILED",
    "CPS_COLLECTION_RESTORE_PARTIAL_SUCCESS",
    "CPS_COLLECTION_RESTORE_CANCELED",
)
"""The events of restore jobs. The start of a collection restore has none."""


class AtlasProjects:
    """
    Reads the lists of projects. Its methods may be called from any thread.

    They raise AtlasError, or TimeBudgetExceededError when too little time is left to ask.
    """

    def __init__(self, client: AtlasClient) -> None:
        self._client = client

    def projects(self, number: int, credentials: Credentials, deadline: Deadline) -> Page:
        """Return a page of the projects that the credentials can read."""
        bucket = Bucket(None, AtlasList.PROJECTS)
        at = PageAt(number)
        query = page_query(bucket.family, at)
        return self._read(PROJECTS_PATH, query, bucket, credentials, deadline, at)

    def events(
        self, group_id: str, since: datetime, credentials: Credentials, deadline: Deadline
    ) -> Page:
        """Return the newest events of restore jobs since that moment, in UTC: one page."""
        bucket = Bucket(group_id, AtlasList.EVENTS)
        query: Query = {
            "eventType": RESTORE_EVENTS,
            "includeCount": "false",
            "itemsPerPage": str(EVENTS_ON_PAGE),
            "minDate": since.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        path = project_list_path(group_id, AtlasList.EVENTS)
        at = PageAt(size=EVENTS_ON_PAGE)
        return self._read(path, query, bucket, credentials, deadline, at)

    def clusters(
        self,
        group_id: str,
        which: AtlasList,
        number: int,
        credentials: Credentials,
        deadline: Deadline,
    ) -> Page:
        """Return a page of the project's Flex or dedicated clusters."""
        path, at = project_list_path(group_id, which), PageAt(number)
        query = page_query(which, at)
        return self._read(path, query, Bucket(group_id, which), credentials, deadline, at)

    def restore_jobs(
        self,
        group_id: str,
        cluster_name: str,
        kind: RestoreKind,
        at: PageAt,
        credentials: Credentials,
        deadline: Deadline,
    ) -> Page:
        """Return a page of the restore jobs of a cluster, or the first part of that page."""
        cluster = group_id, cluster_name
        return self._client.page_of_jobs(cluster, kind, at, credentials, deadline)

    def _read(
        self,
        path: str,
        query: Query,
        bucket: Bucket,
        credentials: Credentials,
        deadline: Deadline,
        at: PageAt,
    ) -> Page:
        read = partial(read_page, family=bucket.family, at=at)
        return self._client.read(path, query, bucket, credentials, deadline, read)
