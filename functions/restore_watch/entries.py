"""What the entries of a project's lists say: names of clusters, and jobs of interest. Pure."""

from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from restore_watch.atlas.families import AtlasList
from restore_watch.atlas.pages import Page
from restore_watch.atlas.responses import read_job
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.marks import Interest, Part
from restore_watch.restore_job import ClusterName, RestoreJob, RestoreKind, RestoreTarget

_cluster_name = TypeAdapter(ClusterName).validate_python


class Entries:
    """Reads entries at `now`. Those of an unknown shape are left out, and are its `problems`."""

    def __init__(self, group_id: str, now: datetime) -> None:
        self.problems: list[str] = []
        self._group_id = group_id
        self._now = now

    def cluster_names(self, which: AtlasList, page: Page) -> list[str]:
        """Return the names on a page of clusters."""
        names: list[str] = []
        for entry in page.entries:
            try:
                names.append(_cluster_name(entry.get("name") if isinstance(entry, dict) else None))
            except ValidationError:
                self.problems.append(f"An entry in the list of {which} has no usable name")
        return names

    def target(self, part: Part, entry: Any) -> RestoreTarget | None:
        """Return which job an entry in the list of a cluster's jobs is of."""
        names = {
            "groupId": self._group_id,
            "clusterName": part.cluster_name,
            "restoreId": entry.get("id") if isinstance(entry, dict) else None,
            "kind": part.kind if part.kind is RestoreKind.COLLECTION else None,
        }
        try:
            return RestoreTarget.model_validate(names)
        except ValidationError:
            self.problems.append(f"An entry in a list of {part.kind} restore jobs has no usable id")
            return None

    def job_of_interest(
        self, entry: Any, target: RestoreTarget, kind: RestoreKind, interest: Interest
    ) -> RestoreJob | None:
        """Return the job if it is new, or old and can still change, or ran at the first attempt."""
        created_at = target.created_at
        is_new = interest.takes(created_at)
        if not (is_new or interest.takes_if_running(created_at)):
            return None
        try:
            job = read_job(entry, target, kind)
        except UnexpectedAtlasResponseError as error:
            self.problems.append(str(error))
            return None
        ran = interest.ran_at_first(job.restore_finished_date)
        return job if is_new or ran or self._can_change(job) else None

    def _can_change(self, job: RestoreJob) -> bool:
        if job.is_ready_download:
            return job.expiration_date is not None and job.expiration_date > self._now
        return not job.terminal
