"""Events: the samples, what names no job, and one of several jobs that fails alone."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

import pytest

from foundation.errors import ApplicationError
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.aws import aws_error
from local_stack.environment import Environment, target_of
from local_stack.stack import ROOT, LocalStack
from local_stack.steps import PUBLISH
from local_stack.world import LONG_AGO, World
from restore_watch.errors import InvalidEventError, RestoreJobNotFoundError

cases = pytest.mark.parametrize

SIGNED_OFF = aws_error("sns", "AuthorizationError", status=403)

GOOD = {"groupId": "6a1f3c9e5b7d204e8c61f0a3", "clusterName": "orders-flex", "restoreId": LONG_AGO}


def requested(detail: object) -> dict[str, Any]:
    """The event of EventBridge that asks for this."""
    return {"detail-type": "Atlas Restore Watch Requested", "source": "tests", "detail": detail}


def record(name: str, body: object) -> dict[str, str]:
    """A record of SQS; a text is a body as it is."""
    text = body if isinstance(body, str) else json.dumps(body)
    return {"messageId": name, "eventSource": "aws:sqs", "body": text}


# The samples

SAMPLES = sorted(
    path for path in (ROOT / "events").glob("*.json") if not path.name.endswith(".schema.json")
)
SWEPT_NOTHING = {
    "open": 0,
    "found": 0,
    "checked": 0,
    "changed": 0,
    "published": 0,
    "notReached": 0,
    "failures": [],
}
KINDS: dict[str, Kind] = {kind: kind for kind in ("dedicated", "tenant", "collection")}


def targets_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every target of an event, in any wrapping."""
    if isinstance(value, str) and value.startswith("{"):
        value = json.loads(value)
    if isinstance(value, dict) and "clusterName" in value:
        yield value
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from targets_in(inner)


def start(stack: LocalStack, wanted: dict[str, Any]) -> EmulatedRestore:
    """Start the job that a target names. It has completed if its data was tested."""
    at = wanted.get("validatedAt")
    return stack.atlas.start_restore(
        wanted.get("groupId") or wanted["projectId"],
        wanted["clusterName"],
        KINDS.get(wanted.get("kind", "auto"), "flex"),
        restore_id=wanted.get("restoreId") or wanted.get("restoreJobId"),
        at=datetime.fromisoformat(at) - timedelta(hours=1) if at else None,
        timeline=["COMPLETED"] if at else None,
    )


@cases("sample", [path.stem for path in SAMPLES])
def test_each_sample_gets_the_documented_form_of_result(world: World, sample: str) -> None:
    event = json.loads((ROOT / "events" / f"{sample}.json").read_text())
    ids = [start(world.stack, one).restore_id for one in targets_in(event)]
    result = world.invoke(event).result
    received = world.received()

    published = [message.event["subject"] for message in received]
    match event:
        case {"scheduledTime": _} | {"detail-type": "Scheduled Event"}:
            assert result == {"skipped": True}  # its tick is long past
        case {"action": "sweep"}:
            assert result == SWEPT_NOTHING
        case {"action": "test-notification"}:
            (message,) = received
            assert result == {"messageId": message.message_id}
            assert message.attributes == {"type": "atlas-restore-watch.test-notification.v1"}
            assert message.subject == f"Atlas restore watch test: {message.event['subject']}"
            assert (world.items(), world.operations()) == ([], ["Publish"])
        case {"action": "newest-restore"}:
            assert result["restoreId"] == ids[0]
            assert (world.items(), received) == ([], [])
        case {"action": "diagnose"}:
            assert {"settings", "secret", "schedule"} <= {one["check"] for one in result["checks"]}
        case {"action": "record-validation"}:
            # The job was not known, so it was checked first.
            assert (result["changed"], result["sequence"], published) == (True, 2, ids * 2)
            assert received[-1].event["data"]["validation"] == result["validation"]
        case _:
            assert Counter(published) == Counter(ids)
            match event:
                case {"Records": _}:
                    assert result == {"batchItemFailures": []}
                case {"targets": _}:
                    assert [one["job"]["restoreId"] for one in result["results"]] == ids
                    assert result["failures"] == []
                case {"taskToken": _}:
                    assert result.keys() == {"job", "status", "waitUntil"}
                case _:
                    assert (result["job"]["restoreId"], result["changed"]) == (ids[0], True)


def test_there_are_samples() -> None:
    assert len(SAMPLES) >= 14


def test_a_refused_test_notification_fails_with_an_error_of_its_own(
    world: World, environment: Environment
) -> None:
    world.inject(PUBLISH, SIGNED_OFF, times=None)
    with pytest.raises(ApplicationError, match="AuthorizationError") as caught:
        environment.answer({"action": "test-notification"})

    assert type(caught.value).__name__ == "NotificationRefusedError"
    assert world.received() == []


# What names no job


@pytest.mark.fault("F40")
@cases(
    ("event", "field", "value"),
    [
        (GOOD, "groupId", "../../../groups"),
        (GOOD, "clusterName", "a\r\nHost: evil.example" + "a" * 10_000),
        ({"action": "sweep"}, "scheduledTime", "2026-11-25T12:00:00Z\r\nHost: evil.example"),
    ],
    ids=["path", "header", "moment"],
)
def test_an_odd_value_is_refused_before_any_call_and_never_quoted(
    world: World, event: Mapping[str, str], field: str, value: str
) -> None:
    world.stack.logs()
    answer = world.invoke({**event, field: value})

    assert answer.error_type == "InvalidEventError"
    assert (answer.error_message or "").startswith(f"{field}: expected ")
    assert len(answer.error_message or "") < 200
    assert world.calls() == []
    assert value[-18:] not in str(answer.payload) + world.stack.logs()


@pytest.mark.fault("F41")
@cases(
    ("given", "field"),
    [
        (None, "event"),
        ({"action": "dance"}, "action"),
        ({"action": "sweep", "scheduledTime": "9000-01-01T00:00:00Z"}, "scheduledTime"),
        (requested({**GOOD, "kind": 1}), "detail.kind"),
        ({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}, "Records[0]"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_an_event_that_names_no_job_is_refused_with_the_name_of_its_field(
    world: World, environment: Environment, given: object, field: str
) -> None:
    error = world.raised(InvalidEventError, lambda: environment.answer(given))

    assert str(error).startswith(f"{field}: ")
    assert world.calls() == []


# One of several


@pytest.mark.fault("F42")
@cases("body", ["{", json.dumps(GOOD), None], ids=["not-json", "unknown-job", "one-of-two"])
def test_a_record_that_cannot_be_handled_is_reported_alone(
    world: World, environment: Environment, body: str | None
) -> None:
    jobs = [world.job() for _ in range(2)]
    first, last = (record(job.restore_id, job.event) for job in jobs)
    body = body or json.dumps({"targets": [jobs[0].event, GOOD]})
    batch = {"Records": [first, record("poison", body), last]}

    assert environment.answer(batch) == {"batchItemFailures": [{"itemIdentifier": "poison"}]}
    assert [world.published(job) for job in jobs] == [["PENDING"]] * 2


@pytest.mark.fault("F43", "F59")
@cases(
    ("bad", "error"),
    [({"groupId": "../.."}, InvalidEventError), ({"restoreId": LONG_AGO}, RestoreJobNotFoundError)],
    ids=["invalid", "unknown"],
)
def test_one_target_that_fails_does_not_affect_the_others_and_fails_an_event_of_eventbridge(
    world: World,
    environment: Environment,
    bad: Mapping[str, str],
    error: type[ApplicationError],
) -> None:
    """EventBridge ignores a result; it repeats and keeps an event whose invocation fails."""
    jobs = [world.job(), world.job()]
    first, last = (job.event for job in jobs)
    event = {"targets": [first, {**first, **bad}, last]}
    for _ in range(2):
        environment.forget_log()
        world.raised(error, lambda: environment.answer(requested(event)))
        assert [one["error"] for one in environment.lines(level="ERROR")] == [error.__name__]
        assert len(environment.lines("checked")) == 2
        assert [world.published(job) for job in jobs] == [["PENDING"]] * 2

    result = environment.answer(event)
    restores = [one["job"]["restoreId"] for one in result["results"]]
    assert restores == [job.restore_id for job in jobs]
    (failure,) = result["failures"]
    assert failure["error"] == error.__name__
    assert failure["message"]
    assert "../.." not in str(result)


@pytest.mark.fault("F43")
def test_an_invocation_of_several_targets_fails_if_all_of_them_failed(
    world: World, environment: Environment
) -> None:
    """A schedule repeats an error, and never a result."""
    event = {"targets": [{**GOOD, "groupId": world.group}] * 2}
    world.raised(RestoreJobNotFoundError, lambda: environment.answer(event))


# Envelopes, which change nothing else


@cases(("kind", "key"), [("flex", "content"), ("dedicated", "envelope")], ids=["flex", "dedicated"])
def test_an_envelope_changes_nothing_in_the_result(
    world: World, environment: Environment, kind: Kind, key: Literal["content", "envelope"]
) -> None:
    world.atlas.behaviour.envelope_key = key
    job = world.recorded_job(kind)
    plain = vars(environment.check(job))
    world.stack.forget_calls()

    assert vars(environment.check(target_of(job, kind, envelope=True, pretty=True))) == plain
    assert vars(environment.check(target_of(job, kind, envelope=False, pretty=False))) == plain
    assert [call.query for call in world.questions()] == [
        {"envelope": "true", "pretty": "true"},
        {"envelope": "false", "pretty": "false"},
    ]
    unknown = replace(target_of(job, kind, envelope=True), restore_id=LONG_AGO)
    world.refused(RestoreJobNotFoundError, unknown, environment)
    assert [call.status for call in world.questions()][-1] == 200
