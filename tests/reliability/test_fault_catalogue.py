"""The catalogue, its cases and its table agree."""

from collections import Counter

import pytest

from reliability.catalogue import CATALOGUE, COMMAND, README, Row, collected, problems, readme

ROWS = [row for group in CATALOGUE.values() for row in group]


def test_the_row_numbers_have_no_gaps() -> None:
    faults = [row for row in ROWS if row.startswith("F")]
    validations = [row for row in ROWS if row.startswith("V")]
    workflows = [row for row in ROWS if row.startswith("W")]

    assert [f"F{n}" for n in range(1, 100)] == faults
    assert [f"V{n}" for n in range(1, 10)] == validations
    assert [f"W{n}" for n in range(1, 15)] == workflows
    assert len(faults) + len(validations) + len(workflows) == len(ROWS)


def test_a_row_without_a_case_and_a_case_without_a_row_are_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proofs = {row: Counter(["test_x.test_y"]) for row in [*ROWS, "F101"] if row != "F17"}
    monkeypatch.setitem(CATALOGUE, "More", {"F100": Row("", "")})

    assert problems(proofs) == [
        "F100 has no case",
        "F17 has no case",
        "F101 is not a row of the catalogue",
    ]


def test_the_table_lists_every_row_and_every_case() -> None:
    collector = collected()

    assert problems(collector.proofs) == []
    assert README.read_text() == readme(collector), f"out of date; {COMMAND} writes it"
