"""
What a month costs under some loads: the table of the page Costs. Pure.

Usage comes from what was measured (loads.toml, which `bench.needs` writes) and from the alarms of
the stack.
"""

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Self

from bench.costs import (
    MINUTES,
    PEOPLE_MEGABYTES,
    REPORT_BYTES,
    REPORT_MEGABYTES,
    WATCH_MEGABYTES,
    Usage,
)
from bench.timelines import AUTOMATED, DOWNLOAD, FLEX
from deploy import ROOT
from operate.parameter_overrides import FILE, parameters_of_environment

FIGURES = Path(__file__).with_name("loads.toml")

SMALL = parameters_of_environment(tomllib.loads((ROOT / FILE).read_text()), "small")
SMALL_EVERY = int(SMALL["SweepMinutes"])
"""Minutes between two sweeps."""

HOURS = 730
NIGHTS = HOURS / 24

LISTED_EVERY = 15
"""Minutes between two listings of a project in which nothing happens."""

WOKEN_LISTINGS = 4
"""Two events of a restore wake two listings each: its start and its end."""

HOT_SECONDS = 10.0

HAND_OVER = HOT_SECONDS / 2 + 0.5
"""Seconds that a sweep waits on average: half a hot round, and half a pause between looks."""

ASKING_ENDS = 119.5
"""Seconds after the start of a sweep at which the last question has ended."""

DAILY_METRICS = 1
"""Metrics that one sweep of a day sends: each costs in one hour of 24."""

EMAIL_CHECKS = 2
"""A day. Each sends a metric."""

LEASE_WRITES = 2
SHARDS = 4

NAMED_EVERY = 5.0
"""Seconds between two restores of a pipeline that names one after the other, all day."""

REFUSED_WRITES = 2
"""Writes of a sweep that finds another one waiting: both are refused, and billed."""

EMPTY_RECEIVES = 5 * 3
"""Calls a minute by which Lambda polls a queue: five at once, each for 20 seconds."""


@dataclass(frozen=True)
class Sweeps:
    """
    The sweeps of a stack with few jobs, one a minute.

    `seconds` are billed; `log_bytes` without Lambda's own lines; `metrics` are counted with their
    dimensions.
    """

    seconds: float
    log_bytes: float
    metrics: int
    bookkeeping_bytes: float

    def month(self, lease_writes: float = LEASE_WRITES, *, every: int = 1) -> Usage:
        """The usage of a month with such a sweep every so many minutes."""
        # One Query for each shard, eventually consistent, which is half a unit for 4 KB. And one
        # for the bookkeeping, consistent, which is a whole one.
        reads = SHARDS / 2 + max(1, math.ceil(self.bookkeeping_bytes / 4096))
        of_sweep = Usage(
            lambda_gb_second=self.seconds * WATCH_MEGABYTES / 1024,
            lambda_request=1,
            dynamodb_write_unit=lease_writes,
            dynamodb_read_unit=reads,
            log_gb=(self.log_bytes + REPORT_BYTES) / 1e9,
            schedule_invocation=1,
        )
        poller = Usage(queue_request=EMPTY_RECEIVES * MINUTES)
        return of_sweep.times(MINUTES / every) + poller + Usage(metric_month=self.metrics)

    def hot_month(self) -> Usage:
        """
        The same with hot jobs all the time: round after round, until the next sweep takes over.

        Each look at the lease is a write that is refused, and billed.
        """
        rounds = max(1.0, 60 / max(HOT_SECONDS, self.seconds))
        hot = replace(self, seconds=max(60.0, min(self.seconds, ASKING_ENDS)) + HAND_OVER)
        return hot.month(LEASE_WRITES + 1 + rounds + HAND_OVER)

    def named_month(self) -> Usage:
        """
        What checks of new jobs and the sweeps that they start add to a month that is always hot.

        One sweep waits all the time, looks at the lease every second, and takes over after a round
        of questions; the others end at once. A check takes no longer than a sweep of its job, which
        also writes a longer log.
        """
        of_job = Usage(
            lambda_gb_second=2 * self.seconds * WATCH_MEGABYTES / 1024,
            lambda_request=2,
            dynamodb_write_unit=REFUSED_WRITES,
            log_gb=2 * (self.log_bytes + REPORT_BYTES) / 1e9,
        )
        of_round = Usage(
            lambda_gb_second=HOT_SECONDS * WATCH_MEGABYTES / 1024,
            dynamodb_write_unit=LEASE_WRITES + HOT_SECONDS,
            dynamodb_read_unit=SHARDS / 2,
        )
        seconds = MINUTES * 60
        return of_job.times(seconds / NAMED_EVERY) + of_round.times(seconds / HOT_SECONDS)


@dataclass(frozen=True)
class Restore:
    """
    What one restore adds from its start to its end.

    `notices` of its messages are for people. `updates` are its writes to the table.
    """

    changes: int
    notices: int
    updates: int
    item_bytes: float
    log_bytes: float
    metrics: int

    def times(self, times: float, duration: float = 0, listing: float = 0) -> "Load":
        """
        So many restores in a month, beside sweeps that run anyhow.

        What lasts keeps sweeps at work. Each of its listings takes so many seconds.
        """
        seconds = hot_seconds_of(duration) + WOKEN_LISTINGS * listing
        # Each write goes to the item and to the index.
        kilobytes = math.ceil(self.item_bytes / 1024) + 1
        usage = Usage(
            lambda_gb_second=seconds * WATCH_MEGABYTES / 1024,
            dynamodb_write_unit=self.updates * kilobytes,
            sns_publish=self.changes,
            log_gb=self.log_bytes / 1e9,
        )
        # A metric costs in the hours in which it is sent.
        metrics = Usage(metric_month=self.metrics * min(1.0, times / HOURS))
        return Load("", usage.times(times) + metrics, times * self.changes, times * self.notices)


@dataclass(frozen=True)
class Notice:
    """What the function that notifies people needs for a message, and for one with an e-mail."""

    message_seconds: float
    notice_seconds: float
    message_log_bytes: float
    notice_log_bytes: float
    writes: int
    metrics: int


REPORT_FILES = 4


@dataclass(frozen=True)
class FleetReport:
    """What a report needs of so many clusters, each with so many restores."""

    clusters: int
    restores: int
    seconds: float
    read_units: float
    log_bytes: int

    @property
    def weekly(self) -> Usage:
        """A month with one in each week."""
        return Usage(
            lambda_gb_second=self.seconds * REPORT_MEGABYTES / 1024,
            lambda_request=1,
            dynamodb_read_unit=self.read_units,
            sns_publish=1,
            log_gb=(self.log_bytes + REPORT_BYTES) / 1e9,
            schedule_invocation=1,
            put_request=REPORT_FILES,
        ).times(HOURS / 24 / 7)


@dataclass(frozen=True)
class Figures:
    """Everything that was measured, and when."""

    date: date
    idle: Sweeps
    listing: Sweeps
    young: Sweeps
    flex: Restore
    automated: Restore
    download: Restore
    notice: Notice
    idle_10: Sweeps
    listing_10: Sweeps
    report: FleetReport


@dataclass(frozen=True)
class Load:
    """A month of a stack with these parameters, and the messages and e-mails of its restores."""

    name: str
    usage: Usage
    messages: float = 0
    notices: float = 0
    parameters: Mapping[str, str] = field(default_factory=dict)

    def beside(self, name: str, sweeps: Usage) -> Self:
        """The same with the sweeps of a month."""
        return replace(self, name=name, usage=sweeps + self.usage)

    @property
    def _email_checks(self) -> float:
        return 0 if self.parameters.get("Metrics") == "no" else EMAIL_CHECKS / 24

    def with_people(self, notice: Notice, *, by_email: bool = True) -> Usage:
        """
        The same, with messages for people of what has ended and what is ready.

        A post to a webhook is counted as an e-mail without its delivery, and with its secret.
        """
        told = self._told(notice)
        if by_email:
            return told + Usage(
                sns_publish=self.notices,
                email_delivery=self.notices,
                metric_month=self._email_checks,
            )
        return told + Usage(secret_month=1)

    def _told(self, notice: Notice) -> Usage:
        others = self.messages - self.notices
        seconds = others * notice.message_seconds + self.notices * notice.notice_seconds
        logs = others * notice.message_log_bytes + self.notices * notice.notice_log_bytes
        return self.usage + Usage(
            lambda_gb_second=seconds * PEOPLE_MEGABYTES / 1024,
            lambda_request=self.messages,
            dynamodb_write_unit=self.notices * notice.writes,
            metric_month=notice.metrics * min(1.0, self.notices / HOURS),
            log_gb=logs / 1e9,
            # Its poller, and the receipt and deletion of each message.
            queue_request=MINUTES * EMPTY_RECEIVES + 2 * self.messages,
        )


def loads(figures: Figures) -> tuple[Load, ...]:
    """The rows of the table."""
    idle = _month(figures.idle, figures.listing)
    small = _month(figures.idle, figures.listing, every=SMALL_EVERY)
    idle_10 = _month(figures.idle_10, figures.listing_10)
    nightly = figures.automated.times(NIGHTS, AUTOMATED.median, figures.listing.seconds)
    daily = figures.automated.times(100 * NIGHTS, AUTOMATED.median, figures.listing_10.seconds / 10)
    often = figures.flex.times(100 * NIGHTS, FLEX.median, figures.listing_10.seconds / 10)
    # One after the other, beside sweeps that are always hot, or never.
    downloads = figures.download.times(MINUTES * 60 / DOWNLOAD.median)
    named = figures.flex.times(MINUTES * 60 / NAMED_EVERY)
    return (
        Load("one project, nothing happens", idle),
        Load(
            "the same with `parameters-small.json` (`--environment small`)",
            replace(small, metric_month=0),
            parameters=SMALL,
        ),
        nightly.beside("one project, a restore of a dedicated cluster every night", idle),
        often.beside("10 projects with 100 clusters, 100 restores of Flex clusters a day", idle_10),
        daily.beside("the same of dedicated clusters", idle_10),
        often.beside(
            "50 projects with 500 clusters, 100 restores of Flex clusters a day",
            _month_of(50, figures),
        ),
        downloads.beside(
            "one project, one download after the other, day and night: always hot",
            figures.young.hot_month(),
        ),
        downloads.beside("this with `HotSeconds=0`", figures.young.month()),
        named.beside(
            f"one project, a pipeline that names a restore every {NAMED_EVERY:.0f} s, all day",
            figures.young.hot_month() + figures.young.named_month(),
        ),
    )


def standing(resources: Mapping[str, Any]) -> Usage:
    """What a stack of these resources costs anyhow: a secret, and alarms by their metrics."""
    alarms = 0
    for resource in resources.values():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            metrics = json.dumps(resource["Properties"].get("Metrics", []))
            alarms += max(1, metrics.count('"MetricStat"'))
    return Usage(secret_month=1, alarm_metric_month=alarms)


def _month(quiet: Sweeps, listing: Sweeps, **how: Any) -> Usage:
    """
    A month in which each project is listed every 15 minutes, and nothing else happens.

    Once a day, a sweep also asks when the credentials expire, and writes that: the call takes a
    10,000th of the time of all sweeps, and the write is one of 2,880.
    """
    share = how.get("every", 1) / LISTED_EVERY
    mixed = quiet.month(**how).times(1 - share) + listing.month(**how).times(share)
    return replace(mixed, metric_month=max(quiet.metrics, listing.metrics) + DAILY_METRICS / 24)


def _month_of(projects: int, figures: Figures) -> Usage:
    """A month of more projects, on the line through one project and ten. Each listing is stored."""
    quiet = _on_the_line(figures.idle, figures.idle_10, projects)
    listing = _on_the_line(figures.listing, figures.listing_10, projects)
    return _month(quiet, listing, lease_writes=LEASE_WRITES + projects / LISTED_EVERY)


def _on_the_line(one: Sweeps, ten: Sweeps, projects: int) -> Sweeps:
    nines = (projects - 1) / 9
    return replace(
        ten,
        seconds=one.seconds + nines * (ten.seconds - one.seconds),
        log_bytes=one.log_bytes + nines * (ten.log_bytes - one.log_bytes),
        bookkeeping_bytes=one.bookkeeping_bytes
        + nines * (ten.bookkeeping_bytes - one.bookkeeping_bytes),
    )


def hot_seconds_of(duration: float) -> float:
    """
    Seconds of sweeps that a job keeps at work until its end is seen: the mean of all phases.

    It is named at 0; no other job is hot. Sweeps begin in each minute, and take over from each
    other.
    """
    phases = [second + 0.5 for second in range(60)]
    return sum(_hot_seconds(duration, phase) for phase in phases) / len(phases)


def _hot_seconds(duration: float, tick: float) -> float:
    seconds = max(0, math.ceil((duration - tick) / HOT_SECONDS)) * HOT_SECONDS
    return seconds + math.floor(seconds / 60) * HAND_OVER
