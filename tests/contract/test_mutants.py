"""Each mutant of tests/mutants/*.toml applies to the source; each file of the product has one."""

from pathlib import Path

import pytest

from mutants.mutant import Mutant, read

ROOT = Path(__file__).parents[2]

PRODUCT = (
    *("functions/**/*.py", "operate/*.py", "deploy/**/*.py", "deploy/terraform/main.tf"),
    *("statemachines/*", "template.yaml"),
)
"""The other files of deploy/terraform are written from the template, and compared with it."""

WITHOUT = {"foundation/plain_class.py"}
"""It makes dataclasses, and mypy checks what that promises."""


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


def test_every_file_of_the_product_has_a_mutant() -> None:
    files = {path.relative_to(ROOT) for pattern in PRODUCT for path in ROOT.glob(pattern)}
    names = {str(path).removeprefix("functions/") for path in files if path.stem != "__init__"}

    assert names - {edit.file for mutant in read().values() for edit in mutant.edits} == WITHOUT
