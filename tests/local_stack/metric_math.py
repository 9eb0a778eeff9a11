"""
Metric math, as far as the template's alarms use it.

The rules are those of "Using metric math", Amazon CloudWatch User Guide. moto returns a metric by
its id and computes nothing, and no maintained library was found that does.
"""

from collections.abc import Mapping, Sequence


class Series(dict[int, float]):
    """Values by the number of their period, the oldest first. What is missing has no number."""

    def __truediv__(self, other: float) -> "Series":
        return Series({one: value / other for one, value in self.items()})


def evaluate(expression: str, metrics: Mapping[str, Series], periods: Sequence[int]) -> Series:
    """Return the series of an expression. It is the template's own, and Python reads it alike."""

    def fill(series: Series, filler: float) -> Series:
        # AWS does not say what becomes of a metric without any value.
        return Series({one: series.get(one, filler) for one in periods if series})

    def maximum(several: list[Series]) -> Series:
        known = {one for series in several for one in series}
        return Series({one: max(each[one] for each in several if one in each) for one in known})

    functions = {"FILL": fill, "MAX": maximum, "__builtins__": {}}
    result: Series = eval(expression, functions | dict(metrics))  # noqa: S307 - not from outside
    return result
