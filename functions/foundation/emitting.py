"""Logs and metrics. If writing them fails, nothing else does."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

type Metrics = dict[str, tuple[MetricUnit, float]]
"""Metrics by name: unit and value."""


@contextmanager
def emitting(lock: AbstractContextManager[object] | None = None) -> Iterator[None]:
    """
    Ignore failures: a log must not fail an action that succeeded.

    With a `lock`, one thread writes at a time: a line of a log and one of metrics must not mix.
    """
    try:
        with lock or nullcontext():
            yield
    except Exception as error:  # noqa: BLE001 - no failure here may fail anything else
        with suppress(OSError, ValueError):
            print(f"telemetry failed: {type(error).__name__}")  # noqa: T201 - not by the logger


def write_metrics(metrics: Metrics, **dimensions: str) -> None:
    """Write one line of CloudWatch's embedded metric format."""
    line = EphemeralMetrics()
    for name, value in dimensions.items():
        line.add_dimension(name, value)
    for name, (unit, amount) in metrics.items():
        line.add_metric(name, unit, amount)
    line.flush_metrics()
