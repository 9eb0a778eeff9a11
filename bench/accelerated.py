"""
A stack whose sweeps run in accelerated time.

The real Sweeper asks the emulated Atlas over real sockets, with the real table and topic of the
local stack. Only the clock is ours: it stands still while something works, and jumps while a sweep
sleeps and between two ticks. A round of questions takes `ROUND_SECONDS` of it. A tick comes at any
second of its minute, drawn anew each time, and may meet a sweep that is still at work.
"""

import io
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, redirect_stdout
from datetime import UTC, datetime
from multiprocessing import get_context
from random import Random
from typing import Self
from unittest.mock import patch
from urllib.parse import parse_qs

from foundation.aws_call import AWS_CONFIG
from local_stack.connections import connect
from local_stack.environment import Environment
from local_stack.jumping_clock import JumpingClock, Schedule
from local_stack.stack import LocalStack
from local_stack.steps import PUBLISH
from local_stack.wire import Call, Phase

INVOCATION = 124.5
"""Seconds that a sweep has: the template's timeout, less what the handler reserves."""

SEED = 20261125
BEGIN = 1_790_000_000.0 // 60 * 60

_VARIABLES = dict.fromkeys(("POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"), "bench")


class Accelerated(ExitStack):
    """
    The stack, its clock, and what happened in it.

    `published` has the moment of each message by its id, `swept` the starts of the sweeps that were
    not skipped.
    """

    def __init__(self, project_ids: Sequence[str] = ()) -> None:
        super().__init__()
        self.random = Random(SEED)  # noqa: S311 - no secret depends on it
        self.clock = JumpingClock(BEGIN)
        self.now, self.uptime = self.clock, self.clock.seconds
        self.stack = LocalStack(clock=self.clock)
        self.said: list[str] = []
        self.published: dict[str, float] = {}
        self.swept: list[float] = []
        self._project_ids = tuple(project_ids)

    def __enter__(self) -> Self:
        self.enter_context(patch.dict(os.environ, _VARIABLES))
        self.enter_context(redirect_stdout(io.StringIO()))
        self.enter_context(self.stack)
        self.enter_context(self.stack.atlas.wire.listen(self.clock.answer))
        self.enter_context(self.stack.aws.wire.listen(self._note))
        return self

    def schedule(self) -> Schedule:
        """Ticks from now on."""
        return Schedule(self.clock, self.sweeping, lambda: 60 * self.random.random())

    def checking(self) -> Callable[[object], None]:
        """An environment that checks jobs, beside the sweeps: the clock stands still."""
        environment = self._environment()

        def check(event: object) -> None:
            at = self.clock.at
            environment.answer(event, INVOCATION)
            self.clock.at = at

        return check

    def sweeping(self) -> Callable[[float | None], None]:
        """An environment that sweeps."""
        environment = self._environment()

        def sweep(tick: float | None) -> None:
            begun = self.clock.at
            if tick is None:
                result = environment.follow(INVOCATION)
            else:
                result = environment.sweep(datetime.fromtimestamp(tick, UTC), INVOCATION)
            assert not result.get("failures"), result
            assert not result.get("notReached"), result
            if not result.get("skipped"):
                self.swept.append(begun)

        return sweep

    def pass_time(self, seconds: float) -> None:
        self.clock.at += seconds

    def _environment(self) -> Environment:
        by = connect(self.stack, AWS_CONFIG)
        self.callback(by.close)
        return Environment(
            self,
            by,
            sleep=self.clock.sleep,
            hot_rounds=True,
            project_ids=self._project_ids,
        )

    def _note(self, call: Call, phase: Phase) -> None:
        if phase == "after" and PUBLISH.covers(call):
            message = json.loads(parse_qs(call.body.decode())["Message"][0])
            self.published.setdefault(message["id"], self.clock.at)


def side_by_side[T, R](measure: Callable[[T], R], *given: T) -> list[R]:
    """Measure in two processes. The clock stands still, so neither makes the other slower."""
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        return list(processes.map(measure, given))
