"""
What it costs that a workflow waits for a restore, the table of docs/workflows.md.

`python -m bench.wait_table` writes it there from waits.toml, which has what was measured, and when.
"""

from textwrap import fill

from bench import loads
from bench.cost_table import placed
from bench.costs import Prices, read_figures
from bench.report import Row
from bench.waits import (
    EVERY,
    FIGURES,
    HOUR,
    STATES_OF_CHILD,
    STATES_OF_PARENT,
    STATES_OF_ROUND,
    TOKEN_CHARACTERS,
    Figures,
    http_loop,
    ways,
)
from local_stack.stack import ROOT

WORKFLOWS = ROOT / "docs" / "workflows.md"
BEGIN = "<!-- `make docs` computes this table from bench/waits.toml and bench/prices.toml -->\n"

LEAST = 0.0001
"""The dollars of a cell, unless it is 0: four decimal places."""


def rows(figures: Figures) -> list[Row]:
    """The heading, and for each way to wait its dollars and how soon the workflow goes on."""
    head = (
        f"US dollars in {Prices.read().region}",
        *("a restore of 1 h", "a restore of 6 h", "each further hour"),
        *("goes on: half within", "95 of 100 within"),
    )
    dollars = ((way, (way.dollars(1), way.dollars(6), way.further)) for way in ways(figures))
    return [head, *((way.name, *map(_cell, some), way.half, way.most) for way, some in dollars)]


def _cell(dollars: float) -> str:
    if dollars == 0:
        return "0"
    return f"{dollars:.4f}" if dollars >= LEAST else f"under {LEAST}"


def with_table(text: str) -> str:
    """The page with the table between its two comments."""
    return placed(text, BEGIN, rows(figures := read_figures(Figures, FIGURES)), _remarks(figures))


def _remarks(figures: Figures) -> str:
    """What the figures stand on."""
    prices = Prices.read()
    idle = loads.loads(read_figures(loads.Figures, loads.FIGURES))[0].usage.dollars(prices)
    hours = idle / http_loop(HOUR, max(EVERY)).dollars(prices)
    text = (
        f"[List prices](../bench/prices.toml) of {prices.date}; free tiers are not taken off. What"
        f" the function needs was measured on {figures.date}, in the real Lambda runtime with Atlas"
        f" 100 ms away and a token of {TOKEN_CHARACTERS:,} characters. A round of a loop enters"
        f" {STATES_OF_ROUND} states: it waits, asks and chooses. The workflow of the stack enters"
        f" {STATES_OF_CHILD}, and yours {STATES_OF_PARENT}. *Later* is after half an hour without a"
        " change; after six hours, the watch asks every five minutes. The watch is not in the"
        " table: it follows the restore whether a workflow waits or not. A stack that is there only"
        " for workflows is cheaper than loops around an HTTP Task from"
        f" {hours:,.0f} hours of waiting a month."
    )
    return fill(text, width=118, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    WORKFLOWS.write_text(with_table(WORKFLOWS.read_text()))
