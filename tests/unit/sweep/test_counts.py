"""The result of a sweep, and whether Atlas refused its credentials, by the records of its log."""

from collections.abc import Callable, Mapping, Sequence

import pytest

from foundation.errors import ApplicationError, TimeBudgetExceededError
from restore_watch.errors import (
    AtlasForbiddenError,
    AtlasUnauthorizedError,
    CredentialsError,
    TableUnavailableError,
    UnforeseenError,
)
from restore_watch.model.results import SweepResult
from restore_watch.sweep.judging.counts import count
from restore_watch.sweep.judging.refusal_of_credentials import refusal_of_credentials
from restore_watch.sweep.log import Acted, Fate, Record, Unread
from restore_watch.table.open_job import OpenJob
from unit.open_jobs import NOON, open_job, restore_id
from unit.records import (
    DOWN,
    EVENTS,
    LIMITED,
    LIST_OF_PROJECTS,
    NO_JOB,
    PENDING,
    about,
    acted,
    asked,
    cluster,
    coded,
    left,
)
from unit.scripted_atlas import GROUP

REFUSED = coded(AtlasUnauthorizedError, 401, "INVALID_KEY")
NO_ROLE_HERE = coded(AtlasUnauthorizedError, 401, "USER_UNAUTHORIZED")
FIRST, SECOND, THIRD = map(open_job, (1, 2, 3))


def counted(*records: Record, opened: Sequence[OpenJob] = (FIRST, SECOND, THIRD)) -> SweepResult:
    return count(records, opened)


def test_the_result_has_the_counts_of_different_jobs() -> None:
    result = counted(
        *[about(FIRST), about(SECOND), about(FIRST)] * 2,
        acted(FIRST, Fate.CHANGED),
        acted(FIRST, Fate.PUBLISHED, 2),
        acted(FIRST, Fate.SETTLED),
        acted(SECOND, Fate.CHANGED),
        acted(SECOND, Fate.PUBLISHED, 1),
        acted(open_job(4), Fate.FOUND),
        left(SECOND, THIRD),
    )

    assert result.as_json() == {
        "open": 3,
        "found": 1,
        "checked": 2,
        "changed": 3,
        "published": 3,
        "notReached": 1,
        "failures": [],
    }


def test_a_failure_names_the_job_the_cluster_the_project_or_nothing() -> None:
    result = counted(
        about(FIRST, DOWN),
        asked(EVENTS, DOWN),
        asked(LIST_OF_PROJECTS, DOWN),
        Unread(cluster("carts"), DOWN),
    )

    told = {"error": "AtlasUnavailableError", "message": "Atlas did not answer"}
    assert result.as_json()["failures"] == [
        {"groupId": GROUP, "clusterName": "orders", "restoreId": restore_id(1)} | told,
        {"groupId": GROUP} | told,
        {"groupId": None} | told,
        {"groupId": GROUP, "clusterName": "carts"} | told,
    ]


NO_SECRET = CredentialsError("no secret")
LATE = TimeBudgetExceededError("late")
OF_PROJECT = (GROUP, None, None)
OF_CLUSTER = (GROUP, "orders", None)
FAILS: Mapping[str, tuple[list[Record], dict[tuple[str | None, ...], ApplicationError]]] = {
    "a rate limit": ([about(FIRST, LIMITED), Unread(cluster(), LIMITED)], {}),
    "no time": ([about(FIRST, LATE), Unread(LIST_OF_PROJECTS, LATE)], {}),
    "a job that Atlas does not know": ([about(FIRST, NO_JOB)], {FIRST.key: NO_JOB}),
    "a list whose next try is answered": ([asked(EVENTS, DOWN), asked(EVENTS)], {}),
    "a list of a cluster, until its listing ends": ([asked(cluster(), DOWN)], {}),
    "no credentials for it": ([asked(cluster(), NO_SECRET)], {OF_CLUSTER: NO_SECRET}),
    "a project that the table refuses": (
        [Acted(GROUP, None, Fate.FAILED, 0, DOWN)],
        {OF_PROJECT: DOWN},
    ),
    "no time to act": ([acted(FIRST, Fate.LATE)], {}),
}


@pytest.mark.parametrize(("records", "failures"), FAILS.values(), ids=FAILS)
def test_what_counts_as_a_failure(
    records: list[Record], failures: dict[tuple[str | None, ...], ApplicationError]
) -> None:
    result = counted(*records)

    found = {(one.group_id, one.cluster_name, one.restore_id): one.error for one in result.failures}
    assert found == failures


def test_a_failure_counts_until_the_same_job_succeeds_or_is_published() -> None:
    result = counted(
        *[about(number, DOWN) for number in (1, 2, 3)],
        *[acted(one, Fate.FAILED, error=PENDING) for one in (FIRST, SECOND, THIRD)],
        acted(FIRST, Fate.SETTLED),
        acted(SECOND, Fate.PUBLISHED, 1),
        acted(THIRD, Fate.SETTLED, 1),  # a message is pending
    )

    assert [(one.restore_id, one.error) for one in result.failures] == [(restore_id(3), PENDING)]


def test_a_list_that_could_not_be_read_fails_whatever_its_calls_and_its_jobs_did() -> None:
    result = counted(
        Unread(LIST_OF_PROJECTS, DOWN),
        asked(LIST_OF_PROJECTS),  # another page
        asked(EVENTS),
        Unread(EVENTS, DOWN),
        Unread(cluster(), DOWN),
        acted(FIRST, Fate.SETTLED),
    )

    found = [(one.group_id, one.cluster_name) for one in result.failures]
    assert found == [(None, None), (GROUP, None), (GROUP, "orders")]


def test_a_result_lists_twenty_failures_at_most() -> None:
    result = counted(*(about(number, DOWN) for number in range(21)))

    assert len(result.failures) == 21
    assert len(result.as_json()["failures"]) == 20


def test_an_answer_that_there_was_no_time_to_act_on_is_no_check_until_the_next() -> None:
    records: list[Record] = [about(FIRST), about(SECOND), acted(FIRST, Fate.LATE)]
    result = counted(*records)
    assert (result.checked, result.not_reached, result.failures) == (1, 1, ())

    result = counted(*records, about(FIRST))
    assert (result.checked, result.not_reached) == (2, 0)


def test_a_failure_of_a_job_that_was_missed_before_is_known() -> None:
    opened = [open_job(1, missing_since=NOON), SECOND]
    result = counted(about(1, DOWN), about(2, DOWN), opened=opened)

    assert [one.is_known for one in result.failures] == [True, False]


# Refused credentials


def of_jobs(number: int, error: ApplicationError | None) -> Record:
    return about(open_job(number, cluster=f"n-{number}"), error)


def of_lists(number: int, error: ApplicationError | None) -> Record:
    subject = cluster(f"n-{number}")
    return Unread(subject, error) if error else asked(subject)


@pytest.mark.parametrize(
    ("errors", "refused"),
    [
        ([REFUSED, REFUSED], True),
        ([REFUSED, NO_ROLE_HERE], False),
        ([REFUSED, DOWN], False),
        ([REFUSED, coded(AtlasForbiddenError, 403)], False),
        ([NO_ROLE_HERE], False),
        ([REFUSED, None], False),
        ([], False),
    ],
    ids=str,
)
@pytest.mark.parametrize("record", [of_jobs, of_lists])
def test_credentials_are_refused_if_every_question_was_and_not_for_a_role(
    errors: list[ApplicationError | None],
    record: Callable[[int, ApplicationError | None], Record],
    *,
    refused: bool,
) -> None:
    records = [record(number, error) for number, error in enumerate(errors)]

    assert refusal_of_credentials(records) is (REFUSED if refused else None)


BESIDE: Mapping[str, ApplicationError] = {
    "the topic": PENDING,
    "the table": TableUnavailableError("no answer"),
    "our own code": UnforeseenError("this is a bug"),
}


@pytest.mark.parametrize("error", BESIDE.values(), ids=BESIDE)
@pytest.mark.parametrize("job", [FIRST, SECOND], ids=["the same job", "another job"])
def test_credentials_are_refused_although_something_else_than_atlas_fails_too(
    job: OpenJob, error: ApplicationError
) -> None:
    records: list[Record] = [about(FIRST, REFUSED), acted(job, Fate.FAILED, error=error)]

    assert refusal_of_credentials(records) is REFUSED


def test_only_atlas_can_refuse_the_credentials() -> None:
    records: list[Record] = [acted(FIRST, Fate.FAILED, error=PENDING)]

    assert refusal_of_credentials(records) is None
