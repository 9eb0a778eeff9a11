"""
Dollars a month, from list prices (prices.toml) and what was measured. Pure.

Free tiers are not taken off. Not counted: storage, deliveries to subscribers other than e-mail to
people, and a NAT gateway.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import Self

PRICES = Path(__file__).with_name("prices.toml")

MINUTES = 730 * 60
"""Minutes, and so sweeps, of a month."""

ASKING_ENDS = 119.5
"""Seconds after the start of a sweep at which the last question has ended."""

ASKED_EVERY = 5
"""Old jobs are asked about in one of so many sweeps."""

LEASE_WRITES = 2
SHARDS = 4

SECRET_EVERY = 4
"""Minutes after which the secret is read again."""

EMPTY_RECEIVES = 5 * 3
"""Calls a minute by which Lambda polls the queue: five at once, each for 20 seconds."""

QUESTION_BYTES = 1000
"""A request to Atlas: 500 bytes of HTTP, a token of about as many, and what TLS and TCP add."""

REPORT_BYTES = 350
"""Lambda's own lines of an invocation: START, END and REPORT."""


@dataclass(frozen=True)
class Prices:
    """The list prices of one date and region, in dollars, by the names in the file."""

    date: date
    region: str
    usd: Mapping[str, float]

    @classmethod
    def read(cls, path: Path = PRICES) -> Self:
        said = tomllib.loads(path.read_text())
        day, region = said.pop("date"), said.pop("region")
        return cls(day, region, {name: price["usd"] for name, price in said.items()})


@dataclass(frozen=True)
class Usage:
    """How much of each priced thing is used in a month. The names are those of the prices."""

    lambda_gb_second: float = 0
    lambda_request: float = 0
    dynamodb_write_unit: float = 0
    dynamodb_read_unit: float = 0
    sns_publish: float = 0
    metric_month: float = 0
    log_gb: float = 0
    secret_month: float = 0
    secret_call: float = 0
    schedule_invocation: float = 0
    trace: float = 0
    queue_request: float = 0
    email_delivery: float = 0
    alarm_metric_month: float = 0
    dashboard_month: float = 0
    sent_gb: float = 0
    state_transition: float = 0
    runner_minute: float = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            **{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)}
        )

    def times(self, factor: float) -> "Usage":
        return Usage(**{one.name: getattr(self, one.name) * factor for one in fields(self)})

    def dollars(self, prices: Prices) -> dict[str, float]:
        """The dollars of each thing."""
        return {one.name: getattr(self, one.name) * prices.usd[one.name] for one in fields(self)}

    def total(self, prices: Prices) -> float:
        return sum(self.dollars(prices).values())


@dataclass(frozen=True)
class Measured:
    """
    What one kind of sweep was measured to need.

    `seconds` are billed; `questions` are calls to Atlas; `log_bytes` without Lambda's own lines;
    `metrics` are the names that it reports.
    """

    seconds: float
    jobs: int
    questions: float
    entry_bytes: float
    log_bytes: float
    metrics: int
    memory_megabytes: int = 512
    bookkeeping_bytes: float = 0
    lease_writes: float = LEASE_WRITES

    @property
    def gb_seconds(self) -> float:
        return self.seconds * self.memory_megabytes / 1024

    @property
    def read_units(self) -> float:
        """One Query for each shard, eventually consistent, which is half a unit for 4 KB.

        And one for the bookkeeping, consistent, which is a whole one.
        """
        of_shard = self.entry_bytes * self.jobs / SHARDS
        shards = SHARDS * max(1, math.ceil(of_shard / 4096)) / 2
        return shards + max(1, math.ceil(self.bookkeeping_bytes / 4096))

    def month(self) -> Usage:
        """The usage of a month with such a sweep in each minute, and with what is always there."""
        return Usage(
            lambda_gb_second=MINUTES * self.gb_seconds,
            lambda_request=MINUTES,
            dynamodb_write_unit=MINUTES * self.lease_writes,
            dynamodb_read_unit=MINUTES * self.read_units,
            metric_month=self.metrics,
            log_gb=MINUTES * (self.log_bytes + REPORT_BYTES) / 1e9,
            secret_month=1,
            secret_call=MINUTES / SECRET_EVERY,
            schedule_invocation=MINUTES,
            trace=MINUTES,
            queue_request=MINUTES * EMPTY_RECEIVES,
            sent_gb=MINUTES * self.questions * QUESTION_BYTES / 1e9,
        )

    def hot(self, hot_seconds: float) -> "Measured":
        """
        The same sweep with all of its jobs hot: round after round, until the next one takes over.

        Each look at the lease is a write that is refused, and billed.
        """
        waits = hand_over(hot_seconds)
        rounds = max(1.0, 60 / max(hot_seconds, self.seconds))
        return replace(
            self,
            seconds=max(60.0, min(self.seconds, ASKING_ENDS)) + waits,
            questions=self.questions * rounds,
            lease_writes=LEASE_WRITES + 1 + rounds + waits,
        )


def hand_over(hot_seconds: float) -> float:
    """Seconds that a sweep waits on average: half a hot round, and half a pause between looks."""
    return hot_seconds / 2 + 0.5


def month_of_old(asking: Measured, reading: Measured) -> Usage:
    """The usage of a month in which every fifth sweep asks, and the others read only."""
    share = 1 / ASKED_EVERY
    mixed = asking.month().times(share) + reading.month().times(1 - share)
    return mixed + Usage(metric_month=asking.metrics - mixed.metric_month)


@dataclass(frozen=True)
class Watched:
    """What one restore adds: how long it is hot, its messages, and the KB of its item."""

    duration: float
    changes: int
    questions_of_round: int = 1
    item_kilobytes: int = 2
    check_seconds: float = 1.0

    def usage(self, memory_megabytes: int = 512, hot_seconds: float = 10) -> Usage:
        seconds = hot_seconds_of(self.duration, hot_seconds)
        # Recorded and acknowledged, each in the table and in the index.
        writes = self.changes * 2 * (self.item_kilobytes + 1)
        questions = 1 + (seconds / hot_seconds) * self.questions_of_round
        return Usage(
            lambda_gb_second=(seconds + self.check_seconds) * memory_megabytes / 1024,
            lambda_request=1,
            dynamodb_write_unit=writes,
            sns_publish=self.changes,
            log_gb=self.changes * 2000 / 1e9,
            trace=1,
            sent_gb=questions * QUESTION_BYTES / 1e9,
        )


def hot_seconds_of(duration: float, hot_seconds: float) -> float:
    """
    Seconds of sweeps that a job keeps at work until its end is seen: the mean of all phases.

    It is named at 0; no other job is hot. Sweeps begin in each minute, and take over from each
    other.
    """
    phases = [second + 0.5 for second in range(60)]
    return sum(_hot_seconds(duration, hot_seconds, phase) for phase in phases) / len(phases)


def _hot_seconds(duration: float, hot_seconds: float, tick: float) -> float:
    seconds = max(0, math.ceil((duration - tick) / hot_seconds)) * hot_seconds
    return seconds + math.floor(seconds / 60) * hand_over(hot_seconds)
