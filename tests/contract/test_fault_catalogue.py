"""The catalogue of faults and the tests that prove its rows agree."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
ROWS = re.findall(
    r"^\| ([EFSVW]\d+) \|", (TESTS / "behaviour" / "README.md").read_text(), re.MULTILINE
)


def test_every_row_has_a_test_and_every_proven_row_is_in_the_catalogue() -> None:
    marks = (
        mark
        for path in TESTS.glob("**/test_*.py")
        for mark in re.findall(r"mark\.fault\(([^)]*)\)", path.read_text())
    )
    proven = {row for mark in marks for row in re.findall(r"[EFSVW]\d+", mark)}

    assert len(ROWS) == len(set(ROWS))
    assert set(ROWS) == proven
