"""Every command shown in a document is one that its program understands."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import jmespath  # type: ignore[import-untyped]
import pytest
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from contract.deployed_template import source_template
from contract.documents import (
    CHANGELOG,
    DOCUMENTS,
    README,
    ROOT,
    blocks,
    commands,
    commands_of,
    names,
    page,
    prose,
    quoted,
    section,
    table,
)
from contract.test_samconfig import ENVIRONMENTS
from deploy.release import SMALL, TEMPLATE
from local_stack.other_dynamodb import TOOLS

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))
SHOWN = [(path, words) for path in DOCUMENTS for words in commands(path.read_text())]

# What `make release` adds to the template's parameters.
OF_A_RELEASE = {"ReleaseBucket", "ReleasePrefix"}

# Names that a sentence explains.
ANSWERED = {
    *("stack", "BackupArn", "RoleArn", "name", "bucket", "Body", "ReceiptHandle"),
    *("QueueArn", "QueueUrl", "SubscriptionArn", "NextToken", "VersionId", "functionArn"),
}

# Files that a reader writes, and which JSON of which section shows what is in them.
WRITTEN = {
    "atlas.json": ("deploying", "Store the credentials", 0),
    "cluster.json": ("messages", "A queue of your own", 1),
    "list-snapshots.json": ("workflows", "A nightly refresh", 0),
    "notify.json": ("people", "Slack and Teams by webhook", 0),
    "payload.json": ("operations", "A message did not arrive", 0),
    "queue.json": ("messages", "A queue of your own", 0),
    "rotated.json": ("operations", "Rotation by Secrets Manager", 0),
    "silence.json": ("people", "Silence a project", 0),
    "subscription.json": ("troubleshooting", "SNS answered NotFound", 1),
    "target.json": ("events", "A schedule of your own", 0),
    "topic-policy.json": ("troubleshooting", "SNS answered NotFound", 0),
}

# Files that a command before writes.
PRINTED = {"versions.json": '{"Objects": [{"Key": "a", "VersionId": "1"}], "Quiet": true}'}

# The documents are for version 2 of the AWS CLI. PyPI has version 1, which lacks these.
PAYLOAD_IS_TEXT = ["--cli-binary-format", "raw-in-base64-out"]
TAIL = (["aws", "logs", "tail"], {"--since", "--follow"})

# Commands that the AWS CLI does not accept, and what it says of them.
SUBSCRIBE = "aws sns subscribe --topic-arn a --protocol email --attributes"
SCHEDULE = "aws scheduler create-schedule --name a --schedule-expression a --target Arn=a"
REJECTED = {
    SUBSCRIBE + """ FilterPolicy='{"a": ["b"]}'""": "Expected: '=', received: '\"'",
    SCHEDULE + " --flexible-time-window Mode=OFF": "Missing required parameter in Target",
    "aws sqs receive-message --queue-url a --max-number-of-messages many": "invalid literal",
    "aws cloudformation describe-stacks --query Stacks[0": "Invalid jmespath expression",
    "aws cloudformation wait stack-delete-complete --name a": "Unknown options: --name",
    "aws s3 cp . --recursive": "arguments are required: paths",
    "aws s3 rm s3://a --recursively": "Unknown options: --recursively",
}


# What 2.0 no longer has, or has with other values, and its default in 1.1.0.
OF_1_1_0 = {
    "Architecture": "arm64",
    "AtlasSecretKmsKeyArn": "",
    "HotSeconds": "10",
    "Metrics": "essential",
    "NoSweepMinutes": "4",
    "NotifySecretKmsKeyArn": "",
    "PagerDutyUrl": "https://events.pagerduty.com",
    "RateLimitReserve": "0.5",
    "RequestSource": "",
    "ReservedConcurrency": "0",
    "ScheduleExpression": "rate(1 minute)",
    "TopicKmsKeyArn": "",
    "Tracing": "Active",
}


@cache
def parameters_of(template: str) -> set[str]:
    return set(yaml_parse((ROOT / template).read_text())["Parameters"])


def shown(program: str) -> list[Any]:
    found = [(path, words) for path, words in SHOWN if words[0] == program]
    return [
        pytest.param(words[1:], id=f"{path.name}: {' '.join(words[:3])}") for path, words in found
    ]


def test_every_program_shown_is_known() -> None:
    checked = {"aws", "make", "sam", ".venv/bin/pytest"}
    of_the_reader = {"cat", "cd", "export", "gh", "git", "pre-commit", "rm"}
    of_the_reader |= {"python3", "sha256sum", "unzip"}

    assert {words[0] for _, words in SHOWN} == checked | of_the_reader


@pytest.mark.parametrize("words", shown("aws"))
def test_every_aws_command_names_what_exists(words: list[str]) -> None:
    template = source_template()
    named = {name for word in words for name in re.findall(r"^<(\w+)>$", word)}
    files = {name for word in words for name in re.findall(r"^file://(.+)$", word)}
    files |= {name for option, name in pairwise(words) if option == "--template-file"}

    of_docs = {name for name in files if name.startswith("docs/")}
    parameters = set(template["Parameters"]) | OF_A_RELEASE
    for name in of_docs:
        parameters = parameters_of(name)

    assert named <= template["Outputs"].keys() | ANSWERED
    known = WRITTEN.keys() | PRINTED.keys() | {SMALL, TEMPLATE}
    assert files - of_docs <= known, "a release has no such file"
    if "--parameter-overrides" in words:
        given = {word.split("=")[0] for word in words if "=" in word}
        assert given <= parameters


def test_the_command_before_the_upgrade_to_2_0_prints_what_is_not_a_default_of_1_1_0() -> None:
    text = section(page("deploying"), "Upgrade to 2.0")
    words, _ = commands(text)

    def printed(stated: dict[str, str]) -> Any:
        of_stack = {"LogLevel": "DEBUG", **OF_1_1_0, **stated}
        given = [{"ParameterKey": name, "ParameterValue": of_stack[name]} for name in of_stack]
        return jmespath.search(words[-1], {"Stacks": [{"Parameters": given}]})

    assert printed({}) == []
    for name in OF_1_1_0:
        assert printed({name: "other"}) == [f"{name}=other"]
    assert names(text) == OF_1_1_0.keys()
    parameters = source_template()["Parameters"]
    assert parameters.keys() & OF_1_1_0.keys() == {"Metrics"}
    assert len(OF_1_1_0) - 1 == 12
    assert (
        "Twelve parameters of version 1 are gone" in parameters["Metrics"]["ConstraintDescription"]
    )
    assert "twelve parameters are gone" in text


def of_a_release() -> Iterator[list[str]]:
    """The commands of its README.txt, which indents them."""
    text = (ROOT / "deploy" / "README.txt").read_text()
    return commands_of("\n".join(re.findall(r"^ {4}(.+)", text, re.MULTILINE)))


def aws_commands() -> Iterator[list[str]]:
    """Those of blocks and sentences, with an example where a reader fills something in."""
    example = "arn:aws:sqs:us-east-1:111122223333:example"
    found = list(of_a_release())
    for path in (*DOCUMENTS, CHANGELOG):
        text = re.sub(r"<[^<>\n]+>|\$[A-Z]\w*", example, path.read_text())
        found += commands(text)
        found += map(shlex.split, re.findall(r"`(aws [^`]+)`", prose(text)))
    return (words for words in found if words[0] == "aws")


def refused(shown: Iterable[list[str]], folder: Path) -> dict[str, str]:
    """What the AWS CLI says of the commands that it does not accept."""
    given = list(shown)
    # As version 2, which fetches no value from an address.
    (folder / "config").write_text("[default]\ncli_follow_urlparam = false\n")
    for name, (document, title, number) in WRITTEN.items():
        text = README.read_text() if document == "README" else page(document)
        (folder / name).write_text(blocks(section(text, title), "json")[number])
    for name, content in PRINTED.items():
        (folder / name).write_text(content)
    python, parser = TOOLS / "ministack" / "bin" / "python", Path(__file__).with_name("aws_cli.py")
    answer = subprocess.run(  # noqa: S603 - our own program
        [python, parser],
        input=json.dumps(given),
        cwd=folder,
        env={"AWS_CONFIG_FILE": "config", "AWS_DEFAULT_REGION": "us-east-1", "HOME": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    said = zip(map(shlex.join, given), json.loads(answer.stdout), strict=True)
    return {command: text for command, text in said if text}


@pytest.mark.campaign
def test_the_aws_cli_accepts_the_options_and_values_of_every_command(tmp_path: Path) -> None:
    known = (words for words in aws_commands() if words[:3] != TAIL[0])
    of_version_1 = [[word for word in words if word not in PAYLOAD_IS_TEXT] for words in known]
    said = refused(of_version_1, tmp_path)

    # A sentence may name a command without its options.
    assert {one: text for one, text in said.items() if " --" in one or "required" not in text} == {}


@pytest.mark.campaign
def test_the_aws_cli_rejects_wrong_options_and_values(tmp_path: Path) -> None:
    said = refused(map(shlex.split, REJECTED), tmp_path)

    for answer, (command, expected) in zip(said.values(), REJECTED.items(), strict=True):
        assert expected in answer, command


def test_what_only_version_2_of_the_aws_cli_has_is_right() -> None:
    for words in aws_commands():
        options = {word for word in words if word.startswith("--")}
        assert ("--payload" in options) is (" ".join(PAYLOAD_IS_TEXT) in " ".join(words))
        assert words[:3] != TAIL[0] or options <= TAIL[1]


def test_a_release_installs_and_uninstalls_as_the_page_says() -> None:
    of_page = page("deploying")
    shown = [*commands(section(of_page, "Store the credentials"))]
    shown += [one for one in commands(section(of_page, "Install a release")) if one[0] == "aws"]
    shown += [*commands(section(of_page, "Uninstall"))][:2]
    in_release = {"you@example.com": "<address>", "<stack>": "atlas-restore-watch"}

    assert list(of_a_release()) == [
        [re.sub("|".join(in_release), lambda one: in_release[one[0]], word) for word in words]
        for words in shown
    ]


@pytest.mark.parametrize("words", shown("make"))
def test_every_make_command_has_a_target_and_its_variables(words: list[str]) -> None:
    assert {word for word in words if "=" not in word} <= TARGETS
    assert all(f"$({word.partition('=')[0]}" in MAKEFILE for word in words if "=" in word)


def of_sam(words: list[str]) -> dict[str, Any]:
    """What SAM itself reads in the words of a command. Raises click.UsageError."""
    name, rest = words[0], words[1:]
    if name == "list":
        name, rest = f"list.{rest[0].replace('-', '_')}", rest[1:]
    command = import_module(f"samcli.commands.{name}.command").cli
    options, left, _ = command.make_parser(click.Context(command)).parse_args(rest)
    assert left == []
    return dict(options)


def sam_commands() -> Iterator[list[str]]:
    """Those of blocks and sentences."""
    for path in (*DOCUMENTS, CHANGELOG):
        text = path.read_text()
        found = [*commands(text), *map(shlex.split, re.findall(r"`(sam [^`]+)`", prose(text)))]
        yield from (words[1:] for words in found if words[0] == "sam")


def test_sam_knows_every_option_and_our_files_every_name_that_is_given_to_it() -> None:
    given = [of_sam(words) for words in sam_commands()]
    environments = {one.get("config_env", "dev") for one in given}

    assert environments - ENVIRONMENTS.keys() == set()
    assert "prod" in environments
    for options in given:
        template = options.get("template_file", TEMPLATE)
        named = {word.partition("=")[0] for word in options.get("parameter_overrides", ())}
        assert named <= parameters_of(template)


def test_an_option_that_sam_does_not_have_is_noticed() -> None:
    with pytest.raises(click.UsageError, match="No such option: --config-environment"):
        of_sam(["deploy", "--config-environment", "prod"])


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_named_in_a_sentence_exists(path: Path) -> None:
    assert set(re.findall(r"`make ([a-z-]+)[^`]*`", prose(path.read_text()))) <= TARGETS


def test_the_other_commands_name_files_that_exist() -> None:
    words = {word for _, words in SHOWN if words[0].startswith(".venv/bin/") for word in words[1:]}
    files = {word for word in words if word.startswith(("docs/", "tests/"))}

    assert "tests/unit/table/test_job_item.py" in files
    assert [name for name in files if not (ROOT / name).exists()] == []


def test_every_call_of_secrets_manager_is_a_permission_of_who_deploys() -> None:
    permissions = table(section(page("deploying"), "Permissions in AWS"))
    allowed = dict(permissions[2:])["`secretsmanager`"]
    shown = {words[2] for _, words in SHOWN if words[:2] == ["aws", "secretsmanager"]}
    needed = {"".join(map(str.title, command.split("-"))) for command in shown}

    assert {"CreateSecret", "RotateSecret"} < needed
    assert needed - set(quoted(allowed)) == set()


def test_uninstalling_deletes_every_secret_that_the_docs_store() -> None:
    def named(shown: list[list[str]], command: str, option: str) -> set[str]:
        found = (words for words in shown if words[1:3] == ["secretsmanager", command])
        return {words[words.index(option) + 1] for words in found}

    stored = named([words for _, words in SHOWN], "create-secret", "--name")
    uninstalled = list(commands(section(page("deploying"), "Uninstall")))

    assert stored
    assert named(uninstalled, "delete-secret", "--secret-id") == stored
    assert ["aws", "cloudformation", "delete-stack", "--stack-name", "<stack>"] in uninstalled
