"""What AWS refuses: the right error, what is stored and published then, and the next check."""

from dataclasses import replace

import pytest

from integration.watching import (
    by_either_credential,
    check,
    item_of,
    operations,
    received,
    statuses,
    stored,
    target,
    warm_up,
)
from local_stack.aws import aws_error
from local_stack.runtime import LambdaRuntime
from local_stack.wire import Fault
from observed_stack import ObservedStack
from produced import Produced


@by_either_credential
@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException"])
def test_nothing_is_published_that_the_table_refuses(
    stack: ObservedStack, group: str, code: str
) -> None:
    warm_up(stack, group)
    restore = stack.atlas.start_restore(group, "orders", "flex")
    with stack.aws.wire.inject(Fault(action=aws_error("dynamodb", code), operation="UpdateItem")):
        failed = check(stack, restore, "flex")

    assert failed.error_type == "TableUnavailableError"
    assert code in str(failed.error_message)
    assert operations(stack) == ["flex", "UpdateItem"]
    assert item_of(stack, restore) is None
    assert received(stack) == []

    assert check(stack, restore, "flex").result["changed"] is True
    assert statuses(received(stack)) == ["PENDING"]


@by_either_credential
@pytest.mark.parametrize("code", ["AuthorizationError", "NotFound", "KMSDisabled"])
def test_what_the_topic_refuses_is_stored_and_published_later(
    stack: ObservedStack, group: str, code: str
) -> None:
    warm_up(stack, group)
    restore = stack.atlas.start_restore(group, "orders", "flex", timeline=["COMPLETED"])
    with stack.aws.wire.inject(Fault(action=aws_error("sns", code), operation="Publish")):
        failed = check(stack, restore, "flex")
    pending = stored(stack, restore)

    assert failed.error_type == "NotificationPendingError"
    assert code in str(failed.error_message)
    assert operations(stack) == ["flex", "UpdateItem", "Publish"]
    assert (pending["status"], pending["publishedSequence"]) == ("COMPLETED", 0)
    assert "openShard" in pending
    assert "expiresAt" not in pending
    assert received(stack) == []

    result = check(stack, restore, "flex").result
    assert (result["changed"], result["status"]) == (False, "COMPLETED")
    assert statuses(received(stack)) == ["COMPLETED"]
    assert stored(stack, restore)["publishedSequence"] == 1
    assert "openShard" not in stored(stack, restore)


def test_a_topic_that_is_gone_leaves_the_change_pending(
    new_stack: ObservedStack, group: str
) -> None:
    restore = new_stack.atlas.start_restore(group, "orders", "flex")
    new_stack.aws.client("sns").delete_topic(TopicArn=new_stack.topic_arn)
    failed = check(new_stack, restore, "flex")

    assert failed.error_type == "NotificationPendingError"
    assert stored(new_stack, restore)["publishedSequence"] == 0


def test_no_step_is_begun_that_has_no_time_to_end(
    stack: ObservedStack, group: str, produced: Produced
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    hasty = replace(stack.pool.runtimes[0].environment, timeout_seconds=1)
    with LambdaRuntime(hasty) as runtime:
        answer = runtime.invoke(target(restore, "flex"))
        while answer.timed_out:  # on a busy machine the start alone may take that second
            answer = runtime.invoke(target(restore, "flex"))
        produced.add("logs", runtime.logs())

    assert answer.error_type == "TimeBudgetExceededError"
    assert "too few to read the secret" in str(answer.error_message)
    assert stack.http_calls() == []
