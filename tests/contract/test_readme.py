"""The README is short, shows what works, and leads to every page."""

import json

import jsonschema
from pydantic import TypeAdapter

from benchmark import cost_table
from benchmark.costs import Prices
from contract.documents import README, ROOT, blocks, links, section
from pictures.architecture import BEGIN, END
from restore_watch.aws.cloud_events import cloud_event
from restore_watch.event.event import OneTarget, parse
from restore_watch.model.fields import UtcDate
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.status_change import StatusChange

TEXT = README.read_text()
SCHEMA = json.loads((ROOT / "events" / "restore-status-changed.schema.json").read_text())


def test_the_two_commands_are_on_the_first_screen() -> None:
    first_screen = TEXT.splitlines()[:25]

    assert any(line.startswith("make demo") for line in first_screen)
    assert any(line.startswith("make test") for line in first_screen)


def test_the_readme_stays_short() -> None:
    """Without what is generated: the source of its flowchart, and the table of costs."""
    written = TEXT
    for begin, end in ((BEGIN, END), (cost_table.BEGIN, cost_table.END)):
        before, _, rest = written.partition(begin)
        written = before + rest.partition(end)[2]

    assert len(written.splitlines()) <= 222


def test_the_table_of_costs_is_computed() -> None:
    assert cost_table.with_table(TEXT) == TEXT, "out of date; `make docs` computes it"


def test_the_costs_of_the_secret_are_its_price() -> None:
    price = Prices.read().usd["secret_month"]

    assert f"the secret ({price:.2f})" in section(TEXT, "Costs")


def test_every_page_is_linked_and_described() -> None:
    pages = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")}

    assert pages | {"SECURITY.md", "CONTRIBUTING.md"} == set(links(section(TEXT, "Pages")))


def test_the_secret_shown_is_json() -> None:
    (secret,) = blocks(section(TEXT, "Deploy in five minutes"), "json")

    assert set(json.loads(secret)) == {"client_id", "client_secret"}


def test_the_event_shown_names_one_job() -> None:
    (event,) = blocks(section(TEXT, "One event"), "json")

    assert isinstance(parse(json.loads(event)), OneTarget)


def test_the_message_shown_is_the_one_that_the_function_publishes() -> None:
    (block,) = blocks(section(TEXT, "One message"), "json")
    message = json.loads(block)
    data = message["data"]
    change = StatusChange(
        job=RestoreJob.model_validate(data),
        previous_status=data["previousStatus"],
        sequence=data["sequence"],
        observed_at=TypeAdapter(UtcDate).validate_python(data["observedAt"]),
    )

    jsonschema.validate(message, SCHEMA, format_checker=jsonschema.FormatChecker())
    assert cloud_event(change) == message
