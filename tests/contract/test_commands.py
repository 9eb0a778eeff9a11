"""Every command shown in a document is one that its program understands."""

import re
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import get_session
from samcli.cli.types import CfnParameterOverridesType  # type: ignore[import-untyped]
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from contract.documents import DOCUMENTS, ROOT, commands, prose

TEMPLATE: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = dict(re.findall(r"^([a-z-]+):.*## (.+)$", MAKEFILE, re.MULTILINE))
SHOWN = [(path, words) for path in DOCUMENTS for words in commands(path.read_text())]

# Options of the AWS CLI itself, and its commands that are no operations of an API.
EVERYWHERE = {"--query", "--output", "--region", "--profile", "--cli-binary-format"}
AWS_CLI_ONLY = {
    ("logs", "tail"): {"--since", "--follow"},
    ("cloudformation", "wait"): {"--stack-name"},
    ("s3", "rm"): {"--recursive"},
}
RENAMED = {("sns", "subscribe"): {"--notification-endpoint": "--endpoint"}}

# Names that a sentence explains, and what another command on the page answers.
ANSWERED = {"stack", "BackupArn", "name"}

# Programs of the reader, which this test does not check.
ELSEWHERE = {"cat", "git", "pre-commit", "rm", "sha256sum"}


def shown(program: str) -> list[Any]:
    found = [(path, words) for path, words in SHOWN if words[0] == program]
    assert found
    return [
        pytest.param(words[1:], id=f"{path.name}: {' '.join(words[:3])}") for path, words in found
    ]


def test_every_program_shown_is_known() -> None:
    known = {"aws", "make", ".venv/bin/pytest", ".venv/bin/sam"} | ELSEWHERE

    assert {words[0] for _, words in SHOWN} == known


@pytest.mark.parametrize("words", shown("aws"))
def test_every_aws_command_has_the_options_of_its_operation(words: list[str]) -> None:
    service, command, *rest = words
    renamed = RENAMED.get((service, command), {})
    given = {renamed.get(word, word) for word in rest if word.startswith("--")}
    if (service, command) in AWS_CLI_ONLY:
        assert given <= AWS_CLI_ONLY[service, command]
        return
    model = get_session().get_service_model(service)
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    members = model.operation_model(operations[command]).input_shape
    assert members
    options = {f"--{xform_name(name, '-')}" for name in members.members}
    needed = {f"--{xform_name(name, '-')}" for name in members.required_members}

    assert given - EVERYWHERE <= options
    assert needed <= given


@pytest.mark.parametrize("words", shown("aws"))
def test_every_aws_command_names_outputs_and_files_that_exist(words: list[str]) -> None:
    named = [name for word in words for name in re.findall(r"^<(\w+)>$", word)]
    files = [name for word in words for name in re.findall(r"^file://(.+)$", word)]

    assert set(named) <= TEMPLATE["Outputs"].keys() | ANSWERED
    own = {"atlas.json", "notify.json", "topic-policy.json", "subscription.json"}
    assert [name for name in files if name not in own and not (ROOT / name).exists()] == []


@pytest.mark.parametrize("words", shown("make"))
def test_every_make_command_has_a_target_and_its_variables(words: list[str]) -> None:
    targets = [word for word in words if "=" not in word]
    variables = [word.partition("=")[0] for word in words if "=" in word]

    assert set(targets) <= TARGETS.keys()
    assert all(
        f"$({name}" in MAKEFILE or re.search(rf"call argument,{name}\b", MAKEFILE)
        for name in variables
    )


@pytest.mark.parametrize("words", [words for path, words in SHOWN if "PARAMETERS=" in str(words)])
def test_every_parameter_shown_is_one_of_the_template(words: list[str]) -> None:
    (given,) = (word for word in words if word.startswith("PARAMETERS="))
    read = CfnParameterOverridesType().convert([given.partition("=")[2]], None, None)

    assert read
    assert read.keys() <= TEMPLATE["Parameters"].keys()


@pytest.mark.parametrize("words", shown(".venv/bin/pytest"))
def test_every_test_file_shown_exists(words: list[str]) -> None:
    assert all((ROOT / word).exists() for word in words)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_named_in_a_sentence_exists(path: Path) -> None:
    named = re.findall(r"`make ([a-z-]+)[^`]*`", prose(path.read_text()))

    assert set(named) <= TARGETS.keys()


def test_the_sam_commands_deploy_templates_that_exist() -> None:
    *deploys, publish = sorted(
        (words for _, words in SHOWN if words[0] == ".venv/bin/sam"), key=lambda words: words[1]
    )

    assert publish[1:] == ["publish", "--template", ".aws-sam/publication.yaml"]
    deployed = {words[words.index("--template-file") + 1] for words in deploys}
    assert deployed == {"docs/parent-template.yaml", "docs/nightly-refresh/template.yaml"}
    assert {words[1] for words in deploys} == {"deploy"}
    assert all((ROOT / path).exists() for path in deployed)
