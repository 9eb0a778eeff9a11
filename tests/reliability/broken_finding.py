"""Finding and watching that are broken in one place, for `reliability.broken_copies`."""

from collections.abc import Callable, Collection
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

from restore_watch.atlas.pages import Page
from restore_watch.bookkeeping import Bookkeeping
from restore_watch.deadline import Deadline
from restore_watch.entries import Entries
from restore_watch.find_steps import JobsPage, ListingStep
from restore_watch.finding import Finder
from restore_watch.following import Follower
from restore_watch.listing import ProjectListing
from restore_watch.marks import Interest, Marks
from restore_watch.project_item import Project
from restore_watch.restore_job import RestoreJob, RestoreKind
from restore_watch.sweep import Sweeper
from restore_watch.topic import StatusChangesTopic
from restore_watch.waking import Waker
from restore_watch.watch import Watch
from restore_watch.watch_change import WatchChange, Watched, WatchState

# Marks


class ForgetsTheFirstAttempt(Bookkeeping):
    """The first mark is stored when a listing succeeds."""

    def begin(self, *_: object, **__: object) -> None:
        pass


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

    def jobs_shown(self, step: JobsPage, page: Page, begun: datetime) -> list[ListingStep]:
        reaches_to = Interest.beyond(self.marks, step.part, self._now).reaches_to
        targets = [self.entries.target(step.part, entry) for entry in page.entries]
        is_enough = any(one is not None and one.created_at < reaches_to for one in targets)
        page = replace(page, has_next=page.has_next and not is_enough)
        return super().jobs_shown(step, page, begun)


class ReadsFullPages(ProjectListing):
    """A page of fewer entries than were asked for is taken for the last."""

    def jobs_shown(self, step: JobsPage, page: Page, begun: datetime) -> list[ListingStep]:
        return super().jobs_shown(step, replace(page, has_next=len(page.entries) >= 500), begun)


class RunningEntries(Entries):
    """What has ended is of no interest."""

    def job_of_interest(self, *what: Any) -> RestoreJob | None:
        job = super().job_of_interest(*what)
        return None if job is not None and job.terminal else job


class OverlooksEnds(ProjectListing):
    """What has ended before it was seen is overlooked."""

    def jobs_shown(self, step: JobsPage, page: Page, begun: datetime) -> list[ListingStep]:
        self.entries.__class__ = RunningEntries
        return super().jobs_shown(step, page, begun)


class ListsOnce(Waker):
    """An event has the project listed now, but not once more."""

    def _woken_kinds(self, group_id: str, page: Page) -> frozenset[RestoreKind]:
        woken = super()._woken_kinds(group_id, page)
        self.calls.memory.to_read_again(group_id)
        return woken


def wakes(kind: type[Waker]) -> type[Sweeper]:
    """A sweep that decides otherwise what to list."""

    class OtherSweeper(Sweeper):
        def _finder(self, *how: Any) -> Finder:
            return Finder(_as(kind, super()._finder(*how).waker))

    return OtherSweeper


def lists(kind: type[ProjectListing]) -> type[Sweeper]:
    """A sweep that reads lists otherwise."""

    class OtherWaker(Waker):
        def _listing(self, *how: Any) -> ProjectListing | None:
            listing = super()._listing(*how)
            if listing is not None:
                listing.__class__ = kind
            return listing

    return wakes(OtherWaker)


# The watch's own messages


class ForgetsWhatIsRefused(Watch):
    """A change of the watch is published once, whether the topic accepts it or not."""

    def _publish(self, watched: Watched, deadline: Deadline) -> Watched:
        left = super()._publish(watched, deadline)
        if not left.unsent:
            return left
        return self.bookkeeping.watch(replace(left, unsent=()), self.at, self.deadline) or left


def notes(kind: type[Watch]) -> type[Sweeper]:
    """A sweep that reports otherwise how projects are seen."""

    class OtherSweeper(Sweeper):
        def _watch(self, follower: Follower) -> Watch:
            return _as(kind, super()._watch(follower))

    return OtherSweeper


class RecoversTwice(StatusChangesTopic):
    """A recovery is published twice, under two ids."""

    def publish_watch(self, change: WatchChange, deadline: Deadline) -> str:
        if change.state is WatchState.RECOVERED:
            trouble = replace(change.trouble, since=change.trouble.since + timedelta(seconds=1))
            super().publish_watch(replace(change, trouble=trouble), deadline)
        return super().publish_watch(change, deadline)


def _as[Part: (Waker, Watch)](kind: Callable[..., Part], part: Part) -> Part:
    return kind(**{field.name: getattr(part, field.name) for field in fields(part)})
