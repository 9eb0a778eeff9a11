"""Every command shown in a document is one that its program understands."""

import re
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import get_session
from samcli.cli.types import CfnParameterOverridesType  # type: ignore[import-untyped]

from contract.deployed_template import source_template
from contract.documents import DOCUMENTS, ROOT, commands, page, prose, section

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))
SHOWN = [(path, words) for path in DOCUMENTS for words in commands(path.read_text())]

# Options of the AWS CLI itself, and its commands that are no operations of an API.
EVERYWHERE = {"--query", "--output", "--region", "--profile", "--cli-binary-format"}
AWS_CLI_ONLY = {
    ("logs", "tail"): {"--since", "--follow"},
    ("cloudformation", "wait"): {"--stack-name"},
    ("cloudformation", "deploy"): {
        *("--stack-name", "--template-file", "--s3-bucket", "--s3-prefix", "--capabilities"),
        "--parameter-overrides",
    },
    ("s3", "cp"): {"--recursive"},
    ("s3", "rm"): {"--recursive"},
}
RENAMED = {("sns", "subscribe"): {"--notification-endpoint": "--endpoint"}}

# Names that a sentence explains, and files that a reader writes.
ANSWERED = {"stack", "BackupArn", "name", "bucket"}
WRITTEN = {"atlas.json", "notify.json", "topic-policy.json", "subscription.json", "target.json"}


def shown(program: str) -> list[Any]:
    found = [(path, words) for path, words in SHOWN if words[0] == program]
    return [
        pytest.param(words[1:], id=f"{path.name}: {' '.join(words[:3])}") for path, words in found
    ]


def test_every_program_shown_is_known() -> None:
    checked = {"aws", "make", ".venv/bin/pytest", ".venv/bin/sam"}
    of_the_reader = {"cat", "cdk", "git", "pre-commit", "rm", "sha256sum"}

    assert {words[0] for _, words in SHOWN} == checked | of_the_reader


@pytest.mark.parametrize("words", shown("aws"))
def test_every_aws_command_has_options_of_its_operation_and_names_what_exists(
    words: list[str],
) -> None:
    service, command, *rest = words
    renamed = RENAMED.get((service, command), {})
    given = {renamed.get(word, word) for word in rest if word.startswith("--")} - EVERYWHERE
    options, needed = AWS_CLI_ONLY.get((service, command), set[str]()), set[str]()
    if not options:
        model = get_session().get_service_model(service)
        operations = {xform_name(name, "-"): name for name in model.operation_names}
        members = model.operation_model(operations[command]).input_shape
        assert members
        options = {f"--{xform_name(name, '-')}" for name in members.members}
        needed = {f"--{xform_name(name, '-')}" for name in members.required_members}
    named = {name for word in words for name in re.findall(r"^<(\w+)>$", word)}
    files = {name for word in words for name in re.findall(r"^file://(.+)$", word)} - WRITTEN

    assert needed <= given <= options
    assert named <= source_template()["Outputs"].keys() | ANSWERED
    assert [name for name in files if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("words", shown("make"))
def test_every_make_command_has_a_target_and_its_variables(words: list[str]) -> None:
    variables = dict(word.split("=", 1) for word in words if "=" in word)

    assert {word for word in words if "=" not in word} <= TARGETS
    assert all(
        f"$({name}" in MAKEFILE or re.search(rf"call argument,{name}\b", MAKEFILE)
        for name in variables
    )
    if "PARAMETERS" in variables:
        given = CfnParameterOverridesType().convert([variables["PARAMETERS"]], None, None)
        assert given.keys() <= source_template()["Parameters"].keys()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_named_in_a_sentence_exists(path: Path) -> None:
    assert set(re.findall(r"`make ([a-z-]+)[^`]*`", prose(path.read_text()))) <= TARGETS


def test_the_other_commands_name_files_that_exist() -> None:
    words = {word for _, words in SHOWN if words[0].startswith(".venv/bin/") for word in words[1:]}
    files = {word for word in words if word.startswith(("docs/", "tests/"))}

    assert {"docs/parent-template.yaml", "docs/nightly-refresh/template.yaml"} <= files
    assert [name for name in files if not (ROOT / name).exists()] == []


def test_uninstalling_deletes_every_secret_that_the_docs_store() -> None:
    def named(shown: list[list[str]], command: str, option: str) -> set[str]:
        found = (words for words in shown if words[1:3] == ["secretsmanager", command])
        return {words[words.index(option) + 1] for words in found}

    stored = named([words for _, words in SHOWN], "create-secret", "--name")
    uninstalled = list(commands(section(page("deploying"), "Uninstall")))

    assert stored
    assert named(uninstalled, "delete-secret", "--secret-id") == stored
    assert ["aws", "cloudformation", "delete-stack", "--stack-name", "<stack>"] in uninstalled
