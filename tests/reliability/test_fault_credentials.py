"""The secret, the role, the API key and the access list: F25, F26, F28 to F30."""

from typing import Any

import pytest

from local_stack.atlas import Role
from local_stack.aws import aws_error
from local_stack.refusal import atlas_error
from local_stack.stack import Credentials
from local_stack.wire import Action, Answer, Reset, Truncate
from reliability.campaign import UNCHANGED, Campaign, Stored, target
from reliability.steps import ACCOUNT, API_KEY, ATLAS, DEDICATED, JSON, MISSING_ROLE, SECRET, TOKEN
from restore_watch.aws.secrets_manager import REFUSAL_PAUSE
from restore_watch.errors import (
    AtlasError,
    AtlasForbiddenError,
    AtlasUnauthorizedError,
    CredentialsError,
)
from restore_watch.model.restore_job import RestoreKind

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

NEW_SECRET = "a-new-secret-of-the-account"

NEW_KEY = "a-new-private-key"


# Rotation


@pytest.mark.fault("F25")
def test_a_rotated_client_secret_costs_one_more_read(campaign: Campaign) -> None:
    job, checker = campaign.job(), campaign.environment()
    campaign.check(job, checker)
    campaign.atlas.rotate_service_account(ACCOUNT["client_id"], NEW_SECRET)
    campaign.expire_tokens()
    campaign.put_secret({**ACCOUNT, "client_secret": NEW_SECRET})
    job.run_to_end()
    campaign.stack.forget_calls()
    campaign.check(job, checker)

    assert campaign.calls()[:5] == ["flex", "token", "secret", "token", "flex"]
    assert campaign.published(job) == ["PENDING", "COMPLETED"]


@pytest.mark.fault("F25")
def test_a_rotated_api_key_costs_one_more_read(campaign: Campaign) -> None:
    campaign.use("api_key")
    job, checker = campaign.job(), campaign.environment()
    campaign.check(job, checker)
    campaign.atlas.rotate_api_key(API_KEY["public_key"], NEW_KEY)
    campaign.put_secret({**API_KEY, "private_key": NEW_KEY})
    job.run_to_end()
    campaign.stack.forget_calls()
    campaign.check(job, checker)

    # With the old nonce, with a new one, then the first request and the challenge of the new key.
    assert campaign.calls()[:5] == ["flex", "flex", "secret", "flex", "flex"]
    assert campaign.published(job) == ["PENDING", "COMPLETED"]


@pytest.mark.fault("F25")
def test_a_secret_may_change_from_a_service_account_to_an_api_key(campaign: Campaign) -> None:
    job, checker = campaign.job(), campaign.environment()
    campaign.check(job, checker)
    campaign.atlas.remove_credential(ACCOUNT["client_id"])
    campaign.use("api_key")
    job.run_to_end()
    campaign.check(job, checker)

    assert campaign.published(job) == ["PENDING", "COMPLETED"]


@pytest.mark.fault("F25", "F30")
def test_a_rotation_is_found_a_minute_after_the_secret_could_not_be_read(
    campaign: Campaign,
) -> None:
    job, checker = campaign.job(), campaign.environment()
    campaign.check(job, checker)
    campaign.atlas.rotate_service_account(ACCOUNT["client_id"], NEW_SECRET)
    campaign.expire_tokens()
    campaign.put_secret({**ACCOUNT, "client_secret": NEW_SECRET})
    job.run_to_end()
    campaign.inject(SECRET, aws_error("secretsmanager", "ThrottlingException"))
    campaign.refused(AtlasUnauthorizedError, job, checker)
    assert campaign.stored(job) == Stored("PENDING", 1, 1)

    campaign.pass_time(REFUSAL_PAUSE)
    campaign.check(job, checker)
    assert campaign.published(job) == ["PENDING", "COMPLETED"]


@pytest.mark.fault("F25", "F26")
def test_many_refused_checks_read_the_secret_once_a_minute(campaign: Campaign) -> None:
    job, checker = campaign.job(), campaign.environment()
    campaign.check(job, checker)
    campaign.inject(ATLAS, MISSING_ROLE, times=None)
    campaign.stack.forget_calls()
    for _ in range(2):
        for _ in range(20):
            campaign.refused(AtlasUnauthorizedError, job, checker)
        campaign.pass_time(REFUSAL_PAUSE)

    assert campaign.count(SECRET) == 2


# Permanent refusals


@pytest.mark.fault("F26")
@cases(
    ("kind", "role"),
    [(RestoreKind.FLEX, "Project Read Only"), (RestoreKind.DEDICATED, "Project Backup Manager")],
    ids=["flex", "dedicated"],
)
def test_a_missing_role_is_named_and_costs_one_new_token(
    campaign: Campaign, kind: RestoreKind, role: str
) -> None:
    job, checker = campaign.job(kind.value), campaign.environment()
    one = target(job, kind)
    campaign.check(one, checker)
    step = DEDICATED if kind is RestoreKind.DEDICATED else ATLAS
    granted = [] if kind is RestoreKind.FLEX else [Role.READ_ONLY]
    campaign.atlas.grant(ACCOUNT["client_id"], *granted)
    campaign.stack.forget_calls()
    error = campaign.refused(AtlasUnauthorizedError, one, checker)
    assert role in str(error)
    assert campaign.calls() == [kind.value, "token", kind.value, "secret", "recall"]

    campaign.stack.forget_calls()
    for _ in range(5):
        campaign.refused(AtlasUnauthorizedError, one, checker)
    assert campaign.count(TOKEN) == 0
    assert campaign.count(step) == 5

    campaign.atlas.grant(ACCOUNT["client_id"], Role.BACKUP_MANAGER)
    job.run_to_end()
    campaign.check(one, checker)
    assert campaign.published(job)[-1] == "COMPLETED"


@pytest.mark.fault("F26")
def test_credentials_that_atlas_does_not_know_are_tried_every_thirty_seconds(
    campaign: Campaign,
) -> None:
    job = campaign.job()
    campaign.put_secret({**ACCOUNT, "client_secret": "wrong"})
    checker = campaign.environment()
    for tries in (1, 0, 0):
        campaign.stack.forget_calls()
        error = campaign.refused(AtlasUnauthorizedError, job, checker)
        assert error.error_code == "invalid_client"
        assert campaign.calls().count("token") == tries
        # The first check reads it twice: at the start, and because Atlas refused it.
        assert campaign.calls().count("secret") == 2 * tries
    assert campaign.stored(job) is None

    campaign.use("service_account")
    campaign.pass_time(REFUSAL_PAUSE)
    campaign.check(job, checker)
    assert campaign.published(job) == ["PENDING"]


@pytest.mark.fault("F26")
def test_an_api_key_that_atlas_does_not_know_is_tried_once_for_each_check(
    campaign: Campaign,
) -> None:
    job = campaign.job()
    campaign.put_secret({**API_KEY, "private_key": "wrong"})
    checker = campaign.environment()
    for _ in range(3):
        campaign.stack.forget_calls()
        campaign.refused(AtlasUnauthorizedError, target(job, RestoreKind.FLEX), checker)
        assert campaign.count(ATLAS) == 2
    assert campaign.stored(job) is None

    campaign.use("api_key")
    campaign.pass_time(REFUSAL_PAUSE)
    campaign.check(job, checker)
    assert campaign.published(job) == ["PENDING"]


# Digest


@pytest.mark.fault("F28")
def test_one_nonce_is_used_for_every_check(campaign: Campaign) -> None:
    campaign.use("api_key")
    job, checker = campaign.job(), campaign.environment()
    campaign.check(job, checker)
    campaign.stack.forget_calls()
    for _ in range(5):
        campaign.check(job, checker)

    assert campaign.calls() == ["flex", "record"] * 5


@pytest.mark.fault("F28")
@cases("opaque", [None, "an-opaque-word"], ids=["no-opaque", "opaque"])
def test_a_stale_nonce_costs_one_more_challenge(campaign: Campaign, opaque: str | None) -> None:
    campaign.use("api_key")
    campaign.atlas.behaviour.opaque = opaque
    job, checker = campaign.job(), campaign.environment()
    campaign.check(job, checker)
    campaign.atlas.expire_nonces()
    job.run_to_end()
    campaign.stack.forget_calls()
    campaign.check(job, checker)

    assert campaign.calls() == ["flex", "flex", "record", "publish", "acknowledge"]
    assert campaign.published(job) == ["PENDING", "COMPLETED"]


@pytest.mark.fault("F28")
def test_a_nonce_that_may_be_used_once_costs_one_challenge_for_each_check(
    campaign: Campaign,
) -> None:
    campaign.use("api_key")
    campaign.atlas.behaviour.nonce_once = True
    job, checker = campaign.job(timeline=["PENDING", "QUEUED", "RUNNING"]), campaign.environment()
    campaign.check(job, checker)
    for _ in range(2):
        job.advance()
        campaign.stack.forget_calls()
        campaign.check(job, checker)
        assert campaign.count(ATLAS) == 2

    assert campaign.published(job) == ["PENDING", "QUEUED", "RUNNING"]


@pytest.mark.fault("F28")
def test_an_endless_series_of_challenges_ends_in_an_unauthorized_error(campaign: Campaign) -> None:
    campaign.use("api_key")
    campaign.atlas.behaviour.nonce_seconds = 0
    job = campaign.recorded_job()
    campaign.refused(AtlasUnauthorizedError, target(job, RestoreKind.FLEX))

    assert campaign.count(ATLAS) == 2


@pytest.mark.fault("F28")
@cases(
    "challenge",
    [
        'Digest realm="r", nonce="n", algorithm=MD4, qop="auth"',
        'Digest realm="r", nonce="n", stale',
        'Digest realm="\xe9", nonce="n", qop="auth"',
    ],
    ids=[
        "algorithm",
        "flag-without-value",
        "latin1",
    ],
)
def test_a_challenge_that_cannot_be_answered_does_not_affect_the_next_check(
    campaign: Campaign, challenge: str
) -> None:
    campaign.use("api_key")
    job, checker = campaign.recorded_job(), campaign.environment()
    campaign.inject(ATLAS, Answer(401, {**JSON, "Www-Authenticate": challenge}, "{}"), times=None)
    with pytest.raises(AtlasError):
        campaign.check(target(job, RestoreKind.FLEX), checker)
    assert campaign.count(ATLAS) <= 4

    campaign.heal()
    assert campaign.recheck(job, checker) == UNCHANGED


@pytest.mark.fault("F28")
@cases("challenge", [None, 'Basic realm="r"'], ids=["none", "basic"])
def test_a_401_without_a_digest_challenge_is_an_unauthorized_error(
    campaign: Campaign, challenge: str | None
) -> None:
    campaign.use("api_key")
    job = campaign.recorded_job()
    headers = JSON if challenge is None else {**JSON, "Www-Authenticate": challenge}
    campaign.inject(ATLAS, Answer(401, headers, "{}"), times=None)
    campaign.refused(AtlasUnauthorizedError, target(job, RestoreKind.FLEX))

    assert campaign.count(ATLAS) == 1


@pytest.mark.fault("F16", "F28")
@cases("body", ["coded", "uncoded", "empty"])
def test_a_challenge_with_any_body_is_answered(campaign: Campaign, body: Any) -> None:
    campaign.use("api_key")
    campaign.atlas.behaviour.challenge_body = body
    job = campaign.finished_job()
    campaign.check(job)

    assert campaign.calls() == ["secret", "flex", "flex", "record", "publish", "acknowledge"]
    assert campaign.published(job) == ["COMPLETED"]


# The access list


@pytest.mark.fault("F29")
@cases("credentials", ["service_account", "api_key"])
@cases("address", ["203.0.113.7", "2001:db8::7"])
def test_the_address_that_must_be_allowed_is_named(
    campaign: Campaign, credentials: Credentials, address: str
) -> None:
    campaign.use(credentials)
    campaign.atlas.behaviour.refused_address = address
    job, checker = campaign.recorded_job(), campaign.environment()
    error = campaign.refused(AtlasForbiddenError, job, checker)
    assert error.reason is not None
    assert error.reason.address == address
    assert address in str(error)
    assert campaign.naps == []

    campaign.atlas.behaviour.refused_address = None
    assert campaign.recheck(job, checker) == UNCHANGED


@pytest.mark.fault("F29")
@cases("parameters", [None, ["everyone"], [17]], ids=str)
def test_an_access_list_error_is_explained_even_without_the_address(
    campaign: Campaign, parameters: Any
) -> None:
    job = campaign.recorded_job()
    answer = atlas_error(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", "Not let in.", parameters)
    campaign.inject(ATLAS, answer)
    error = campaign.refused(AtlasForbiddenError, job)

    assert "access list" in str(error)
    assert campaign.count(ATLAS) == 1


# The secret


UNREADABLE: dict[str, Action] = {
    "throttled": aws_error("secretsmanager", "ThrottlingException"),
    "denied": aws_error("secretsmanager", "AccessDeniedException"),
    "gone": aws_error("secretsmanager", "ResourceNotFoundException"),
    "500": aws_error("secretsmanager", "InternalServiceError", status=500),
    "reset": Reset(),
    "truncated": Truncate(40),
    "html": Answer(200, {"Content-Type": "text/html"}, "<html>"),
    "nothing": Answer(200),
    "no-text": Answer(502, body=b"caf\xe9"),
}

BAD_SECRETS: dict[str, tuple[Any, str]] = {
    "not-json": ("canary-private-key", "JSON"),
    "deep": ("[" * 60_000, "JSON"),
    "binary": (b"\x00\xffcanary-private-key", "SecretString"),
    "secret-without-id": ({"client_secret": "canary-private-key"}, "client_id"),
    "crlf": ({**ACCOUNT, "client_secret": "canary-private-key\r\nX: y"}, "client_secret"),
    "elsewhere": ({**ACCOUNT, "base_url": "https://evil.example"}, "base_url"),
}

bad_secrets = cases(("secret", "names"), list(BAD_SECRETS.values()), ids=list(BAD_SECRETS))

YOUNG, OLD = 250, 301
"""Seconds after the secret was read: it is read again, and the cached one is too old."""


@pytest.mark.fault("F30")
@bad_secrets
def test_an_unusable_secret_is_reported_with_the_name_of_its_key(
    campaign: Campaign, secret: Any, names: str
) -> None:
    job, checker = campaign.recorded_job(), campaign.environment()
    campaign.put_secret(secret)
    error = campaign.refused(CredentialsError, job, checker)
    assert names in str(error)
    assert campaign.calls() == ["secret", "recall"]

    campaign.use("service_account")
    assert campaign.recheck(job, checker) == UNCHANGED


@pytest.mark.fault("F30")
@cases("action", list(UNREADABLE.values()), ids=list(UNREADABLE))
def test_an_unreadable_secret_is_an_error_at_a_cold_start(
    campaign: Campaign, action: Action
) -> None:
    job, checker = campaign.recorded_job(), campaign.environment()
    campaign.inject(SECRET, action)
    error = campaign.refused(CredentialsError, job, checker)
    assert "ATLAS_SECRET_ID" in str(error) or "SecretString" in str(error)
    assert campaign.calls() == ["secret", "recall"]

    assert campaign.recheck(job, checker) == UNCHANGED


@pytest.mark.fault("F30")
@cases("action", [UNREADABLE["throttled"], UNREADABLE["reset"]], ids=["throttled", "reset"])
def test_the_cached_secret_is_used_for_five_minutes_while_it_cannot_be_read(
    campaign: Campaign, action: Action
) -> None:
    job, checker = campaign.recorded_job(), campaign.environment()
    campaign.check(job, checker)
    campaign.pass_time(YOUNG)
    campaign.inject(SECRET, action)
    assert campaign.recheck(job, checker) == UNCHANGED
    assert campaign.count(SECRET) == 2

    campaign.pass_time(OLD - YOUNG)
    campaign.inject(SECRET, action)
    campaign.refused(CredentialsError, job, checker)


@pytest.mark.fault("F30")
def test_an_unreadable_secret_is_not_requested_at_every_check(campaign: Campaign) -> None:
    job, checker = campaign.recorded_job(), campaign.environment()
    campaign.check(job, checker)
    campaign.pass_time(YOUNG)
    campaign.inject(SECRET, Answer(400), times=None)
    campaign.stack.forget_calls()
    for _ in range(10):
        campaign.check(job, checker)
    assert campaign.count(SECRET) == 1

    campaign.pass_time(25)
    campaign.heal()
    campaign.check(job, checker)
    assert campaign.count(SECRET) == 2


@pytest.mark.fault("F30")
@cases(("secret", "names"), [BAD_SECRETS["crlf"]], ids=["crlf"])
def test_the_cached_secret_is_used_for_five_minutes_while_the_new_one_is_unusable(
    campaign: Campaign, secret: Any, names: str
) -> None:
    job, checker = campaign.recorded_job(), campaign.environment()
    campaign.check(job, checker)
    campaign.put_secret(secret)
    campaign.pass_time(YOUNG)
    assert campaign.recheck(job, checker) == UNCHANGED

    campaign.pass_time(OLD - YOUNG)
    assert names in str(campaign.refused(CredentialsError, job, checker))
