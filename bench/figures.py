"""
What was measured for the page Costs and for what waiting costs (docs/workflows.md).

`bench.needs` writes it into loads.toml and waits.toml, beside this file. The pages say by which
formula it becomes dollars, and prices.toml has the list prices.
"""

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

LOADS = Path(__file__).with_name("loads.toml")
WAITS = Path(__file__).with_name("waits.toml")

WATCH_MEGABYTES = 512
PEOPLE_MEGABYTES = 256
REPORT_MEGABYTES = 1024
MEASURE_MEGABYTES = 512
"""Memory of the functions, by the template."""

TOKEN_CHARACTERS = 1024
"""Half of the longest token that Step Functions may give."""


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


@dataclass(frozen=True)
class Notice:
    """What the function that notifies people needs for a message, and for one with an e-mail."""

    message_seconds: float
    notice_seconds: float
    message_log_bytes: float
    notice_log_bytes: float
    writes: int
    metrics: int


@dataclass(frozen=True)
class Measuring:
    """
    What the function that measures restores needs for a restore with so many `databases`.

    `seconds`: of a delivery, whether Atlas has figures or not. `updates`: writes of the delivery
    that records, and of any other `other_updates`. `item_bytes`: of the recorded item.
    """

    databases: int
    seconds: float
    log_bytes: float
    updates: int
    other_updates: int
    item_bytes: float


@dataclass(frozen=True)
class FleetReport:
    """What a report needs of so many clusters, each with so many restores."""

    clusters: int
    restores: int
    seconds: float
    read_units: float
    log_bytes: int


@dataclass(frozen=True)
class Loads:
    """What sweeps, restores, notices, measurements and a report need, and when it was measured."""

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
    measuring: Measuring
    report: FleetReport


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
class Waits:
    """What a workflow that waits and a loop around the function need, and when it was measured."""

    date: date
    waited: Waited
    asked: Asked


def as_toml(figures: Any) -> str:
    """The text of a file of measured figures: values, and a table for each dataclass."""
    lines = ["# Written by `python -m bench.needs`; bench/figures.py says what each is."]
    for name, value in asdict(figures).items():
        if isinstance(value, dict):
            lines += ["", f"[{name}]", *(f"{key} = {number:g}" for key, number in value.items())]
        else:
            lines += [f"{name} = {value}"]
    return "\n".join((*lines, ""))
