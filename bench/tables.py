"""
The tables of dollars in the docs: what a month costs, and that a workflow waits for a restore.

`python -m bench.tables` writes them there from loads.toml and waits.toml, which have what was
measured, and when.
"""

from collections.abc import Mapping
from textwrap import fill

from bench import loads, waits
from bench.costs import REPORT_MEGABYTES, Prices, Usage, read_figures
from bench.loads import REPORT_FILES
from bench.report import Row
from bench.timelines import AUTOMATED, DOWNLOAD, FLEX
from contract.deployed_template import Stack
from local_stack.stack import ROOT

LOADS = read_figures(loads.Figures, loads.FIGURES)
WAITS = read_figures(waits.Figures, waits.FIGURES)
PRICES = Prices.read()

BEGIN = "<!-- `make docs` computes this table from bench/{}.toml and bench/prices.toml -->\n"
END = "<!-- end of the table -->\n"

LEAST = 0.0001
"""The dollars of a wait, unless it is 0: four decimal places."""


def costs() -> list[Row]:
    """The heading, and for each load its dollars without people, with e-mail, and with Slack."""
    by_email = {"NotifyEmail": "ops@example.com"}
    by_slack = {"NotifySecretArn": "arn:aws:secretsmanager:us-east-1:111122223333:secret:n-a1b2c3"}
    rows: list[Row] = [
        (
            f"US dollars a month in {PRICES.region}",
            *("without people", "with e-mail to people", "with Slack by webhook"),
        )
    ]
    for load in loads.loads(LOADS):
        alone = in_all(load.usage, load.parameters)
        told = in_all(load.with_people(LOADS.notice), {**by_email, **load.parameters})
        posted = in_all(
            load.with_people(LOADS.notice, by_email=False), {**by_slack, **load.parameters}
        )
        usages = (alone, told, posted)
        rows.append((load.name, *(f"{usage.dollars(PRICES):.2f}" for usage in usages)))
    return rows


def in_all(usage: Usage, parameters: Mapping[str, str]) -> Usage:
    """The usage, and what a stack with these parameters costs anyhow."""
    return usage + loads.standing(Stack(**parameters).resources)


def with_costs(text: str) -> str:
    """The page with the table between its two comments."""
    report = LOADS.report
    remarks = (
        f"[List prices](../bench/prices.toml) of {PRICES.date}; "
        "free tiers are not taken off.\n"
        f"What sweeps, restores and e-mails need was measured on {LOADS.date}, in the real\n"
        "Lambda runtime with Atlas 100 ms away. A restore of a Flex cluster takes"
        f" {FLEX.median} s here, a restore\nof a dedicated cluster {AUTOMATED.median} s, and a"
        f" download {DOWNLOAD.median} s, one after the other. Restores that take longer\n"
        "cost more, because the watch asks about them for longer. The most that they can cost is"
        " about what the row *always hot* says:\nthere, a restore runs day and night. Sweeps were"
        " measured with one project and with ten. What the sweeps of 50 projects need is\n"
        "computed: it lies on the straight line through these two.\n"
        "A post to Slack counts as an e-mail without its delivery, and with the secret for"
        " webhooks.\n\n"
        f"A [report](report.md) every week of {report.clusters:,} clusters with"
        f" {report.restores:,} restores adds\n"
        f"{report.weekly.dollars(PRICES):.2f}: each takes {report.seconds:.0f} s with"
        f" {REPORT_MEGABYTES:,} MB, reads {report.read_units:,.0f} units of the table, and stores"
        f" {REPORT_FILES} files."
    )
    return _placed(text, BEGIN.format("loads"), costs(), remarks)


def times_waited() -> list[Row]:
    """The heading, and for each way to wait its dollars and how soon the workflow goes on."""
    head = (
        f"US dollars in {PRICES.region}",
        *("a restore of 1 h", "a restore of 6 h", "each further hour"),
        *("goes on: half within", "95 of 100 within"),
    )
    ways = waits.ways(WAITS)
    dollars = ((way, (way.dollars(1), way.dollars(6), way.further)) for way in ways)
    return [head, *((way.name, *map(_cell, some), way.half, way.most) for way, some in dollars)]


def _cell(dollars: float) -> str:
    if dollars == 0:
        return "0"
    return f"{dollars:.4f}" if dollars >= LEAST else f"under {LEAST}"


def with_waits(text: str) -> str:
    """The page with the table between its two comments."""
    idle = loads.loads(LOADS)[0].usage.dollars(PRICES)
    hours = idle / waits.http_loop(waits.HOUR, max(waits.EVERY)).dollars(PRICES)
    remarks = (
        f"[List prices](../bench/prices.toml) of {PRICES.date}; free tiers are not taken off. What"
        f" the function needs was measured on {WAITS.date}, in the real Lambda runtime with Atlas"
        f" 100 ms away and a token of {waits.TOKEN_CHARACTERS:,} characters. *Later* is"
        " after half an hour without a change; after six hours, the watch asks every five minutes."
        " The watch is not in the table: it follows the restore whether a workflow waits or not. A"
        " stack that is there only for workflows is cheaper than loops around an HTTP Task from"
        f" {hours:,.0f} hours of waiting a month."
    )
    remarks = fill(remarks, width=118, break_long_words=False, break_on_hyphens=False)
    return _placed(text, BEGIN.format("waits"), times_waited(), remarks)


def _placed(text: str, begin: str, rows: list[Row], remarks: str) -> str:
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


PAGES = {
    ROOT / "docs" / "costs.md": with_costs,
    ROOT / "docs" / "workflows.md": with_waits,
}


if __name__ == "__main__":
    for page, with_table in PAGES.items():
        page.write_text(with_table(page.read_text()))
