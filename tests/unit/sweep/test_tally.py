"""What the threads of a sweep find, and the result that is made of it."""

import pytest

from restore_watch.errors import (
    AtlasForbiddenError,
    AtlasReason,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    NotificationPendingError,
    RestoreWatchError,
)
from restore_watch.sweep.tally import Tally
from unit.open_jobs import NOON, open_job, restore_id
from unit.scripted_atlas import GROUP

DOWN = AtlasUnavailableError("Atlas did not answer")
REFUSED = AtlasUnauthorizedError("refused", AtlasReason(401, error_code="INVALID_KEY"))
NO_ROLE_HERE = AtlasUnauthorizedError("no role", AtlasReason(401, error_code="USER_UNAUTHORIZED"))


def test_the_result_has_the_counts_of_different_jobs() -> None:
    tally = Tally(opened=3)
    first, second, third = map(open_job, range(3))
    for _ in range(2):
        tally.asked([first, second])
    tally.changed_one()
    tally.published_for(first, 2)
    tally.succeeded_for(first)
    tally.skipped([second, third])

    assert tally.result.as_json() == {
        "open": 3,
        "found": 0,
        "checked": 2,
        "changed": 1,
        "published": 2,
        "notReached": 1,
        "failures": [],
    }


def test_a_failure_names_the_job_or_the_cluster() -> None:
    tally = Tally(opened=2)
    tally.failed(open_job(1), DOWN)
    tally.failed(open_job(2, cluster="carts"), DOWN, whole_list=True)

    about = {"error": "AtlasUnavailableError", "message": "Atlas did not answer"}
    assert tally.result.as_json()["failures"] == [
        {"groupId": GROUP, "clusterName": "orders", "restoreId": restore_id(1)} | about,
        {"groupId": GROUP, "clusterName": "carts"} | about,
    ]
    assert tally.failures[1].names == {
        "group_id": GROUP,
        "cluster_name": "carts",
        "restore_id": None,
    }


def test_a_failure_counts_until_the_same_job_succeeds_or_is_published() -> None:
    tally = Tally(opened=3)
    for number in (1, 2, 3):
        tally.failed(open_job(number), DOWN)
        tally.failed(open_job(number), NotificationPendingError("not accepted"))

    tally.succeeded_for(open_job(1))
    tally.published_for(open_job(2), 1)

    assert [one.restore_id for one in tally.failures] == [restore_id(3)]


def test_the_failure_of_a_list_counts_until_a_job_of_the_cluster_succeeds() -> None:
    tally = Tally(opened=2)
    tally.failed(open_job(1), DOWN, whole_list=True)
    tally.failed(open_job(1, cluster="carts"), DOWN, whole_list=True)

    tally.succeeded_for(open_job(2))

    assert [one.cluster_name for one in tally.failures] == ["carts"]


def test_a_job_succeeded_if_neither_it_nor_the_list_of_its_cluster_failed() -> None:
    tally = Tally(opened=4)
    jobs = [open_job(1), open_job(2), open_job(3, cluster="carts"), open_job(4, cluster="carts")]
    tally.asked(jobs)
    assert tally.succeeded == 4

    tally.failed(jobs[0], DOWN)
    tally.failed(jobs[2], DOWN, whole_list=True)

    assert tally.succeeded == 1


def test_a_result_lists_twenty_failures_at_most() -> None:
    tally = Tally(opened=30)
    for number in range(21):
        tally.failed(open_job(number), DOWN)

    assert len(tally.failures) == 21
    assert len(tally.result.as_json()["failures"]) == 20


def test_an_answer_that_there_was_no_time_to_act_on_is_no_check_until_the_next() -> None:
    tally = Tally(opened=2)
    tally.asked([open_job(1), open_job(2)])

    tally.not_settled(open_job(1))

    assert (tally.checked, tally.not_reached, tally.failures) == (1, 1, ())

    tally.asked([open_job(1)])
    assert (tally.checked, tally.not_reached) == (2, 0)


def test_a_failure_of_a_job_that_was_missed_before_is_known() -> None:
    tally = Tally(opened=2)
    tally.failed(open_job(1, missing_since=NOON), DOWN)
    tally.failed(open_job(2), DOWN)

    assert [one.is_known for one in tally.failures] == [True, False]


# Refused credentials


@pytest.mark.parametrize(
    ("errors", "answers", "refused"),
    [
        ([REFUSED, REFUSED], 0, True),
        ([REFUSED, NO_ROLE_HERE], 0, False),
        ([REFUSED, DOWN], 0, False),
        ([REFUSED, AtlasForbiddenError("no", AtlasReason(403))], 0, False),
        ([NO_ROLE_HERE], 0, False),
        ([REFUSED], 1, False),
        ([], 0, False),
    ],
    ids=str,
)
@pytest.mark.parametrize("whole_list", [False, True])
def test_credentials_are_refused_if_every_question_was_and_not_for_a_role(
    errors: list[RestoreWatchError], answers: int, *, refused: bool, whole_list: bool
) -> None:
    tally = Tally(opened=2)
    for number, error in enumerate(errors):
        tally.failed(open_job(number, cluster=f"n-{number}"), error, whole_list=whole_list)
    for _ in range(answers):
        tally.answered()

    assert tally.refusal_of_credentials is (REFUSED if refused else None)
