"""
Reads the lists that show restore jobs: projects, their events and clusters, and clusters' jobs.

Each call reads one page of 500 entries at most.
"""

from datetime import datetime

from foundation.deadline import Deadline
from restore_watch.atlas.endpoints import PROJECTS_PATH, AtlasList, project_list_path
from restore_watch.atlas.pages import FIRST_PAGE, Page, PageAt
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.atlas.session import AtlasSession
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

    They raise as those of the session do.
    """

    def __init__(self, session: AtlasSession) -> None:
        self._session = session

    def projects(self, number: int, deadline: Deadline) -> Page:
        """Return a page of the projects that the credentials can read."""
        bucket = Bucket(None, AtlasList.PROJECTS)
        return self._session.page(PROJECTS_PATH, bucket, PageAt(number), deadline)

    def events(self, group_id: str, since: datetime, deadline: Deadline) -> Page:
        """Return the newest events of restore jobs since that moment, in UTC: one page."""
        return self._session.page(
            project_list_path(group_id, AtlasList.EVENTS),
            Bucket(group_id, AtlasList.EVENTS),
            PageAt(size=EVENTS_ON_PAGE),
            deadline,
            {
                "eventType": RESTORE_EVENTS,
                "includeCount": "false",
                "itemsPerPage": str(EVENTS_ON_PAGE),
                "minDate": since.strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
        )

    def clusters(self, group_id: str, which: AtlasList, deadline: Deadline) -> Page:
        """Return the project's Flex or dedicated clusters: one page has all that Atlas allows."""
        path, bucket = project_list_path(group_id, which), Bucket(group_id, which)
        return self._session.page(path, bucket, FIRST_PAGE, deadline)

    def restore_jobs(
        self, group_id: str, cluster_name: str, kind: RestoreKind, at: PageAt, deadline: Deadline
    ) -> Page:
        """Return a page of the restore jobs of a cluster, or the first part of that page."""
        return self._session.page_of_jobs((group_id, cluster_name), kind, at, deadline)
