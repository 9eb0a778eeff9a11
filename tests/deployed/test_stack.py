"""The built stack, deployed from a checkout, does what the README says of it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.documents import blocks, commands, page, section
from deployed.cloud import PARAMETERS, Account, awaited
from deployed.stack import NAME, PROJECT, DeployedStack, built_checkout, deploy_checkout
from local_stack.atlas import AtlasEmulator, EmulatedRestore
from local_stack.restores import FLEX_TIMELINE
from local_stack.schemas import fits_its_schema

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(300)]

PERSON = "you@example.com"


@pytest.fixture(scope="module")
def stack(
    account: Account,
    secret_arn: str,
    atlas: AtlasEmulator,
    tmp_path_factory: pytest.TempPathFactory,
) -> DeployedStack:
    deploy_checkout(
        account,
        built_checkout(tmp_path_factory.mktemp("checkout")),
        *(f"AtlasSecretArn={secret_arn}", f"AtlasProjectIds={PROJECT}", f"NotifyEmail={PERSON}"),
        *map("=".join, PARAMETERS.items()),
    )
    return DeployedStack(account, atlas)


def test_a_restore_that_nobody_named_is_reported_to_its_end_once_and_in_order(
    stack: DeployedStack, atlas: AtlasEmulator
) -> None:
    inbox = stack.subscriber("TopicArn")
    job = atlas.start_restore(PROJECT, "found", "flex")
    stack.sweep()
    for _ in FLEX_TIMELINE[1:]:
        job.advance()
        stack.sweep()
    stack.sweep()

    awaited(lambda: "COMPLETED" in inbox.statuses(job.restore_id), "the last message")
    events = inbox.events(job.restore_id)
    assert [event["data"]["status"] for event in events] == list(FLEX_TIMELINE)
    assert [event["data"]["sequence"] for event in events] == [1, 2, 3, 4]
    for event in events:
        fits_its_schema(event)


def test_people_get_an_e_mail_when_a_restore_ends(
    stack: DeployedStack, atlas: AtlasEmulator
) -> None:
    """SNS asks for a confirmation before it sends to the address, so a queue receives instead."""
    subscriptions = stack.account.client("sns").list_subscriptions_by_topic(
        TopicArn=stack.outputs["EmailTopicArn"]
    )["Subscriptions"]
    inbox = stack.subscriber("EmailTopicArn")
    atlas.start_restore(PROJECT, "mailed", "flex", timeline=["COMPLETED"])
    stack.sweep()

    assert ("email", PERSON) in {(one["Protocol"], one["Endpoint"]) for one in subscriptions}
    (mail,) = awaited(
        lambda: [one for one in inbox.messages() if "mailed" in one["Message"]], "the e-mail"
    )
    assert "completed" in mail["Subject"], "of several restores, if their messages wait together"
    assert stack.check_email() == {"confirmed": 2, "pending": 0}


def ask_by_bus(stack: DeployedStack, job: EmulatedRestore) -> None:
    named = {"Source": "com.example.drill", "DetailType": "Atlas Restore Watch Requested"}
    stack.account.client("events").put_events(Entries=[named | {"Detail": json.dumps(job.event)}])


def ask_by_queue(stack: DeployedStack, job: EmulatedRestore) -> None:
    stack.account.client("sqs").send_message(
        QueueUrl=stack.outputs["RequestQueueUrl"], MessageBody=json.dumps(job.event)
    )


class Terminal:
    """Types the commands of a page, in a folder with the files that it shows."""

    def __init__(self, account: Account, folder: Path, text: str, **values: str) -> None:
        self._account, self._folder = account, folder
        self.values = values
        self.commands = list(commands(text))
        self._shown = blocks(text, "json")

    def write(self, *names: str) -> None:
        """Write what the page shows, with the values that are known."""
        for name, shown in zip(names, self._shown, strict=True):
            (self._folder / name).write_text(self._filled(shown))

    def type(self, number: int) -> str:
        words = map(self._filled, self.commands[number])
        # Version 1 of the AWS CLI asks SQS at an old address, whatever AWS_ENDPOINT_URL says.
        return self._account.run(*words, "--endpoint-url", self._account.url, cwd=self._folder)

    def _filled(self, text: str) -> str:
        return re.sub("<([^>]+)>", lambda found: self.values[found[1]], text)


def ended(
    stack: DeployedStack, atlas: AtlasEmulator, cluster: str, project: str = PROJECT
) -> EmulatedRestore:
    """Run a restore to its end, and name it to the watch."""
    job = atlas.start_restore(project, cluster, "flex", timeline=["COMPLETED"])
    stack.check(job)
    return job


def test_a_queue_of_ones_own_gets_the_changes_of_one_cluster_by_the_page(
    stack: DeployedStack, atlas: AtlasEmulator, tmp_path: Path
) -> None:
    text = section(page("messages"), "A queue of your own")
    terminal = Terminal(
        stack.account,
        tmp_path,
        text,
        TopicArn=stack.outputs["TopicArn"],
        name="restores-of-billing",
        cluster="billing",
        **{"project-id": PROJECT},
    )
    url = terminal.values["QueueUrl"] = json.loads(terminal.type(0))["QueueUrl"]
    terminal.values["QueueArn"] = json.loads(terminal.type(1))["Attributes"]["QueueArn"]
    terminal.write("queue.json", "cluster.json")
    terminal.type(2)
    terminal.type(3)

    ended(stack, atlas, "orders")
    wanted = ended(stack, atlas, "billing")
    sqs = stack.account.client("sqs")
    got = awaited(lambda: sqs.receive_message(QueueUrl=url).get("Messages"), "the change")
    event = json.loads(got[0]["Body"])
    fits_its_schema(event)
    assert (event["subject"], event["data"]["clusterName"]) == (wanted.restore_id, "billing")
    sqs.delete_message(QueueUrl=url, ReceiptHandle=got[0]["ReceiptHandle"])
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)


def test_a_restore_that_missed_the_rto_is_found_by_the_page(
    stack: DeployedStack, atlas: AtlasEmulator, tmp_path: Path
) -> None:
    wanted = ended(stack, atlas, "slow")
    item = stack.item(wanted)
    text = section(page("operations"), "Which restore missed the RTO")
    text = text.replace("2026-11-30", item["restoreFinishedDate"]["S"][:10])
    seconds = int(item["durationSeconds"]["N"])

    def found(limit: int) -> set[str]:
        terminal = Terminal(
            stack.account,
            tmp_path,
            text.replace('"3600"', f'"{limit}"'),
            TableName=stack.outputs["TableName"],
        )
        return {one["restoreId"]["S"] for one in json.loads(terminal.type(0))["Items"]}

    assert wanted.restore_id in found(seconds)
    assert wanted.restore_id not in found(seconds + 1)


def test_the_names_behind_an_alarm_are_found_by_the_page(
    stack: DeployedStack, tmp_path: Path
) -> None:
    terminal = Terminal(
        stack.account,
        tmp_path,
        section(page("operations"), "Alarms"),
        stack=NAME,
        FunctionName=stack.outputs["FunctionName"],
    )
    terminal.values["name"] = terminal.type(0).strip()

    assert "ENABLED" in terminal.type(1)
    assert stack.outputs["RequestQueueArn"] in (triggers := terminal.type(2))
    assert "Enabled" in triggers


def test_a_failed_invocation_is_repeated_by_the_page(
    stack: DeployedStack, atlas: AtlasEmulator, tmp_path: Path
) -> None:
    _, _, text = section(page("operations"), "A message did not arrive").partition(
        "#### Invoke again"
    )
    # Version 1 of the AWS CLI takes a payload as text anyway.
    text = text.replace("--cli-binary-format raw-in-base64-out ", "")
    job = atlas.start_restore(PROJECT, "again", "flex", timeline=["COMPLETED"])
    url = stack.outputs["OnFailureQueueUrl"]
    sqs = stack.account.client("sqs")
    function = {"functionArn": f"{stack.outputs['FunctionArn']}:$LATEST"}
    record = {"requestContext": function, "requestPayload": job.event}
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(record))
    terminal = Terminal(stack.account, tmp_path, text, OnFailureQueueUrl=url)

    (message,) = json.loads(terminal.type(0))["Messages"]
    received = json.loads(message["Body"])
    (tmp_path / "payload.json").write_text(json.dumps(received["requestPayload"]))
    terminal.values |= {
        "functionArn": received["requestContext"]["functionArn"],
        "ReceiptHandle": message["ReceiptHandle"],
    }
    terminal.type(1)
    terminal.type(3)

    assert json.loads((tmp_path / "result.json").read_text())["changed"] is True
    waiting = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert waiting["ApproximateNumberOfMessages"] == "0"
    assert waiting["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_people_do_not_hear_of_a_project_that_is_silenced_by_the_page(
    stack: DeployedStack, atlas: AtlasEmulator, tmp_path: Path
) -> None:
    inbox = stack.subscriber("EmailTopicArn")
    terminal = Terminal(
        stack.account,
        tmp_path,
        section(page("people"), "Silence a project"),
        TopicArn=stack.outputs["TopicArn"],
        NoticeQueueArn=stack.outputs["NoticeQueueArn"],
        **{"project-id": PROJECT},
    )
    terminal.write("silence.json")
    terminal.values["SubscriptionArn"] = terminal.type(0).strip()
    terminal.type(1)

    def told(cluster: str) -> bool:
        return any(cluster in one["Message"] for one in inbox.messages())

    ended(stack, atlas, "noisy")
    ended(stack, atlas, "heard", "6b" * 12)
    awaited(lambda: told("heard"), "the e-mail about another project")
    assert not told("noisy")

    terminal.type(2)
    ended(stack, atlas, "loud")
    awaited(lambda: told("loud"), "the e-mail after the silence")
    inbox.unsubscribe()


@pytest.mark.parametrize("ask", [ask_by_bus, ask_by_queue])
def test_a_request_is_answered_and_its_job_recorded(
    stack: DeployedStack,
    atlas: AtlasEmulator,
    ask: Callable[[DeployedStack, EmulatedRestore], None],
) -> None:
    job = atlas.start_restore(PROJECT, "requested", "dedicated")
    ask(stack, job)

    item = awaited(lambda: stack.item(job), "the item")
    assert item["status"] == {"S": "RUNNING"}


def test_a_workflow_waits_for_the_newest_restore_and_ends_with_it(
    stack: DeployedStack, atlas: AtlasEmulator
) -> None:
    workflows = stack.account.client("stepfunctions")
    job = atlas.start_restore(PROJECT, "awaited", "flex", timeline=["RUNNING", "COMPLETED"])
    execution = workflows.start_execution(
        stateMachineArn=stack.outputs["AwaitRestoreStateMachineArn"],
        input=json.dumps({"groupId": PROJECT, "clusterName": "awaited"}),
    )["executionArn"]
    awaited(lambda: "waiting" in stack.item(job), "the workflow's wait")
    job.advance()
    stack.sweep()

    answer = awaited(
        lambda: workflows.describe_execution(executionArn=execution).get("output"), "its end"
    )
    assert json.loads(answer)["outcome"] == "COMPLETED"
    assert json.loads(answer)["job"]["restoreId"] == job.restore_id
