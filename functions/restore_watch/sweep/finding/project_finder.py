"""How a sweep finds jobs in the projects that it watches, from the first step to the marks."""

from collections.abc import Sequence
from dataclasses import dataclass

from foundation.deadline import Deadline
from restore_watch.sweep.finding.listing_reader import ListingReader
from restore_watch.sweep.finding.project_marks import ProjectMarks
from restore_watch.sweep.finding.watched_projects import WatchedProjects
from restore_watch.sweep.run import Run
from restore_watch.sweep.sweep_task import SweepTask
from restore_watch.threads.workers import Workers


@dataclass(frozen=True)
class ProjectFinder:
    """Finds jobs in one sweep, if that is a tick."""

    run: Run
    watched: WatchedProjects
    marks: ProjectMarks
    reader: ListingReader
    workers: Workers

    def begin(self) -> None:
        """Watch the projects to begin with."""
        if self.run.is_tick:
            self.watched.begin()

    def first_steps(self) -> Sequence[SweepTask]:
        """Return the steps to begin with."""
        return self.watched.first_steps() if self.run.is_tick else ()

    def start_marks(self) -> None:
        """Store the first marks of new projects, before anything is asked about them."""
        self.workers.each(self.watched.new_projects(), self.marks.ensure_started, self.run.ending)

    def end_listings(self, deadline: Deadline) -> None:
        """Store how far the listings came that are still under way."""
        self.workers.each(self.reader.under_way.copy(), self.reader.end, deadline)

    def drop_removed(self) -> None:
        """Drop the projects that nobody watches any more, whatever is open in them."""
        self.workers.each(self.watched.removed_projects(), self.marks.drop, self.run.ending)
