"""
`PYTHONPATH=functions:tests python -m benchmark.cost_table` computes the README's table of costs.

It takes no measurement: loads.toml has what was measured, and when.
"""

from typing import Any

from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from benchmark.costs import Prices
from benchmark.loads import Figures, loads, priced, watching
from local_stack.stack import ROOT

README = ROOT / "README.md"
BEGIN = "<!-- `make docs` computes this table from tests/benchmark/loads.toml and prices.toml -->\n"
END = "<!-- end of the table -->\n"


def table() -> str:
    """The table, in Markdown."""
    prices, figures = Prices.read(), Figures.read()
    template: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
    lines = [
        f"| US dollars a month in {prices.region} | | with e-mail to people |",
        "| --- | ---: | ---: |",
    ]
    for load in loads(figures):
        alone = priced(load.usage).total(prices)
        told = priced(load.with_people(figures.notice)).total(prices)
        lines.append(f"| {load.name} | {alone:.2f} | {told:.2f} |")
    more = watching(template)
    if cost := more.total(prices):
        alarms, dashboards = more.alarm_metric_month, more.dashboard_month
        name = f"more for alarms on {alarms:.0f} metrics and {dashboards:.0f} dashboard"
        lines.append(f"| {name} | {cost:.2f} | {cost:.2f} |")
    listed, measured = prices.date, figures.date
    lines += [
        "",
        f"[List prices](tests/benchmark/prices.toml) of {listed}; free tiers are not taken off.",
        f"What sweeps, restores and e-mails need was measured on {measured}, in the real Lambda",
        "runtime with Atlas 100 ms away.",
    ]
    return "\n".join((*lines, ""))


def with_table(text: str) -> str:
    """The README with the table between its two comments."""
    return placed(text, BEGIN, table())


def placed(text: str, begin: str, table: str) -> str:
    """A page with a table between the comment `begin` and the one that ends it."""
    head, _, rest = text.partition(begin)
    _, found, tail = rest.partition(END)
    if not found:
        raise ValueError("the page has no place for the table of costs")
    return f"{head}{begin}\n{table}\n{END}{tail}"


def main() -> None:
    """Write the table into the README."""
    README.write_text(with_table(README.read_text()))


if __name__ == "__main__":
    main()
