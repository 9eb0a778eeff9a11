"""What a sweep does about jobs, clusters and projects that Atlas does not know."""

import pytest

from integration.checking import received, statuses, stored
from integration.sweeping import (
    DAY,
    HOUR,
    Sweeping,
    asked,
    asked_about,
    break_project,
    check_without_topic,
    hidden,
    is_open,
    start_several,
)
from local_stack.atlas import EmulatedRestore
from local_stack.in_process import Clients
from local_stack.refusal import atlas_error
from local_stack.stack import LocalStack


def miss_for_a_day(sweeping: Sweeping) -> None:
    """Sweep once, and again a day later."""
    for wait in (0, DAY):
        sweeping.sweep_after(wait)


def test_two_answers_a_day_apart_do_not_make_a_job_forgotten(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restore = hidden(sweeping, stack, group)

    miss_for_a_day(sweeping)
    assert is_open(stack, restore)

    for _ in range(3):
        assert is_open(stack, restore)
        sweeping.sweep_after(300)
    assert not is_open(stack, restore)


def test_another_environment_forgets_a_job_after_it_was_missed_for_a_quarter_of_an_hour(
    sweeping: Sweeping, stack: LocalStack, group: str, in_process: Clients
) -> None:
    restore = hidden(sweeping, stack, group)
    sweeping.sweep()
    another = Sweeping(stack, in_process)
    another.clock.advance(DAY)

    for wait in (0, 300, 300):
        another.sweep_after(wait)
        assert is_open(stack, restore)
    another.sweep_after(300)
    assert not is_open(stack, restore)


def test_a_job_that_atlas_does_not_know_is_asked_about_every_five_minutes_only(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    hidden(sweeping, stack, group)

    waits = (0, 60, 120, 104, 1)
    assert [sweeping.sweep_after(wait)["checked"] for wait in waits] == [1, 0, 0, 0, 1]


@pytest.mark.parametrize("code", ["CLUSTER_NOT_FOUND", "GROUP_NOT_FOUND"])
def test_what_is_gone_costs_a_list_and_two_calls_for_each_job_and_all_are_missed(
    sweeping: Sweeping, stack: LocalStack, group: str, code: str
) -> None:
    restores = start_several(stack, group, 5)
    sweeping.check(*restores)
    break_project(stack, group, atlas_error(404, code, "Gone."), times=None)

    result = sweeping.sweep()

    assert asked(stack) == ["dedicated"] * 5 + ["flex"] * 5 + ["flex_list"]
    assert (result["checked"], result["notReached"]) == (5, 0)
    assert [one["error"] for one in result["failures"]] == ["RestoreJobNotFoundError"] * 5
    assert all("missingSince" in stored(stack, restore) for restore in restores)


def test_the_list_of_a_cluster_is_read_once_in_a_sweep_for_all_of_its_jobs_that_are_missing(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restores = start_several(stack, group, 5)
    sweeping.check(*restores)
    for restore in restores:
        stack.atlas.hide_restore(restore)

    for _ in range(2):
        assert sweeping.sweep_after(300)["checked"] == 5
        # The first list is of the open jobs. None is among its newest, so the second is read whole.
        lists = [one for one in asked(stack) if one.endswith("_list")]
        assert lists == ["flex_list"] * 2
    assert all("missingSince" in stored(stack, restore) for restore in restores)


def test_a_job_that_is_gone_says_nothing_about_the_others_of_its_cluster(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restores = start_several(stack, group, 3)
    sweeping.check(*restores)
    for restore in restores:
        stack.atlas.omit_from_lists(restore)
    stack.atlas.hide_restore(restores[0])

    result = sweeping.sweep()

    assert [one["restoreId"] for one in result["failures"]] == [restores[0].restore_id]
    assert set(asked_about(stack)) == {restore.restore_id for restore in restores}


# Jobs of a newer version


def make_foreign(stack: LocalStack, restore: EmulatedRestore) -> None:
    """A newer version has recorded the job, of a kind that this version does not know."""
    stack.aws.client("dynamodb").update_item(
        TableName=stack.table_name,
        Key={
            "cluster": {"S": f"{restore.group_id}/{restore.cluster}"},
            "restoreId": {"S": restore.restore_id},
        },
        UpdateExpression="SET kind = :kind, history[0].kind = :kind",
        ExpressionAttributeValues={":kind": {"S": "snapshot-export"}},
    )


def test_a_job_of_a_kind_that_only_a_newer_version_knows_is_never_asked_about_nor_forgotten(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    restore = hidden(sweeping, stack, group)
    make_foreign(stack, restore)

    for wait in (0, DAY, 300, 300, 300, HOUR):
        result = sweeping.sweep_after(wait)
        assert (result["open"], result["checked"], result["failures"]) == (1, 0, [])
        assert asked(stack) == []
    assert is_open(stack, restore)


def test_what_is_pending_for_a_job_of_a_newer_version_stays_for_that_version(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    """Its message cannot be made here. That is reported, and holds up no other message."""
    restore, other = start_several(stack, group, 2)
    for one in (restore, other):
        check_without_topic(sweeping, stack, one)
    make_foreign(stack, restore)

    result = sweeping.sweep()

    (failure,) = result["failures"]
    assert (failure["restoreId"], failure["error"]) == (
        restore.restore_id,
        "TableUnavailableError",
    )
    assert (result["published"], stored(stack, restore)["publishedSequence"]) == (1, 0)
    assert statuses(received(stack)) == ["PENDING"]
    assert asked_about(stack) == [other.restore_id]
