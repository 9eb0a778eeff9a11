"""asl-validator accepts the definitions of workflows, and refuses broken ones."""

import json
from pathlib import Path

import pytest

from workflows.definitions import ROOT, VALIDATOR, definitions, main

AWAIT_RESTORE = ROOT / "statemachines" / "await_restore.asl.yaml"

needs_validator = pytest.mark.skipif(
    not VALIDATOR.exists(), reason="`make check` fetches asl-validator, with npm"
)


@pytest.mark.campaign
@needs_validator
def test_every_definition_is_valid(capfd: pytest.CaptureFixture[str]) -> None:
    assert AWAIT_RESTORE in definitions()
    assert main() == 0
    assert main([]) == 1
    assert capfd.readouterr().out.count("is valid") == len(definitions())


@pytest.mark.campaign
@needs_validator
def test_a_broken_definition_fails_the_check(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = AWAIT_RESTORE.read_text()
    broken = tmp_path / AWAIT_RESTORE.name
    broken.write_text(text.replace("Next: Timed out unseen", "Next: Timed out unsen"))

    # The good one after it does not hide it.
    assert main([broken, AWAIT_RESTORE]) == 1
    said = capfd.readouterr()
    assert "target: Timed out unsen" in said.err
    assert said.out.count("is valid") == 1


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
