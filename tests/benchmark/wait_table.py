"""
`PYTHONPATH=functions:tests python -m benchmark.wait_table` computes what waiting costs.

The table is in docs/workflows.md. It takes no measurement: waits.toml has what was measured.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from textwrap import fill
from typing import Self

from benchmark import loads
from benchmark.cost_table import placed
from benchmark.costs import Prices, Usage
from benchmark.waits import (
    EVERY,
    HOT,
    HOUR,
    STATES_OF_CHILD,
    STATES_OF_PARENT,
    STATES_OF_ROUND,
    SWEPT,
    TOKEN_CHARACTERS,
    Figures,
    Latency,
    blocked_job,
    function_loop,
    http_loop,
    token,
)
from local_stack.stack import ROOT

WORKFLOWS = ROOT / "docs" / "workflows.md"
BEGIN = "<!-- `make docs` computes this table from tests/benchmark/waits.toml and prices.toml -->\n"

LEAST = 0.0001
"""The dollars of a cell, unless it is 0: four decimal places."""

HOURS = (1, 6)
FURTHER = 7
"""The hour whose dollars stand for each further one."""


@dataclass(frozen=True)
class Way:
    """A way to wait: its usage for so many seconds, and how soon the workflow goes on."""

    name: str
    usage: Callable[[float], Usage]
    half: str
    most: str

    @classmethod
    def by_token(cls, name: str, figures: Figures, states: int) -> Self:
        return cls(
            name,
            lambda _: token(figures.waited, states=states),
            f"{_seconds(HOT.half)}, later {_seconds(SWEPT.half)}",
            f"{_seconds(HOT.most)}, later {_seconds(SWEPT.most)}",
        )

    @classmethod
    def loop(cls, name: str, every: float, usage: Callable[[float], Usage]) -> Self:
        latency = Latency.polled(every)
        name = f"a loop around {name} every {every:.0f} s"
        return cls(name, usage, _seconds(latency.half), _seconds(latency.most))

    def dollars(self, hours: float, prices: Prices) -> float:
        return self.usage(hours * HOUR).total(prices)

    def further(self, prices: Prices) -> float:
        """The dollars of one hour more."""
        return self.dollars(FURTHER, prices) - self.dollars(FURTHER - 1, prices)


def _seconds(seconds: float) -> str:
    return f"{math.ceil(seconds)} s"


def ways(figures: Figures) -> tuple[Way, ...]:
    """The rows of the table."""
    return (
        Way.by_token("a state of your own with a task token", figures, 1),
        Way.by_token("the workflow of the stack", figures, STATES_OF_PARENT + STATES_OF_CHILD),
        *(
            Way.loop("the function", every, partial(function_loop, figures.asked, every=every))
            for every in EVERY
        ),
        *(Way.loop("an HTTP Task", every, partial(http_loop, every=every)) for every in EVERY),
        Way("a job of GitHub Actions that is blocked", blocked_job, "as it asks", "as it asks"),
    )


def hours_that_pay(prices: Prices) -> float:
    """Hours of waiting a month from which a stack that is there for nothing else is cheaper."""
    stack = loads.priced(loads.loads(loads.Figures.read())[0].usage).total(prices)
    return stack / http_loop(HOUR, max(EVERY)).total(prices)


def remarks(prices: Prices, figures: Figures) -> str:
    """What the figures stand on."""
    sentences = (
        f"[List prices](../tests/benchmark/prices.toml) of {prices.date}; free tiers are not taken",
        f"off. What the function needs was measured on {figures.date}, in the real Lambda runtime",
        f"with Atlas 100 ms away and a token of {TOKEN_CHARACTERS:,} characters. A round of a loop",
        f"enters {STATES_OF_ROUND} states: it waits, asks and chooses. The workflow of the stack",
        f"enters {STATES_OF_CHILD}, and yours {STATES_OF_PARENT}. *Later* is after half an",
        "hour without a change; after six hours, the watch asks every five minutes. The watch is",
        "not in the table: it follows the restore whether a workflow waits or not. A stack that is",
        "there only for workflows is cheaper than loops around an HTTP Task from",
        f"{hours_that_pay(prices):,.0f} hours of waiting a month.",
    )
    return fill(" ".join(sentences), width=118, break_long_words=False, break_on_hyphens=False)


def table() -> str:
    """The table, in Markdown, and what it stands on."""
    prices, figures = Prices.read(), Figures.read()
    head = (
        f"US dollars in {prices.region}",
        *(f"a restore of {hours} h" for hours in HOURS),
        "each further hour",
        "goes on: half within",
        "95 of 100 within",
    )
    lines = [f"| {' | '.join(head)} |", "| --- | ---: | ---: | ---: | ---: | ---: |"]
    for way in ways(figures):
        spent = [*(way.dollars(hours, prices) for hours in HOURS), way.further(prices)]
        cells = (way.name, *map(_cell, spent), way.half, way.most)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join((*lines, "", remarks(prices, figures), ""))


def _cell(dollars: float) -> str:
    if dollars == 0:
        return "0"
    return f"{dollars:.4f}" if dollars >= LEAST else f"under {LEAST}"


def with_table(text: str) -> str:
    """The page with the table between its two comments."""
    return placed(text, BEGIN, table())


def main() -> None:
    """Write the table into the page."""
    WORKFLOWS.write_text(with_table(WORKFLOWS.read_text()))


if __name__ == "__main__":
    main()
