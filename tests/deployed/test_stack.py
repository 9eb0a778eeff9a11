"""The built stack, deployed from a checkout, does what the README says of it."""

import json
from collections.abc import Callable

import pytest

from deployed.cloud import PARAMETERS, Account, awaited
from deployed.stack import PROJECT, DeployedStack, deploy_checkout
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
        tmp_path_factory.mktemp("template"),
        *(f"--secret-arn={secret_arn}", f"--projects={PROJECT}", f"--email={PERSON}"),
        *("--parameters", *map("=".join, PARAMETERS.items())),
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
