"""
The wanted jobs in the list of a cluster's restore jobs. Pure.

Entries are read one by one: an entry of an unknown shape does not hide the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from restore_watch.atlas.pages import Page
from restore_watch.atlas.responses import read_job
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.restore_job import RestoreJob, RestoreKind, RestoreTarget


@dataclass
class Listing:
    """
    The wanted jobs that a list shows, by id.

    `unreadable` has, for each wanted entry of an unknown shape, what is wrong with it.
    """

    jobs: dict[str, RestoreJob] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)

    def add(self, job: RestoreJob) -> None:
        """Add a job. If pages shift, a list shows it twice: the later status counts."""
        shown = self.jobs.get(job.restore_id)
        if shown is None or job.status.rank > shown.status.rank:
            self.jobs[job.restore_id] = job


def add_wanted(
    listing: Listing, page: Page, wanted: Mapping[str, RestoreTarget], kind: RestoreKind
) -> bool:
    """Add the wanted jobs, given by their ids, of a page to the listing. False if it has none."""
    has_wanted = False
    for entry in page.entries:
        restore_id = entry.get("id") if isinstance(entry, dict) else None
        target = wanted.get(restore_id) if isinstance(restore_id, str) else None
        if target is None:
            continue
        has_wanted = True
        try:
            listing.add(read_job(entry, target, kind))
        except UnexpectedAtlasResponseError as error:
            listing.unreadable[target.restore_id] = str(error)
    return has_wanted
