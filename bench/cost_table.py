"""
What a month costs, the table of the page Costs.

`python -m bench.cost_table` writes it there from loads.toml, which has what was measured, and when.
"""

from collections.abc import Mapping

from bench.costs import Prices, Usage, read_figures
from bench.loads import FIGURES, Figures, loads, standing
from bench.report import Row
from contract.deployed_template import Stack
from local_stack.stack import ROOT

PAGE = ROOT / "docs" / "costs.md"
BEGIN = "<!-- `make docs` computes this table from bench/loads.toml and bench/prices.toml -->\n"
END = "<!-- end of the table -->\n"


def rows(figures: Figures) -> list[Row]:
    """The heading, and for each load its dollars without and with e-mail to people."""
    prices = Prices.read()
    by_email = {"NotifyEmail": "ops@example.com"}
    dollars = [
        (
            load.name,
            in_all(load.usage, load.parameters).dollars(prices),
            in_all(load.with_people(figures.notice), {**by_email, **load.parameters}).dollars(
                prices
            ),
        )
        for load in loads(figures)
    ]
    head = (f"US dollars a month in {prices.region}", "without e-mail", "with e-mail to people")
    return [head, *((name, f"{alone:.2f}", f"{told:.2f}") for name, alone, told in dollars)]


def in_all(usage: Usage, parameters: Mapping[str, str]) -> Usage:
    """The usage, and what a stack with these parameters costs anyhow."""
    return usage + standing(Stack(**parameters).resources)


def with_table(text: str) -> str:
    """The page with the table between its two comments."""
    figures = read_figures(Figures, FIGURES)
    remarks = (
        f"[List prices](../bench/prices.toml) of {Prices.read().date}; "
        "free tiers are not taken off.\n"
        f"What sweeps, restores and e-mails need was measured on {figures.date}, in the real\n"
        "Lambda runtime with Atlas 100 ms away."
    )
    return placed(text, BEGIN, rows(figures), remarks)


def placed(text: str, begin: str, rows: list[Row], remarks: str) -> str:
    """A page with a table and remarks between the comment `begin` and the one that ends it."""
    head, _, rest = text.partition(begin)
    _, found, tail = rest.partition(END)
    if not found:
        raise ValueError("the page has no place for the table of costs")
    rule = ("---", *("---:" for _ in rows[0][1:]))
    lines = (f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:]))
    # An empty heading is one blank, as in any cell.
    table = "\n".join(lines).replace("|  |", "| |")
    return f"{head}{begin}\n{table}\n\n{remarks}\n\n{END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text()))
