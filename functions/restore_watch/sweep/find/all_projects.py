"""The list of all projects that the credentials can read, which decides what `all` watches."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from restore_watch.atlas.entries import project_entries
from restore_watch.atlas.pages import NOTHING_NEW
from restore_watch.errors import RestoreWatchError, UnexpectedAtlasResponseError
from restore_watch.sweep.find.calls import FindCalls
from restore_watch.sweep.find.steps import FindStep, ProjectsPage
from restore_watch.table.project_item import Project


@dataclass
class AllProjects:
    """
    Reads the list in one sweep, one page after the other.

    It `is_read` after its last page, or `failure` says why it could not be read. `shown` has the
    projects on the pages so far.
    """

    calls: FindCalls
    is_read: bool = False
    shown: Sequence[str] = ()
    failure: RestoreWatchError | None = None

    @property
    def listed(self) -> Collection[str]:
        """The projects of the last complete list."""
        return self.calls.memory.projects or ()

    def is_due(self, known: Mapping[str, Project]) -> bool:
        """
        Whether the list must be read in this sweep.

        One that leaves out a project that the table knows is read again at once: Atlas may have
        left it out.
        """
        return self.calls.memory.projects_are_due or any(
            project.marks is not None
            and project.watched.degraded is None
            and group_id not in self.listed
            for group_id, project in known.items()
        )

    def read(self, step: ProjectsPage) -> list[FindStep]:
        """Read a page. Return what is left to do: the next page, or the same one again."""
        begun = self.calls.run.asking.clock()
        try:
            page = self.calls.all_projects(step)
        except RestoreWatchError as error:
            again = self.calls.again(step, error, begun)
            if not again:
                self.failure = error
            return again
        entries = project_entries(page)
        if entries.unreadable:
            self.failure = UnexpectedAtlasResponseError(entries.unreadable[0].problem)
            self.calls.found_failing(None, None, self.failure)
        known = set(step.shown)
        new = [entry.id for entry in entries.readable if entry.id not in known]
        self.shown = [*step.shown, *new]
        if page.has_next and not new:
            # The same page may follow for ever.
            self.failure = UnexpectedAtlasResponseError(NOTHING_NEW)
            self.calls.found_failing(None, None, self.failure)
            return []
        if page.has_next:
            return [replace(step, number=step.number + 1, shown=tuple(self.shown), tries=0)]
        # A list that is not complete leaves the one before in force.
        if self.failure is None:
            self.calls.memory.list_of_projects(self.shown)
            self.is_read = True
        return []
