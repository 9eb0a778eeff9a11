"""What one invocation answers, and how often it checks its targets."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from foundation.deadline import Deadline
from restore_watch.application import Application
from restore_watch.check.batch import ROUNDS
from restore_watch.check.outbox import QUESTION_TIME
from restore_watch.errors import InvalidEventError, RestoreJobNotFoundError
from restore_watch.event.actions import Diagnose
from restore_watch.event.event import DETAIL_TYPE
from restore_watch.telemetry.telemetry import Telemetry
from restore_watch.threads.workers import Workers
from unit.checking import Checking
from unit.scripted_atlas import GROUP, Clock, Reply, ScriptedAtlas, answer, no_answer

OTHER_GROUP = "5f0000000000000000000a02"
THIRD_GROUP = "5f0000000000000000000a03"
NOT_FOUND = answer(404)


def named(number: int, group: str = GROUP, **fields: object) -> dict[str, Any]:
    """An event that names one of several jobs."""
    event = {
        "groupId": group,
        "clusterName": "orders",
        "restoreId": f"6b4a0f8000000000000000{number:02x}",
        "kind": "flex",
    }
    return event | fields


INVALID = {"groupId": "x"}


def detail(body: object) -> dict[str, object]:
    return {"detail-type": DETAIL_TYPE, "detail": body}


class Invocation:
    """Invokes the application. Atlas knows every job, except those with a reply in `replies`."""

    def __init__(self, atlas: ScriptedAtlas, clock: Clock) -> None:
        self._checking = Checking(atlas, clock)
        telemetry = Telemetry(Logger(service="tested", location=None))
        self._application = Application(
            self._checking.checker,
            self._checking.sweeper(telemetry),
            Workers(),
            telemetry,
            self._diagnose,
        )
        self.seconds_left: list[float] = []
        self.atlas = atlas
        self.clock = clock
        self.replies: dict[int, list[Reply]] = {}

    def __call__(self, event: object, seconds: float = 60.0) -> Mapping[str, Any]:
        self.atlas.job_replies.extend([self._reply] * 100)
        return self._application.answer(event, self.clock.deadline(seconds))

    def _reply(self, request: Any) -> Any:
        restore_id = request.url.path[-24:]
        replies = self.replies.get(int(restore_id[-2:], 16), [])
        send_job = answer(200, {"id": restore_id, "status": "RUNNING"})
        return (replies.pop(0) if replies else send_job)(request)

    def _diagnose(self, _: Diagnose, deadline: Deadline) -> Mapping[str, Any]:
        self.seconds_left.append(deadline.remaining())
        return {"ok": True, "checks": []}

    @property
    def asked(self) -> list[int]:
        """The jobs that Atlas was asked for, in order: any order within one round."""
        return [int(one.url.path[-2:], 16) for one in self.atlas.job_requests]


@pytest.fixture
def invoke(atlas: ScriptedAtlas, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Invocation:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "tested")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Tested")
    return Invocation(atlas, clock)


@pytest.mark.parametrize(("left", "taken"), [(124.5, 60.0), (59.5, 59.5)])
def test_what_is_no_sweep_takes_sixty_seconds_at_most(
    invoke: Invocation, left: float, taken: float
) -> None:
    invoke({"action": "diagnose"}, left)

    assert invoke.seconds_left == [taken]


def metrics(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The lines in CloudWatch's embedded metric format."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if "_aws" in line]


def total(lines: list[dict[str, Any]], name: str) -> float:
    return sum(float(line[name][0]) for line in lines if name in line)


@pytest.mark.parametrize("event", [named(1), detail(named(1))], ids=["direct", "eventbridge"])
def test_one_target_gets_its_result(invoke: Invocation, event: object) -> None:
    assert invoke(event)["status"] == "RUNNING"


def test_one_target_raises_its_error(invoke: Invocation) -> None:
    invoke.replies = {1: [NOT_FOUND]}

    with pytest.raises(RestoreJobNotFoundError):
        invoke(named(1))


def test_an_event_that_names_no_job_is_reported_and_raised(
    invoke: Invocation, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InvalidEventError):
        invoke({})

    assert [line["error"] for line in metrics(capsys)] == ["InvalidEventError"]


def test_one_failed_target_does_not_affect_the_others(invoke: Invocation) -> None:
    invoke.replies = {2: [NOT_FOUND]}

    result = invoke({"targets": [named(1), named(2), INVALID, named(3)]})

    assert [one["job"]["restoreId"] for one in result["results"]] == [
        named(1)["restoreId"],
        named(3)["restoreId"],
    ]
    not_found, invalid = result["failures"]
    assert (not_found["target"], not_found["error"]) == (named(2), "RestoreJobNotFoundError")
    assert not_found["message"].startswith("Atlas answered 404")
    assert (invalid["target"], invalid["error"]) == ({"path": "targets[2]"}, "InvalidEventError")


@pytest.mark.parametrize("wrap", [dict, detail], ids=["direct", "eventbridge"])
def test_the_first_error_is_raised_when_every_target_fails(invoke: Invocation, wrap: Any) -> None:
    invoke.replies = {1: [NOT_FOUND]}

    with pytest.raises(RestoreJobNotFoundError):
        invoke(wrap({"targets": [named(1), INVALID]}))


def test_an_eventbridge_event_checks_all_targets_and_fails_if_any_fails(
    invoke: Invocation,
) -> None:
    invoke.replies = {1: [NOT_FOUND]}

    with pytest.raises(RestoreJobNotFoundError):
        invoke(detail({"targets": [named(1), INVALID, named(2)]}))

    assert sorted(invoke.asked) == [1, 2]


def test_an_eventbridge_event_whose_targets_succeed_has_their_results(invoke: Invocation) -> None:
    result = invoke(detail({"targets": [named(1), named(2)]}))

    assert (len(result["results"]), result["failures"]) == (2, [])


def record(message_id: str, body: object) -> dict[str, str]:
    return {"messageId": message_id, "eventSource": "aws:sqs", "body": json.dumps(body)}


def failed_records(result: Mapping[str, Any]) -> list[str]:
    return [one["itemIdentifier"] for one in result["batchItemFailures"]]


def test_a_batch_names_the_records_of_which_any_target_failed(invoke: Invocation) -> None:
    invoke.replies = {2: [NOT_FOUND], 3: [NOT_FOUND]}

    result = invoke(
        {
            "Records": [
                record("a", named(1)),
                record("b", {"targets": [named(2), named(4)]}),
                record("c", detail(named(3))),
                record("d", {}),
                record("e", {"targets": [named(5), named(6)]}),
            ]
        }
    )

    assert failed_records(result) == ["b", "c", "d"]
    assert sorted(invoke.asked) == [1, 2, 3, 4, 5, 6]


LIMITED = answer(429, Retry_After="5")


def test_a_single_target_waits_for_its_rate_limit(invoke: Invocation, clock: Clock) -> None:
    invoke.replies = {1: [LIMITED]}

    assert invoke(named(1))["status"] == "RUNNING"
    assert 5 <= sum(clock.sleeps) < 6


def test_a_transient_failure_is_checked_again_after_all_other_targets_in_three_rounds(
    invoke: Invocation, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    clock.now = int("6b4a0f80", 16)  # the jobs were just created
    down = answer(503)
    invoke.replies = {1: [down] * ROUNDS, 2: [no_answer()], 3: [NOT_FOUND, down], 4: [answer(403)]}

    result = invoke({"targets": [named(n) for n in range(1, 6)]})

    first, second, third = invoke.asked[:5], invoke.asked[5:8], invoke.asked[8:]
    assert (sorted(first), sorted(second), sorted(third)) == ([1, 2, 3, 4, 5], [1, 2, 3], [1, 3])
    assert not clock.sleeps
    assert [one["job"]["restoreId"] for one in result["results"]] == [
        named(n)["restoreId"] for n in (2, 3, 5)
    ]
    assert [(one["target"], one["error"]) for one in result["failures"]] == [
        (named(1), "AtlasUnavailableError"),
        (named(4), "AtlasForbiddenError"),
    ]
    lines = metrics(capsys)
    assert (total(lines, "FailedChecks"), total(lines, "SuccessfulChecks")) == (2, 3)


def test_a_slow_target_takes_no_more_than_its_share_of_the_time(
    invoke: Invocation, clock: Clock
) -> None:
    def slow(request: Any) -> Any:
        clock.now += QUESTION_TIME
        return answer(404)(request)

    invoke.replies = {1: [slow]}

    invoke({"Records": [record("a", named(1, kind="auto")), record("b", named(2))]})

    assert invoke.asked.count(1) == 1  # no time is left to ask for its other kind


def test_a_limited_record_does_not_affect_the_other_records(
    invoke: Invocation, clock: Clock
) -> None:
    invoke.replies = {1: [LIMITED]}

    result = invoke({"Records": [record("a", named(1)), record("b", named(2, OTHER_GROUP))]})

    assert failed_records(result) == ["a"]
    assert sorted(invoke.asked) == [1, 2]
    assert not clock.sleeps


def test_a_target_that_is_named_twice_is_answered_twice_and_changes_once(
    invoke: Invocation, capsys: pytest.CaptureFixture[str]
) -> None:
    result = invoke({"targets": [named(1), named(2), named(1)]})

    assert [one["job"]["restoreId"][-2:] for one in result["results"]] == ["01", "02", "01"]
    assert [one["changed"] for one in result["results"]] == [True, True, False]
    assert [one["previousStatus"] for one in result["results"]] == [None, None, "RUNNING"]
    assert sorted(invoke.asked) == [1, 2]
    assert total(metrics(capsys), "SuccessfulChecks") == 3
