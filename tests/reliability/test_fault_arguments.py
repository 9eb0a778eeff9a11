"""Arguments of the operator's commands: passed on as they are, or refused; never run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from samcli.cli.types import CfnParameterOverridesType  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]

HOSTILE = {
    "a function of make": "$(shell touch HARM)",
    "a function of make in braces": "${shell touch HARM}",
    "an evaluation": "$(eval X := $(shell touch HARM))",
    "an error of make": "$(error HARM)",
    "a variable of make": "$(HOME)",
    "a dollar that is doubled": "$$(touch HARM)",
    "one dollar": "pa$word",
    "a dollar at the end": "word$",
    "an open reference": "$(",
    "a command": "$(touch HARM)",
    "a command in backticks": "`touch HARM`",
    "a semicolon": "x; touch HARM",
    "an ampersand": "x & touch HARM",
    "a pipe": "x | touch HARM",
    "a redirection": "x > HARM",
    "single quotes": "'; touch HARM; '",
    "double quotes": '"; touch HARM; "',
    "an open quote": "it's",
    "a line break": "x\ntouch HARM",
    "a line break and a tab": "x\n\ttouch HARM",
    "a line break and a function": "x\n$(shell touch HARM)",
    "a carriage return": "x\rtouch HARM",
    "a backslash": "x\\",
    "a backslash and a line break": "x\\\ntouch HARM",
    "a comment": "x # touch HARM",
    "an option": "--help",
    "an asterisk": "*",
    "a tilde": "~",
    "an escape sequence": "\x1b[2J",
    "a definition": "endef",
    "history": "!!",
    "braces": "{a,b}",
    "nothing but a blank": "x ",
}

KEPT = (("SECRET_ARN", "PROJECTS", "EMAIL", "STACK"), ("PARAMETERS",))
DEPLOY = (*KEPT, ("ENVIRONMENT",), ("ARGS",))
EVIDENCE = ("FROM", "TO", "STACK", "TABLE", "RTO", "RPO", "PROJECT", "CLUSTER", "OUT")
DOCTOR = ("STACK", "PROJECT", "CLUSTER", "TEST")

each_argument = pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)

pytestmark = pytest.mark.fault("F98")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with a `sam` and a `python` that record what they are given."""
    for name, runs in (("sam", "false"), ("python", '[ "$2" = operate.deploy ]')):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(
            f'#!/bin/sh\nif {runs}; then exec "{sys.executable}" "$@"; fi\n'
            f"printf '%s\\0' \"$@\" > '{tmp_path}/given'\n"
        )
        program.chmod(0o755)
    return tmp_path


def make(programs: Path, target: str, *words: str) -> tuple[list[str] | None, str]:
    """Run the real make. Return what the program was given, None if nothing, and the errors."""
    ran = subprocess.run(  # noqa: S603 - our own Makefile
        [
            *("make", "--no-print-directory", "--old-file=build", "--old-file=.venv/.ready"),
            *(target, f"BIN={os.path.relpath(programs / 'bin', ROOT)}", *words),
        ],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
        check=False,
    )
    given = programs / "given"
    return given.read_bytes().decode().split("\0")[:-1] if given.exists() else None, ran.stderr


def harmed(programs: Path) -> list[Path]:
    return [*ROOT.glob("HARM*"), *programs.glob("**/HARM*")]


@each_argument
@pytest.mark.parametrize(("target", "names"), [("evidence", EVIDENCE), ("doctor", DOCTOR)])
def test_an_argument_reaches_the_command_as_it_is(
    programs: Path, target: str, names: tuple[str, ...], value: str
) -> None:
    given, _ = make(programs, target, *(f"{name}={value}" for name in names))

    assert given == ["-m", f"operate.{target}", *(f"--{name.lower()}={value}" for name in names)]
    assert harmed(programs) == []


@each_argument
@pytest.mark.parametrize("names", DEPLOY, ids=" ".join)
def test_an_argument_of_deploy_reaches_sam_as_it_is_or_is_refused(
    programs: Path, names: tuple[str, ...], value: str
) -> None:
    stated = f"RequestSource='{value}'" if "PARAMETERS" in names else value
    given, errors = make(programs, "deploy", *(f"{name}={stated}" for name in names))

    assert harmed(programs) == []
    if given is None:
        line, of_make = errors.splitlines()
        assert line.startswith("deploy: ")
        assert of_make.startswith("make: ***")
        return
    deploy, *options = given
    overrides = options[options.index("--parameter-overrides") + 1] if names in KEPT else ""
    read = CfnParameterOverridesType().convert((overrides,), None, None) if overrides else {}
    assert deploy == "deploy"
    if names == KEPT[0]:
        assert options[:2] == ["--stack-name", value]
        assert set(read.values()) == {"".join(value.split())}
    elif names == KEPT[1]:
        assert read == {"RequestSource": value}


def test_a_hostile_variable_that_no_command_has_is_not_run(programs: Path) -> None:
    given, _ = make(programs, "doctor", "EMIAL=$(shell touch HARM)", "AWS_REGION=$(touch HARM)")

    assert given == ["-m", "operate.doctor"]
    assert harmed(programs) == []
