"""The whole stack: the built function in the real runtime, between Atlas and AWS."""

import pytest

from local_stack.restores import EmulatedRestore
from local_stack.stack import LocalStack, from_function
from local_stack.wire import Call, Fault, Phase, Reset
from observed_stack import ObservedStack


def start(stack: LocalStack, group: str) -> EmulatedRestore:
    return stack.atlas.start_restore(group, "orders", "flex")


def test_only_the_calls_of_the_function_are_listed(stack: LocalStack, group: str) -> None:
    restore = start(stack, group)
    stack.invoke(restore.event)
    stack.forget_calls()
    stack.items()
    stack.invoke(restore.event)
    stack.received()

    assert [(call.service, call.operation) for call in stack.http_calls()] == [
        ("atlas", "flex"),
        ("dynamodb", "UpdateItem"),
    ]


def test_a_reset_keeps_the_environments_and_nothing_else(stack: LocalStack, group: str) -> None:
    stack.invoke(start(stack, group).event)
    variables = stack.environment
    stack.reset()

    assert stack.environment == variables
    assert (stack.items(), stack.received(), stack.http_calls()) == ([], [], [])

    stack.invoke(start(stack, group).event)
    assert "secretsmanager" not in {call.service for call in stack.http_calls()}


def test_a_reset_recreates_deleted_resources(stack: LocalStack, group: str) -> None:
    stack.aws.client("dynamodb").delete_table(TableName=stack.table_name)
    stack.aws.client("sns").delete_topic(TopicArn=stack.topic_arn)
    stack.aws.wire.inject(Fault(action=Reset(), times=None))
    stack.reset()

    assert stack.invoke(start(stack, group).event).result["status"] == "PENDING"
    assert len(stack.received()) == 1


def test_a_reset_gives_the_same_names_although_another_call_comes_between(
    stack: LocalStack,
) -> None:
    """The environments stay, and publish to the topic that their variables name."""
    variables = stack.environment
    late: list[Call] = []

    def come_between(call: Call, phase: Phase) -> None:
        if call.operation == "CreateStack" and phase == "before" and not late:
            late.append(call)
            stack.aws.client("cloudformation").describe_stacks()

    with stack.aws.wire.listen(come_between):
        stack.reset()

    assert late
    assert stack.environment == variables
    assert "messageId" in stack.invoke({"action": "test-notification"}).result


def test_a_fault_can_affect_only_the_calls_of_the_function(stack: LocalStack, group: str) -> None:
    fault = stack.aws.wire.inject(
        Fault(action=Reset(), service="dynamodb", when=from_function, times=None)
    )
    stack.items()
    assert fault.hits == 0

    stack.invoke(start(stack, group).event)
    assert fault.hits > 0


@pytest.mark.parametrize("refusal", ["401", "no-token"])
def test_an_environment_whose_credentials_were_refused_is_not_used_again(
    new_stack: ObservedStack, group: str, refusal: str
) -> None:
    restore = start(new_stack, group)
    if refusal == "401":
        new_stack.invoke(restore.event)
        new_stack.atlas.expire_tokens()
    else:
        new_stack.atlas.behaviour.token_limit = 0
    new_stack.invoke(restore.event)
    new_stack.tidy()

    restore = start(new_stack, group)
    new_stack.invoke(restore.event).result  # noqa: B018 - it must succeed
    assert new_stack.atlas.wire.count(operation="token") == 1
