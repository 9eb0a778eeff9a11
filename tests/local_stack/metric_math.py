"""
Metric math, as far as the template's alarms use it.

The rules are those of "Using metric math", Amazon CloudWatch User Guide: of two time series, a
missing value counts as 0; FILL as described there. moto returns a metric by its id and computes
nothing, and no maintained library was found that does.
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence

REPEAT = "REPEAT"


class Series(dict[int, float]):
    """Values by the number of their period, the oldest first. What is missing has no number."""

    def _with(self, other: "Series | float", compute: Callable[[float, float], float]) -> "Series":
        if not isinstance(other, Series):
            return Series({one: float(compute(value, other)) for one, value in self.items()})
        known = self.keys() | other.keys()
        return Series({one: compute(self.get(one, 0), other.get(one, 0)) for one in known})

    def __add__(self, other: "Series | float") -> "Series":
        return self._with(other, operator.add)

    def __mul__(self, other: "Series | float") -> "Series":
        return self._with(other, operator.mul)

    __rmul__ = __mul__

    def __truediv__(self, other: float) -> "Series":
        return self._with(other, operator.truediv)

    def __gt__(self, other: float) -> "Series":
        return self._with(other, operator.gt)

    def __lt__(self, other: float) -> "Series":
        return self._with(other, operator.lt)


def evaluate(expression: str, metrics: Mapping[str, Series], periods: Sequence[int]) -> Series:
    """Return the series of an expression. It is the template's own, and Python reads it alike."""

    def fill(series: Series, filler: float | str) -> Series:
        filled, last = Series(), None if filler == REPEAT else filler
        # AWS does not say what becomes of a metric without any value.
        for one in periods if series else ():
            value = series.get(one, last)
            last = value if filler == REPEAT else filler
            if value is not None:
                filled[one] = float(value)
        return filled

    def maximum(several: list[Series]) -> Series:
        known = {one for series in several for one in series}
        return Series({one: max(each[one] for each in several if one in each) for one in known})

    functions = {"FILL": fill, "MAX": maximum, "REPEAT": REPEAT, "__builtins__": {}}
    result: Series = eval(expression, functions | dict(metrics))  # noqa: S307 - not from outside
    return result


def ids(expression: str) -> set[str]:
    """The metrics and expressions that an expression uses. Their names begin in lower case."""
    names = {node.id for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Name)}
    return {name for name in names if name[0].islower()}
