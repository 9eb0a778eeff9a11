"""What a sweep publishes although Atlas gives no news, and what it stores of what it finds."""

from collections.abc import Callable

import pytest

from integration.checking import item_of, received, statuses, stored
from integration.sweeping import (
    DAY,
    HOUR,
    Sweeping,
    asked,
    break_project,
    check_without_topic,
    hidden,
    is_open,
    start_several,
)
from integration.test_pending import refuse_publications
from local_stack.atlas import EmulatedRestore
from local_stack.aws import aws_error
from local_stack.faults import Reset
from local_stack.refusal import oauth_error
from local_stack.stack import LocalStack
from local_stack.stale_index import stale_index
from local_stack.wire import Fault
from restore_watch.errors import AtlasUnauthorizedError, TableUnavailableError


def test_what_is_pending_is_published_although_atlas_is_down(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    (restore,) = start_several(stack, group, 1)
    check_without_topic(sweeping, stack, restore)
    break_project(stack, group, Reset(), times=None)

    result = sweeping.sweep()

    assert statuses(received(stack)) == ["PENDING"]
    assert (result["checked"], result["changed"], result["published"]) == (1, 0, 1)
    assert [one["error"] for one in result["failures"]] == ["AtlasUnavailableError"]
    assert stored(stack, restore)["publishedSequence"] == 1


def test_what_is_pending_stays_a_failure_although_atlas_answers(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    (restore,) = start_several(stack, group, 1)
    check_without_topic(sweeping, stack, restore)

    with refuse_publications(stack):
        result = sweeping.sweep()

    assert asked(stack) == ["flex"]
    assert [one["error"] for one in result["failures"]] == ["NotificationPendingError"]
    assert (sweeping.sweep()["published"], statuses(received(stack))) == (1, ["PENDING"])


def test_after_three_refusals_by_the_topic_the_rest_is_left_to_the_next_sweep(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restores = start_several(stack, group, 12)
    for restore in restores:
        restore.run_to_end()
        check_without_topic(sweeping, stack, restore)

    with refuse_publications(stack):
        result = sweeping.sweep()
    # Eight threads publish at once.
    assert 3 <= stack.aws.wire.count("sns") <= 3 + 7
    assert (result["published"], asked(stack)) == (0, [])

    assert sweeping.sweep()["published"] == 12


def test_without_credentials_what_is_pending_is_published_and_then_the_sweep_fails(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    (restore,) = start_several(stack, group, 1)
    check_without_topic(sweeping, stack, restore)
    sweeping.clock.advance(2 * HOUR)
    stack.atlas.script("token", oauth_error(401, "invalid_client", "Wrong."))

    with pytest.raises(AtlasUnauthorizedError):
        sweeping.sweep()

    assert statuses(received(stack)) == ["PENDING"]
    assert asked(stack) == ["token"]
    # The lease was given back.
    assert sweeping.sweep_after(60)["checked"] == 1


def test_what_an_ended_job_has_pending_is_published_without_atlas(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    (restore,) = start_several(stack, group, 1)
    restore.run_to_end()
    check_without_topic(sweeping, stack, restore)

    assert sweeping.sweep()["published"] == 1

    assert asked(stack) == []
    assert statuses(received(stack)) == ["COMPLETED"]
    assert not is_open(stack, restore)


# The table


def refuse_item(stack: LocalStack, restore: EmulatedRestore) -> None:
    """DynamoDB refuses the next update of this job's item."""
    stack.aws.wire.inject(
        Fault(
            action=aws_error("dynamodb", "AccessDeniedException"),
            operation="UpdateItem",
            when=lambda call: restore.restore_id.encode() in call.body,
        )
    )


def end(restore: EmulatedRestore, _stack: LocalStack) -> None:
    restore.run_to_end()


def vanish(restore: EmulatedRestore, stack: LocalStack) -> None:
    stack.atlas.hide_restore(restore)


@pytest.mark.parametrize("happens", [end, vanish])
def test_a_job_that_cannot_be_stored_is_a_failure_and_is_stored_by_the_next_sweep(
    sweeping: Sweeping,
    stack: LocalStack,
    group: str,
    happens: Callable[[EmulatedRestore, LocalStack], None],
) -> None:
    restore, other = start_several(stack, group, 2)
    sweeping.check(restore, other)
    stack.atlas.omit_from_lists(restore)
    happens(restore, stack)
    other.advance()
    refuse_item(stack, restore)

    result = sweeping.sweep()

    assert result["changed"] == 1
    assert [one["error"] for one in result["failures"]] == ["TableUnavailableError"]
    assert statuses(received(stack)) == ["QUEUED"]

    sweeping.sweep()
    assert is_open(stack, restore) is (happens is vanish)
    assert ("missingSince" in stored(stack, restore)) is (happens is vanish)


def test_a_job_of_which_nothing_can_be_read_fails_only_for_itself(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restore, other = start_several(stack, group, 2)
    for one in (restore, other):
        check_without_topic(sweeping, stack, one)
    refuse_item(stack, restore)

    result = sweeping.sweep()

    assert result["published"] == 1
    assert [one["restoreId"] for one in result["failures"]] == [restore.restore_id]


@pytest.mark.parametrize("operation", ["UpdateItem", "Query"])
def test_a_sweep_fails_when_the_table_is_unusable(
    sweeping: Sweeping, stack: LocalStack, operation: str
) -> None:
    refused = aws_error("dynamodb", "AccessDeniedException")
    with (
        stack.aws.wire.inject(Fault(action=refused, operation=operation, times=None)),
        pytest.raises(TableUnavailableError, match="AccessDeniedException"),
    ):
        sweeping.sweep()

    assert sweeping.sweep_after(70)["open"] == 0


def test_an_index_that_lags_behind_brings_nothing_back(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restores = start_several(stack, group, 2)
    sweeping.check(*restores)
    with stale_index(stack):
        restores[0].run_to_end()
        first, second = sweeping.sweep(), sweeping.sweep()

        assert [first["changed"], second["changed"]] == [1, 0]
        assert [first["open"], second["open"]] == [2, 2]
    assert statuses(received(stack)) == ["COMPLETED"]
    assert not is_open(stack, restores[0])
    assert sweeping.sweep()["open"] == 1


def test_a_lagging_index_does_not_let_a_changed_job_leave(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restore = hidden(sweeping, stack, group)
    sweeping.sweep()
    with stale_index(stack):
        stack.atlas.show_restore(restore)
        restore.advance()
        sweeping.check(restore)
        stack.atlas.hide_restore(restore)
        for seconds in (DAY, 900):
            sweeping.sweep_after(seconds)

    assert is_open(stack, restore)
    assert sweeping.lines("This restore job is no longer followed") == []


def test_a_job_that_was_deleted_is_not_made_again(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restore = hidden(sweeping, stack, group)
    with stale_index(stack):
        name = {"cluster": {"S": f"{group}/orders"}, "restoreId": {"S": restore.restore_id}}
        stack.aws.client("dynamodb").delete_item(TableName=stack.table_name, Key=name)
        for seconds in (0, DAY, 900):
            sweeping.sweep_after(seconds)

    assert item_of(stack, restore) is None
