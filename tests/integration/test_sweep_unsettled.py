"""What is asked again in the next sweep, what fails a sweep, and what is not written twice."""

from collections import Counter
from collections.abc import Callable

import pytest

from integration.checking import received, statuses, stored
from integration.sweeping import (
    HOUR,
    Sweeping,
    asked,
    break_project,
    check_without_topic,
    is_open,
    start_several,
)
from local_stack.atlas import EmulatedRestore
from local_stack.aws import aws_error
from local_stack.faults import Reset
from local_stack.in_process import Clients
from local_stack.refusal import atlas_error
from local_stack.restores import date
from local_stack.stack import LocalStack
from local_stack.wire import Attached, Fault
from restore_watch.errors import AtlasUnauthorizedError
from restore_watch.threads.workers import THREADS

UNAVAILABLE = atlas_error(503, "SERVICE_UNAVAILABLE", "Later.")


def break_atlas(stack: LocalStack, restore: EmulatedRestore) -> Attached:
    return break_project(stack, restore.group_id, UNAVAILABLE, times=None)


def silence_atlas(stack: LocalStack, restore: EmulatedRestore) -> Attached:
    return break_project(stack, restore.group_id, Reset(), times=None)


def break_table(stack: LocalStack, restore: EmulatedRestore) -> Attached:
    """Atlas answers, but the answer cannot be recorded."""
    restore.advance()
    return stack.aws.wire.inject(
        Fault(
            action=aws_error("dynamodb", "AccessDeniedException"),
            operation="UpdateItem",
            times=None,
            when=lambda call: restore.restore_id.encode() in call.body,
        )
    )


@pytest.mark.parametrize("happens", [break_atlas, silence_atlas, break_table])
def test_an_old_job_that_could_not_be_settled_is_asked_about_in_the_next_sweep(
    sweeping: Sweeping,
    stack: LocalStack,
    group: str,
    happens: Callable[[LocalStack, EmulatedRestore], Attached],
) -> None:
    (restore,) = start_several(stack, group, 1)
    sweeping.check(restore)
    sweeping.clock.advance(7 * HOUR)
    sweeping.sweep()

    sweeping.clock.advance(300)
    with happens(stack, restore):
        assert len(sweeping.sweep()["failures"]) == 1

    after = sweeping.sweep_after(60)
    assert (after["checked"], after["failures"]) == (1, [])


# A project without answers

HOT_ROUNDS = 5
"""With HOT_SECONDS 10 these follow the first round."""


@pytest.mark.usefixtures("sweeping")
def test_many_hot_jobs_of_a_project_that_answers_503_cost_few_calls(
    stack: LocalStack, group: str, in_process: Clients
) -> None:
    """At most one of each thread, under way before the third answer comes, and one a hot round."""
    sweeping = Sweeping(stack, in_process, hot_seconds=10)
    sweeping.check(
        *(
            start_several(stack, group, 1, cluster=f"orders-{number}")[0]
            for number in range(THREADS + 8)
        )
    )
    break_project(stack, group, UNAVAILABLE, times=None)

    result = sweeping.sweep()

    assert 3 <= len(asked(stack)) <= THREADS + HOT_ROUNDS
    assert result["checked"] + result["notReached"] == THREADS + 8


@pytest.mark.usefixtures("sweeping")
def test_after_three_answers_503_in_a_row_a_project_gets_one_question_in_each_hot_round(
    stack: LocalStack, group: str, in_process: Clients
) -> None:
    sweeping = Sweeping(stack, in_process, hot_seconds=10)
    sweeping.check(*start_several(stack, group, 3))
    break_project(stack, group, UNAVAILABLE, times=None)

    sweeping.sweep()

    calls = Counter(asked(stack))
    assert calls["flex_list"] == 1
    # Some may be asked about again before the third failure.
    assert 3 <= calls["flex"] - HOT_ROUNDS <= 2 * 3


# Refused credentials


def test_a_sweep_fails_if_atlas_refuses_the_credentials_of_every_question(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    (restore,) = start_several(stack, group, 1)
    sweeping.check(*start_several(stack, group, 2, cluster="carts"))
    check_without_topic(sweeping, stack, restore)
    break_project(stack, group, atlas_error(401, "INVALID_KEY", "No."), times=None)

    with pytest.raises(AtlasUnauthorizedError):
        sweeping.sweep()

    assert statuses(received(stack)) == ["PENDING"]
    assert sweeping.lines("swept") == []


def test_a_sweep_does_not_fail_for_a_role_that_is_missing(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    sweeping.check(*start_several(stack, group, 1))
    break_project(stack, group, atlas_error(401, "USER_UNAUTHORIZED", "No role."), times=None)

    (failure,) = sweeping.sweep()["failures"]

    assert failure["error"] == "AtlasUnauthorizedError"


def test_a_sweep_does_not_fail_if_another_project_accepts_the_credentials(
    sweeping: Sweeping, stack: LocalStack, group: str
) -> None:
    other = group[::-1]
    sweeping.check(*start_several(stack, group, 1), *start_several(stack, other, 1))
    break_project(stack, group, atlas_error(401, "INVALID_KEY", "No."), times=None)

    assert len(sweeping.sweep()["failures"]) == 1


# Unknown words


@pytest.mark.usefixtures("sweeping")
def test_an_unknown_word_that_is_no_news_is_written_once_in_a_sweep(
    stack: LocalStack, group: str, in_process: Clients
) -> None:
    """The history has it: only the table knows that."""
    sweeping = Sweeping(stack, in_process, hot_seconds=10)
    (restore,) = start_several(stack, group, 1)
    for word in ("PAUSED", "RESUMED"):
        restore.set(status=word)
        sweeping.check(restore)
    restore.set(status="PAUSED")

    assert sweeping.sweep()["changed"] == 0

    assert asked(stack) == ["flex"] * 6
    writes = [call for call in stack.aws.wire.calls if call.operation == "UpdateItem"]
    about_it = [call for call in writes if restore.restore_id.encode() in call.body]
    assert len(about_it) == 1


@pytest.mark.usefixtures("sweeping")
def test_an_unknown_word_with_a_finish_date_is_asked_about_once(
    stack: LocalStack, group: str, in_process: Clients
) -> None:
    sweeping = Sweeping(stack, in_process, hot_seconds=10)
    (restore,) = start_several(stack, group, 1)
    sweeping.check(restore)
    restore.set(status="PARTIAL", restoreFinishedDate=date(sweeping.clock()))

    assert sweeping.sweep()["changed"] == 1

    assert asked(stack) == ["flex"]
    assert (stored(stack, restore)["status"], is_open(stack, restore)) == ("UNKNOWN", False)
    assert sweeping.sweep()["open"] == 0
