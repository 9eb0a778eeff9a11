"""
`python -m operate deploy` passes on what it is given. The environments of samconfig.toml.

SAM is replaced by a program that prints its arguments, and nothing is built.
"""

import json
import os
import pty
import re
import shlex
import subprocess
import sys
import tomllib
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from samcli.cli.types import CfnParameterOverridesType, CfnTags  # type: ignore[import-untyped]

from behaviour.rows import rows as cases
from contract.deployed_template import source_template
from contract.documents import ROOT, page, quoted, rows, section
from local_stack.aws import REGION, AwsEmulator, aws_error
from local_stack.wire import Fault
from operate.deploy import add_arguments

ENVIRONMENTS: dict[str, Any] = {
    name: one["deploy"]["parameters"]
    for name, one in tomllib.loads((ROOT / "samconfig.toml").read_text()).items()
    if name != "version"
}

SAM = """
import os, sys
for word in sys.argv[1:]:
    print(f"[{word}]")
print(f"region {os.environ.get('AWS_DEFAULT_REGION')}")
sys.exit(os.environ.get("FAILS"))
"""

type Ran = subprocess.CompletedProcess[str]

NO_AWS = {
    **dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull),
    "AWS_EC2_METADATA_DISABLED": "true",
}


def deploy(
    folder: Path,
    *words: str,
    env: Mapping[str, str] = MappingProxyType({}),
    stdin: int = subprocess.DEVNULL,
    cwd: Path = ROOT,
) -> Ran:
    program = folder / "samcli" / "__main__.py"
    program.parent.mkdir(exist_ok=True)
    program.with_name("__init__.py").touch()
    program.write_text(SAM)
    # Without an account.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "operate", "deploy", *words],
        cwd=cwd,
        env=inherited | NO_AWS | {"PYTHONPATH": str(folder), **env},
        stdin=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


STACK_TWO = ("--stack-name", "two", "--parameter-overrides")
OF_DEV, OF_PROD = (("--config-env", name, "--parameter-overrides") for name in ("dev", "prod"))


GIVEN: dict[str, tuple[list[str], list[str]]] = {
    "nothing": ([], []),
    "answers": (
        ["--secret-arn=arn:aws:one", "--projects=all", "--email=ops@example.com"],
        [
            "--parameter-overrides",
            "AtlasSecretArn=arn:aws:one AtlasProjectIds=all NotifyEmail=ops@example.com",
        ],
    ),
    "stack and options": (
        [
            *("--stack", "two", "--parameters", "RestoreTestTag=", "NotifyChanges=ended, ready"),
            *("--", "--no-confirm", "x"),
        ],
        [*STACK_TWO, 'RestoreTestTag="" NotifyChanges="ended, ready"', "--no-confirm", "x"],
    ),
    "several": (
        ["--parameters=A=1", "--parameters", "B=2", "C=3"],
        [STACK_TWO[-1], "A=1 B=2 C=3"],
    ),
    "environment": (["--environment=dev"], [*OF_DEV, "LogLevel=DEBUG LogRetentionDays=7"]),
    "command line counts": (
        ["--environment=prod", "--parameters=LogLevel=DEBUG", "--secret-arn=arn:aws:one"],
        [*OF_PROD, "LogLevel=DEBUG LogRetentionDays=365 AtlasSecretArn=arn:aws:one"],
    ),
}


@pytest.mark.parametrize(("words", "expected"), cases(GIVEN, "command line counts"))
def test_sam_gets_what_stands_on_the_command_line_and_in_the_environment(
    tmp_path: Path, words: list[str], expected: list[str]
) -> None:
    ran = deploy(tmp_path, *words, env={"AWS_REGION": "eu-central-1"})

    assert (ran.returncode, ran.stderr) == (0, "")
    *given, region = ran.stdout.splitlines()
    assert [word[1:-1] for word in given] == ["deploy", *expected]
    assert region == "region eu-central-1"


REFUSED: dict[str, tuple[list[str], str]] = {
    "empty stack": (["--stack", ""], "argument --stack: '' is not the name of a stack"),
    "an option": (["--stack=--guided"], "argument --stack: '--guided' is not the name of a stack"),
    "blank": (["--email", " "], "argument --email: ' ' is not a text that is not empty"),
    "twice": (["--parameters", "A=1", "--parameters", "B=2", "A=3"], "A is given twice"),
    "in two ways": (
        ["--email=a@b.example", "--parameters=NotifyEmail="],
        "NotifyEmail is given twice",
    ),
}


@pytest.mark.parametrize(("words", "said"), cases(REFUSED, "empty stack", "in two ways"))
def test_what_is_empty_or_given_twice_is_refused(
    tmp_path: Path, words: list[str], said: str
) -> None:
    ran = deploy(tmp_path, *words)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert said in ran.stderr


def test_what_was_built_of_other_sources_is_not_deployed(tmp_path: Path) -> None:
    """With a folder whose Makefile says that something is to be built."""
    (tmp_path / ".aws-sam/build").mkdir(parents=True)
    (tmp_path / ".aws-sam/build/template.yaml").touch()
    (tmp_path / "Makefile").write_text("build: FORCE\nFORCE:\n\t@true\n")
    ran = subprocess.run(
        [sys.executable, "-m", "operate", "deploy"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stdout) == (2, "")
    assert "what was built is not this checkout: run make build" in ran.stderr


@pytest.mark.parametrize("name", ["STACK", "ARGS"])
def test_make_deploy_refuses_the_variables_that_it_took_before(name: str) -> None:
    """Before it builds: nothing is done, also if everything is old."""
    ran = subprocess.run(  # noqa: S603 - our own command
        ["make", "--no-print-directory", "--dry-run", "--always-make", "deploy", f"{name}=x"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 2
    assert f"make deploy takes no {name}: see python -m operate deploy --help" in ran.stderr
    assert ran.stdout == ""


def test_a_failed_deployment_says_what_a_first_one_needs(tmp_path: Path) -> None:
    missing = "Error: ValidationError: Parameters: [AtlasSecretArn] must have values"
    for error, words, is_explained in (
        (missing, [], True),
        (missing, ["--secret-arn=arn:aws:one"], False),
        ("Error: the security token is expired", [], False),
    ):
        ran = deploy(tmp_path, *words, env={"FAILS": error})
        assert ran.returncode == 1
        assert error in ran.stderr
        assert ("needs --secret-arn <ARN" in ran.stderr) is is_explained


# A stack of a release


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsEmulator]:
    """An account with a stack of a release, and one of a checkout."""
    with AwsEmulator() as aws:
        for name, parameters in {
            "atlas-restore-watch": {"AtlasSecretArn": "arn", "ReleaseBucket": "artifacts"},
            "atlas-restore-watch-prod": {"AtlasSecretArn": "arn"},
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


def account(aws: AwsEmulator) -> dict[str, str]:
    keys = {"AWS_ACCESS_KEY_ID": "AKIAOPERATOROPERATOR", "AWS_SECRET_ACCESS_KEY": "operator"}
    return keys | {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": aws.url}


@pytest.mark.fault("F108")
@pytest.mark.campaign
def test_a_stack_of_a_release_is_not_moved_to_the_checkout_unasked(
    aws: AwsEmulator, tmp_path: Path
) -> None:
    refused = deploy(tmp_path, env=account(aws))
    words = ("--environment=prod", "--stack=atlas-restore-watch")
    elsewhere = ("--", "--region", "eu-central-1", f"--region={REGION}")
    also = deploy(tmp_path, *words, *elsewhere, env=account(aws))
    told = deploy(tmp_path, "--leave-release", env=account(aws))

    for one in (refused, also):
        assert one.returncode == 2
        assert "atlas-restore-watch was installed from a release, in the bucket artifacts" in (
            one.stderr
        )
        assert "takes its parameters ReleaseBucket and ReleasePrefix away" in one.stderr
        assert "add --leave-release" in one.stderr
        assert one.stdout == ""
    assert told.stdout.startswith("[deploy]")


@pytest.mark.fault("F108")
@pytest.mark.parametrize(("answer", "is_moved"), [("y", True), ("", False)], ids=["yes", "no"])
def test_at_a_terminal_the_operator_is_asked(
    aws: AwsEmulator, tmp_path: Path, answer: str, *, is_moved: bool
) -> None:
    keyboard, terminal = pty.openpty()
    os.write(keyboard, f"{answer}\n".encode())
    ran = deploy(tmp_path, stdin=terminal, env=account(aws))
    os.close(keyboard)
    os.close(terminal)

    assert "Move it? [y/N]" in ran.stdout
    assert ("[deploy]" in ran.stdout) is is_moved
    assert ("nothing was changed" in ran.stderr) is not is_moved


def test_a_stack_of_a_checkout_or_none_or_a_hidden_one_is_deployed_without_a_question(
    aws: AwsEmulator, tmp_path: Path
) -> None:
    denied = Fault(action=aws_error("cloudformation", "AccessDenied"), operation="DescribeStacks")
    for word in ("--environment=prod", "--stack=not-there"):
        assert deploy(tmp_path, word, env=account(aws)).stdout.startswith("[deploy]")
    with aws.wire.inject(denied) as hidden:
        assert deploy(tmp_path, env=account(aws)).stdout.startswith("[deploy]")
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


def test_the_docs_list_the_options() -> None:
    line = ArgumentParser(add_help=False)
    add_arguments(line)
    known = set(re.findall(r"--[a-z-]+", line.format_usage()))
    listed = page("make-deploy").partition("## Environments")[0]

    assert {name for row in rows(listed) for name in row.names} == known | {"--"}


def test_the_docs_list_what_each_environment_sets() -> None:
    said = {row.names[0]: row.cells for row in rows(section(page("make-deploy"), "Environments"))}

    assert said.keys() == {"dev", "small", "prod"}
    for environment, (stack, listed, asks) in said.items():
        assert quoted(stack) == (ENVIRONMENTS[environment]["stack_name"],)
        words = shlex.split(" ".join(quoted(listed)))
        assert dict(one.split("=", 1) for one in words) == overrides(environment)
        assert (asks == "yes") is ENVIRONMENTS[environment]["confirm_changeset"]
