"""One example of the model: its world, its jobs, and its environments."""

import io
import itertools
import traceback
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from foundation.errors import ApplicationError
from local_stack.connections import Connections, connect
from local_stack.environment import Environment
from local_stack.restores import EmulatedRestore
from local_stack.running import Running, wait_until_held_or_over
from local_stack.stack import LocalStack
from local_stack.wire import Gate
from local_stack.world import World
from model.drawn import GROUPS, SLOTS, UNDISTURBED, DrawnJob, Fate
from model.fate import Struck, befalling
from model.said import Word, is_download, word_of

LONGEST = 125.0
"""Seconds of an invocation."""

LATE = 2.0
"""Seconds by which it may end after its deadline: it looks at the clock often."""

MINUTE = 60.0


@dataclass
class Job:
    """A restore job, and what happened to it. `words` is what Atlas says in the course of it."""

    restore: EmulatedRestore
    drawn: DrawnJob
    words: list[Word]
    is_named: bool
    told: int = 1
    deleted: list[dict[str, Any]] = field(default_factory=list)
    is_hidden: bool = False
    is_old_in_lists: bool = False
    was_out_of_sight: bool = False

    @property
    def said(self) -> list[Word]:
        return self.words[: self.told]

    @property
    def is_over(self) -> bool:
        return self.told == len(self.words)

    @property
    def seems_over(self) -> bool:
        """Whoever sees it for the first time expects no more of it."""
        last = self.said[-1]
        is_ready = is_download(self.drawn.delivery_type) and last.status == "COMPLETED"
        return self.is_over or (last.is_end and not is_ready)

    @property
    def event(self) -> dict[str, Any]:
        """The target that a caller names."""
        given = {name: value for name, value in self.drawn.options.items() if value is not None}
        return self.restore.event | given


@dataclass
class Action:
    """Something that an environment does, which may be held while others go on."""

    slot: int
    work: Callable[[], dict[str, Any]]
    judge: Callable[["Outcome"], None]
    began: float
    blocks: ExitStack
    struck: Struck
    gates: list[Gate]
    running: Running[dict[str, Any]] | None = None


@dataclass(frozen=True)
class Outcome:
    """How an action ended. Nothing else went on meanwhile if it `was_alone`."""

    result: dict[str, Any] | None
    error: ApplicationError | None
    fate: Fate
    struck: Struck
    was_alone: bool


@cache
def _connections(stack: LocalStack) -> list[Connections]:
    """They serve every example on this stack."""
    return [connect(stack) for _ in range(SLOTS)]


class Example:
    """`stack` is started by the caller; every example begins with an empty table and Atlas."""

    def __init__(self, stack: LocalStack) -> None:
        self.by = _connections(stack)
        stack.received()
        stack.empty_table()
        stack.atlas.clear()
        stack.forget_calls()
        stack.atlas.behaviour.lift_limits()
        self.world = World(stack, self.by[0])
        self.printed = io.StringIO()
        """The metrics."""
        self._blocks = ExitStack()
        self._blocks.enter_context(self.world)
        self._blocks.enter_context(redirect_stdout(self.printed))
        self.watched: tuple[str, ...] = ()
        self.hot_rounds = False
        self.doing: dict[str, Mapping[str, Any]] = {}
        """What each environment does, or did last: the event."""
        self.jobs: list[Job] = []
        self.slots: list[Environment] = []
        self.held: list[Action] = []
        self.tally: dict[str, int] = defaultdict(int)
        self._numbers = itertools.count()

    def begin(self, *, watched: tuple[str, ...], hot_rounds: bool) -> None:
        """Start the environments."""
        self.watched, self.hot_rounds = watched, hot_rounds
        for group in GROUPS:
            self.world.atlas.add_project(group)
        self.slots = [self._cold_start(slot) for slot in range(SLOTS)]

    def close(self) -> None:
        self._blocks.close()

    # Jobs

    def start(self, drawn: DrawnJob, *, is_named: bool, minutes: float = 31) -> Job:
        """A restore that began so many minutes ago. Nobody checks one that is not named."""
        atlas = self.world.atlas
        at = atlas.now() - timedelta(minutes=minutes)
        restore = atlas.start_restore(
            drawn.group,
            drawn.cluster,
            drawn.kind,
            delivery_type=drawn.delivery_type or None,
            timeline=drawn.timeline,
            at=at,
        )
        steps = drawn.timeline
        words = [
            word_of(drawn.kind, drawn.delivery_type, steps[: n + 1]) for n in range(len(steps))
        ]
        self.jobs.append(Job(restore, drawn, words, is_named))
        return self.jobs[-1]

    def job(self, place: int) -> Job:
        """One of those that are named."""
        named = [job for job in self.jobs if job.is_named]
        return named[place % len(named)]

    def any_job(self, place: int) -> Job:
        return self.jobs[place % len(self.jobs)]

    # Environments

    def cold_start(self, slot: int) -> None:
        self.slots[slot] = self._cold_start(slot)

    def _cold_start(self, slot: int) -> Environment:
        return self.world.environment(
            self.by[slot],
            hot_rounds=self.hot_rounds,
            project_ids="all" if self.watched == ("all",) else self.watched,
        )

    def take_start(self, place: int, *, again: bool = False) -> dict[str, Any]:
        """One of the starts that Lambda has taken; with `again`, it comes once more."""
        waiting = self.world.aws.waiting
        _, event = waiting[place] if again else waiting.pop(place)
        return dict(event)

    def free_slot(self, wanted: int) -> int:
        """A slot whose environment is not held; if all are, the first one is let go."""
        busy = {one.slot for one in self.held}
        if len(busy) == SLOTS:
            busy.remove(self.held[0].slot)
            self.let_go(self.held[0])
        return next(slot for n in range(SLOTS) if (slot := (wanted + n) % SLOTS) not in busy)

    def act(
        self,
        slot: int,
        event: Mapping[str, Any],
        fate: Fate = UNDISTURBED,
        judge: Callable[[Outcome], None] = lambda _: None,
    ) -> None:
        """Let an environment answer an event, whatever befalls it. Judge how it ends."""
        slot = self.free_slot(slot)
        environment = self.slots[slot]
        self.doing[self.by[slot].key_id] = event
        blocks = ExitStack()
        struck, gates = blocks.enter_context(befalling(self.world, self.by[slot], fate))

        def work() -> dict[str, Any]:
            return environment.answer(event, LONGEST)

        def end(outcome: Outcome) -> None:
            self.tally[fate.how if struck.is_struck else "nothing"] += 1
            judge(outcome)

        action = Action(slot, work, end, self.world.uptime(), blocks, struck, gates)
        was_alone = not self.held
        if fate.how == "held":
            action.running = self.world.begin(work)
            wait_until_held_or_over([action.running], gates)
            if action.running.is_alive():
                self.held.append(action)
                return
        self._end(action, fate, was_alone=was_alone)

    def let_go(self, action: Action) -> None:
        """What was held goes on to its end."""
        self.held.remove(action)
        for gate in action.gates:
            gate.open()
        self._end(action, UNDISTURBED, was_alone=False)

    def _end(self, action: Action, fate: Fate, *, was_alone: bool) -> None:
        result: dict[str, Any] | None = None
        error: ApplicationError | None = None
        try:
            result = action.running.end() if action.running else action.work()
        except ApplicationError as raised:
            error = raised
            self.world.said.append("".join(traceback.format_exception(raised)))
        except Exception as raised:
            raise AssertionError(f"I6: not an error of ours: {raised!r}") from raised
        finally:
            action.blocks.close()
        if action.running is None:
            took = self.world.uptime() - action.began
            assert took < LONGEST + LATE, f"I6: an invocation took {took} s"
        if action.struck.is_death:
            self.cold_start(action.slot)
        action.judge(Outcome(result, error, fate, action.struck, was_alone))

    # What can be seen from outside

    def items(self) -> dict[str, dict[str, Any]]:
        """The items of jobs by the id of the job."""
        return {
            item["restoreId"]: item for item in self.world.stack.items() if "/" in item["cluster"]
        }

    def latest(self) -> datetime:
        """The environments' clock, whichever way it was set."""
        return self.world.clock() + timedelta(seconds=abs(self.world.skew))
