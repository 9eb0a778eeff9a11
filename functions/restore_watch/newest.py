"""Which restore job of a cluster is the newest one: for a workflow that knows only the cluster."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from restore_watch.atlas.credentials import Credentials
from restore_watch.atlas.pages import FIRST_PAGE
from restore_watch.atlas.projects import AtlasProjects
from restore_watch.check import TIME_SHARE, JobChecker
from restore_watch.deadline import Deadline
from restore_watch.entries import Entries
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasUnauthorizedError,
    RestoreJobNotFoundError,
)
from restore_watch.marks import Part
from restore_watch.restore_job import RestoreKind, RestoreTarget

ENTRIES = 10_000
"""Entries of a list that are read at most, in pages of any size."""


@dataclass(frozen=True)
class NewestRestore:
    """Looks through the lists of a cluster. Stores and publishes nothing."""

    checker: JobChecker

    def find(self, group_id: str, cluster_name: str, deadline: Deadline) -> dict[str, Any]:
        """
        Return the target of the job that was created last, of any kind.

        Raises RestoreJobNotFoundError if the cluster has none, and otherwise as a check does.
        """

        def question(credentials: Credentials) -> list[RestoreTarget]:
            return self._of_cluster(group_id, cluster_name, credentials, deadline)

        found = self.checker.secret.ask(question, deadline)
        if not found:
            msg = f"the cluster {cluster_name} has no restore job"
            raise RestoreJobNotFoundError(msg)
        return max(found, key=lambda target: target.restore_id).as_json()

    def _of_cluster(
        self, group_id: str, cluster_name: str, credentials: Credentials, deadline: Deadline
    ) -> list[RestoreTarget]:
        def read(kind: RestoreKind) -> list[RestoreTarget]:
            return self._listed(group_id, Part(kind, cluster_name), credentials, deadline)

        with suppress(AtlasBadRequestError, RestoreJobNotFoundError):  # it is no Flex cluster
            return read(RestoreKind.FLEX)
        found = read(RestoreKind.DEDICATED)
        # Not every cluster has collection restores.
        with suppress(AtlasBadRequestError, AtlasUnauthorizedError, RestoreJobNotFoundError):
            found += read(RestoreKind.COLLECTION)
        return found

    def _listed(
        self, group_id: str, part: Part, credentials: Credentials, deadline: Deadline
    ) -> list[RestoreTarget]:
        """Read all pages: nobody documents the order of a list."""
        projects = AtlasProjects(self.checker.atlas)
        entries = Entries(group_id, self.checker.now())
        found: list[RestoreTarget] = []
        at, left = FIRST_PAGE, ENTRIES
        while left > 0:
            page = projects.restore_jobs(
                group_id,
                part.cluster_name or "",
                part.kind,
                at,
                credentials,
                deadline.within(TIME_SHARE),
            )
            found += [target for target, _ in entries.jobs(part, page)]
            if not (page.has_next and page.entries):
                break
            at, left = page.at.next, left - len(page.entries)
        return found
