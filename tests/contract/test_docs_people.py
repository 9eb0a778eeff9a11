"""docs/people.md says what the function that notifies people has."""

import inspect
import re
from pathlib import Path

from notify_people import errors
from notify_people.channels.secret import KEYS
from notify_people.selection import DEFAULT_CHANGES, Change

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "people.md").read_text()
TELEMETRY = (ROOT / "functions" / "notify_people" / "telemetry.py").read_text()


def first_cells(heading: str) -> set[str]:
    """The names in the first column of the table whose head begins with this cell."""
    (table,) = re.findall(rf"^\| {heading} \|.*\n\| ---.*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    return {
        name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }


def test_every_error_is_described_and_no_other() -> None:
    raised = {
        name
        for name, one in inspect.getmembers(errors, inspect.isclass)
        if issubclass(one, errors.NotifyPeopleError) and not one.__subclasses__()
    }

    assert first_cells("error in the log") == raised


def test_every_metric_is_described_and_no_other() -> None:
    assert first_cells("metric") == set(re.findall(r'"(Notices\w+)"', TELEMETRY))


def test_every_word_for_a_change_is_described_and_no_other() -> None:
    assert first_cells("word") == {*Change, "all"}


def test_the_default_changes_are_named() -> None:
    (named,) = re.findall(r"The default is `([\w,]+)`", PAGE)

    assert set(named.split(",")) == DEFAULT_CHANGES


def test_every_key_of_the_secret_is_named() -> None:
    assert all(f"`{key}`" in PAGE for key in KEYS.values())
