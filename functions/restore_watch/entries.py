"""What the entries of a project's lists say: names of clusters, and jobs of interest. Pure."""

from datetime import datetime

from restore_watch.atlas.entries import Entry, cluster_entries, is_free, job_entries
from restore_watch.atlas.families import AtlasList
from restore_watch.atlas.pages import Page
from restore_watch.atlas.responses import read_job
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.marks import Interest, Part
from restore_watch.restore_job import RestoreJob, RestoreKind, RestoreTarget


class Entries:
    """Reads entries at `now`. Those of an unknown shape are left out, and are its `problems`."""

    def __init__(self, group_id: str, now: datetime) -> None:
        self.problems: list[str] = []
        self._group_id = group_id
        self._now = now

    def cluster_names(self, which: AtlasList, page: Page) -> tuple[list[str], list[str]]:
        """Return the names on a page of clusters: those that may have backups, and free ones."""
        entries = cluster_entries(page, which)
        self.problems += [one.problem for one in entries.unreadable]
        names: tuple[list[str], list[str]] = [], []
        for entry in entries.readable:
            names[is_free(entry.content)].append(entry.id)
        return names

    def jobs(self, part: Part, page: Page) -> list[tuple[RestoreTarget, Entry]]:
        """Return which jobs the entries on a page of a cluster's jobs are of."""
        entries = job_entries(page, part.kind)
        self.problems += [one.problem for one in entries.unreadable]
        return [(self._target(part, entry), entry) for entry in entries.readable]

    def _target(self, part: Part, entry: Entry) -> RestoreTarget:
        return RestoreTarget.model_validate(
            {
                "groupId": self._group_id,
                "clusterName": part.cluster_name,
                "restoreId": entry.id,
                "kind": part.kind if part.kind is RestoreKind.COLLECTION else None,
            }
        )

    def job_of_interest(
        self, entry: Entry, target: RestoreTarget, kind: RestoreKind, interest: Interest
    ) -> RestoreJob | None:
        """Return the job if it is new, or old and can still change, or ran at the first attempt."""
        created_at = target.created_at
        is_new = interest.takes(created_at)
        if not (is_new or interest.takes_if_running(created_at)):
            return None
        try:
            job = read_job(entry.content, target, kind)
        except UnexpectedAtlasResponseError as error:
            self.problems.append(str(error))
            return None
        ran = interest.ran_at_first(job.restore_finished_date)
        return job if is_new or ran or self._can_change(job) else None

    def _can_change(self, job: RestoreJob) -> bool:
        if job.is_ready_download:
            return job.expiration_date is not None and job.expiration_date > self._now
        return not job.terminal
