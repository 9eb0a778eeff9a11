"""asl-validator accepts the definitions of workflows, and refuses broken ones."""

import json
from pathlib import Path

import pytest

from workflows.definitions import ROOT, VALIDATOR, definitions, filled, main

AWAIT_RESTORE = ROOT / "statemachines" / "await_restore.asl.yaml"

needs_validator = pytest.mark.skipif(
    not VALIDATOR.exists(), reason="`make check-workflows` fetches asl-validator, with npm"
)


def broken(folder: Path, old: str, new: str) -> Path:
    text = AWAIT_RESTORE.read_text()
    assert old in text
    path = folder / AWAIT_RESTORE.name
    path.write_text(text.replace(old, new))
    return path


def test_the_workflow_of_the_stack_is_among_the_definitions() -> None:
    assert AWAIT_RESTORE in definitions()


def test_every_substitution_is_filled_in() -> None:
    text = filled("Resource: arn:${Partition}:states:::lambda:invoke ${FunctionArn} ${Other}")

    assert text.startswith("Resource: arn:aws:states:::lambda:invoke arn:aws:lambda:")
    assert "${" not in text


@needs_validator
def test_every_definition_is_valid(capfd: pytest.CaptureFixture[str]) -> None:
    assert main() == 0
    assert capfd.readouterr().out.count("is valid") == len(definitions())


@needs_validator
@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("Next: Timed out unseen", "Next: Timed out unsen", "target: Timed out unsen"),
        ("Default: Timed out", "Default: Say how it ended", "Timed out is not reachable"),
        ("TimeoutSecondsPath:", "TimeoutSecondPath:", "/States/Wait for the restore is invalid"),
        ("Variable: $.restoreId", "Variable: restoreId", "asl_ref_path"),
        ("Type: Choice", "Type: Choise", "/States/Is the restore named?"),
        ("arn:${Partition}:states", "states", "/Resource is invalid"),
    ],
    ids=["unknown state", "unreached state", "unknown field", "path", "unknown type", "resource"],
)
def test_a_broken_definition_fails_the_check(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], old: str, new: str, finding: str
) -> None:
    # The good one after it does not hide it.
    assert main([broken(tmp_path, old, new), AWAIT_RESTORE]) == 1
    said = capfd.readouterr()
    assert finding in said.err
    assert said.out.count("is valid") == 1


def test_no_definition_at_all_fails_the_check() -> None:
    assert main([]) == 1


def test_without_the_validator_the_check_says_so_and_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([AWAIT_RESTORE], tmp_path / "asl-validator.js") == 0
    assert capsys.readouterr().out.startswith("NOT VALIDATED")


def test_the_lock_has_a_hash_of_each_package_and_no_address() -> None:
    lock = json.loads(Path(__file__).with_name("package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}

    assert "node_modules/asl-validator" in packages
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert not any("resolved" in package for package in packages.values())
