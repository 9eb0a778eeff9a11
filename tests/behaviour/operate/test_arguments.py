"""Arguments of the operator's commands: passed on as they are, or refused; never run."""

import os
import subprocess
import sys
from itertools import batched
from pathlib import Path

import pytest
from samcli.cli.types import CfnParameterOverridesType  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[3]

HOSTILE = [
    *("$(shell touch HARM)", "${shell touch HARM}", "$(eval X := $(shell touch HARM))"),
    *("$(error HARM)", "$(HOME)", "$$(touch HARM)", "pa$word", "word$", "$(", "$(touch HARM)"),
    *("`touch HARM`", "x; touch HARM", "x & touch HARM", "x | touch HARM", "x > HARM"),
    *("'; touch HARM; '", '"; touch HARM; "', "it's", "x\ntouch HARM", "x\n\ttouch HARM"),
    *("x\n$(shell touch HARM)", "x\rtouch HARM", "x\\", "x\\\ntouch HARM", "x # touch HARM"),
    *("--help", "*", "~", "\x1b[2J", "endef", "!!", "{a,b}", "x "),
]

NAMES = {
    "evidence": "FROM TO STACK TABLE RTO RPO PROJECT CLUSTER OUT",
    "doctor": "STACK PROJECT CLUSTER TEST",
    "deploy": "ENVIRONMENT STACK SECRET_ARN PROJECTS EMAIL PARAMETERS ARGS LEAVE_RELEASE",
}

pytestmark = pytest.mark.fault("F98")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with a `sam` and a `python` that record what they are given."""
    for name in ("sam", "python"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\nprintf '%s\\0' \"$@\" > '{tmp_path}/given'\n")
        program.chmod(0o755)
    return tmp_path


def make(programs: Path, target: str, *words: str) -> tuple[list[str] | None, str]:
    """Run the real make. Return what the program was given, None if nothing, and the errors."""
    given = programs / "given"
    given.unlink(missing_ok=True)
    ran = subprocess.run(  # noqa: S603 - our own Makefile
        [
            *("make", "--no-print-directory", "--old-file=build", "--old-file=.venv/.ready"),
            *(target, f"BIN={os.path.relpath(programs / 'bin', ROOT)}", *words),
        ],
        cwd=ROOT,
        env={
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MAKE", "AWS_"))
        }
        | {"AWS_EC2_METADATA_DISABLED": "true", "HOME": str(programs)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert [*ROOT.glob("HARM*"), *programs.glob("**/HARM*")] == []
    return given.read_bytes().decode().split("\0")[:-1] if given.exists() else None, ran.stderr


@pytest.mark.parametrize("target", list(NAMES))
def test_an_argument_reaches_the_command_as_it_is(programs: Path, target: str) -> None:
    """Each run of make has as many of the values as there are names."""
    names = NAMES[target].split()
    for values in batched(HOSTILE, len(names), strict=False):
        arguments = dict(zip(names, values, strict=False))
        given, _ = make(programs, target, *map("=".join, arguments.items()))
        options = {name.lower().replace("_", "-"): value for name, value in arguments.items()}
        assert given == ["-m", f"operate.{target}", *map("--{0[0]}={0[1]}".format, options.items())]


@pytest.mark.campaign
@pytest.mark.parametrize("value", ["$(touch HARM)", "x\ntouch HARM", "'; touch HARM; '", "it's"])
@pytest.mark.parametrize(
    "names", ["SECRET_ARN PROJECTS EMAIL STACK", "PARAMETERS", "ENVIRONMENT", "ARGS"]
)
def test_an_argument_of_deploy_reaches_sam_as_it_is_or_is_refused(
    programs: Path, names: str, value: str
) -> None:
    """The real command stands between make and SAM."""
    (programs / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    stated = f"RequestSource='{value}'" if names == "PARAMETERS" else value
    given, errors = make(programs, "deploy", *(f"{name}={stated}" for name in names.split()))

    if given is None:
        line, of_make = errors.splitlines()
        assert line.startswith("deploy: ")
        assert of_make.startswith("make: ***")
        return
    assert given[0] == "deploy"
    if names == "ARGS":
        return
    read = CfnParameterOverridesType().convert((given[-1],), None, None)
    if names == "PARAMETERS":
        assert read == {"RequestSource": value}
    else:
        assert given[1:3] == ["--stack-name", value]
        assert set(read.values()) == {"".join(value.split())}


def test_a_hostile_variable_that_no_command_has_is_not_run(programs: Path) -> None:
    given, _ = make(programs, "doctor", "EMIAL=$(shell touch HARM)", "AWS_REGION=$(touch HARM)")

    assert given == ["-m", "operate.doctor"]
