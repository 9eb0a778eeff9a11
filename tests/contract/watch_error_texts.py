"""
Every error text of `restore_watch`, made by its real code.

Only Atlas, AWS, the look-up of names and clocks are played.
"""

import io
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event
from typing import Any
from unittest.mock import patch

import httpx
from aws_lambda_powertools import Logger
from boto3.dynamodb.types import TypeSerializer

from contract.error_text_cases import (
    SECRET_FAILURES,
    TABLE_FAILURES,
    TOPIC_FAILURES,
    JumpingClock,
    logged,
    raised,
)
from contract.error_texts import ANY, ErrorText
from contract.sweep_error_texts import sweep_error_texts
from foundation.aws_call import AwsCallError
from foundation.deadline import Deadline
from restore_watch.atlas.client import AtlasClient
from restore_watch.atlas.credentials import ApiKey
from restore_watch.atlas.endpoints import AtlasList, Family
from restore_watch.atlas.exchange import exchange
from restore_watch.atlas.network import Bounds, http_client
from restore_watch.atlas.pages import FIRST_PAGE
from restore_watch.atlas.read_restore_job import read_job, restore_job
from restore_watch.atlas.refusals import family_refusal, token_refusal
from restore_watch.atlas.session import AtlasSession, only
from restore_watch.aws.secrets_manager import AtlasSecret, read_credentials
from restore_watch.aws.topic import StatusChangesTopic
from restore_watch.check.newest_restore import NewestRestore
from restore_watch.check.record_validation import ValidationRecorder
from restore_watch.check.register_wait import WaitRegistrar
from restore_watch.errors import AtlasForbiddenError
from restore_watch.event.actions import FindNewestRestore, Sweep
from restore_watch.event.event import parse
from restore_watch.model.outage import Trouble, WatchChange, WatchState
from restore_watch.model.restore_job import RestoreJob, RestoreKind, RestoreStatus, RestoreTarget
from restore_watch.model.results import CheckResult
from restore_watch.model.validation import VALIDATIONS_LIMIT, Validation, Verdict
from restore_watch.model.wait import WAITS_LIMIT, Wait
from restore_watch.settings import Settings
from restore_watch.table.job_item import read_item, validation_entry
from restore_watch.table.jobs import RestoreJobsTable
from restore_watch.table.open_jobs import OpenJobs
from restore_watch.telemetry.telemetry import Telemetry
from unit.checking import Checking
from unit.scripted_atlas import (
    BASE_URL,
    GROUP,
    JOB_URL,
    RESTORE,
    Clock,
    Reply,
    ScriptedAtlas,
    Token,
    answer,
    no_answer,
)
from unit.stubbed_aws import Answer, Refusal, dynamodb, secrets_manager, sns, stored_item

CLUSTER = {"groupId": GROUP, "clusterName": "orders"}
TARGET = CLUSTER | {"restoreId": RESTORE}
TOPIC = "arn:aws:sns:eu-central-1:123456789012:changes"
KEY = ApiKey("abcdefgh", "hidden")


def watch_error_texts() -> Iterator[ErrorText]:
    yield from _settings()
    yield from _secret()
    yield from _events()
    yield from _refusals()
    yield from _answers()
    yield from _network()
    yield from _aws()
    yield from _validations()
    yield from _waits()
    yield from _warnings()
    yield from sweep_error_texts()


ENVIRONMENT = {
    "ATLAS_SECRET_ID": "atlas/restore-watch",
    "TABLE_NAME": "restore-jobs",
    "TOPIC_ARN": TOPIC,
    "POWERTOOLS_SERVICE_NAME": "restore-watch",
    "POWERTOOLS_METRICS_NAMESPACE": "AtlasRestoreWatch",
    "POWERTOOLS_LOG_LEVEL": "INFO",
}


def _settings() -> Iterator[ErrorText]:
    for name, value in (
        ("TABLE_NAME", ""),
        ("TOPIC_ARN", f"{TOPIC}.fifo"),
        ("POWERTOOLS_LOG_LEVEL", "LOUD"),
        ("ATLAS_BASE_URL", "https://example.com"),
        ("ATLAS_PROJECT_IDS", f"{GROUP}, orders"),
        ("ATLAS_PROJECT_IDS", ",".join(f"{number:024x}" for number in range(101))),
        ("HOT_SECONDS", "0.5"),
        ("RATE_LIMIT_RESERVE", "50 %"),
    ):
        yield from raised(partial(Settings.from_environment, ENVIRONMENT | {name: value}))


def _secret() -> Iterator[ErrorText]:
    for failure in SECRET_FAILURES:
        yield from raised(partial(_read_secret, _fails(failure)))
    yield from raised(
        lambda: _read_secret(lambda _: {}),
        lambda: _read_secret(_is_late, Deadline.after(60, JumpingClock(2))),
        lambda: read_credentials("[]"),
        lambda: read_credentials("{}"),
        lambda: read_credentials('{"client_id": "one"}'),
        lambda: read_credentials('{"public_key": "mdb_sa_id_1", "private_key": "two"}'),
        lambda: read_credentials('{"base_url": "https://example.com"}'),
    )


def _read_secret(play: Answer, deadline: Deadline | None = None) -> object:
    secret = AtlasSecret(secrets_manager(play), "atlas/restore-watch")
    return secret.credentials(deadline or Deadline.after(60))


def _fails(failure: Exception) -> Answer:
    def fail(_: Mapping[str, Any]) -> Mapping[str, Any]:
        raise failure

    return fail


def _is_late(_: Mapping[str, Any]) -> Mapping[str, Any]:
    time.sleep(0.05)
    return {}


def _events() -> Iterator[ErrorText]:
    def sqs(**fields: Any) -> dict[str, Any]:
        record = {"eventSource": "aws:sqs", "messageId": "1", "body": json.dumps(TARGET)}
        return {"Records": [record | fields]}

    whole: list[Any] = [
        TARGET | {"groupId": "orders"},
        TARGET | {"clusterName": None},
        TARGET | {"restoreId": 5},
        TARGET | {"kind": ["flex"]},
        TARGET | {"pretty": 1},
        TARGET | {"projectId": RESTORE},
        TARGET | {"base_url": BASE_URL},
        {"detail-type": "Scheduled Event", "detail": TARGET},
        {"detail-type": "Atlas Restore Watch Requested", "detail": {"action": "sweep"}},
        {"targets": []},
        {"targets": [TARGET] * 101},
        {"Records": {}},
        sqs(eventSource="aws:s3"),
        "an event",
        {"action": "dance"},
        {"action": "sweep", "groupId": GROUP},
        {"action": "sweep", "scheduledTime": "noon"},
        {"taskToken": "two words", **TARGET},
        {"taskToken": "token", "waitUntil": "DONE", **TARGET},
        {"detail-type": "Atlas Restore Watch Requested", "detail": {"taskToken": "x", **TARGET}},
        {"action": "record-validation", "verdict": "GOOD", **TARGET},
        {"action": "record-validation", "verdict": "PASSED", "detail": 5, **TARGET},
        {"action": "newest-restore", "createdAfter": "noon", **CLUSTER},
    ]
    yield from raised(*(partial(parse, event) for event in whole))
    yield from raised(lambda: _refused_record(sqs(body="orders")))
    checking = Checking(ScriptedAtlas(), Clock())
    ahead = Sweep(checking.utc_now() + timedelta(hours=1))
    sweeper = checking.sweeper(Telemetry(Logger(service="texts", stream=io.StringIO())))
    yield from raised(lambda: sweeper.sweep(ahead, checking.clock.deadline()))


def _refused_record(event: Any) -> None:
    batch: Any = parse(event)
    raise batch.records[0].targets[0].error


FAMILIES: tuple[Family, ...] = (*RestoreKind, *AtlasList)


def _refusals() -> Iterator[ErrorText]:
    def coded(code: str | None = None, detail: str = "Atlas says why.") -> bytes:
        return json.dumps({"error": 0, "errorCode": code, "detail": detail}).encode()

    limited = {"retry-after": "30"}
    listed = json.dumps(
        {"errorCode": "IP_ADDRESS_NOT_ON_ACCESS_LIST", "parameters": ["192.0.2.1"]}
    ).encode()
    for family in FAMILIES:
        for status, headers, body in (
            (400, {}, coded("CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API")),
            (400, {}, coded("CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API")),
            (400, {}, coded("FEATURE_UNSUPPORTED")),
            (400, {}, coded("INVALID_ATTRIBUTE")),
            (401, {}, coded("USER_UNAUTHORIZED")),
            (401, {}, b""),
            (403, {}, listed),
            (403, {}, coded("IP_ADDRESS_NOT_ON_ACCESS_LIST")),
            (403, {}, coded()),
            (404, {}, coded("GROUP_NOT_FOUND")),
            (404, {}, coded("CLUSTER_NOT_FOUND")),
            (404, {}, coded("RESOURCE_NOT_FOUND")),
            (429, limited, coded("RATE_LIMITED")),
            (429, {}, coded("RATE_LIMITED")),
            (410, {}, coded("VERSION_GONE")),
            (302, {}, b""),
            (418, {}, b""),
            (503, {}, b"<html>"),
        ):
            error = family_refusal(family, status, headers, body, secrets=())
            yield ErrorText(type(error).__name__, str(error))
    for status, body in (
        (401, json.dumps({"error": "invalid_client", "error_description": "No."}).encode()),
        (400, b""),
        (403, json.dumps({"error": "access_denied"}).encode()),
        (403, listed),
        (429, b""),
        (302, b""),
        (418, b""),
        (503, b""),
    ):
        error = token_refusal(status, {}, body, secrets=())
        yield ErrorText(type(error).__name__, str(error))
    # Without a time, as the list of limits keeps it.
    error = token_refusal(429, {}, b"", secrets=())
    yield ErrorText(type(error).__name__, str(type(error)(error.args[0])))


def _answers() -> Iterator[ErrorText]:
    target = RestoreTarget.model_validate(TARGET)
    kind = RestoreKind.FLEX
    deep = "[" * 5000 + "]" * 5000
    nested = f'{{"id": "{RESTORE}", "deliveryType": "download", "deliveryUrl": {deep}}}'.encode()
    yield from raised(
        lambda: restore_job(b"<html>", target, kind),
        lambda: read_job({"id": RESTORE, "status": 5}, target, kind),
        lambda: restore_job(nested, target, RestoreKind.DEDICATED),
        lambda: read_job({"id": GROUP, "status": "RUNNING"}, target, kind),
        lambda: _client(answer(200, {}))[0].page_of_jobs(target.cluster, kind, FIRST_PAGE, _soon()),
        _client(answer(401, WWW_Authenticate="Digest foo"))[1],
        lambda: _token(answer(200, b"{}")),
        lambda: _spend(6, limit=5),
    )


def _soon() -> Deadline:
    return Deadline.after(60)


def _client(*replies: Reply) -> tuple[AtlasSession, Callable[[], object]]:
    """A session with an Atlas that answers so, and a question about a job."""
    atlas = ScriptedAtlas()
    atlas.job_replies.extend(replies)
    client = AtlasClient(BASE_URL, atlas.client(), sleep=lambda _: None)
    target = RestoreTarget.model_validate(TARGET)
    session = AtlasSession(client, only(KEY))
    return session, lambda: session.restore_job(target, _soon())


def _token(reply: Reply) -> str:
    atlas = ScriptedAtlas()
    atlas.token_replies.append(reply)
    return Token(atlas, Clock()).current()


def _spend(received: int, limit: int) -> None:
    Bounds(time.monotonic() + 60, limit).spend(bytes(received))


def _network() -> Iterator[ErrorText]:
    request = httpx.Request("GET", JOB_URL)

    def ask(reply: Reply) -> object:
        atlas = ScriptedAtlas()
        atlas.job_replies += [reply] * 2  # a kept connection is replaced once
        return exchange(atlas.client(), request, _soon())

    def says(error: type[httpx.TransportError], text: str) -> Reply:
        def fail(_: httpx.Request) -> httpx.Response:
            raise error(text)

        return fail

    def is_over(_: httpx.Request) -> httpx.Response:
        Bounds(0, 1).timeout(1, httpx.ReadTimeout)
        raise AssertionError

    yield from raised(
        lambda: ask(says(httpx.ConnectTimeout, "timed out")),
        lambda: ask(says(httpx.ConnectError, "[Errno -2] Name or service not known")),
        lambda: ask(no_answer(httpx.ReadTimeout)),
        lambda: ask(says(httpx.ReadError, "Connection reset by peer")),
        lambda: ask(says(httpx.RemoteProtocolError, "illegal")),
        lambda: ask(is_over),
        _look_up_that_hangs,
        lambda: Deadline.after(0.1).require(1, "ask Atlas"),
    )


def _look_up_that_hangs() -> None:
    ends = Event()
    with patch("socket.getaddrinfo", lambda *_, **__: ends.wait(10) and 1 / 0), http_client() as by:
        try:
            # Only 0.05 s of the invocation are left once the request has begun.
            clock = iter((0.0, 0.0, 59.95))
            exchange(by, httpx.Request("GET", JOB_URL), Deadline.after(60, lambda: next(clock)))
        finally:
            ends.set()


def _aws() -> Iterator[ErrorText]:
    target = RestoreTarget.model_validate(TARGET)

    def write(play: Answer, deadline: Deadline) -> object:
        return RestoreJobsTable(dynamodb(play), "restore-jobs").recall(target, deadline)

    def read(play: Answer, deadline: Deadline) -> object:
        return OpenJobs(dynamodb(play), "restore-jobs").read(deadline, datetime.now(UTC))

    def publish(play: Answer, deadline: Deadline) -> object:
        since = datetime(2026, 5, 4, 12, tzinfo=UTC)
        change = WatchChange(
            WatchState.DEGRADED, GROUP, Trouble(since, "CredentialsError", "-"), since, None, 0
        )
        return StatusChangesTopic(sns(play), TOPIC).publish_watch(change, deadline)

    def publish_test(play: Answer, deadline: Deadline) -> object:
        return StatusChangesTopic(sns(play), TOPIC).publish_test(datetime.now(UTC), deadline)

    for call, failures in (
        (write, TABLE_FAILURES),
        (read, TABLE_FAILURES),
        (publish, TOPIC_FAILURES),
        (publish_test, TOPIC_FAILURES),
    ):
        for failure in failures:
            yield from raised(partial(call, _fails(failure), _soon()))
        yield from raised(
            partial(call, lambda _: {}, _soon()),
            partial(call, _is_late, Deadline.after(60, JumpingClock(2))),
        )
    yield from raised(lambda: read_item({"history": {"S": "of another form"}}))


_serialize = TypeSerializer().serialize


def _validations() -> Iterator[ErrorText]:
    target = RestoreTarget.model_validate(TARGET)
    created, at = target.created_at, target.created_at + timedelta(hours=2)
    said = {"id": RESTORE, "status": "RUNNING", "restoreScheduledDate": at.isoformat()}
    job = read_job(said, target, RestoreKind.FLEX)

    def record(known: int, verdict: Verdict, tested_at: datetime | None = None) -> object:
        """A job has so many validations, and nothing that is written changes that."""
        item = stored_item(job, published=known + 1, observed_at=at)
        for number in range(known):
            other = Validation(verdict=Verdict.PASSED, detail=f"test {number}")
            item["history"]["L"].append(_serialize(validation_entry(job, other, at)))

        def refuse(_: Mapping[str, Any]) -> Mapping[str, Any]:
            raise Refusal("ConditionalCheckFailedException", Item=item)

        checking = Checking(ScriptedAtlas(), Clock(at.timestamp()))
        checking.atlas.job_replies.append(answer(200, said))
        checking.checker.outbox.table = RestoreJobsTable(dynamodb(refuse), "restore-jobs")
        found = Validation(verdict=verdict, validated_at=tested_at)
        return ValidationRecorder(checking.checker).record(target, found, _soon())

    yield from raised(
        partial(record, VALIDATIONS_LIMIT, Verdict.FAILED),
        partial(record, 0, Verdict.FAILED),
        partial(record, 0, Verdict.PASSED),
        *(
            partial(record, 0, Verdict.FAILED, created + timedelta(hours=hours))
            for hours in (-1, 1, 3)
        ),
    )


def _waits() -> Iterator[ErrorText]:
    target = RestoreTarget.model_validate(TARGET)
    job = read_job({"id": RESTORE, "status": "RUNNING"}, target, RestoreKind.FLEX)
    item = stored_item(job, published=1, observed_at=datetime(2026, 5, 4, 12, tzinfo=UTC))
    item["waiting"] = {"SS": [f"ended token-{number}" for number in range(WAITS_LIMIT)]}

    def refuse(_: Mapping[str, Any]) -> Mapping[str, Any]:
        raise Refusal("ConditionalCheckFailedException", Item=item)

    checking = Checking(ScriptedAtlas(), Clock())
    checking.checker.outbox.table = RestoreJobsTable(dynamodb(refuse), "restore-jobs")
    page = {"results": [{"id": RESTORE}], "links": [{"rel": "next"}]}
    checking.atlas.job_replies += [
        answer(200, {"results": []}),
        answer(200, page),
        answer(200, page),
    ]

    def lose(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if "ADD #waiting" in parameters["UpdateExpression"]:
            raise Refusal("ConditionalCheckFailedException")
        return {"Attributes": item}

    losing = Checking(ScriptedAtlas(), Clock())
    losing.checker.outbox.table = RestoreJobsTable(dynamodb(lose), "restore-jobs")
    losing.atlas.job_replies.append(answer(200, {"id": RESTORE, "status": "RUNNING"}))
    wanted = FindNewestRestore(*target.cluster)
    later = FindNewestRestore(*target.cluster, target.created_at + timedelta(hours=1))
    yield from raised(
        *(
            partial(WaitRegistrar(one.checker).register, target, Wait("another"), _soon())
            for one in (checking, losing)
        ),
        partial(NewestRestore(checking.checker.atlas).find, wanted, _soon()),
        partial(NewestRestore(checking.checker.atlas).find, wanted, _soon()),
        partial(_find_later, later),
    )


def _find_later(wanted: FindNewestRestore) -> object:
    checking = Checking(ScriptedAtlas(), Clock())
    checking.atlas.job_replies.append(answer(200, {"results": [{"id": RESTORE}]}))
    return NewestRestore(checking.checker.atlas).find(wanted, _soon())


def _warnings() -> Iterator[ErrorText]:
    target = RestoreTarget.model_validate(TARGET)
    job = read_job({"id": RESTORE, "status": "RUNNING"}, target, RestoreKind.FLEX)

    def settled(logger: Logger, **fields: Any) -> None:
        result = CheckResult(job, RestoreStatus.RUNNING, changed=False, sequence=1, **fields)
        Telemetry(logger).settled(target, result)

    with patch.dict(os.environ, POWERTOOLS_METRICS_NAMESPACE="Tested"):
        yield from logged(
            lambda logger: Telemetry(logger).atlas_answered(200, "Sun, 1 Mar 2026 00:00:00 GMT"),
            lambda logger: Telemetry(logger).no_longer_followed(target, "its link has expired"),
            partial(_not_answered, job, given_up=False),
            partial(_not_answered, job, given_up=True),
            partial(settled, successor=RestoreKind.FLEX),
            partial(settled, contradiction=RestoreStatus.FAILED),
            partial(settled, unrecorded_word="DANCING"),
        )
    with patch.dict(os.environ):
        os.environ.pop("POWERTOOLS_METRICS_NAMESPACE", None)
        yield from logged(lambda logger: Telemetry(logger).failed(AtlasForbiddenError("no role")))
    yield from _notes()


def _not_answered(job: RestoreJob, logger: Logger, *, given_up: bool) -> None:
    Telemetry(logger).not_answered(AwsCallError("AccessDenied", {}), job, given_up=given_up)


def _notes() -> Iterator[ErrorText]:
    """What is pending cannot be published while Atlas refuses the question."""
    checking = Checking(ScriptedAtlas(), Clock())
    checking.atlas.job_replies.append(answer(403))
    checking.table.refusal = Refusal("InternalServerError")
    try:
        checking.check()
    except AtlasForbiddenError as error:
        for note in error.__notes__:
            yield ErrorText(ANY, note)
