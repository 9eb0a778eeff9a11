"""What a check costs: HTTP calls and connections, counted at the servers."""

import pytest

from integration.checking import (
    CHANGED,
    UNCHANGED,
    by_either_credential,
    check,
    operations,
    target,
)
from local_stack.atlas import Kind
from local_stack.stack import Credentials
from observed_stack import ObservedStack

COLD: dict[Credentials, list[str]] = {
    "service_account": ["GetSecretValue", "token", "flex", *CHANGED],
    # An environment's first answer is the digest challenge.
    "api_key": ["GetSecretValue", "flex", "flex", *CHANGED],
}


@by_either_credential
@pytest.mark.parametrize(
    ("kind", "said"),
    [("flex", "its-kind"), ("flex", "auto"), ("dedicated", "auto"), ("tenant", "its-kind")],
)
def test_an_unchanged_warm_check_makes_two_calls(
    stack: ObservedStack, group: str, kind: Kind, said: str
) -> None:
    stack.atlas.behaviour.tenant_endpoint = None
    restore = stack.atlas.start_restore(group, "orders", kind)
    event = target(restore, kind if said == "its-kind" else "auto")
    stack.invoke(event)
    stack.forget_calls()
    result = stack.invoke(event).result

    assert result["changed"] is False
    assert operations(stack) == [result["job"]["kind"], *UNCHANGED]


@pytest.mark.parametrize("kind", ["flex", "dedicated", "tenant"])
def test_a_changed_warm_check_makes_four_calls(
    stack: ObservedStack, group: str, kind: Kind
) -> None:
    stack.atlas.behaviour.tenant_endpoint = None
    restore = stack.atlas.start_restore(group, "orders", kind)
    check(stack, restore, kind)
    restore.advance()
    stack.forget_calls()
    result = check(stack, restore, kind).result

    assert result["changed"] is True
    assert operations(stack) == [kind, *CHANGED]


def test_a_check_of_a_finished_job_makes_two_calls(stack: ObservedStack, group: str) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex", timeline=["COMPLETED"])
    check(stack, restore)
    stack.forget_calls()
    check(stack, restore)

    assert operations(stack) == ["flex", *UNCHANGED]


def test_a_cold_start_makes_six_calls(
    new_stack: ObservedStack, group: str, credentials: Credentials
) -> None:
    check(new_stack, new_stack.atlas.start_restore(group, "orders", "flex"), "flex")

    assert operations(new_stack) == COLD[credentials]


def test_one_connection_serves_many_checks(stack: ObservedStack, group: str) -> None:
    restores = [stack.atlas.start_restore(group, f"orders-{n}", "flex") for n in range(5)]
    for restore in restores * 3:
        check(stack, restore)
        if restore.step != "COMPLETED":
            restore.advance()
    calls = stack.http_calls()

    assert len(calls) > 30
    for service in ("atlas", "dynamodb", "sns"):
        connections = {call.connection for call in calls if call.service == service}
        assert len(connections) == 1, service


def test_several_unchanged_targets_make_two_calls_each(stack: ObservedStack, group: str) -> None:
    restores = [stack.atlas.start_restore(group, f"orders-{n}", "flex") for n in range(3)]
    event = {"targets": [target(restore) for restore in restores]}
    stack.invoke(event)
    stack.forget_calls()
    stack.invoke(event)

    assert sorted(operations(stack)) == sorted(["flex", *UNCHANGED] * 3)


def test_a_request_names_its_sender_and_its_version(stack: ObservedStack, group: str) -> None:
    check(stack, stack.atlas.start_restore(group, "orders", "flex"))
    (call,) = [call for call in stack.http_calls() if call.operation == "flex"]

    assert call.method == "GET"
    assert call.headers["Accept"] == "application/vnd.atlas.2025-03-12+json"
    assert call.headers["User-Agent"].startswith("atlas-restore-watch/")
    assert call.query == {}
    assert call.body == b""
