"""
Metric math, as far as the template's alarms use it.

The rules are those of "Using metric math", Amazon CloudWatch User Guide: of two time series, a
missing value counts as 0; FILL and IF as described there. moto returns a metric by its id and
computes nothing, and no maintained library was found that does.
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

type Series = dict[int, float]
"""Values by the number of their period, the oldest first. What is missing has no number."""

type Value = Series | float

_OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.Lt: operator.lt,
    ast.GtE: operator.ge,
    ast.LtE: operator.le,
}


def evaluate(expression: str, metrics: Mapping[str, Series], periods: Sequence[int]) -> Series:
    """Return the series of an expression. Raise ValueError for what this file does not know."""
    result = _Evaluation(metrics, periods).of(ast.parse(expression, mode="eval").body)
    if not isinstance(result, dict):
        raise ValueError(f"{expression} is not a time series")  # noqa: TRY004
    return result


def ids(expression: str) -> set[str]:
    """The metrics and expressions that an expression uses. Their names begin in lower case."""
    names = {node.id for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Name)}
    return {name for name in names if name[0].islower()}


@dataclass(frozen=True)
class _Evaluation:
    metrics: Mapping[str, Series]
    periods: Sequence[int]

    def of(self, node: ast.AST) -> Value:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name) if name in self.metrics:
                return self.metrics[name]
            case ast.BinOp(left=left, op=op, right=right):
                return _combined(op, self.of(left), self.of(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return _combined(op, self.of(left), self.of(right))
            case ast.Call(func=ast.Name(id=function), args=arguments):
                return self._called(function, arguments)
        raise ValueError(f"this file cannot evaluate {ast.unparse(node)}")

    def _called(self, function: str, arguments: list[ast.expr]) -> Series:
        match function, arguments:
            case "FILL", [series, ast.Name(id="REPEAT")]:
                return self._repeated(self._series(series))
            case "FILL", [series, ast.Constant(value=int() | float() as filler)]:
                found = self._series(series)
                # AWS does not say what becomes of a metric without any value.
                return {one: found.get(one, filler) for one in self.periods} if found else {}
            case "IF", [condition, then]:
                held, value = self._series(condition), self._series(then)
                return {one: value.get(one, 0) for one, is_true in held.items() if is_true}
            case "MAX", [ast.List(elts=elements)]:
                several = [self._series(element) for element in elements]
                known = {one for series in several for one in series}
                return {one: max(each[one] for each in several if one in each) for one in known}
        raise ValueError(f"this file does not know {function} with such arguments")

    def _repeated(self, series: Series) -> Series:
        filled: Series = {}
        last: float | None = None
        for one in self.periods:
            last = series.get(one, last)
            if last is not None:
                filled[one] = last
        return filled

    def _series(self, node: ast.AST) -> Series:
        value = self.of(node)
        if not isinstance(value, dict):
            raise ValueError(f"{ast.unparse(node)} is not a time series")  # noqa: TRY004
        return value


def _combined(op: ast.AST, left: Value, right: Value) -> Value:
    if type(op) not in _OPERATORS:
        raise ValueError(f"this file does not know the operator {type(op).__name__}")
    compute = _OPERATORS[type(op)]
    match left, right:
        case dict(), dict():
            known = left.keys() | right.keys()
            pairs = {one: (left.get(one, 0.0), right.get(one, 0.0)) for one in known}
        case dict(), float():
            pairs = {one: (value, right) for one, value in left.items()}
        case float(), dict():
            pairs = {one: (left, value) for one, value in right.items()}
        case _:
            raise ValueError("no expression of the template has two numbers")
    divides = isinstance(op, ast.Div)
    return {one: float(compute(a, b)) for one, (a, b) in pairs.items() if b or not divides}
