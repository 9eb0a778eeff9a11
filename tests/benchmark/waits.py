"""
What it costs that a workflow waits for a restore, beside the plain ways to wait. Pure.

Usage comes from what was measured (waits.toml, which `benchmark.measuring_waits` writes) and from
the states of each workflow; prices come from prices.toml. The watch itself is left out: it follows
a restore whether a workflow waits for it or not.
"""

import math
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Self

from benchmark.costs import QUESTION_BYTES, REPORT_BYTES, Usage
from benchmark.loads import WATCH_MEGABYTES

FIGURES = Path(__file__).with_name("waits.toml")

HOUR = 3600.0

TOKEN_CHARACTERS = 1024
"""Half of the longest token that Step Functions may give."""

STATES_OF_CHILD = 4
"""States that the workflow of the stack enters for a restore that completes."""

STATES_OF_PARENT = 2
"""The state that waits for the child, and the choice by the outcome."""

STATES_OF_ROUND = 3
"""Wait, ask, and choose: to go on, or to wait again."""

EVERY = (30.0, 60.0)
"""Seconds between two questions of the loops."""

HOT_LATENCY = (6, 25)
"""
Seconds from a change to its message that half and 95 of 100 changes take while a job is hot.

The README has them; `benchmark.detection` measures them. A workflow is answered by the same sweep.
"""

SWEEP_EVERY = 60.0
"""Seconds between two questions about a job that is not hot any more, for six hours."""


@dataclass(frozen=True)
class Waited:
    """
    What a workflow that waits adds to a restore that is watched.

    `seconds` are those of the invocation that stores the token. `updates` are writes more than
    without it. `other_updates` are those that come anyway: the token makes the item larger.
    """

    seconds: float
    log_bytes: float
    updates: int
    other_updates: int
    item_bytes: float


@dataclass(frozen=True)
class Asked:
    """
    What one check needs that finds a job unchanged.

    Its write is refused, and billed by the size of the item: "Capacity Units Consumed by
    Conditional Writes", Amazon DynamoDB Developer Guide.
    """

    seconds: float
    questions: float
    log_bytes: float
    updates: int
    item_bytes: float


@dataclass(frozen=True)
class Figures:
    """What was measured, and when."""

    date: date
    waited: Waited
    asked: Asked

    @classmethod
    def read(cls, path: Path = FIGURES) -> Self:
        said = tomllib.loads(path.read_text())
        return cls(said["date"], Waited(**said["waited"]), Asked(**said["asked"]))


@dataclass(frozen=True)
class Latency:
    """Seconds from a change to the workflow that goes on: of half of all changes, and of 95 %."""

    half: float
    most: float

    @classmethod
    def polled(cls, every: float) -> Self:
        """A change comes at any moment between two questions."""
        return cls(every / 2, every * 0.95)


HOT = Latency(*HOT_LATENCY)
SWEPT = Latency.polled(SWEEP_EVERY)


def token(waited: Waited, *, states: int) -> Usage:
    """The usage of a wait by token, however long it takes."""
    with_token = math.ceil(waited.item_bytes / 1024)
    larger = with_token - math.ceil((waited.item_bytes - TOKEN_CHARACTERS) / 1024)
    return Usage(
        state_transition=states,
        lambda_gb_second=waited.seconds * WATCH_MEGABYTES / 1024,
        lambda_request=1,
        # Each write goes to the item and to the index.
        dynamodb_write_unit=waited.updates * (with_token + 1) + waited.other_updates * larger,
        log_gb=(waited.log_bytes + REPORT_BYTES) / 1e9,
        trace=1,
    )


def function_loop(asked: Asked, seconds: float, every: float) -> Usage:
    """The usage of a loop around the function until a restore has ended."""
    rounds = math.ceil(seconds / every)
    return Usage(
        state_transition=STATES_OF_ROUND * rounds,
        lambda_gb_second=rounds * asked.seconds * WATCH_MEGABYTES / 1024,
        lambda_request=rounds,
        dynamodb_write_unit=rounds * asked.updates * math.ceil(asked.item_bytes / 1024),
        log_gb=rounds * (asked.log_bytes + REPORT_BYTES) / 1e9,
        trace=rounds,
        sent_gb=rounds * asked.questions * QUESTION_BYTES / 1e9,
    )


def http_loop(seconds: float, every: float) -> Usage:
    """The usage of a loop around an HTTP Task, which asks Atlas itself."""
    rounds = math.ceil(seconds / every)
    return Usage(state_transition=STATES_OF_ROUND * rounds, sent_gb=rounds * QUESTION_BYTES / 1e9)


def blocked_job(seconds: float) -> Usage:
    """The usage of a job of continuous integration that waits. Minutes are rounded up."""
    return Usage(runner_minute=math.ceil(seconds / 60))
