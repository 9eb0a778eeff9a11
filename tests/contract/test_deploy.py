"""
`make deploy` and `make evidence` pass on what they are given. The environments of samconfig.toml.

SAM and Python are replaced by programs that print their arguments, and nothing is built.
"""

import json
import os
import pty
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from samcli.cli.types import CfnParameterOverridesType, CfnTags  # type: ignore[import-untyped]

from contract.deployed_template import source_template
from contract.documents import ROOT, page, quoted, rows, section
from local_stack.aws import REGION, AwsEmulator, aws_error
from local_stack.wire import Fault

ENVIRONMENTS: dict[str, Any] = {
    name: one["deploy"]["parameters"]
    for name, one in tomllib.loads((ROOT / "samconfig.toml").read_text()).items()
    if name != "version"
}
OF_A_SHELL = dict.fromkeys(
    (
        *("SECRET_ARN", "PROJECTS", "EMAIL", "STACK", "PARAMETERS", "ARGS", "ENVIRONMENT"),
        "LEAVE_RELEASE",
        *("FROM", "TO", "TABLE", "RTO", "RPO", "PROJECT", "CLUSTER", "OUT", "TEST"),
    ),
    "Leaked=leaked",
)
"""What a shell may have set for something else. Nothing of it may reach a command."""

PRINTS = (
    '#!/bin/sh\nfor word in "$@"; do echo "[$word]"; done\n'
    'echo "region $AWS_DEFAULT_REGION"\n[ -z "$FAILS" ] || { echo "$FAILS" >&2; exit 1; }\n'
)

type Ran = subprocess.CompletedProcess[str]


NO_AWS = {
    **dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull),
    "AWS_EC2_METADATA_DISABLED": "true",
}


def make(*arguments: str, stdin: int = subprocess.DEVNULL, **variables: str) -> Ran:
    # Without the flags and job slots of `make test`, and without an account.
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "AWS_"))
    }
    return subprocess.run(  # noqa: S603 - our own Makefile
        ["make", "--no-print-directory", *arguments],  # noqa: S607 - whatever make there is
        cwd=ROOT,
        env=inherited | NO_AWS | OF_A_SHELL | variables,
        stdin=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def programs(folder: Path, **scripts: str) -> str:
    for name, script in scripts.items():
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    return f"BIN={os.path.relpath(folder, ROOT)}"


def deploy(folder: Path, *words: str, stdin: int = subprocess.DEVNULL, **variables: str) -> Ran:
    made = programs(folder, sam=PRINTS, python=f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    return make("--old-file=build", "deploy", made, *words, stdin=stdin, **variables)


def evidence(folder: Path, *words: str, **variables: str) -> Ran:
    made = programs(folder, python=PRINTS)
    quiet = subprocess.DEVNULL
    return make("--old-file=.venv/.ready", "evidence", made, *words, stdin=quiet, **variables)


def test_help_lists_every_target() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    listed = make("help").stdout

    assert len(targets) > 10
    assert all(f"make {target} " in listed for target in targets)


STACK_TWO = ("--stack-name", "two", "--parameter-overrides")
OF_DEV, OF_PROD = (("--config-env", name, "--parameter-overrides") for name in ("dev", "prod"))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], []),
        (
            ["SECRET_ARN=arn:aws:one", "PROJECTS=all", "EMAIL=ops@example.com"],
            [
                "--parameter-overrides",
                "AtlasSecretArn=arn:aws:one AtlasProjectIds=all NotifyEmail=ops@example.com",
            ],
        ),
        (
            ["STACK=two", 'PARAMETERS=RequestSource="" LogLevel=DEBUG', "ARGS=--no-confirm x"],
            [*STACK_TWO, 'RequestSource="" LogLevel=DEBUG', "--no-confirm", "x"],
        ),
        (["ENVIRONMENT=dev"], [*OF_DEV, "LogLevel=DEBUG LogRetentionDays=7"]),
        (
            ["ENVIRONMENT=prod", "PARAMETERS=LogLevel=DEBUG", "SECRET_ARN=arn:aws:one"],
            [*OF_PROD, "LogLevel=DEBUG LogRetentionDays=365 AtlasSecretArn=arn:aws:one"],
        ),
    ],
    ids=["nothing", "three answers", "stack and options", "environment", "command line counts"],
)
def test_sam_gets_what_stands_on_the_command_line_and_in_the_environment(
    tmp_path: Path, words: list[str], expected: list[str]
) -> None:
    ran = deploy(tmp_path, *words)

    assert (ran.returncode, ran.stderr) == (0, "")
    *given, region = ran.stdout.splitlines()
    assert [word[1:-1] for word in given] == ["deploy", *expected]
    assert region.startswith("region ")


def test_a_failed_deployment_says_what_a_first_one_needs(tmp_path: Path) -> None:
    missing = "Error: ValidationError: Parameters: [AtlasSecretArn] must have values"
    for error, words, is_explained in (
        (missing, [], True),
        (missing, ["SECRET_ARN=arn:aws:one"], False),
        ("Error: the security token is expired", [], False),
    ):
        ran = deploy(tmp_path, *words, FAILS=error)
        assert ran.returncode != 0
        assert error in ran.stderr
        assert ("needs SECRET_ARN=" in ran.stderr) is is_explained


def test_without_sam_the_command_says_how_to_get_it(tmp_path: Path) -> None:
    made = programs(tmp_path, python=f'#!/bin/sh\nPATH=/nowhere exec "{sys.executable}" "$@"\n')
    ran = make("--old-file=build", "deploy", made)

    assert ran.returncode != 0
    assert ran.stderr.startswith("deploy: sam cannot be run (FileNotFoundError). Run make build\n")


@pytest.mark.parametrize("target", [deploy, evidence])
def test_both_use_the_region_of_the_aws_cli(target: Any, tmp_path: Path) -> None:
    assert "region eu-central-1" in target(tmp_path, "AWS_REGION=eu-central-1").stdout


# A stack of a release


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsEmulator]:
    """An account with a stack of a release, and one of a checkout."""
    with AwsEmulator() as aws:
        for name, parameters in {
            "atlas-restore-watch": {"ReleaseBucket": "artifacts"},
            "atlas-restore-watch-prod": {},
        }.items():
            template = {
                "Parameters": {one: {"Type": "String"} for one in parameters},
                "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
                "Outputs": {"TableName": {"Value": "restores"}},
            }
            aws.client("cloudformation").create_stack(
                StackName=name,
                TemplateBody=json.dumps(template),
                Parameters=[
                    {"ParameterKey": one, "ParameterValue": value}
                    for one, value in parameters.items()
                ],
            )
        yield aws


def account(aws: AwsEmulator) -> tuple[str, ...]:
    keys = ("AWS_ACCESS_KEY_ID=AKIAOPERATOROPERATOR", "AWS_SECRET_ACCESS_KEY=operator")
    return (*keys, f"AWS_REGION={REGION}", f"AWS_ENDPOINT_URL={aws.url}")


@pytest.mark.fault("F108")
def test_a_stack_of_a_release_is_not_moved_to_the_checkout_unasked(
    aws: AwsEmulator, tmp_path: Path
) -> None:
    refused = deploy(tmp_path, *account(aws))
    elsewhere = ("ENVIRONMENT=prod", f"ARGS=--region eu-central-1 --region={REGION}")
    also = deploy(tmp_path, *elsewhere, "STACK=atlas-restore-watch", *account(aws))
    told = deploy(tmp_path, "LEAVE_RELEASE=yes", *account(aws))

    for one in (refused, also):
        assert "Error 2" in one.stderr
        assert "atlas-restore-watch was installed from a release, in the bucket artifacts" in (
            one.stderr
        )
        assert "takes its parameters ReleaseBucket and ReleasePrefix away" in one.stderr
        assert "add LEAVE_RELEASE=yes" in one.stderr
        assert one.stdout == ""
    assert told.stdout.startswith("[deploy]")


@pytest.mark.fault("F108")
@pytest.mark.parametrize(("answer", "is_moved"), [("y", True), ("", False)])
def test_at_a_terminal_the_operator_is_asked(
    aws: AwsEmulator, tmp_path: Path, answer: str, *, is_moved: bool
) -> None:
    keyboard, terminal = pty.openpty()
    os.write(keyboard, f"{answer}\n".encode())
    ran = deploy(tmp_path, *account(aws), stdin=terminal)
    os.close(keyboard)
    os.close(terminal)

    assert "Move it? [y/N]" in ran.stdout
    assert ("[deploy]" in ran.stdout) is is_moved
    assert ("nothing was changed" in ran.stderr) is not is_moved


def test_a_stack_of_a_checkout_or_none_or_a_hidden_one_is_deployed_without_a_question(
    aws: AwsEmulator, tmp_path: Path
) -> None:
    denied = Fault(action=aws_error("cloudformation", "AccessDenied"), operation="DescribeStacks")
    for words in (["ENVIRONMENT=prod"], ["STACK=not-there"]):
        assert deploy(tmp_path, *words, *account(aws)).stdout.startswith("[deploy]")
    with aws.wire.inject(denied) as hidden:
        assert deploy(tmp_path, *account(aws)).stdout.startswith("[deploy]")
    assert hidden.hits == 1


# The environments of samconfig.toml


def overrides(environment: str) -> dict[str, str]:
    text = ENVIRONMENTS[environment].get("parameter_overrides", "")
    read: dict[str, str] = CfnParameterOverridesType().convert(text, None, None)
    return read


def test_an_environment_is_complete_and_of_its_own() -> None:
    """SAM reads one environment only. A stack keeps a NamePrefix, and so names roles, for ever."""
    assert list(ENVIRONMENTS) == ["default", "dev", "small", "prod"]
    for name, one in ENVIRONMENTS.items():
        assert one.keys() >= ENVIRONMENTS["default"].keys()
        assert one["capabilities"] == "CAPABILITY_NAMED_IAM"
        assert one["confirm_changeset"] is (name in {"default", "prod"})
        tags = {"Application": "atlas-restore-watch"}
        expected = tags if name == "default" else {**tags, "Environment": name}
        assert CfnTags().convert(one["tags"], None, None) == expected
        for parameter, value in overrides(name).items():
            said = source_template()["Parameters"][parameter]
            assert value in map(str, said.get("AllowedValues", [value]))
            assert re.search(said.get("AllowedPattern", ""), value)
    for option in ("stack_name", "s3_prefix"):
        assert len({one[option] for one in ENVIRONMENTS.values()}) == 4


def test_the_docs_list_what_each_environment_sets() -> None:
    said = {row.names[0]: row.cells for row in rows(section(page("make-deploy"), "Environments"))}

    assert said.keys() == {"dev", "small", "prod"}
    for environment, (stack, listed, asks) in said.items():
        assert quoted(stack) == (ENVIRONMENTS[environment]["stack_name"],)
        words = shlex.split(" ".join(quoted(listed)))
        assert dict(one.split("=", 1) for one in words) == overrides(environment)
        assert (asks == "yes") is ENVIRONMENTS[environment]["confirm_changeset"]
