"""The marks of watched projects: stored before the first question, moved by each listing."""

from contextlib import suppress
from dataclasses import dataclass, replace

from foundation.errors import ApplicationError
from restore_watch.asking.asked import answering_families
from restore_watch.model.marks import Marks
from restore_watch.sweep.finding.parts_read import PartsRead
from restore_watch.sweep.log import Acted, Fate, Planned
from restore_watch.sweep.run import Run
from restore_watch.table.bookkeeping import Bookkeeping
from restore_watch.table.project_item import Project
from restore_watch.telemetry.isolation import isolated


@dataclass(frozen=True)
class ProjectMarks:
    """Keeps the marks of one sweep. Any thread may use it."""

    run: Run
    bookkeeping: Bookkeeping

    def ensure_started(self, group_id: str) -> None:
        """
        Store the marks of a project at the first attempt to list it, or if they were lost.

        This is before anything is asked, so that nothing is missed however long it takes until
        Atlas answers. If the table cannot be used, that is a failure, and the project has not
        begun.
        """
        project = self.run.projects.setdefault(group_id, Project(group_id))
        if project.has_begun:
            return
        now = self.run.now()
        marks = Marks.at_first(now) if project.marks is None else project.marks.recovered()
        try:
            with isolated(self.run.telemetry, group_id=group_id):
                self.bookkeeping.begin_marks(project, marks, now, self.run.ending)
        except ApplicationError as error:
            self.run.log.append(Acted(group_id, None, Fate.FAILED, error=error))
            return
        self.run.projects[group_id] = replace(project, marks=marks)

    def store(self, group_id: str, marks: Marks, read: PartsRead) -> None:
        """Move the marks, and remember what could be read. An idle sweep writes nothing."""
        moved = read.marks_after(marks)
        if not read.is_listing and moved == marks:
            return
        project, now = self.run.projects[group_id], self.run.now()
        seen = {family.name for family in answering_families(self.run.log.records_of(group_id))}
        after = replace(
            project,
            marks=moved,
            listed_at=now if read.is_listing else project.listed_at,
            readable=project.readable | seen,
        )
        try:
            with isolated(self.run.telemetry, group_id=group_id):
                self.bookkeeping.move_marks(project, after, now, self.run.ending)
            self.run.projects[group_id] = after
        except ApplicationError as error:
            self.run.log.append(Acted(group_id, None, Fate.FAILED, error=error))

    def drop(self, project: Project) -> None:
        """Forget the marks of a project: if it is watched again, that begins anew."""
        now = self.run.now()
        with suppress(ApplicationError):  # the next sweep tries again
            with isolated(self.run.telemetry, group_id=project.group_id):
                self.bookkeeping.drop_marks(project, now, self.run.ending)
            self.run.projects[project.group_id] = replace(project, marks=None, removed_at=now)
            self.run.log.append(Planned(project.group_id, is_watched=False))
