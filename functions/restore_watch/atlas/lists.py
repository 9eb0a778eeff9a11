"""
The wanted jobs in the list of a cluster's restore jobs. Pure.

Entries are read one by one: an entry of an unknown shape does not hide the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from restore_watch.atlas.entries import Entry, Unreadable, job_entries
from restore_watch.atlas.pages import Page
from restore_watch.atlas.responses import read_job
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.restore_job import RestoreJob, RestoreKind, RestoreTarget


@dataclass
class Listing:
    """
    The `wanted` jobs that a list shows, by id.

    `unreadable` has, for each wanted entry of an unknown shape, what is wrong with it. `others` are
    the entries of jobs that are not wanted, and `nameless` those without a usable id. It `is_whole`
    if the list was read to its end.
    """

    wanted: Mapping[str, RestoreTarget]
    kind: RestoreKind
    jobs: dict[str, RestoreJob] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    others: list[Entry] = field(default_factory=list)
    nameless: list[Unreadable] = field(default_factory=list)
    is_whole: bool = False

    @property
    def missing(self) -> int:
        """How many wanted jobs were not read."""
        return len(self.wanted) - len(self.jobs)

    def add(self, page: Page) -> bool:
        """Add the entries of a page. False if it has no wanted job."""
        has_wanted = False
        entries = job_entries(page, self.kind)
        self.nameless += entries.unreadable
        self.is_whole = not page.has_next
        for entry in entries.readable:
            target = self.wanted.get(entry.id)
            if target is None:
                self.others.append(entry)
                continue
            has_wanted = True
            try:
                self._add(read_job(entry.content, target, self.kind))
            except UnexpectedAtlasResponseError as error:
                self.unreadable[entry.id] = str(error)
        return has_wanted

    def _add(self, job: RestoreJob) -> None:
        """If pages shift, a list shows a job twice: the later status counts."""
        shown = self.jobs.get(job.restore_id)
        if shown is None or job.status.rank > shown.status.rank:
            self.jobs[job.restore_id] = job
