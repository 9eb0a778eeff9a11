"""Logs and metrics. If writing them fails, nothing else does."""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

type Metrics = dict[str, tuple[MetricUnit, float]]
"""Metrics by name: unit and value."""


def start_logger(level: str) -> Logger:
    """Return the logger of a function. Below WARNING, libraries log URLs and headers."""
    for library in ("httpx", "httpcore", "boto3", "botocore", "urllib3"):
        logging.getLogger(library).setLevel(logging.WARNING)
    # An operator needs the message, not the line of code that logged it.
    return Logger(level=level, location=None)


@contextmanager
def emitting(lock: AbstractContextManager[object] | None = None) -> Iterator[None]:
    """
    Ignore failures: a log must not fail an action that succeeded.

    With a `lock`, one thread writes at a time: lines of a log and of metrics must not mix.
    """
    try:
        with lock or nullcontext():
            yield
    except Exception as error:  # noqa: BLE001 - no failure here may fail anything else
        with suppress(OSError, ValueError):
            print(f"telemetry failed: {type(error).__name__}")  # noqa: T201 - not by the logger


@dataclass(frozen=True)
class MetricsLog:
    """Writes CloudWatch's embedded metric format, unless the operator wants no metrics."""

    is_on: bool = True

    def write(self, metrics: Metrics, **dimensions: str) -> None:
        """Write the metrics in one line."""
        if not (self.is_on and metrics):
            return
        line = EphemeralMetrics()
        for name, value in dimensions.items():
            line.add_dimension(name, value)
        for name, (unit, amount) in metrics.items():
            line.add_metric(name, unit, amount)
        line.flush_metrics()
