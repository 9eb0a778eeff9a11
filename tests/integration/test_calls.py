"""What a check costs: HTTP calls and connections, counted where they arrive."""

import pytest

from integration.watching import (
    CHANGED,
    UNCHANGED,
    by_either_credential,
    check,
    operations,
    target,
    warm_up,
)
from local_stack.atlas import Kind
from local_stack.stack import Credentials
from local_stack.wire import CloseIdle, Fault
from observed_stack import ObservedStack

COLD: dict[Credentials, list[str]] = {
    "service_account": ["GetSecretValue", "token", "flex", *CHANGED],
    # The first 401 of an environment is the challenge.
    "api_key": ["GetSecretValue", "flex", "flex", *CHANGED],
}


@by_either_credential
@pytest.mark.parametrize("kind", ["flex", "dedicated", "tenant"])
@pytest.mark.parametrize("said", ["its-kind", "auto"])
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


@by_either_credential
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


@by_either_credential
def test_a_job_at_its_end_makes_no_more_calls_than_one_under_way(
    stack: ObservedStack, group: str
) -> None:
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


@by_either_credential
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


def test_one_token_serves_many_checks(new_stack: ObservedStack, group: str) -> None:
    restores = [new_stack.atlas.start_restore(group, f"orders-{n}", "flex") for n in range(5)]
    for restore in restores * 4:
        check(new_stack, restore)

    tokens = {
        call.headers["Authorization"]
        for call in new_stack.atlas.wire.calls
        if call.operation == "flex"
    }
    assert new_stack.atlas.wire.count(operation="token") == 1
    assert new_stack.atlas.wire.count(operation="flex") == 20
    assert len(tokens) == 1
    assert new_stack.aws.wire.count(service="secretsmanager") == 1


@pytest.mark.parametrize("credentials", ["api_key"], indirect=True)
def test_one_digest_challenge_serves_many_checks(
    new_stack: ObservedStack, group: str, credentials: Credentials
) -> None:
    restores = [new_stack.atlas.start_restore(group, f"orders-{n}", "flex") for n in range(5)]
    for restore in restores * 4:
        check(new_stack, restore)

    statuses = [call.status for call in new_stack.atlas.wire.calls]
    assert credentials == "api_key"
    assert statuses == [401, *[200] * 20]
    assert new_stack.aws.wire.count(service="secretsmanager") == 1


@by_either_credential
def test_a_kind_is_found_out_once_for_all_jobs_of_a_cluster(
    stack: ObservedStack, group: str
) -> None:
    warm_up(stack, group)
    first, second = (stack.atlas.start_restore(group, "orders", "dedicated") for _ in range(2))
    check(stack, first)
    found_out = operations(stack)
    stack.forget_calls()
    check(stack, second)

    assert found_out == ["flex", "dedicated", *CHANGED]
    assert operations(stack) == ["dedicated", *CHANGED]


def test_a_cluster_that_became_dedicated_is_found_out_anew(
    stack: ObservedStack, group: str
) -> None:
    before = stack.atlas.start_restore(group, "orders", "flex")
    check(stack, before)
    stack.atlas.add_cluster(group, "orders", "dedicated")
    after = stack.atlas.start_restore(group, "orders", "dedicated")
    stack.forget_calls()
    check(stack, after)
    check(stack, after)

    assert operations(stack) == ["flex", "dedicated", *CHANGED, "dedicated", *UNCHANGED]


def test_a_retired_tenant_endpoint_is_asked_once_for_each_cluster(
    stack: ObservedStack, group: str
) -> None:
    warm_up(stack, group)
    restore = stack.atlas.start_restore(group, "orders", "tenant")
    check(stack, restore, "tenant")
    check(stack, restore, "tenant")

    assert operations(stack) == ["tenant", "flex", *CHANGED, "flex", *UNCHANGED]


@by_either_credential
def test_several_unchanged_targets_make_two_calls_each(stack: ObservedStack, group: str) -> None:
    restores = [stack.atlas.start_restore(group, f"orders-{n}", "flex") for n in range(3)]
    event = {"targets": [target(restore) for restore in restores]}
    stack.invoke(event)
    stack.forget_calls()
    stack.invoke(event)

    assert operations(stack) == ["flex", *UNCHANGED] * 3


@pytest.mark.parametrize("noticed", [True, False], ids=["orderly", "silently"])
@by_either_credential
def test_a_connection_closed_while_idle_goes_unnoticed(
    stack: ObservedStack, group: str, *, noticed: bool
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    check(stack, restore)
    stack.atlas.wire.inject(Fault(action=CloseIdle(noticed=noticed)))
    check(stack, restore)
    stack.forget_calls()
    result = check(stack, restore).result

    assert result["changed"] is False
    assert operations(stack) == ["flex", *UNCHANGED]


def test_requests_say_who_asks_and_in_which_version(stack: ObservedStack, group: str) -> None:
    check(stack, stack.atlas.start_restore(group, "orders", "flex"))
    (call,) = [call for call in stack.http_calls() if call.operation == "flex"]

    assert call.method == "GET"
    assert call.headers["Accept"] == "application/vnd.atlas.2025-03-12+json"
    assert call.headers["User-Agent"].startswith("atlas-restore-watch/")
    assert call.query == {}
    assert call.body == b""
