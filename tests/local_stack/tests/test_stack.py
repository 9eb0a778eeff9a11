"""The whole stack: what isolates one test from the next."""

from local_stack.stack import LocalStack
from local_stack.wire import Call, Fault, Phase, Reset


def test_a_reset_keeps_the_environments_and_nothing_else(stack: LocalStack, group: str) -> None:
    """The names stay although another call draws from moto's random names meanwhile."""
    stack.new_environments()  # one reads the secret again after four minutes
    stack.invoke(stack.atlas.start_restore(group, "orders", "flex").event)
    variables = stack.environment
    stack.aws.client("sns").delete_topic(TopicArn=stack.topic_arn)
    stack.aws.wire.inject(Fault(action=Reset(), service="dynamodb", times=None))
    late: list[Call] = []

    def come_between(call: Call, phase: Phase) -> None:
        if call.path == "/moto-api/config" and phase == "before" and not late:
            late.append(call)
            stack.aws.client("cloudformation").describe_stacks()

    with stack.aws.wire.listen(come_between):
        stack.reset()

    assert late
    assert stack.environment == variables
    assert (stack.items(), stack.received(), stack.http_calls()) == ([], [], [])
    restore = stack.atlas.start_restore(group, "orders", "flex")
    assert stack.invoke(restore.event).result["status"] == "PENDING"
    assert len(stack.received()) == 1
    assert "secretsmanager" not in {call.service for call in stack.http_calls()}
