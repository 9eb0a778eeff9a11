"""
What a month costs under some loads: the README's table. Pure.

Usage comes from what was measured (loads.toml, which `benchmark.measuring_loads` writes) and from
what is counted in the template: alarms and dashboards. Prices come from prices.toml.
"""

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import Any, Self

from benchmark.costs import EMPTY_RECEIVES, MINUTES, Measured, Usage, hot_seconds_of
from benchmark.timelines import AUTOMATED, DOWNLOAD, FLEX

FIGURES = Path(__file__).with_name("loads.toml")

HOURS = 730
NIGHTS = HOURS / 24

LISTED_EVERY = 15
"""Minutes between two listings of a project in which nothing happens."""

WOKEN_LISTINGS = 4
"""Two events of a restore wake two listings each: its start and its end."""

HOT_SECONDS = 10.0

WATCH_MEGABYTES = 512
PEOPLE_MEGABYTES = 256
"""Memory of the two functions, by the template."""

_UNPRICED = Usage(secret_month=1, secret_call=1, sent_gb=1)
"""What the table leaves out, because it depends on what exists already, and on Atlas's region."""


@dataclass(frozen=True)
class Sweeps:
    """
    The sweeps of a stack that watches projects, one a minute.

    `seconds` are billed; `questions` are calls to Atlas; `metrics` are counted with dimensions.
    """

    seconds: float
    questions: float
    log_bytes: float
    metrics: int
    bookkeeping_bytes: float

    def measured(self, jobs: int = 0, entry_bytes: float = 0) -> Measured:
        return Measured(
            seconds=self.seconds,
            jobs=jobs,
            questions=self.questions,
            entry_bytes=entry_bytes,
            log_bytes=self.log_bytes,
            metrics=self.metrics,
            memory_megabytes=WATCH_MEGABYTES,
            bookkeeping_bytes=self.bookkeeping_bytes,
        )


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

    def usage(self, duration: float = 0) -> Usage:
        """What is used beside sweeps that run anyhow: messages, and hot seconds if it lasts."""
        # Each write goes to the item and to the index.
        kilobytes = math.ceil(self.item_bytes / 1024) + 1
        return Usage(
            lambda_gb_second=hot_seconds_of(duration, HOT_SECONDS) * WATCH_MEGABYTES / 1024,
            dynamodb_write_unit=self.updates * kilobytes,
            sns_publish=self.changes,
            log_gb=self.log_bytes / 1e9,
        )


@dataclass(frozen=True)
class Notice:
    """What the function that notifies people needs for a message, and what for an e-mail more."""

    message_seconds: float
    notice_seconds: float
    message_log_bytes: float
    notice_log_bytes: float
    writes: int
    metrics: int


@dataclass(frozen=True)
class Figures:
    """Everything that was measured, and when."""

    date: date
    idle: Sweeps
    listing: Sweeps
    idle_10: Sweeps
    listing_10: Sweeps
    young: Sweeps
    entry_bytes: float
    flex: Restore
    automated: Restore
    download: Restore
    notice: Notice

    @classmethod
    def read(cls, path: Path = FIGURES) -> Self:
        said = tomllib.loads(path.read_text())
        kinds: dict[str, Any] = {one.name: one.type for one in fields(cls)}
        return cls(
            **{
                name: kinds[name](**value) if isinstance(value, dict) else value
                for name, value in said.items()
            }
        )


@dataclass(frozen=True)
class Load:
    """A month of a stack, and the messages and e-mails of its restores."""

    name: str
    usage: Usage
    messages: float = 0
    notices: float = 0

    def with_people(self, notice: Notice) -> Usage:
        """The same, with e-mails of what has ended and what is ready."""
        memory = PEOPLE_MEGABYTES / 1024
        more = self.notices * (notice.notice_seconds - notice.message_seconds)
        logs = self.messages * notice.message_log_bytes + self.notices * (
            notice.notice_log_bytes - notice.message_log_bytes
        )
        return self.usage + Usage(
            lambda_gb_second=(self.messages * notice.message_seconds + more) * memory,
            lambda_request=self.messages,
            dynamodb_write_unit=self.notices * notice.writes,
            sns_publish=self.notices,
            email_delivery=self.notices,
            metric_month=notice.metrics * min(1.0, self.notices / HOURS),
            log_gb=logs / 1e9,
            trace=self.messages,
            # Its poller, and the receipt and deletion of each message.
            queue_request=MINUTES * EMPTY_RECEIVES + 2 * self.messages,
        )


def loads(figures: Figures) -> tuple[Load, ...]:
    """The rows of the table."""
    idle = _month(figures.idle, figures.listing)
    idle_10 = _month(figures.idle_10, figures.listing_10)
    young = figures.young.measured(1, figures.entry_bytes)
    downloads = MINUTES * 60 / DOWNLOAD.median
    changes = _of_restores(figures.download, figures.download.usage(), downloads)
    told = (downloads * figures.download.changes, downloads * figures.download.notices)

    def restored(
        name: str, base: Usage, listing: float, one: Restore, duration: float, times: float
    ) -> Load:
        usage = one.usage(duration)
        woken = Usage(lambda_gb_second=WOKEN_LISTINGS * listing * WATCH_MEGABYTES / 1024)
        more = _of_restores(one, usage + woken, times)
        return Load(name, base + more, times * one.changes, times * one.notices)

    return (
        Load("one project, nothing happens", idle),
        restored(
            "one project, a restore of a dedicated cluster every night",
            idle,
            figures.listing.seconds,
            figures.automated,
            AUTOMATED.median,
            NIGHTS,
        ),
        restored(
            "10 projects with 100 clusters, 100 restores of Flex clusters a day",
            idle_10,
            figures.listing_10.seconds / 10,
            figures.flex,
            FLEX.median,
            100 * NIGHTS,
        ),
        Load(
            "one project, one download after the other, day and night: always hot",
            young.hot(HOT_SECONDS).month() + changes,
            *told,
        ),
        Load("the same with `HotSeconds=0`", young.month() + changes, *told),
    )


def watching(template: Mapping[str, Any]) -> Usage:
    """What the alarms and dashboards of a template use. An alarm costs by its metrics."""
    alarms = dashboards = 0
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            metrics = json.dumps(resource["Properties"].get("Metrics", []))
            alarms += max(1, metrics.count('"MetricStat"'))
        dashboards += resource["Type"] == "AWS::CloudWatch::Dashboard"
    return Usage(alarm_metric_month=alarms, dashboard_month=dashboards)


def priced(usage: Usage) -> Usage:
    """Without what the table leaves out."""
    left_out = {one.name: 0.0 for one in fields(Usage) if getattr(_UNPRICED, one.name)}
    return replace(usage, **left_out)


def _month(quiet: Sweeps, listing: Sweeps) -> Usage:
    """A month in which each project is listed every 15 minutes, and nothing else happens."""
    share = 1 / LISTED_EVERY
    mixed = quiet.measured().month().times(1 - share) + listing.measured().month().times(share)
    return replace(mixed, metric_month=max(quiet.metrics, listing.metrics))


def _of_restores(one: Restore, usage: Usage, times: float) -> Usage:
    """So many restores in a month. A metric costs in the hours in which it is sent."""
    return usage.times(times) + Usage(metric_month=one.metrics * min(1.0, times / HOURS))
