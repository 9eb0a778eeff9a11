"""An alarm is evaluated as CloudWatch's documentation describes it."""

import json
from typing import Any

import pytest

from local_stack.cloudwatch import Alarm, Metric, Metrics, State
from local_stack.metric_math import Series, evaluate, ids

ERRORS = Metric("Tested", "Errors", frozenset({("service", "one")}))


def alarm(further: int = 2, /, **changes: Any) -> Alarm:
    """An alarm above 0 in a minute, except for the given properties."""
    usual = {
        "Namespace": "Tested",
        "MetricName": "Errors",
        "Dimensions": [{"Name": "service", "Value": "one"}],
        "Statistic": "Sum",
        "Period": 60,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 0,
        "EvaluationPeriods": 1,
        "DatapointsToAlarm": 1,
        "TreatMissingData": "notBreaching",
    }
    return Alarm(usual | changes, further)


def with_points(points: str) -> Metrics:
    """One value for each minute before minute 100: 0, X is 1, - is none."""
    metrics = Metrics()
    for number, point in enumerate(points.split()):
        if point != "-":
            minute = 100 - len(points.split()) + number
            metrics.put(ERRORS, minute * 60, 0 if point == "0" else 1)
    return metrics


# The tables of "Configuring how CloudWatch alarms treat missing data", Amazon CloudWatch User
# Guide: data points, and the state if missing data is treated as ignore, breaching, notBreaching.
# "keep" is the state from before.
THREE_OF_THREE = [
    ("0 - X - X", "OK", "OK", "OK"),
    ("0 - - - -", "OK", "OK", "OK"),
    ("- - - - -", "keep", "ALARM", "OK"),
    ("0 X X - X", "ALARM", "ALARM", "ALARM"),
    ("- - - - X", "keep", "ALARM", "OK"),
    ("X - - - -", "keep", "ALARM", "OK"),
]
TWO_OF_THREE = [
    ("0 - X - X", "ALARM", "ALARM", "ALARM"),
    ("0 0 X 0 X", "ALARM", "ALARM", "ALARM"),
    ("0 - X - -", "OK", "ALARM", "OK"),
    ("- - - - 0", "OK", "ALARM", "OK"),
    ("- - - - X", "keep", "ALARM", "OK"),
]


@pytest.mark.parametrize("before", ["OK", "ALARM"])
@pytest.mark.parametrize(
    ("enough", "points", "states"),
    [
        *((3, points, states) for points, *states in THREE_OF_THREE),
        *((2, points, states) for points, *states in TWO_OF_THREE),
    ],
)
def test_missing_data_is_treated_as_in_the_tables_of_aws(
    enough: int, points: str, states: list[str], before: State
) -> None:
    for treatment, state in zip(("ignore", "breaching", "notBreaching"), states, strict=True):
        three = alarm(EvaluationPeriods=3, DatapointsToAlarm=enough, TreatMissingData=treatment)
        three.state = before

        assert three.evaluate(with_points(points), 6000) == (before if state == "keep" else state)


def test_a_period_has_the_values_before_its_end_and_its_own_length() -> None:
    metrics = Metrics()
    for second in (0, 299.9, 300):
        metrics.put(ERRORS, second, 1)

    assert metrics.series(ERRORS, "Sum", 300, 300, 1) == {-1: 2}
    assert metrics.series(ERRORS, "Sum", 300, 360, 2) == {-1: 2, -2: 1}
    assert metrics.series(ERRORS, "Maximum", 60, 360, 6) == {-6: 1, -2: 1, -1: 1}


def test_a_value_arrives_at_its_time() -> None:
    metrics = with_points("X X X")

    assert metrics.before(5940).series(ERRORS, "Sum", 60, 6000, 5) == {-3: 1, -2: 1}


def test_only_further_periods_count_where_others_are_missing() -> None:
    two = {"EvaluationPeriods": 2, "DatapointsToAlarm": 2}
    metrics = with_points("X X - -")

    assert alarm(**two).evaluate(metrics, 6000) == "ALARM"
    assert alarm(1, **two).evaluate(metrics, 6000) == "OK"


def test_another_dimension_is_another_metric() -> None:
    other = alarm(Dimensions=[{"Name": "service", "Value": "two"}])

    assert alarm().evaluate(with_points("X"), 6000) == "ALARM"
    assert other.evaluate(with_points("X"), 6000) == "OK"


@pytest.mark.parametrize(
    ("comparison", "threshold", "state"),
    [
        ("GreaterThanThreshold", 0.5, "ALARM"),
        ("GreaterThanThreshold", 1, "OK"),
        ("LessThanThreshold", 1, "OK"),
        ("LessThanThreshold", 1.5, "ALARM"),
    ],
)
def test_the_value_is_compared_with_the_threshold(
    comparison: str, threshold: float, state: str
) -> None:
    compared = alarm(ComparisonOperator=comparison, Threshold=threshold)

    assert compared.evaluate(with_points("X"), 6000) == state


def test_an_alarm_watches_the_expression_that_returns_data() -> None:
    stat = {"Metric": {"Namespace": "Tested", "MetricName": "Errors"}, "Stat": "Sum", "Period": 60}
    watching = Alarm(
        {
            "Metrics": [
                {"Id": "watched", "Expression": "FILL(half, 3)"},
                {"Id": "half", "Expression": "errors / 2", "ReturnData": False},
                {"Id": "errors", "MetricStat": stat, "ReturnData": False},
            ],
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 2,
            "EvaluationPeriods": 2,
            "DatapointsToAlarm": 1,
            "TreatMissingData": "notBreaching",
        }
    )
    metric = Metric("Tested", "Errors", frozenset())
    metrics = Metrics()
    metrics.put(metric, 0, 4)

    assert watching.metrics == {"errors": metric}
    assert watching.evaluate(metrics, 60) == "ALARM"
    assert watching.evaluate(Metrics(), 60) == "OK"


def test_a_line_of_the_embedded_metric_format_has_values_by_metric() -> None:
    line = {
        "_aws": {
            "Timestamp": 1,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Tested",
                    "Dimensions": [["service"]],
                    "Metrics": [{"Name": "Errors", "Unit": "Count"}],
                }
            ],
        },
        "service": "one",
        "Errors": [2.0, 3.0],
    }
    metrics = Metrics()
    metrics.put_line(json.dumps(line), 59)
    metrics.put_line("START RequestId: 1", 59)
    metrics.put_line('{"level": "INFO"}', 59)

    assert metrics.known() == {ERRORS}
    assert metrics.series(ERRORS, "Sum", 60, 60, 1) == {-1: 5}


# Metric math

A: Series = {-4: 1, -3: 2, -1: 0}
B: Series = {-3: 5, -2: 7}


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("a + b", {-4: 1, -3: 7, -2: 7, -1: 0}),
        ("a - b", {-4: 1, -3: -3, -2: -7, -1: 0}),
        ("a * 2 + 1", {-4: 3, -3: 5, -1: 1}),
        ("b / a", {-3: 2.5, -4: 0}),
        ("6 / a", {-4: 6, -3: 3}),
        ("a > 1", {-4: 0, -3: 1, -1: 0}),
        ("a < b", {-4: 0, -3: 1, -2: 1, -1: 0}),
        ("FILL(a, 9)", {-4: 1, -3: 2, -2: 9, -1: 0}),
        ("FILL(none, 9)", {}),
        ("FILL(a, REPEAT)", {-4: 1, -3: 2, -2: 2, -1: 0}),
        ("FILL(b, REPEAT)", {-3: 5, -2: 7, -1: 7}),
        ("MAX([a, b])", {-4: 1, -3: 5, -2: 7, -1: 0}),
        ("MAX([a, none]) / 2", {-4: 0.5, -3: 1, -1: 0}),
        ("IF(a > 0, b)", {-4: 0, -3: 5}),
        ("IF(a + b > 0, a - b)", {-4: 1, -3: -3, -2: -7}),
    ],
)
def test_metric_math_is_that_of_cloudwatch(expression: str, result: Series) -> None:
    assert evaluate(expression, {"a": A, "b": B, "none": {}}, range(-4, 0)) == result


@pytest.mark.parametrize(
    "expression", ["1", "unknown", "ANOMALY_DETECTION_BAND(a)", "a % b", "MAX(a)", "FILL(a, 'b')"]
)
def test_metric_math_that_is_not_known_is_rejected(expression: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        evaluate(expression, {"a": A, "b": B}, range(-4, 0))


def test_an_expression_uses_the_names_in_lower_case() -> None:
    assert ids("FILL(MAX([a, b]) / 60, REPEAT)") == {"a", "b"}
