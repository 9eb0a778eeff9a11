"""Answers inside an envelope: F60."""

import json
from dataclasses import dataclass

import pytest

from local_stack.atlas import EmulatedRestore
from local_stack.faults import Ask
from local_stack.loopback import Line
from local_stack.refusal import atlas_error
from local_stack.stack import Credentials
from local_stack.wire import Answer
from reliability.campaign import Campaign, event, log_lines, target
from reliability.steps import ATLAS, MISSING_ROLE, UNKNOWN_JOB, too_many_requests
from restore_watch.atlas.retrying import ATTEMPTS
from restore_watch.atlas.token import REPLACEMENT_PAUSE
from restore_watch.errors import (
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    EndpointRetiredError,
    RestoreJobNotFoundError,
)
from restore_watch.model.restore_job import RestoreKind, RestoreTarget

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize


@dataclass(frozen=True)
class Enveloped:
    """An answer inside an envelope, as Atlas sends it when `envelope` is true: HTTP 200 outside."""

    answer: Answer | None = None
    key: str = "content"

    def play(self, _line: Line, ask: Ask, /) -> Answer:
        answer = self.answer or ask()
        if answer.status == 200:
            return answer  # the emulator has put it into an envelope
        content = json.loads(answer.body) if answer.body else {}
        inside = json.dumps({"status": answer.status, self.key: content})
        headers = [pair for pair in answer.headers if pair[0].lower() != "content-length"]
        return Answer(200, headers, inside)


def enveloped(job: EmulatedRestore, kind: RestoreKind | None = RestoreKind.FLEX) -> RestoreTarget:
    return target(job, kind, envelope=True)


@pytest.mark.fault("F24", "F60")
@cases("key", ["content", "envelope"])
def test_a_401_in_an_envelope_replaces_the_token(campaign: Campaign, key: str) -> None:
    job, checker = campaign.job(), campaign.environment()
    campaign.inject(ATLAS, Enveloped(key=key), times=None)
    campaign.check(enveloped(job), checker)
    campaign.expire_tokens()
    job.run_to_end()
    campaign.stack.forget_calls()
    campaign.check(enveloped(job), checker)

    assert campaign.calls() == ["flex", "token", "flex", "record", "publish", "acknowledge"]
    assert campaign.published(job) == ["PENDING", "COMPLETED"]


@pytest.mark.fault("F28", "F60")
def test_a_digest_challenge_in_an_envelope_is_answered(campaign: Campaign) -> None:
    campaign.use("api_key")
    job, checker = campaign.job(), campaign.environment()
    campaign.inject(ATLAS, Enveloped(), times=None)
    campaign.check(enveloped(job), checker)
    campaign.atlas.expire_nonces()
    job.run_to_end()
    campaign.stack.forget_calls()
    campaign.check(enveloped(job), checker)

    assert campaign.calls() == ["flex", "flex", "record", "publish", "acknowledge"]
    assert campaign.published(job) == ["PENDING", "COMPLETED"]


REFUSALS: dict[str, tuple[Answer, type[AtlasError], int]] = {
    "401": (MISSING_ROLE, AtlasUnauthorizedError, 1),
    "403": (
        atlas_error(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", "No.", ["203.0.113.7"]),
        AtlasForbiddenError,
        1,
    ),
    "404": (UNKNOWN_JOB, RestoreJobNotFoundError, 1),
    "404-without-a-body": (Answer(404), RestoreJobNotFoundError, 1),
    "410": (atlas_error(410, "VERSION_GONE", "Gone."), EndpointRetiredError, 1),
    "429": (too_many_requests({"Retry-After": "30"}), AtlasRateLimitError, 1),
    "500": (atlas_error(500, "UNEXPECTED_ERROR", "Oops."), AtlasUnavailableError, ATTEMPTS),
    "503": (Answer(503), AtlasUnavailableError, ATTEMPTS),
}


@pytest.mark.fault("F60")
@cases(
    ("credentials", "name"),
    [*(("service_account", name) for name in REFUSALS), ("api_key", "401"), ("api_key", "503")],
)
def test_a_refusal_in_an_envelope_is_handled_like_any_other(
    campaign: Campaign, credentials: Credentials, name: str
) -> None:
    answer, error, requests = REFUSALS[name]
    campaign.use(credentials)
    job, checker = campaign.recorded_job(), campaign.environment()
    assert not campaign.check(enveloped(job), checker).changed
    campaign.pass_time(120)
    naps, counts = [], []
    for action in (answer, Enveloped(answer)):
        campaign.stack.forget_calls()
        campaign.naps.clear()
        with campaign.inject(ATLAS, action, times=None):
            campaign.refused(error, enveloped(job), checker)
        naps.append(len(campaign.naps))
        counts.append(campaign.calls().count("flex"))
        campaign.pass_time(REPLACEMENT_PAUSE)

    # Without a challenge a digest request is not repeated; a bearer request is, with a new token.
    replays = 1 if error is AtlasUnauthorizedError and credentials == "service_account" else 0
    assert counts == [requests + replays] * 2
    assert naps == [requests - 1] * 2
    assert campaign.recheck(job, checker) == (False, 1, 1, 0)


@pytest.mark.fault("F21", "F60")
def test_the_kind_of_a_cluster_is_detected_from_a_refusal_in_an_envelope(
    campaign: Campaign,
) -> None:
    job, checker = campaign.finished_job("dedicated"), campaign.environment()
    campaign.check(enveloped(job, None), checker)
    assert campaign.calls()[2:4] == ["flex", "dedicated"]

    campaign.stack.forget_calls()
    campaign.check(enveloped(job, None), checker)
    assert campaign.calls() == ["dedicated", "record"]
    assert campaign.published(job) == ["COMPLETED"]


@pytest.mark.fault("F32", "F60")
def test_a_429_in_an_envelope_is_counted_and_waited_for_in_the_real_runtime(
    campaign: Campaign,
) -> None:
    job = campaign.job()
    campaign.inject(ATLAS, Enveloped(too_many_requests({"Retry-After": "1"})))
    campaign.stack.logs()
    answer = campaign.invoke_with(event(job, kind="flex", envelope=True))
    lines = log_lines(campaign.stack)

    assert answer.result["changed"]
    assert answer.milliseconds > 1_000
    assert [line["AtlasThrottles"] for line in lines if "AtlasThrottles" in line] == [[1.0]]
    assert campaign.published(job) == ["PENDING"]
