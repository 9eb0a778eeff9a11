"""One check: what it reports, and what it publishes when Atlas gives no answer."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.atlas.retrying import ATTEMPTS
from restore_watch.errors import (
    AtlasForbiddenError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    NotificationPendingError,
    RestoreJobNotFoundError,
    RestoreWatchError,
)
from restore_watch.model.restore_job import RestoreJob, RestoreKind, RestoreStatus
from restore_watch.model.results import CheckResult
from restore_watch.model.status_change import UNKNOWN_LIMIT
from strategies import changes, jobs, plain_job, statuses
from unit.checking import LONG_AGO, Checking, target
from unit.scripted_atlas import RESTORE, Clock, Reply, ScriptedAtlas, answer, no_answer
from unit.stubbed_aws import Refusal, stored_item

PENDING, QUEUED, RUNNING, UNKNOWN, COMPLETED, FAILED, CANCELLED, EXPIRED = RestoreStatus

results = st.builds(
    CheckResult,
    job=jobs(),
    previous_status=st.none() | statuses,
    changed=st.booleans(),
    sequence=st.integers(1, 8),
    published=st.lists(changes(), max_size=2).map(tuple),
    contradiction=st.none() | statuses,
)


@pytest.fixture
def checking(atlas: ScriptedAtlas, clock: Clock) -> Checking:
    return Checking(atlas, clock)


def store(checking: Checking, *states: RestoreJob, published: int | None = None) -> None:
    """The table holds a job that was in these states, a day ago."""
    checking.table.item = stored_item(
        *states,
        published=len(states) if published is None else published,
        observed_at=checking.utc_now() - LONG_AGO,
    )


@given(results)
def test_a_result_is_plain_json_with_the_documented_fields(result: CheckResult) -> None:
    shown = json.loads(json.dumps(result.as_json()))

    assert RestoreJob.model_validate(shown.pop("job")) == result.job
    assert shown == {
        "status": result.job.status,
        "previousStatus": result.previous_status,
        "changed": result.changed,
        "terminal": result.job.terminal,
        "succeeded": result.job.succeeded,
        "sequence": result.sequence,
    }


def test_the_first_check_records_and_publishes(checking: Checking) -> None:
    result = checking.check()

    assert (result.previous_status, result.changed, result.sequence) == (None, True, 1)
    assert [change.event_id for change in result.published] == [f"{RESTORE}:RUNNING"]
    assert checking.topic.ids == [f"{RESTORE}:RUNNING"]
    assert checking.table.acknowledged == [1]


def test_an_unchanged_check_publishes_nothing_and_returns_the_latest_details(
    checking: Checking,
) -> None:
    store(checking, plain_job(status=PENDING), plain_job(status=RUNNING))
    checking.atlas.job |= {"targetDeploymentItemName": "carts"}

    result = checking.check()

    assert (result.previous_status, result.changed, result.sequence) == (RUNNING, False, 2)
    assert result.job.target_deployment_item_name == "carts"
    assert result.published == ()
    assert (checking.topic.ids, checking.table.acknowledged) == ([], [])


def test_a_result_names_the_kind_that_answered_instead_of_tenant(checking: Checking) -> None:
    assert checking.check(target(kind="tenant")).successor is None

    checking.atlas.job_replies.append(answer(410))
    assert checking.check(target(kind="tenant")).successor is RestoreKind.FLEX
    assert checking.check(target(kind="flex")).successor is None


# --- what does not fit


def test_a_contradiction_is_reported_and_the_recorded_end_stays(
    checking: Checking,
) -> None:
    store(checking, plain_job(status=FAILED))
    checking.atlas.job["status"] = "COMPLETED"

    result = checking.check()

    assert (result.job.status, result.contradiction) == (FAILED, COMPLETED)


def test_an_unknown_word_that_does_not_fit_in_the_history_is_reported(
    checking: Checking,
) -> None:
    store(
        checking,
        *(plain_job(status=UNKNOWN, atlas_status=f"W{n}") for n in range(UNKNOWN_LIMIT)),
    )

    reported = []
    for word in ("NEW", "W3", "OTHER"):
        checking.atlas.job["status"] = word
        result = checking.check()
        reported.append(result.unrecorded_word)
        assert result.job.atlas_status == f"W{UNKNOWN_LIMIT - 1}"

    assert reported == ["NEW", None, "OTHER"]


# --- a refused credential


def test_a_request_is_repeated_after_a_401_only_with_other_credentials(checking: Checking) -> None:
    checking.atlas.job_replies.append(answer(401))
    with pytest.raises(AtlasUnauthorizedError):
        checking.check()
    assert len(checking.atlas.job_requests) == 1

    checking.clock.now += 60
    checking.private_key = "second"
    checking.atlas.job_replies.append(answer(401))

    assert checking.check().job.status is RUNNING
    assert len(checking.atlas.job_requests) == 3


# --- Atlas gives no answer


NO_ANSWERS: dict[str, tuple[list[Reply], type[RestoreWatchError]]] = {
    "deleted": ([answer(404)], RestoreJobNotFoundError),
    "revoked": ([answer(401)], AtlasUnauthorizedError),
    "forbidden": ([answer(403)], AtlasForbiddenError),
    "unavailable": ([answer(503)] * ATTEMPTS, AtlasUnavailableError),
    "silent": ([no_answer()] * ATTEMPTS, AtlasUnavailableError),
}


@pytest.mark.parametrize(("replies", "error"), NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_pending_changes_are_published_before_the_error_is_raised(
    checking: Checking, replies: list[Reply], error: type[RestoreWatchError]
) -> None:
    store(checking, plain_job(), plain_job(status=COMPLETED), published=0)
    checking.atlas.job_replies.extend(replies)

    with pytest.raises(error):
        checking.check()

    assert checking.topic.ids == [f"{RESTORE}:RUNNING", f"{RESTORE}:COMPLETED"]
    assert checking.table.acknowledged == [2]


def test_pending_changes_are_published_when_the_secret_cannot_be_read(checking: Checking) -> None:
    store(checking, plain_job(status=COMPLETED), published=0)
    checking.private_key = ""

    with pytest.raises(RestoreWatchError, match="private_key"):
        checking.check()

    assert checking.topic.ids == [f"{RESTORE}:COMPLETED"]


@pytest.mark.parametrize("published", [None, 2], ids=["nothing stored", "nothing pending"])
def test_nothing_is_published_when_nothing_is_pending(
    checking: Checking, published: int | None
) -> None:
    if published:
        store(checking, plain_job(), plain_job(status=COMPLETED), published=published)
    checking.atlas.job_replies.append(answer(404))

    with pytest.raises(RestoreJobNotFoundError):
        checking.check()

    assert (checking.topic.ids, checking.table.acknowledged) == ([], [])


def test_the_error_of_a_pending_change_is_raised_before_the_error_of_atlas(
    checking: Checking,
) -> None:
    store(checking, plain_job(status=COMPLETED), published=0)
    checking.topic.refusals = [Refusal("InternalError")]
    checking.atlas.job_replies.append(answer(404))

    with pytest.raises(NotificationPendingError) as pending:
        checking.check()

    assert isinstance(pending.value.__cause__, RestoreJobNotFoundError)


def test_a_table_error_does_not_hide_the_error_of_atlas(checking: Checking) -> None:
    checking.table.refusal = Refusal("InternalServerError")
    checking.atlas.job_replies.append(answer(404))

    with pytest.raises(RestoreJobNotFoundError) as refused:
        checking.check()

    (note,) = refused.value.__notes__
    assert note.startswith("Pending changes were not published: DynamoDB")


# --- publishing


def test_each_change_is_reported_as_soon_as_it_is_published(checking: Checking) -> None:
    store(checking, plain_job(status=PENDING), plain_job(), published=0)
    checking.topic.refusals = [None, Refusal("InternalError")]

    with pytest.raises(NotificationPendingError):
        checking.check()

    ((change, recorded),) = checking.reported
    assert change.event_id == f"{RESTORE}:PENDING"
    assert [one.job.status for one in recorded.history] == [PENDING, RUNNING]


def test_what_was_published_before_a_failure_is_acknowledged(checking: Checking) -> None:
    store(checking, plain_job(status=PENDING), plain_job(), published=0)
    checking.topic.refusals = [None, Refusal("InternalError")]

    with pytest.raises(NotificationPendingError):
        checking.check()

    assert checking.topic.ids == [f"{RESTORE}:PENDING"]
    assert checking.table.acknowledged == [1]


def test_a_check_waits_briefly_for_another_check_to_publish_a_change(
    checking: Checking,
) -> None:
    checking.table.item = stored_item(
        plain_job(), published=0, observed_at=checking.utc_now() + timedelta(seconds=1)
    )

    result = checking.check()

    assert checking.clock.sleeps == [0.1, 0.2, 0.4]
    assert [change.event_id for change in result.published] == [f"{RESTORE}:RUNNING"]
    assert not result.changed


def test_a_change_that_another_check_published_during_the_wait_is_not_published_again(
    checking: Checking,
) -> None:
    moment = checking.utc_now() + timedelta(seconds=1)
    checking.table.item = stored_item(plain_job(), published=0, observed_at=moment)
    outbox = checking.checker.outbox

    def acknowledge(seconds: float) -> None:
        checking.clock.sleep(seconds)
        checking.table.item = stored_item(plain_job(), published=1, observed_at=moment)

    outbox.clock = replace(outbox.clock, sleep=acknowledge)

    assert checking.check().published == ()
    assert (checking.clock.sleeps, checking.topic.ids) == ([0.1], [])
