"""What a report leaves behind: files, months that stay, one message; and what a retry does."""

import hashlib
import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from behaviour.report.conftest import DAY, PUT, Reports
from behaviour.rows import rows
from foundation.errors import ApplicationError
from local_stack.aws import aws_error
from local_stack.canaries import CANARIES
from local_stack.faults import Action, Answer, Close
from local_stack.steps import PUBLISH, QUERY, SECRET
from local_stack.wire import Phase, Selection
from restore_watch.errors import (
    InvalidEventError,
    NotificationPendingError,
    ReportNotWrittenError,
    TableUnavailableError,
)

FILES = ["report.html", "coverage.csv", "restores.csv", "report.json"]
SCAN = Selection("dynamodb", "Scan")


def refusal(code: str, status: int) -> Answer:
    """S3's error."""
    body = f"<Error><Code>{code}</Code><Message>as asked</Message></Error>"
    return Answer(status, {"Content-Type": "application/xml"}, body)


def put_of(name: str) -> Selection:
    return Selection("s3", None, lambda call: call.method == "PUT" and call.path.endswith(name))


def furnish(reports: Reports) -> None:
    reports.cluster("orders", "flex")
    reports.restored("orders", "flex", days=0.5, is_known=True)
    reports.cluster("billing")
    reports.restored("billing").set(deliveryType="download")


def test_the_result_says_where_the_report_lies(reports: Reports) -> None:
    furnish(reports)
    day = f"{reports.at - DAY:%Y-%m-%d}"

    result = reports.make()

    restores = dict.fromkeys(("FAILED", "CANCELLED", "EXPIRED", "UNKNOWN", "OPEN"), 0)
    states = ("failed", "overdue", "cannot tell", "new", "exempt", "not required")
    assert result == {
        "period": {"from": day, "to": day},
        "bucket": reports.bucket,
        "prefix": f"reports/{day}/",
        "files": FILES,
        "month": None,
        "counts": {
            "restores": {"COMPLETED": 1, **restores},
            "clusters": {"tested": 1, "never": 1, **dict.fromkeys(states, 0)},
        },
    }
    files = reports.files()
    assert set(files) == {
        f"reports/{folder}/{name}" for folder in (day, "latest") for name in FILES
    }
    sums = {
        name: {"sha256": hashlib.sha256(files[f"reports/{day}/{name}"]).hexdigest()}
        for name in FILES[:3]
    }
    assert reports.json()["files"] == sums
    types = [call.headers["Content-Type"].partition(";")[0] for call in reports.world.calls(PUT)]
    assert types == ["text/html", "text/csv", "text/csv", "application/json"] * 2
    (message,) = reports.messages()
    assert message.event["id"] == f"atlas-restore-watch:report:{day}:{day}"
    assert message.event["data"]["clusters"]["never"] == 1


def test_a_report_that_somebody_asks_for_has_the_same_files_and_no_message(
    reports: Reports,
) -> None:
    furnish(reports)
    day = f"{reports.at - DAY:%Y-%m-%d}"

    result = reports.make({"action": "report", "from": day, "to": day})

    assert result["files"] == FILES
    assert set(reports.files()) == {f"reports/{day}/{name}" for name in FILES}
    assert reports.messages() == []


def latest(reports: Reports) -> dict[str, bytes]:
    return {key.rpartition("/")[2]: body for key, body in reports.files("reports/latest").items()}


def test_the_latest_report_of_the_schedule_lies_in_one_place(reports: Reports) -> None:
    furnish(reports)
    first = reports.make()
    reports.world.pass_time(DAY.total_seconds())
    today = {"action": "report", "scheduledTime": reports.world.clock().isoformat()}

    second = reports.make(today)
    reports.make()

    files = reports.files(second["prefix"])
    assert first["prefix"] < second["prefix"]
    assert latest(reports) == {key.rpartition("/")[2]: body for key, body in files.items()}


@pytest.mark.parametrize(
    "there",
    rows(
        {
            "empty": b"",
            "no text": b"\xff",
            "a list": b"[]",
            "no date": b'{"askedAt": 7}',
            "a date to come": b'{"askedAt": "2199-01-01T00:00:00Z"}',
        },
        "no text",
        "a date to come",
    ),
)
def test_what_somebody_else_wrote_there_is_replaced(reports: Reports, there: bytes) -> None:
    furnish(reports)
    key = "reports/latest/report.json"
    reports.world.aws.client("s3").put_object(Bucket=reports.bucket, Key=key, Body=there)

    prefix = reports.make()["prefix"]

    assert latest(reports)["report.json"] == reports.files(prefix)[f"{prefix}report.json"]


def test_no_secret_and_no_download_url_is_in_a_file_or_message(reports: Reports) -> None:
    """A cluster, a tag and a refusal quote them too."""
    furnish(reports)
    world = reports.world
    job = world.finished_job("dedicated", cluster="billing", delivery_type="download")
    world.check(job)
    reports.cluster("odd", tags=[{"key": job.download_url, "value": job.download_url}])
    reports.cluster("odder").said = {"name": job.download_url}
    answer = Answer.json(403, {"error": 403, "errorCode": "FORBIDDEN", "detail": job.download_url})
    about_odd = Selection("atlas", "dedicated_list", lambda call: "odd" in call.path)
    world.inject(about_odd, answer, times=None)

    result = reports.make()

    said = json.dumps([result, *(one.event for one in reports.messages())]).encode()
    for text in (said, *reports.files().values()):
        assert job.download_url.encode() not in text
        assert CANARIES[0].encode() not in text


def test_a_wrong_period_is_refused_before_any_call(reports: Reports) -> None:
    event = {"action": "report", "from": "2031-01-01", "to": "2031-01-02"}
    environment = reports.environment()
    reports.world.stack.forget_calls()

    reports.world.raised(InvalidEventError, lambda: reports.make(event, environment))

    assert reports.world.calls() == []


REFUSED: dict[str, Action] = {
    "denied": refusal("AccessDenied", 403),
    "gone": refusal("NoSuchBucket", 404),
    "slow-down": refusal("SlowDown", 503),
    "silence": Close(),
    "without-etag": Answer(200),
}


@pytest.mark.fault("F110")
@pytest.mark.parametrize("action", rows(REFUSED, "denied"))
@pytest.mark.parametrize("name", rows({name: name for name in (FILES[0], FILES[3])}, FILES[3]))
def test_a_bucket_that_refuses(reports: Reports, action: Action, name: str) -> None:
    furnish(reports)
    injected = reports.world.inject(put_of(name), action, times=None)

    reports.world.raised(ReportNotWrittenError, reports.make)

    assert reports.messages() == []
    injected.remove()
    reports.make()
    contents = reports.contents()
    reports.make()
    assert reports.contents() == contents
    assert len({one.event["id"] for one in reports.messages()}) == 1


@pytest.mark.fault("F110")
@pytest.mark.parametrize(
    ("step", "action", "error"),
    [
        (QUERY, aws_error("dynamodb", "AccessDeniedException"), TableUnavailableError),
        (SCAN, aws_error("dynamodb", "InternalServerError", status=500), TableUnavailableError),
        (PUBLISH, aws_error("sns", "AuthorizationError", status=403), NotificationPendingError),
    ],
    ids=["bookkeeping", "table", "topic"],
)
def test_aws_refuses(
    reports: Reports, step: Selection, action: Action, error: type[ApplicationError]
) -> None:
    furnish(reports)
    reports.world.inject(step, action, times=None)

    reports.world.raised(error, reports.make)

    assert reports.messages() == []
    assert bool(reports.files()) == (step is PUBLISH)


def test_a_secret_that_cannot_be_read_leaves_the_report_of_the_table(reports: Reports) -> None:
    furnish(reports)
    refused = aws_error("secretsmanager", "AccessDeniedException")
    reports.world.inject(SECRET, refused, times=None)

    assert reports.states() == {"orders": "tested"}
    assert "AtlasSecretArn" in reports.json()["unreadProjects"][reports.world.group]["fix"]


DEATHS: dict[str, tuple[Selection, Phase]] = {
    "books": (QUERY, "before"),
    "scan": (SCAN, "before"),
    "secret": (SECRET, "before"),
    "atlas": (Selection("atlas", "flex_list"), "before"),
    **{f"before-{name}": (put_of(name), "before") for name in FILES},
    **{f"after-{name}": (put_of(name), "after") for name in FILES},
    "before-publish": (PUBLISH, "before"),
    "after-publish": (PUBLISH, "after"),
}


@pytest.mark.fault("F110")
@pytest.mark.parametrize(("step", "phase"), rows(DEATHS, "after-publish"))
def test_killed_at_any_call_and_repeated(reports: Reports, step: Selection, phase: Phase) -> None:
    """The same content, and one message by one id."""
    furnish(reports)
    reports.make()
    expected, (message,) = reports.contents(), reports.messages()
    for key in expected:
        reports.world.aws.client("s3").delete_object(Bucket=reports.bucket, Key=key)

    environment = reports.environment()
    with reports.world.death(environment, step, phase), suppress(ApplicationError):
        reports.make(environment=environment)
    reports.world.pass_time(60)
    reports.make()

    assert reports.contents() == expected
    sent = reports.messages()
    assert len(sent) == 1 + (step is PUBLISH and phase == "after")
    assert all(one.event == message.event for one in sent)


def test_the_built_function_answers_the_schedule(reports: Reports) -> None:
    """In the real runtime, with the template's variables."""
    stack = reports.stack
    result = stack.reports.invoke(
        {"action": "report", "scheduledTime": datetime.now(UTC).isoformat()}
    )
    assert result.payload["prefix"].startswith("reports/")
    assert result.payload["files"] == FILES
    wrong = stack.reports.invoke({"action": "sweep"})
    assert wrong.payload["errorType"] == "InvalidEventError"
    logs = stack.reports.logs()
    reports.world.said.append(logs)
    lines = [json.loads(line) for line in logs.splitlines() if line[:1] == "{"]
    assert any(line.get("message") == "reported" for line in lines)
    assert any(line.get("error") == "InvalidEventError" for line in lines)


ELSEWHERE = {
    "illegal-location": refusal("IllegalLocationConstraintException", 400),
    "redirect": Answer(301),
    "temporary-redirect": refusal("TemporaryRedirect", 307),
}


@pytest.mark.fault("F125")
@pytest.mark.parametrize("answer", rows(ELSEWHERE, *ELSEWHERE))
def test_a_bucket_of_another_region_is_named_as_that(reports: Reports, answer: Action) -> None:
    """By the built function: botocore asks for the region of the bucket, and nobody knows it."""
    stack = reports.stack
    reports.world.inject(put_of(FILES[0]), answer, times=None)
    asked = Selection("s3", None, lambda call: call.method == "HEAD")
    reports.world.inject(asked, Answer(403), times=None)

    result = stack.reports.invoke(
        {"action": "report", "scheduledTime": datetime.now(UTC).isoformat()}
    )
    reports.world.said.append(stack.reports.logs())
    assert result.payload["errorType"] == "ReportNotWrittenError"
    assert "REPORT_BUCKET names is not in the region" in result.payload["errorMessage"]
    assert reports.messages() == []


def test_people_read_of_a_report_that_is_not_stored_as_the_latest(reports: Reports) -> None:
    furnish(reports)
    refused = Selection("s3", None, lambda call: call.method == "PUT" and "/latest/" in call.path)
    reports.world.inject(refused, refusal("AccessDenied", 403), times=None)

    reports.world.raised(ReportNotWrittenError, reports.make)

    assert len(reports.messages()) == 1
