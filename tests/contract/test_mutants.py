"""Each mutant of tests/mutants/*.toml applies to the source."""

from pathlib import Path

import pytest

from mutants.mutant import Mutant, read

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", read().values(), ids=lambda one: one.says)
def test_a_mutant_changes_a_text_that_stands_there_once(mutant: Mutant) -> None:
    changed: dict[Path, str] = {}
    for edit in mutant.edits:
        path = next(
            one for one in (ROOT / "functions" / edit.file, ROOT / edit.file) if one.exists()
        )
        changed[path] = edit.applied(changed.get(path) or path.read_text())

    for path, source in changed.items():
        if path.suffix == ".py":
            compile(source, path, "exec")
