"""
Dollars of what is used, from list prices (prices.toml), and the files with what was measured. Pure.

Free tiers are not taken off. Not counted: storage, traffic of sweeps, deliveries to subscribers
other than e-mail to people, and a NAT gateway.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, Self

from pydantic import TypeAdapter

PRICES = Path(__file__).with_name("prices.toml")

MINUTES = 730 * 60
"""Minutes, and so sweeps, of a month."""

WATCH_MEGABYTES = 512
PEOPLE_MEGABYTES = 256
REPORT_MEGABYTES = 1024
"""Memory of the functions, by the template."""

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
    """How much of each priced thing is used. The names are those of the prices."""

    lambda_gb_second: float = 0
    lambda_request: float = 0
    dynamodb_write_unit: float = 0
    dynamodb_read_unit: float = 0
    sns_publish: float = 0
    metric_month: float = 0
    secret_month: float = 0
    log_gb: float = 0
    schedule_invocation: float = 0
    queue_request: float = 0
    email_delivery: float = 0
    alarm_metric_month: float = 0
    sent_gb: float = 0
    state_transition: float = 0
    runner_minute: float = 0
    put_request: float = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            **{
                item.name: getattr(self, item.name) + getattr(other, item.name)
                for item in fields(self)
            }
        )

    def times(self, factor: float) -> "Usage":
        return Usage(**{item.name: getattr(self, item.name) * factor for item in fields(self)})

    def dollars(self, prices: Prices) -> float:
        used: dict[str, float] = asdict(self)
        return sum(number * prices.usd[name] for name, number in used.items())


def read_figures[T](kind: type[T], path: Path) -> T:
    """Read what was measured: values, and a table for each dataclass."""
    return TypeAdapter(kind).validate_python(tomllib.loads(path.read_text()))


def as_toml(figures: Any) -> str:
    """The text that `read_figures` reads."""
    lines = [
        "# Written by `python -m bench.needs`; bench/loads.py and bench/waits.py say what each is."
    ]
    for name, value in asdict(figures).items():
        if isinstance(value, dict):
            lines += ["", f"[{name}]", *(f"{key} = {number:g}" for key, number in value.items())]
        else:
            lines += [f"{name} = {value}"]
    return "\n".join((*lines, ""))
