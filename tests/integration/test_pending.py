"""A change that SNS refused is published by the next check, even if Atlas then gives no answer."""

import json
from collections.abc import Callable

import pytest

from integration.checking import LONG_AGO, check, operations, received, statuses, stored, warm_up
from local_stack.atlas import EmulatedRestore
from local_stack.aws import aws_error
from local_stack.faults import Answer
from local_stack.refusal import atlas_error, oauth_error
from local_stack.stack import LocalStack
from local_stack.wire import Fault, Injected
from observed_stack import ObservedStack


def refuse_publications(stack: LocalStack) -> Injected:
    """A context in which SNS refuses every message."""
    denied = aws_error("sns", "AuthorizationError", status=403)
    return stack.aws.wire.inject(Fault(action=denied, operation="Publish", times=None))


@pytest.fixture
def pending(stack: ObservedStack, group: str) -> EmulatedRestore:
    """A finished job whose change is stored and not published."""
    warm_up(stack, group)
    # An old job, because Atlas is asked again for a new one that it does not know.
    restore = stack.atlas.start_restore(
        group, "orders", "flex", restore_id=LONG_AGO, timeline=["COMPLETED"]
    )
    with refuse_publications(stack):
        assert check(stack, restore, "flex").error_type == "NotificationPendingError"
    assert stored(stack, restore)["publishedSequence"] == 0
    assert stack.received() == []
    stack.forget_calls()
    return restore


def answer_with(answer: Answer) -> Callable[[LocalStack], None]:
    return lambda stack: stack.atlas.script("flex", answer)


def refuse_the_token(stack: LocalStack) -> None:
    stack.atlas.expire_tokens()
    stack.atlas.script("token", oauth_error(403, "access_denied", "Not now."))


ATLAS_IS_GONE: dict[str, tuple[Callable[[LocalStack], None], str]] = {
    "the-cluster-was-deleted": (
        answer_with(atlas_error(404, "CLUSTER_NOT_FOUND", "No such cluster.")),
        "RestoreJobNotFoundError",
    ),
    "the-project-is-forbidden": (
        answer_with(atlas_error(403, "USER_CANNOT_ACCESS_GROUP", "Not yours.")),
        "AtlasForbiddenError",
    ),
    "an-outage": (
        answer_with(atlas_error(503, "SERVICE_UNAVAILABLE", "", headers={"Retry-After": "120"})),
        "AtlasUnavailableError",
    ),
    "a-rate-limit": (
        answer_with(atlas_error(429, "RATE_LIMITED", "", headers={"Retry-After": "120"})),
        "AtlasRateLimitError",
    ),
    "no-token": (refuse_the_token, "AtlasForbiddenError"),
}


@pytest.mark.parametrize(("happen", "error"), ATLAS_IS_GONE.values(), ids=ATLAS_IS_GONE)
def test_a_pending_change_is_published_before_the_error_of_atlas_is_raised(
    stack: ObservedStack, pending: EmulatedRestore, happen: Callable[[LocalStack], None], error: str
) -> None:
    happen(stack)
    answer = check(stack, pending, "flex")

    assert answer.error_type == error
    # The item is read, published and acknowledged.
    assert operations(stack)[-3:] == ["UpdateItem", "Publish", "UpdateItem"]
    assert statuses(received(stack)) == ["COMPLETED"]
    item = stored(stack, pending)
    assert item["publishedSequence"] == 1
    assert "openShard" not in item
    assert "expiresAt" in item


def test_a_pending_change_is_published_although_the_secret_cannot_be_read(
    new_stack: ObservedStack, group: str
) -> None:
    restore = new_stack.atlas.start_restore(group, "orders", "flex")
    with refuse_publications(new_stack):
        check(new_stack, restore, "flex")
    new_stack.new_environments()
    new_stack.put_secret("{}")
    answer = check(new_stack, restore, "flex")

    assert answer.error_type == "CredentialsError"
    assert statuses(received(new_stack)) == ["PENDING"]


def test_a_change_that_sns_refuses_again_stays_pending(
    stack: ObservedStack, pending: EmulatedRestore
) -> None:
    stack.atlas.script("flex", atlas_error(404, "CLUSTER_NOT_FOUND", "No such cluster."))
    with refuse_publications(stack):
        answer = check(stack, pending, "flex")

    assert answer.error_type == "NotificationPendingError"
    assert stored(stack, pending)["publishedSequence"] == 0
    assert "openShard" in stored(stack, pending)


def test_the_log_names_the_table_if_both_the_table_and_atlas_fail(
    stack: ObservedStack, pending: EmulatedRestore
) -> None:
    stack.atlas.script("flex", atlas_error(403, "USER_CANNOT_ACCESS_GROUP", "Not yours."))
    stack.logs()
    denied = aws_error("dynamodb", "AccessDeniedException")
    with stack.aws.wire.inject(Fault(action=denied, operation="UpdateItem")):
        answer = check(stack, pending, "flex")
    (error,) = [json.loads(line) for line in stack.logs().splitlines() if '"notes"' in line]

    assert answer.error_type == error["error"] == "AtlasForbiddenError"
    (note,) = error["notes"]
    assert "AccessDeniedException" in note
    assert stored(stack, pending)["publishedSequence"] == 0


def test_a_change_published_before_a_failure_is_not_published_again(
    stack: ObservedStack, group: str
) -> None:
    warm_up(stack, group)
    restore = stack.atlas.start_restore(group, "orders", "flex")
    with refuse_publications(stack):
        check(stack, restore, "flex")
    restore.run_to_end()
    denied = aws_error("sns", "AuthorizationError", status=403)
    with stack.aws.wire.inject(Fault(action=denied, operation="Publish", skip=1, times=None)):
        failed = check(stack, restore, "flex")
    first = received(stack)
    check(stack, restore, "flex").result  # noqa: B018 - it must succeed

    assert failed.error_type == "NotificationPendingError"
    assert statuses(first) == ["PENDING"]
    assert statuses(received(stack)) == ["COMPLETED"]


def test_an_unknown_job_is_not_stored(stack: ObservedStack, group: str) -> None:
    stack.atlas.add_cluster(group, "orders", "flex")
    unknown = {"groupId": group, "clusterName": "orders", "restoreId": LONG_AGO, "kind": "flex"}
    answer = stack.invoke(unknown)

    assert answer.error_type == "RestoreJobNotFoundError"
    assert stack.items() == []
