"""What a world of the model is made of: its clock, its jobs, its environments."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from foundation.deadline import Deadline
from local_stack.restores import EmulatedRestore, Kind
from local_stack.wire import Call
from reliability.judgement import Word
from reliability.traffic import Request
from restore_watch.application import Application
from restore_watch.check.check import JobChecker
from restore_watch.event.actions import Sweep
from restore_watch.model.restore_job import RestoreTarget
from restore_watch.telemetry.telemetry import Telemetry


class Clock:
    """The environments' wall clock. It moves on by a millisecond at every look, and by jumps."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = self._latest = datetime.now(UTC)
        self.epoch = 0
        """How often it was set back."""

    def __call__(self) -> datetime:
        with self._lock:
            self._now += timedelta(milliseconds=1)
            return self._now

    @property
    def latest(self) -> datetime:
        """The latest moment that it has ever shown."""
        with self._lock:
            return max(self._now, self._latest)

    def peek(self) -> float:
        """Unix seconds, without moving on."""
        with self._lock:
            return self._now.timestamp()

    def jump(self, seconds: float) -> None:
        with self._lock:
            self._latest = max(self._now, self._latest)
            self._now += timedelta(seconds=seconds)
            self.epoch += seconds < 0


@dataclass
class Job:
    """
    A restore job, and everything that happens to it.

    `words` is what Atlas says in the course of the job, the first `said_so_far` of them by now.
    """

    restore: EmulatedRestore
    target: RestoreTarget
    words: list[Word]
    kind: Kind
    said_so_far: int = 1
    deleted: list[dict[str, Any]] = field(default_factory=list)
    is_hidden: bool = False
    is_old_in_lists: bool = False
    was_out_of_sight: bool = False

    def vanish(self) -> None:
        """Atlas does not know the job, or its lists do not show it, for some time at least."""
        self.is_hidden = self.was_out_of_sight = True

    @property
    def created_at(self) -> datetime:
        """The first eight digits of its id are Unix seconds."""
        return datetime.fromtimestamp(int(self.restore.restore_id[:8], 16), UTC)

    @property
    def part(self) -> str:
        """Its kind and cluster, as the bookkeeping names them."""
        return f"{self.kind}/{self.restore.cluster}"

    @property
    def cluster(self) -> tuple[str, str]:
        """Its project and the name of its cluster."""
        return self.restore.group_id, self.restore.cluster

    @property
    def left(self) -> int:
        """The steps that are still to come."""
        return len(self.words) - self.said_so_far

    @property
    def said(self) -> list[Word]:
        return self.words[: self.said_so_far]

    @property
    def steps_to_words(self) -> int | None:
        """The steps to an unknown word that another one follows; None if there is none."""
        ahead = self.words[self.said_so_far - 1 :]
        for steps, (word, following) in enumerate(pairwise(ahead)):
            both_unknown = word.status == following.status == "UNKNOWN"
            if both_unknown and word.word != following.word:
                return steps
        return None

    @property
    def last(self) -> Word:
        return self.said[-1]

    @property
    def event(self) -> dict[str, Any]:
        """The target as an event names it."""
        options = {"envelope": True} if self.target.envelope else {}
        return self.target.as_json() | options


@dataclass
class Environment:
    """
    An execution environment. `invocation` is the number of its current one.

    `targets` is how many jobs that names, `last` the latest request to Atlas. `sweep` is set while
    it sweeps, and `deadline` if its waits are judged by that.
    """

    number: int
    checker: JobChecker
    application: Application
    telemetry: Telemetry
    invocation: int = 0
    targets: int = 1
    last: Request | None = None
    sweep: Sweep | None = None
    deadline: Deadline | None = None


def key_of(job: Job) -> dict[str, Any]:
    """The key of the job's item."""
    restore = job.restore
    return {
        "cluster": {"S": f"{restore.group_id}/{restore.cluster}"},
        "restoreId": {"S": restore.restore_id},
    }


def group_of(call: Call) -> str:
    """The project that a request to Atlas is about, empty if there is none."""
    return call.path.partition("/groups/")[2].partition("/")[0]


def cluster_of(call: Call) -> str:
    """The cluster that a request to Atlas is about, empty if there is none."""
    _, _, rest = call.path.partition("lusters/")
    return rest.partition("/")[0]
