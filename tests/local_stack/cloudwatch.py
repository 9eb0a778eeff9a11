"""
What CloudWatch does with metrics and alarms: it keeps values, and evaluates an alarm each minute.

An alarm looks at the periods that end now ("Alarm evaluation window", Amazon CloudWatch User Guide:
a sliding window is the default), and at some more, which count where others are missing
("Configuring how CloudWatch alarms treat missing data").
"""

import json
import operator
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from local_stack.metric_math import Series, evaluate

type State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

FURTHER_PERIODS = 2
"""CloudWatch looks at so many more. Its documentation has an example of two, and no rule."""

_STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {"Sum": sum, "Maximum": max}
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
}


@dataclass(frozen=True)
class Metric:
    """A metric is what its namespace, its name and all of its dimensions say."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]

    @classmethod
    def named(cls, said: Mapping[str, Any]) -> Self:
        """Read the metric that an alarm names."""
        pairs = frozenset((one["Name"], one["Value"]) for one in said.get("Dimensions", []))
        return cls(said["Namespace"], said["MetricName"], pairs)


class Metrics:
    """Every value that was put, by its metric and its time in Unix seconds."""

    def __init__(self) -> None:
        self._values: defaultdict[Metric, list[tuple[float, float]]] = defaultdict(list)

    def put(self, metric: Metric, at: float, value: float) -> None:
        insort(self._values[metric], (at, value))

    def put_line(self, line: str, at: float) -> None:
        """Take what a log line says in the embedded metric format, if it is one."""
        said = json.loads(line) if line.startswith("{") else {}
        for directive in said.get("_aws", {}).get("CloudWatchMetrics", []):
            for names in directive["Dimensions"]:
                dimensions = frozenset((name, said[name]) for name in names)
                for one in directive["Metrics"]:
                    metric = Metric(directive["Namespace"], one["Name"], dimensions)
                    given = said[one["Name"]]
                    for value in given if isinstance(given, list) else [given]:
                        self.put(metric, at, value)

    def known(self) -> set[Metric]:
        return set(self._values)

    def before(self, moment: float) -> "Metrics":
        """What had arrived by a moment, if CloudWatch gets each value at its time."""
        arrived = Metrics()
        for metric, values in self._values.items():
            for at, value in values:
                if at < moment:
                    arrived.put(metric, at, value)
        return arrived

    def series(self, metric: Metric, statistic: str, period: int, end: float, count: int) -> Series:
        """The statistic in the last `count` periods before `end`; the newest has number -1."""
        known = self._values.get(metric, [])
        first, last = (bisect_left(known, (at,)) for at in (end - count * period, end))
        values: defaultdict[int, list[float]] = defaultdict(list)
        for at, value in known[first:last]:
            values[int((at - end) // period)].append(value)
        return Series({number: _STATISTICS[statistic](some) for number, some in values.items()})


class Alarm:
    """An alarm with the properties of AWS::CloudWatch::Alarm, resolved."""

    def __init__(
        self, properties: Mapping[str, Any], further_periods: int = FURTHER_PERIODS
    ) -> None:
        self._said = properties
        self._further = further_periods
        self.state: State = "INSUFFICIENT_DATA"

    @property
    def metrics(self) -> dict[str, Metric]:
        """What it looks at, by the ids of its expressions."""
        return {name: metric for name, metric, _, _ in self._sources()}

    def evaluate(self, metrics: Metrics, now: float) -> State:
        """Set and return the state."""
        needed, enough = int(self._said["EvaluationPeriods"]), int(self._said["DatapointsToAlarm"])
        series = self._series(metrics, now, needed + self._further)
        breaches = _COMPARISONS[self._said["ComparisonOperator"]]
        threshold = float(self._said["Threshold"])
        newest = sorted(series.items(), reverse=True)[:needed]
        breaching = sum(breaches(value, threshold) for _, value in newest)
        missing = needed - len(newest)
        match self._said["TreatMissingData"]:
            case "breaching":
                self.state = "ALARM" if breaching + missing >= enough else "OK"
            case "notBreaching":
                self.state = "ALARM" if breaching >= enough else "OK"
            case "ignore" if breaching >= enough:
                self.state = "ALARM"
            case "ignore" if breaching < len(newest):
                self.state = "OK"
            case "ignore":
                pass
            case other:
                raise ValueError(f"this file does not know TreatMissingData: {other}")
        return self.state

    def _series(self, metrics: Metrics, now: float, count: int) -> Series:
        found = {
            name: metrics.series(metric, statistic, period, now, count)
            for name, metric, statistic, period in self._sources()
        }
        if "Metrics" not in self._said:
            return found["metric"]
        (watched,) = (one for one in self._said["Metrics"] if one.get("ReturnData", True))
        return evaluate(watched["Expression"], found, range(-count, 0))

    def _sources(self) -> Iterator[tuple[str, Metric, str, int]]:
        if "Metrics" not in self._said:
            said = self._said
            yield "metric", Metric.named(said), said["Statistic"], int(said["Period"])
        for one in self._said.get("Metrics", []):
            if "MetricStat" in one:
                said = one["MetricStat"]
                yield one["Id"], Metric.named(said["Metric"]), said["Stat"], int(said["Period"])
