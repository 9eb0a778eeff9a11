"""No secret, token or download URL in errors of AWS, in objects and in logs: F53."""

import io
import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import boto3
import httpx
import pytest
from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, EndpointConnectionError, HTTPClientError
from botocore.stub import Stubber
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.deadline import Deadline
from local_stack.aws import REGION
from local_stack.canaries import CANARIES
from local_stack.refusal import atlas_error
from local_stack.runtime import LambdaRuntime
from local_stack.stack import CREDENTIALS, LocalStack
from reliability.campaign import Campaign, event
from reliability.quotations import BASE_URL, TARGET, answered, ask, said_by, secrets, texts_with
from reliability.steps import ATLAS, TOKEN
from restore_watch.atlas.credentials import ApiKey, ServiceAccount
from restore_watch.aws.secrets_manager import AtlasSecret
from restore_watch.aws.topic import StatusChangesTopic
from restore_watch.check.check import JobChecker
from restore_watch.errors import RestoreWatchError
from restore_watch.table.jobs import RestoreJobsTable
from restore_watch.telemetry.telemetry import Telemetry
from strategies import plain_change, plain_job

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize
quickly = settings(deadline=None, max_examples=25)


@pytest.fixture(scope="module")
def aws_clients() -> Iterator[dict[str, Any]]:
    session = boto3.Session("AKIAREDACTION", "redaction", region_name=REGION)
    names: tuple[Any, ...] = ("secretsmanager", "dynamodb", "sns")
    made = {name: session.client(name) for name in names}
    yield made
    for client in made.values():
        client.close()


AWS_STEPS: dict[str, tuple[str, Callable[[Any, Deadline], object]]] = {
    "secretsmanager": (
        "get_secret_value",
        lambda client, deadline: AtlasSecret(client, "atlas").credentials(deadline),
    ),
    "dynamodb": (
        "update_item",
        lambda client, deadline: RestoreJobsTable(client, "jobs").record(
            plain_job(), plain_change().observed_at, deadline
        ),
    ),
    "sns": (
        "publish",
        lambda client, deadline: StatusChangesTopic(client, "arn:aws:sns:x:1:t").publish(
            plain_change(), deadline
        ),
    ),
}

within_a_module = settings(quickly, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.fault("F53")
@cases("service", list(AWS_STEPS))
@given(
    data=st.data(),
    secret=secrets,
    code=st.sampled_from(["AccessDeniedException", "InternalError", "ValidationException"]),
)
@within_a_module
def test_the_text_of_an_aws_error_is_not_quoted(
    aws_clients: dict[str, Any], service: str, data: st.DataObject, secret: str, code: str
) -> None:
    operation, step = AWS_STEPS[service]
    client = aws_clients[service]
    message = data.draw(texts_with(secret))
    with Stubber(client) as stubber:
        stubber.add_client_error(operation, code, message, 400, {"Echo": secret})
        with pytest.raises(RestoreWatchError) as caught:
            step(client, Deadline.after(30))

    assert secret not in said_by(caught.value)
    assert code in str(caught.value)


class Unreachable:
    """A client on which every call raises this error."""

    def __init__(self, error: BotoCoreError) -> None:
        self._error = error

    def fail(self, **_: Any) -> Any:
        raise self._error

    get_secret_value = update_item = publish = fail


@pytest.mark.fault("F53")
@cases("service", list(AWS_STEPS))
@given(secret=secrets)
@within_a_module
def test_the_text_of_an_aws_connection_failure_is_not_quoted(service: str, secret: str) -> None:
    _, step = AWS_STEPS[service]
    errors = (
        EndpointConnectionError(endpoint_url=f"https://{secret}", error=secret),
        HTTPClientError(error=secret, request=secret, response=secret),
    )
    for error in errors:
        with pytest.raises(RestoreWatchError) as caught:
            step(Unreachable(error), Deadline.after(30))

        assert secret not in said_by(caught.value)
        assert type(error).__name__ in str(caught.value)


@pytest.mark.fault("F53")
@given(secrets, secrets)
@quickly
def test_no_object_shows_the_secret_that_it_holds(secret: str, token: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        held.append(request)
        if request.url.path == "/api/oauth/token":
            return answered(200, {"access_token": token})
        if "Authorization" not in request.headers:
            headers = {"Www-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'}
            return answered(401, b"", headers)
        return answered(200, {"id": TARGET.restore_id, "status": "RUNNING"})

    held: list[Any] = []
    for credentials in (ServiceAccount("mdb_sa_id_1", secret), ApiKey("public", secret)):
        client, said = ask(credentials, answer)
        assert secret not in said
        held += [
            client,
            vars(client),
            credentials,
            replace(credentials, base_url=BASE_URL),
            AtlasSecret(Unreachable(HTTPClientError(error=secret)), "atlas"),  # type: ignore[arg-type]
            JobChecker(*[None] * 2),  # type: ignore[arg-type]
        ]

    shown = "\n".join(f"{one!r}\n{one!s}" for one in held)
    assert [word for word in (secret, token) if word in shown] == []


_numbers = itertools.count(1)


@contextmanager
def logged() -> Iterator[tuple[Telemetry, io.StringIO]]:
    output = io.StringIO()
    # Loggers of the same name share the output of the first one.
    yield Telemetry(Logger(service=f"redaction-{next(_numbers)}", stream=output)), output


@pytest.mark.fault("F23", "F53")
@given(secrets)
@quickly
def test_a_token_or_url_in_a_header_is_not_logged(ticket: str) -> None:
    with logged() as (telemetry, output):
        for value in (f"Bearer {ticket}", f"https://restore.example/{ticket}"):
            telemetry.atlas_answered(200, value)

    lines = output.getvalue().splitlines()
    assert len(lines) == 2
    assert all(ticket not in json.loads(line)["sunset"] for line in lines)


@pytest.fixture(scope="module")
def talkative(tools: Any) -> Iterator[LambdaRuntime]:
    """The real runtime at the log level DEBUG."""
    stack: LocalStack = tools.stack
    usual = stack.pool.runtimes[0].environment
    variables = {**usual.variables, "POWERTOOLS_LOG_LEVEL": "DEBUG"}
    with LambdaRuntime(replace(usual, variables=variables)) as runtime:
        yield runtime


@pytest.mark.fault("F53")
@cases("credentials", list(CREDENTIALS))
def test_the_log_level_debug_shows_no_secret(
    campaign: Campaign, talkative: LambdaRuntime, credentials: Any
) -> None:
    campaign.use(credentials)
    talkative.restart()
    job = campaign.job("dedicated", delivery_type="download")
    job.run_to_end()
    answers = [talkative.invoke(event(job)).payload]
    campaign.inject(ATLAS, atlas_error(403, "UNEXPECTED_ERROR", job.download_url), times=None)
    campaign.inject(TOKEN, atlas_error(403, "UNEXPECTED_ERROR", job.download_url), times=None)
    campaign.expire_tokens()
    answers.append(talkative.invoke(event(campaign.job(), kind="flex")).payload)
    logs = talkative.logs()

    assert answers[0]["job"]["downloadAvailable"]
    assert answers[1]["errorType"] == "AtlasForbiddenError"
    assert "checked" in logs
    assert "FailedChecks" in logs
    assert [canary for canary in CANARIES if canary in logs or canary in str(answers)] == []
    assert job.download_url not in logs
