"""An alarm is evaluated as CloudWatch's documentation describes it."""

import pytest

from local_stack.cloudwatch import Alarm, Metric, Metrics, State

ERRORS = {"Namespace": "Tested", "MetricName": "Errors"}


# The tables of "Configuring how CloudWatch alarms treat missing data", Amazon CloudWatch User
# Guide: how many of three data points, the points (0, X is 1, - is missing), and the state if
# missing data is treated as ignore, breaching, notBreaching. "keep" is the state from before.
@pytest.mark.parametrize("before", ["OK", "ALARM"])
@pytest.mark.parametrize(
    ("enough", "points", "states"),
    [
        (3, "0 - X - X", ["OK", "OK", "OK"]),
        (3, "0 - - - -", ["OK", "OK", "OK"]),
        (3, "- - - - -", ["keep", "ALARM", "OK"]),
        (3, "0 X X - X", ["ALARM", "ALARM", "ALARM"]),
        (3, "- - - - X", ["keep", "ALARM", "OK"]),
        (3, "X - - - -", ["keep", "ALARM", "OK"]),
        (2, "0 - X - X", ["ALARM", "ALARM", "ALARM"]),
        (2, "0 0 X 0 X", ["ALARM", "ALARM", "ALARM"]),
        (2, "0 - X - -", ["OK", "ALARM", "OK"]),
        (2, "- - - - 0", ["OK", "ALARM", "OK"]),
        (2, "- - - - X", ["keep", "ALARM", "OK"]),
    ],
    ids=lambda value: "" if isinstance(value, list) else str(value),
)
def test_missing_data_is_treated_as_in_the_tables_of_aws(
    enough: int, points: str, states: list[str], before: State
) -> None:
    metrics = Metrics()
    for minute, point in enumerate(points.split()):
        if point != "-":
            metrics.put(Metric.named(ERRORS), minute * 60, "0X".index(point))
    for treatment, state in zip(("ignore", "breaching", "notBreaching"), states, strict=True):
        alarm = Alarm(
            ERRORS
            | {"Statistic": "Sum", "Period": 60, "TreatMissingData": treatment}
            | {"EvaluationPeriods": 3, "DatapointsToAlarm": enough}
            | {"ComparisonOperator": "GreaterThanThreshold", "Threshold": 0}
        )
        alarm.state = before

        assert alarm.evaluate(metrics, 300) == (before if state == "keep" else state)
