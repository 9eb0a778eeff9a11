"""Each mutant of tests/mutants/*.toml applies to the source."""

from pathlib import Path

from mutants.mutant import Mutant, read

ROOT = Path(__file__).parents[2]


def test_each_mutant_changes_a_text_that_stands_in_the_source_once() -> None:
    stale = [f"{mutant.says}: {why}" for mutant in read().values() if (why := _why_stale(mutant))]

    assert not stale, "\n".join(stale)


def _why_stale(mutant: Mutant) -> str:
    changed: dict[Path, str] = {}
    for edit in mutant.edits:
        in_functions = ROOT / "functions" / edit.file
        path = in_functions if in_functions.exists() else ROOT / edit.file
        try:
            changed[path] = edit.applied(changed.get(path) or path.read_text())
        except (OSError, ValueError) as error:
            return str(error)
    for path, source in changed.items():
        if path.suffix == ".py":
            compile(source, path, "exec")
    return ""
