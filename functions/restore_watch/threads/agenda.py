"""
The open tasks of a sweep or a batch, handed out to its threads fairly.

Several projects get equal shares of the threads, and none of them gets all: a project that is slow
or hangs must not hold up the others.
"""

import math
from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass, field
from threading import Condition, RLock
from typing import Protocol

from restore_watch.atlas.rate_limits import Bucket

LARGEST_SHARE = 0.75
"""The share of the threads that each of several projects may use at most."""

MOST_OF_PROJECT = 32
"""
Threads that one project may use: they use up the 500 questions of its minute in two seconds.

A sweep that has to leave the rest of a limit to others still takes what is under way.
"""


class Task(Protocol):
    """
    Something to do for a project, by one thread.

    No two tasks that are waiting or under way have the same key. Many have none.
    """

    @property
    def bucket(self) -> Bucket:
        """The bucket that its call is taken from."""

    @property
    def keys(self) -> Collection[Hashable]:
        """Nobody else may work on these meanwhile."""
        return ()


class _Project[T: Task]:
    def __init__(self) -> None:
        self.waiting: deque[T] = deque()
        self.under_way = 0


@dataclass(eq=False, repr=False)
class _Waiting[T: Task]:
    """The tasks by project, and whose turn is next. The agenda's lock guards it."""

    _threads: int
    _allows: Callable[[T], bool]
    _skip: Callable[[T], None]
    under_way: int = 0
    _busy: set[Hashable] = field(default_factory=set)
    _projects: dict[str | None, _Project[T]] = field(default_factory=dict)
    # The projects that have waiting tasks, the next one first.
    projects: deque[_Project[T]] = field(default_factory=deque)

    def queue(self, task: T) -> None:
        """Add a task behind the others of its project, unless one with its key is here already."""
        if not self._busy.isdisjoint(task.keys):
            return
        project = self._projects.setdefault(task.bucket.group_id, _Project())
        if not project.waiting:
            self.projects.append(project)
        project.waiting.append(task)
        self._busy.update(task.keys)

    def next_task(self) -> T | None:
        """Return the next task. None if no project may use another thread."""
        # Rounded up, so that no thread is idle as long as tasks are left.
        share = math.ceil(self._threads / max(1, len(self.projects)))
        if len(self._projects) > 1:
            share = min(share, math.ceil(self._threads * LARGEST_SHARE))
        share = min(share, MOST_OF_PROJECT)
        for _ in range(len(self.projects)):
            project = self.projects.popleft()
            task = self._next_of(project) if project.under_way < share else None
            if project.waiting:
                self.projects.append(project)
            if task is not None:
                project.under_way += 1
                self.under_way += 1
                return task
        return None

    def finish(self, task: T) -> None:
        """A task is no longer under way."""
        self.under_way -= 1
        self._projects[task.bucket.group_id].under_way -= 1
        self._busy.difference_update(task.keys)

    def skip_all(self) -> None:
        """Skip every waiting task."""
        while self.projects:
            project = self.projects.popleft()
            while project.waiting:
                self._drop(project.waiting.popleft())

    def _next_of(self, project: _Project[T]) -> T | None:
        while project.waiting:
            task = project.waiting.popleft()
            if self._allows(task):
                return task
            self._drop(task)
        return None

    def _drop(self, task: T) -> None:
        self._busy.difference_update(task.keys)
        self._skip(task)


class Agenda[T: Task]:
    """
    The tasks of one sweep or batch. Its methods may be called from any thread.

    `allows` decides, when a task's turn comes, whether its call may be made. A task that is not
    done is given to `skip`. When it `is_over`, no task is handed out any more.
    """

    def __init__(
        self,
        threads: int,
        *,
        allows: Callable[[T], bool],
        skip: Callable[[T], None],
        is_over: Callable[[], bool],
    ) -> None:
        self._waiting = _Waiting(threads, allows, skip)
        self._is_over = is_over
        lock = RLock()
        self._changed = Condition(lock)
        self._became_idle = Condition(lock)
        self._is_closed = False

    def add(self, tasks: Iterable[T]) -> None:
        """Add tasks, except those that are on the agenda already."""
        with self._changed:
            for task in tasks:
                self._waiting.queue(task)
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing is added any more: threads that find nothing to do end."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def wait_until_done(self, seconds: float) -> None:
        """Return when nothing is waiting or under way, after these seconds at the latest."""
        with self._became_idle:
            self._became_idle.wait_for(lambda: self.is_idle, seconds)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is waiting or under way."""
        with self._changed:
            return not self._waiting.projects and not self._waiting.under_way

    def next_task(self) -> T | None:
        """Return the next task, or None if there will be none any more. May wait."""
        with self._changed:
            while True:
                if self._is_over():
                    self._waiting.skip_all()
                task = self._waiting.next_task()
                if task is not None:
                    return task
                if self._is_closed and not self._waiting.projects:
                    self._changed.notify()  # another thread may wait for its end, too
                    return None
                self._report_if_idle()
                self._changed.wait()

    def finish(self, task: T, more: Iterable[T] = ()) -> None:
        """The task was done. `more` is to be done after the others."""
        with self._changed:
            self._waiting.finish(task)
            added = list(more)
            for another in added:
                self._waiting.queue(another)
            # This thread takes the next task itself. To wake all others after every task
            # would take a tenth of a sweep's processor time.
            self._changed.notify(1 + len(added))
            self._report_if_idle()

    def _report_if_idle(self) -> None:
        if self.is_idle:
            self._became_idle.notify()
