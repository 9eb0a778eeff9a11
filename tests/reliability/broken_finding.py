"""Finding and watching that are broken in one place, for `reliability.broken_copies`."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from foundation.deadline import Deadline
from reliability.broken_sweeps import with_part
from restore_watch.atlas.entries import Entry
from restore_watch.atlas.pages import Page
from restore_watch.aws.topic import StatusChangesTopic
from restore_watch.model.jobs_of_interest import Interest
from restore_watch.model.marks import Marks, Part
from restore_watch.model.outage import WatchChange, Watched, WatchState
from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.find.listing import ProjectListing
from restore_watch.sweep.find.steps import JobsPage, ListingStep
from restore_watch.sweep.find.wake import Waking
from restore_watch.sweep.observe import Observed, Observer, Shown
from restore_watch.sweep.outages.report import Watch
from restore_watch.sweep.sweep import Sweeper
from restore_watch.table.bookkeeping import Bookkeeping
from restore_watch.table.project_item import Project

# Marks


class ForgetsTheFirstAttempt(Bookkeeping):
    """The first mark is stored when a listing succeeds."""

    def begin(self, *_: object, **__: object) -> None:
        pass


class BelievesTheFuture(Bookkeeping):
    """A mark that lies ahead counts."""

    def read(self, deadline: Deadline, now: datetime) -> tuple[dict[str, Project], Watched]:
        projects, stack = super().read(deadline, now)
        ahead = {
            group_id: replace(project, marks=Marks(later, later, {}, project.marks.stored))
            for group_id, project in projects.items()
            if project.marks and (later := _as_moment(project.marks.stored)) and later > now
        }
        return projects | ahead, stack


def _as_moment(stored: object) -> datetime | None:
    return datetime.fromisoformat(stored) if isinstance(stored, str) else None


class _MovesOtherwise(Bookkeeping):
    def moved(self, marks: Marks, now: datetime) -> Marks:
        raise NotImplementedError

    def move(
        self,
        project: Project,
        marks: Marks,
        now: datetime,
        readable: Collection[str],
        deadline: Deadline,
        *,
        is_full: bool,
    ) -> None:
        marks = self.moved(marks, now) if is_full else marks
        super().move(project, marks, now, readable, deadline, is_full=is_full)


class MovesToTheEnd(_MovesOtherwise):
    """A project is known up to the end of its listing."""

    def moved(self, marks: Marks, now: datetime) -> Marks:
        return replace(marks, whole=max(marks.whole, now))


class MovesEveryCluster(_MovesOtherwise):
    """A cluster that was not read does not stay behind."""

    def moved(self, marks: Marks, now: datetime) -> Marks:
        del now
        return replace(marks, behind={})


# Listings


class StopsAtAnOldJob(ProjectListing):
    """A list is taken to descend."""

    def jobs_shown(self, step: JobsPage, page: Page, entries: Iterable[Entry]) -> list[ListingStep]:
        reaches_to = Interest.beyond(self.wanted.marks, step.part, self.wanted.now).reaches_to
        is_enough = any(one.created_at < reaches_to for one in entries)
        page = replace(page, has_next=page.has_next and not is_enough)
        return super().jobs_shown(step, page, entries)


class ReadsFullPages(ProjectListing):
    """A page of fewer entries than were asked for is taken for the last."""

    def jobs_shown(self, step: JobsPage, page: Page, *what: Any) -> list[ListingStep]:
        page = replace(page, has_next=len(page.entries) >= page.at.size)
        return super().jobs_shown(step, page, *what)


class OverlooksEnds(Observer):
    """What has ended before it was seen is overlooked."""

    def news(self, *what: Any) -> list[Observed]:
        return [
            one for one in super().news(*what) if self._is_followed(one) or not one.job.terminal
        ]

    def _is_followed(self, observed: Observed) -> bool:
        return observed.key in self.run.known


class BelievesNoList(Observer):
    """What a list shows of a job that is followed already is passed over."""

    def news(self, *what: Any) -> list[Observed]:
        return [one for one in super().news(*what) if one.key not in self.run.known]


class TakesAllForRead(Observer):
    """An entry that cannot be read counts as read."""

    def read(self, page: Page, group_id: str, part: Part, shown: Shown) -> None:
        super().read(page, group_id, part, shown)
        shown.unreadable.clear()


def observes(kind: type[Observer]) -> type[Sweeper]:
    """A sweep that takes otherwise what Atlas says."""
    return with_part(lambda parts: parts.asker.lists.observer, kind)


class ListsOnce(Waking):
    """An event has the project listed now, but not once more."""

    def _woken_kinds(self, group_id: str, page: Page) -> frozenset[RestoreKind]:
        woken = super()._woken_kinds(group_id, page)
        self.calls.memory.to_read_again(group_id)
        return woken


def wakes(kind: type[Waking]) -> type[Sweeper]:
    """A sweep that decides otherwise what to list."""
    return with_part(lambda parts: parts.finder.waking, kind)


def lists(kind: type[ProjectListing]) -> type[Sweeper]:
    """A sweep that reads lists otherwise."""

    class OtherWaking(Waking):
        def _listing(self, *how: Any) -> ProjectListing | None:
            listing = super()._listing(*how)
            if listing is not None:
                listing.__class__ = kind
            return listing

    return wakes(OtherWaking)


# The watch's own messages


class ForgetsWhatIsRefused(Watch):
    """A change of the watch is published once, whether the topic accepts it or not."""

    def _publish(self, watched: Watched, deadline: Deadline) -> Watched:
        left = super()._publish(watched, deadline)
        if not left.unsent:
            return left
        return (
            self.bookkeeping.watch(replace(left, unsent=()), self.run.at, self.run.ending) or left
        )


def notes(kind: type[Watch]) -> type[Sweeper]:
    """A sweep that reports otherwise how projects are seen."""
    return with_part(lambda parts: parts.watch, kind)


class RecoversTwice(StatusChangesTopic):
    """A recovery is published twice, under two ids."""

    def publish_watch(self, change: WatchChange, deadline: Deadline) -> str:
        if change.state is WatchState.RECOVERED:
            trouble = replace(change.trouble, since=change.trouble.since + timedelta(seconds=1))
            super().publish_watch(replace(change, trouble=trouble), deadline)
        return super().publish_watch(change, deadline)
