"""
What it costs that a workflow waits for a restore, beside the plain ways to wait. Pure.

Usage comes from what was measured (waits.toml, which `bench.needs` writes) and from the states of
each workflow. The watch itself is left out: it follows a restore whether a workflow waits or not.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from bench.costs import REPORT_BYTES, WATCH_MEGABYTES, Prices, Usage

FIGURES = Path(__file__).with_name("waits.toml")

HOUR = 3600.0

QUESTION_BYTES = 1000
"""A request to Atlas: 500 bytes of HTTP, a token of about as many, and what TLS and TCP add."""

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

HOT_LATENCY = (6, 11)
"""
Seconds from a change to its message that half and 95 of 100 changes take while a job is hot.

The page Costs has them; `bench.detection` measures them. A workflow is answered by the same sweep.
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


@dataclass(frozen=True)
class Way:
    """
    A way to wait: its usage for so many seconds, and how soon the workflow goes on.

    `half` and `most` are what half of all changes take at most, and 95 of 100.
    """

    name: str
    usage: Callable[[float], Usage]
    half: str
    most: str

    def dollars(self, hours: float) -> float:
        return self.usage(hours * HOUR).dollars(Prices.read())

    @property
    def further(self) -> float:
        """The dollars of one hour more."""
        return self.dollars(7) - self.dollars(6)


def ways(figures: Figures) -> list[Way]:
    """The rows of the table."""
    later = polled(SWEEP_EVERY)
    soon = [f"{hot} s, later {cold}" for hot, cold in zip(HOT_LATENCY, later, strict=True)]
    states = STATES_OF_PARENT + STATES_OF_CHILD
    found = [
        Way("a state of your own with a task token", lambda _: token(figures.waited, 1), *soon),
        Way("the workflow of the stack", lambda _: token(figures.waited, states), *soon),
    ]
    loops: dict[str, Callable[..., Usage]] = {
        "the function": partial(function_loop, figures.asked),
        "an HTTP Task": http_loop,
    }
    for name, usage in loops.items():
        for every in EVERY:
            loop = f"a loop around {name} every {every:.0f} s"
            found.append(Way(loop, partial(usage, every=every), *polled(every)))
    job = "a job of GitHub Actions that is blocked"
    return [*found, Way(job, blocked_job, "as it asks", "as it asks")]


def polled(every: float) -> tuple[str, str]:
    """What half and 95 of 100 changes take: one comes at any moment between two questions."""
    return f"{math.ceil(every / 2)} s", f"{math.ceil(every * 0.95)} s"


def token(waited: Waited, states: int) -> Usage:
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
    )


def function_loop(asked: Asked, seconds: float, every: float) -> Usage:
    """The usage of a loop around the function until a restore has ended."""
    of_round = Usage(
        state_transition=STATES_OF_ROUND,
        lambda_gb_second=asked.seconds * WATCH_MEGABYTES / 1024,
        lambda_request=1,
        dynamodb_write_unit=asked.updates * math.ceil(asked.item_bytes / 1024),
        log_gb=(asked.log_bytes + REPORT_BYTES) / 1e9,
        sent_gb=asked.questions * QUESTION_BYTES / 1e9,
    )
    return of_round.times(math.ceil(seconds / every))


def http_loop(seconds: float, every: float) -> Usage:
    """The usage of a loop around an HTTP Task, which asks Atlas itself."""
    of_round = Usage(state_transition=STATES_OF_ROUND, sent_gb=QUESTION_BYTES / 1e9)
    return of_round.times(math.ceil(seconds / every))


def blocked_job(seconds: float) -> Usage:
    """The usage of a job of continuous integration that waits. Minutes are rounded up."""
    return Usage(runner_minute=math.ceil(seconds / 60))
