"""What a release's README.txt and the page Deploying tell an operator to type, typed."""

import json
import re
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from contract.documents import commands, page, section
from deploy.release import TEMPLATE, TRANSFORMED
from deployed.cloud import PARAMETERS, Account
from deployed.stack import NAME, PROJECT, DeployedStack
from local_stack.atlas import AtlasEmulator
from local_stack.stack import CREDENTIALS

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(300)]


class Operator:
    """Follows README.txt up to the deployment: the secret is stored, and the files are copied."""

    def __init__(self, account: Account, release: Path, elsewhere: Path) -> None:
        text = (release / "README.txt").read_text().replace("\\\n", " ")
        shown = (shlex.split(line) for line in text.splitlines() if line.startswith("    "))
        store, remove, copy, self._deploy, self._list_outputs = shown
        (elsewhere / "atlas.json").write_text(json.dumps(CREDENTIALS["service_account"]))
        self.account = account
        self._release = release
        self._values = {"<ARN>": json.loads(account.run(*store, cwd=elsewhere))["ARN"]}
        self._values |= {"<bucket>": account.bucket(), "<ids>": PROJECT, "<address>": "me@here.org"}
        self._values |= {"<stack>": NAME, "<version>": release.name}
        account.run(*remove, cwd=elsewhere)
        account.run(*self._filled_in(copy), cwd=release)

    def deploy(self, *stated: str, template: str = TEMPLATE, fails: bool = False) -> str:
        """Deploy with more parameters: the last of two values counts. Return what is said."""
        needed = [f"{name}={value}" for name, value in PARAMETERS.items()]
        words = self._filled_in([*self._deploy, *needed, *stated])
        if template == TRANSFORMED:  # as the page says
            words[words.index(TEMPLATE)] = template
            words.remove("CAPABILITY_AUTO_EXPAND")
        return self.account.run(*words, cwd=self._release, fails=fails)

    def type(self, command: Iterable[str], folder: Path) -> str:
        return self.account.run(*self._filled_in(command), cwd=folder)

    def outputs(self) -> str:
        return self.type(self._list_outputs, self._release)

    def parameters(self) -> dict[str, str]:
        cloudformation = self.account.client("cloudformation")
        (described,) = cloudformation.describe_stacks(StackName=NAME)["Stacks"]
        return {one["ParameterKey"]: one["ParameterValue"] for one in described["Parameters"]}

    def _filled_in(self, words: Iterable[str]) -> list[str]:
        return [re.sub("<[^>]+>", lambda found: self._values[found[0]], word) for word in words]


@pytest.fixture
def operator(new_account: Callable[[], Account], release: Path, tmp_path: Path) -> Operator:
    return Operator(new_account(), release, tmp_path)


def test_the_commands_of_a_release_install_what_finds_a_restore(
    operator: Operator, atlas: AtlasEmulator
) -> None:
    operator.deploy()

    stack = DeployedStack(operator.account, atlas)
    listed = re.findall(r"^\|\s+(\w+)", operator.outputs(), re.MULTILINE)
    assert set(listed) >= set(stack.outputs)
    job = atlas.start_restore(PROJECT, "released", "flex")
    assert stack.sweep()["failures"] == []
    assert stack.item(job)


def test_a_parameter_is_changed_on_a_machine_without_the_release(
    operator: Operator, tmp_path: Path
) -> None:
    operator.deploy()
    before, outputs = operator.parameters(), operator.outputs()
    change, get_template = commands(section(page("deploying"), "Change a parameter"))
    (tmp_path / TEMPLATE).write_text(operator.type(get_template, tmp_path))
    operator.type(change, tmp_path)

    stated = dict(word.split("=") for word in change[change.index("--parameter-overrides") + 1 :])
    assert operator.parameters() == before | stated != before
    assert operator.outputs() == outputs


def test_a_stack_of_the_transformed_template_is_uninstalled_all_but_its_table(
    operator: Operator, atlas: AtlasEmulator
) -> None:
    operator.deploy(template=TRANSFORMED)
    account, table = operator.account, DeployedStack(operator.account, atlas).outputs["TableName"]

    delete, wait, *_ = commands(section(page("deploying"), "Uninstall"))
    for command in (delete, wait):
        account.run(*(word.replace("<stack>", NAME) for word in command))

    assert account.stacks() == {}
    assert account.client("dynamodb").list_tables()["TableNames"] == [table]
    assert account.client("iam").list_roles()["Roles"] == []
    assert account.client("lambda").list_functions()["Functions"] == []
    assert account.client("sns").list_topics()["Topics"] == []
    assert not account.client("sqs").list_queues().get("QueueUrls")


def test_a_deployment_that_fails_says_why_and_leaves_no_table(operator: Operator) -> None:
    """Only the last one begins. MiniStack makes no alarm with metric math, so it goes back."""
    for stated, why in {
        "ReleaseBucket=My-Artifacts": "'ReleaseBucket' must be the name of a bucket",
        "AtlasSecretArn=arn:aws:secretsmanager:us-east-1:123456789012:secret:atlas": (
            "'AtlasSecretArn' must be the full ARN of a secret"
        ),
        "ReservedConcurrency=2": "reserve at least 4",
        "ReservedConcurrency=9 SweepWorkers=4": "with 4 workers 10",
    }.items():
        assert why in operator.deploy(*stated.split(), fails=True)
        assert operator.account.stacks() == {}

    assert "Failed to create" in operator.deploy("CreateAlarms=yes", fails=True)
    assert operator.account.stacks() == {NAME: "ROLLBACK_COMPLETE"}
    assert operator.account.client("dynamodb").list_tables()["TableNames"] == []
