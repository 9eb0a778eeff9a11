"""A measurement that a newer version has stored, before the stack was set back to this one."""

from typing import Any

import pytest
from pydantic import ValidationError

from restore_watch.model.measurement import Measurement, Outcome

FEWER = {"figure": "documents", "least": 9, "most": 9, "found": 4, "mayBe": "a new word"}
VIEWS = {"figure": "views", "least": 9, "found": 4}


def stored(**fields: Any) -> dict[str, Any]:
    return {"outcome": "matches", "databases": {"found": 1, "expected": 1}} | fields


@pytest.mark.fault("F141")
@pytest.mark.parametrize(
    "fields",
    [
        {"outcome": "a new word"},
        {"outcome": "not measured", "why": "a new word"},
        {"outcome": "differs", "differing": [{"name": "sales", "figures": [FEWER]}]},
        {"outcome": "differs", "differing": [{"name": "sales", "figures": [VIEWS]}]},
    ],
    ids=["outcome", "why", "may be", "figure"],
)
def test_new_words_are_read_and_prove_nothing(fields: dict[str, Any]) -> None:
    read = Measurement.read(stored(**fields))

    assert read.as_json()["outcome"] == fields["outcome"]
    assert not read.matches_whole
    assert not read.may_pass


def test_the_words_of_this_version_are_read_as_such() -> None:
    assert Measurement.read(stored()).outcome is Outcome.MATCHES


@pytest.mark.parametrize("outcome", [None, 7, [], {}], ids=["null", "number", "list", "object"])
def test_what_is_no_word_is_refused(outcome: object) -> None:
    with pytest.raises(ValidationError):
        Measurement.read(stored(outcome=outcome))
