"""`make help` lists every target; `make deploy` and `make evidence` pass their variables on."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from samcli.cli.types import CfnParameterOverridesType  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]

OF_A_SHELL = dict.fromkeys(
    (
        *("SECRET_ARN", "PROJECTS", "EMAIL", "STACK", "PARAMETERS", "ARGS", "ENVIRONMENT"),
        *("FROM", "TO", "TABLE", "RTO", "RPO", "PROJECT", "CLUSTER", "OUT", "TEST"),
    ),
    "Leaked=leaked",
)
"""What a shell may have set for something else. Nothing of it may reach a command."""

type Ran = subprocess.CompletedProcess[str]


def make(*arguments: str, **variables: str) -> Ran:
    return subprocess.run(  # noqa: S603 - our own Makefile
        ["make", "--no-print-directory", *arguments],  # noqa: S607 - whatever make there is
        cwd=ROOT,
        # Without the flags and job slots of `make test`, and without another region.
        env={
            name: value
            for name, value in os.environ.items()
            if not name.startswith("MAKE") and name != "AWS_REGION"
        }
        | OF_A_SHELL
        | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def dry_sam(folder: Path) -> str:
    """Make a `sam` that prints its arguments, and return its folder as a variable of make."""
    sam, python = folder / "sam", folder / "python"
    sam.write_text(
        '#!/bin/sh\nfor word in "$@"; do echo "[$word]"; done\n'
        'echo "region $AWS_DEFAULT_REGION"\n[ -z "$FAILS" ] || { echo "$FAILS" >&2; exit 1; }\n'
    )
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    for program in (sam, python):
        program.chmod(0o755)
    return f"BIN={os.path.relpath(folder, ROOT)}"


def test_help_lists_every_target() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    listed = make("help").stdout

    assert {"demo", "deploy", "help", "test"} <= set(targets)
    assert all(f"make {target} " in listed for target in targets)


class TestDeploy:
    """`sam` is replaced by a program that prints its arguments; nothing is built."""

    @pytest.fixture
    def deploy(self, tmp_path: Path) -> Callable[..., Ran]:
        programs = dry_sam(tmp_path)
        return lambda *words: make("--old-file=build", "deploy", programs, *words)

    def test_passes_the_secret_to_sam_and_changes_nothing_else(
        self, deploy: Callable[..., Ran]
    ) -> None:
        ran = deploy("SECRET_ARN=arn:aws:one")

        assert ran.returncode == 0
        assert ran.stdout.splitlines()[:3] == [
            "[deploy]",
            "[--parameter-overrides]",
            "[AtlasSecretArn=arn:aws:one]",
        ]

    def test_passes_the_stack_the_parameters_and_the_options_to_sam(
        self, deploy: Callable[..., Ran]
    ) -> None:
        ran = deploy(
            "STACK=two", 'PARAMETERS=RequestSource="" LogLevel=DEBUG', "ARGS=--no-confirm-changeset"
        )

        assert ran.stdout.splitlines()[:6] == [
            "[deploy]",
            "[--stack-name]",
            "[two]",
            "[--parameter-overrides]",
            '[RequestSource="" LogLevel=DEBUG]',
            "[--no-confirm-changeset]",
        ]

    def test_the_three_answers_are_three_parameters(self, deploy: Callable[..., Ran]) -> None:
        ran = deploy("SECRET_ARN=arn:aws:one", "PROJECTS=all", "EMAIL=ops@example.com")

        (given,) = [line for line in ran.stdout.splitlines() if "AtlasSecretArn" in line]
        assert given == (
            "[AtlasSecretArn=arn:aws:one AtlasProjectIds=all NotifyEmail=ops@example.com]"
        )

    def test_blanks_between_projects_lose_none(self, deploy: Callable[..., Ran]) -> None:
        """SAM's own parser gives a name the last value that follows it."""
        one, two = "a" * 24, "b" * 24
        ran = deploy(f"PROJECTS={one}, {two}", "EMAIL= ops@example.com ")
        (given,) = [line[1:-1] for line in ran.stdout.splitlines() if "AtlasProjectIds" in line]

        parsed = CfnParameterOverridesType().convert(given, None, None)
        assert parsed == {"AtlasProjectIds": f"{one},{two}", "NotifyEmail": "ops@example.com"}

    def test_a_value_with_blanks_and_quotes_reaches_sam_whole(
        self, deploy: Callable[..., Ran], tmp_path: Path
    ) -> None:
        harm = tmp_path / "harm"
        ran = deploy(
            f"PARAMETERS=ScheduleExpression='rate(5 minutes)' NamePrefix=\"it's; touch {harm}\""
        )

        given = ran.stdout.splitlines()[2][1:-1]
        assert CfnParameterOverridesType().convert(given, None, None) == {
            "ScheduleExpression": "rate(5 minutes)",
            "NamePrefix": f"it's; touch {harm}",
        }
        assert not harm.exists()

    @pytest.mark.parametrize(
        "word", ["PARAMETERS=LogLevel='INFO", "PARAMETERS=a, b", "ENVIRONMENT=dev prod"]
    )
    def test_what_cannot_be_read_is_one_line_and_sam_is_not_called(
        self, deploy: Callable[..., Ran], word: str
    ) -> None:
        ran = deploy(word)

        assert ran.returncode != 0
        assert ran.stdout == ""
        line, of_make = ran.stderr.splitlines()
        assert line.startswith("deploy: ")
        assert of_make.startswith("make: ***")

    def test_a_variable_of_the_shell_changes_nothing(self, deploy: Callable[..., Ran]) -> None:
        """`make` in these tests has OF_A_SHELL."""
        ran = deploy()

        assert ran.returncode == 0
        assert ran.stdout.splitlines()[0] == "[deploy]"
        assert ran.stdout.splitlines()[1].startswith("region ")
        assert ran.stderr == ""

    def test_uses_the_region_of_the_aws_cli(self, deploy: Callable[..., Ran]) -> None:
        assert "region eu-central-1" in deploy("AWS_REGION=eu-central-1").stdout

    def test_reports_what_a_first_deployment_needs(
        self, deploy: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        missing = "Error: ValidationError: Parameters: [AtlasSecretArn] must have values"
        monkeypatch.setenv("FAILS", missing)
        ran = deploy()

        assert ran.returncode != 0
        assert missing in ran.stderr
        assert "needs SECRET_ARN=" in ran.stderr
        assert "needs SECRET_ARN=" not in deploy("SECRET_ARN=arn:aws:one").stderr

    def test_another_failure_says_nothing_of_a_first_deployment(
        self, deploy: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FAILS", "Error: the security token is expired")
        ran = deploy()

        assert ran.returncode != 0
        assert "the security token is expired" in ran.stderr
        assert "SECRET_ARN" not in ran.stderr


class TestEvidence:
    """Python is replaced by a program that prints its arguments."""

    @pytest.fixture
    def evidence(self, tmp_path: Path) -> Callable[..., Ran]:
        python = tmp_path / "python"
        python.write_text(
            '#!/bin/sh\nfor word in "$@"; do echo "[$word]"; done\n'
            'echo "region $AWS_DEFAULT_REGION"\n'
        )
        python.chmod(0o755)
        programs = os.path.relpath(tmp_path, ROOT)
        command = ("--old-file=.venv/.ready", "evidence", f"BIN={programs}")
        return lambda *words, **variables: make(*command, *words, **variables)

    def test_passes_each_variable_on_as_one_word(self, evidence: Callable[..., Ran]) -> None:
        given = {
            "FROM": "2026-11-01",
            "TO": "2026-11-30 08:00",
            "STACK": "two",
            "TABLE": "restores",
            "RTO": "60",
            "RPO": "1440",
            "PROJECT": "",
            "CLUSTER": 'it\'s "$(pwd)" `pwd`; pwd',
            "OUT": "~/an audit",
        }
        ran = evidence(*(f"{name}={value}" for name, value in given.items()))

        words = [f"[--{name.lower()}={value}]" for name, value in given.items()]
        assert ran.stdout.splitlines()[:-1] == ["[-m]", "[operate.evidence]", *words]

    def test_a_variable_of_the_shell_leaves_nothing_out(self, evidence: Callable[..., Ran]) -> None:
        ran = evidence("FROM=2026-11-01", PROJECT="mine", CLUSTER="orders", TO="2026-11-02")

        assert ran.stdout.splitlines()[2:-1] == ["[--from=2026-11-01]"]

    def test_uses_the_region_of_the_aws_cli(self, evidence: Callable[..., Ran]) -> None:
        assert "region eu-central-1" in evidence("AWS_REGION=eu-central-1").stdout
