"""Tokens, keys and the secret, refused, rotated, throttled or malformed: F24 to F30."""

import json
from typing import Any

import pytest

from local_stack.atlas import Role
from local_stack.aws import aws_error
from local_stack.refusal import atlas_error, oauth_error
from local_stack.stack import CREDENTIALS
from local_stack.wire import Action, Answer, Close, Delay, Reset, Truncate
from reliability.campaign import (
    ATLAS,
    DEDICATED,
    PUBLISH,
    SECRET,
    TOKEN,
    UNCHANGED,
    Campaign,
    Stored,
    target,
)
from restore_watch.atlas.standing import STANDS_AT_MOST
from restore_watch.atlas.token import LIFETIME
from restore_watch.errors import (
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    CredentialsError,
    UnexpectedAtlasResponseError,
)
from restore_watch.restore_job import RestoreKind

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

JSON = {"Content-Type": "application/json"}
ACCOUNT = CREDENTIALS["service_account"]
KEY = CREDENTIALS["api_key"]
NEW_SECRET = "a-new-secret-of-the-account"
NEW_KEY = "a-new-private-key"
UNAUTHORIZED = atlas_error(401, "USER_UNAUTHORIZED", "This credential has no role for it.")

SECONDS_A_TOKEN_SERVES = 3000
"""It is renewed ten minutes before its hour is over."""


# A token or a secret that is no longer what it was


@pytest.mark.fault("F24")
def test_an_expired_token_is_replaced_once_and_the_request_replayed(campaign: Campaign) -> None:
    job, watch = campaign.job(), campaign.environment()
    campaign.check(job, watch)
    campaign.atlas.expire_tokens()
    job.run_to_end()
    campaign.stack.forget_calls()
    campaign.check(job, watch)
    assert campaign.calls() == ["flex", "token", "flex", "record", "publish", "acknowledge"]

    campaign.stack.forget_calls()
    campaign.check(job, watch)
    assert campaign.calls() == ["flex", "record"]
    assert campaign.published(job) == ["PENDING", "COMPLETED"]


@pytest.mark.fault("F24")
def test_a_token_that_expires_before_every_check_is_replaced_every_time(
    campaign: Campaign,
) -> None:
    job, watch = campaign.job(timeline=["PENDING", "QUEUED", "RUNNING"]), campaign.environment()
    campaign.check(job, watch)
    for _ in range(2):
        campaign.atlas.expire_tokens()
        job.advance()
        campaign.check(job, watch)

    assert campaign.published(job) == ["PENDING", "QUEUED", "RUNNING"]
    assert campaign.count(TOKEN) == 3


@pytest.mark.fault("F24")
def test_a_role_missing_elsewhere_keeps_no_dead_token_in_use(campaign: Campaign) -> None:
    job, barred, watch = campaign.job(), campaign.job("dedicated"), campaign.environment()
    campaign.atlas.grant(ACCOUNT["client_id"], Role.READ_ONLY)
    without_role = target(barred, RestoreKind.DEDICATED)
    campaign.refused(AtlasUnauthorizedError, without_role, watch)
    campaign.check(job, watch)
    campaign.atlas.expire_tokens()
    campaign.stack.forget_calls()
    campaign.refused(AtlasUnauthorizedError, without_role, watch)
    assert campaign.recheck(job, watch) == UNCHANGED
    for _ in range(3):
        campaign.refused(AtlasUnauthorizedError, without_role, watch)
        assert campaign.recheck(job, watch) == UNCHANGED

    # One in place of the dead one, and one more to find that the role is missing still.
    assert campaign.count(TOKEN) == 2


@pytest.mark.fault("F24", "F27", "F33")
@cases("fault", [Answer(503), Reset(), Close()], ids=["503", "reset", "closed"])
def test_a_dead_token_is_replaced_though_the_first_request_for_one_fails(
    campaign: Campaign, fault: Action
) -> None:
    job, watch = campaign.job(), campaign.environment()
    campaign.check(job, watch)
    campaign.atlas.expire_tokens()
    campaign.inject(TOKEN, fault)
    campaign.stack.forget_calls()
    assert campaign.recheck(job, watch) == UNCHANGED
    assert campaign.count(TOKEN) == 2


@pytest.mark.fault("F24", "F27")
@cases(
    ("answer", "error"),
    [
        (oauth_error(403, "access_denied", "Access Token limit reached."), AtlasForbiddenError),
        (atlas_error(429, "RATE_LIMITED", "Too many."), AtlasRateLimitError),
        (Answer(500), AtlasUnavailableError),
    ],
    ids=["403", "429", "500"],
)
def test_a_dead_token_that_cannot_be_replaced_is_told_by_what_is_in_the_way(
    campaign: Campaign, answer: Answer, error: type[AtlasError]
) -> None:
    job, watch = campaign.watched_job(), campaign.environment()
    campaign.check(job, watch)
    campaign.atlas.expire_tokens()
    campaign.inject(TOKEN, answer, times=None)
    for _ in range(3):
        with pytest.raises(error):
            campaign.check(job, watch)

    campaign.heal()
    campaign.pass_time(STANDS_AT_MOST)
    assert campaign.recheck(job, watch) == UNCHANGED


@pytest.mark.fault("F25")
def test_a_rotated_client_secret_is_read_again_once(campaign: Campaign) -> None:
    job, watch = campaign.job(), campaign.environment()
    campaign.check(job, watch)
    campaign.atlas.rotate_service_account(ACCOUNT["client_id"], NEW_SECRET)
    campaign.atlas.expire_tokens()
    campaign.put_secret({**ACCOUNT, "client_secret": NEW_SECRET})
    job.run_to_end()
    campaign.stack.forget_calls()
    campaign.check(job, watch)

    assert campaign.calls()[:5] == ["flex", "token", "secret", "token", "flex"]
    assert campaign.published(job) == ["PENDING", "COMPLETED"]


@pytest.mark.fault("F25")
def test_a_rotated_api_key_is_read_again_once(campaign: Campaign) -> None:
    campaign.use("api_key")
    job, watch = campaign.job(), campaign.environment()
    campaign.check(job, watch)
    campaign.atlas.rotate_api_key(KEY["public_key"], NEW_KEY)
    campaign.put_secret({**KEY, "private_key": NEW_KEY})
    job.run_to_end()
    campaign.stack.forget_calls()
    campaign.check(job, watch)

    # The nonce in hand, the challenge, and with the new key a first challenge of its own.
    assert campaign.calls()[:5] == ["flex", "flex", "secret", "flex", "flex"]
    assert campaign.published(job) == ["PENDING", "COMPLETED"]


@pytest.mark.fault("F25")
def test_a_secret_that_changes_its_kind_is_followed(campaign: Campaign) -> None:
    job, watch = campaign.job(), campaign.environment()
    campaign.check(job, watch)
    campaign.atlas.remove_credential(ACCOUNT["client_id"])
    campaign.use("api_key")
    job.run_to_end()
    campaign.check(job, watch)

    assert campaign.published(job) == ["PENDING", "COMPLETED"]


@pytest.mark.fault("F25", "F30")
def test_a_rotation_is_found_though_the_secret_could_not_be_read_at_first(
    campaign: Campaign,
) -> None:
    job, watch = campaign.job(), campaign.environment()
    campaign.check(job, watch)
    campaign.atlas.rotate_service_account(ACCOUNT["client_id"], NEW_SECRET)
    campaign.atlas.expire_tokens()
    campaign.put_secret({**ACCOUNT, "client_secret": NEW_SECRET})
    job.run_to_end()
    campaign.inject(SECRET, aws_error("secretsmanager", "ThrottlingException"))
    campaign.refused(AtlasUnauthorizedError, job, watch)
    assert campaign.stored(job) == Stored("PENDING", 1, 1)

    campaign.check(job, watch)
    assert campaign.published(job) == ["PENDING", "COMPLETED"]


# Refused for good


@pytest.mark.fault("F26")
@cases(
    ("kind", "role"),
    [(RestoreKind.FLEX, "Project Read Only"), (RestoreKind.DEDICATED, "Project Backup Manager")],
    ids=["flex", "dedicated"],
)
def test_a_missing_role_is_named_and_costs_one_new_token(
    campaign: Campaign, kind: RestoreKind, role: str
) -> None:
    job, watch = campaign.job(kind.value), campaign.environment()
    one = target(job, kind)
    campaign.check(one, watch)
    step = DEDICATED if kind is RestoreKind.DEDICATED else ATLAS
    granted = [] if kind is RestoreKind.FLEX else [Role.READ_ONLY]
    campaign.atlas.grant(ACCOUNT["client_id"], *granted)
    campaign.stack.forget_calls()
    error = campaign.refused(AtlasUnauthorizedError, one, watch)
    assert role in str(error)
    assert campaign.calls() == [kind.value, "token", kind.value, "secret"]

    campaign.stack.forget_calls()
    for _ in range(5):
        campaign.refused(AtlasUnauthorizedError, one, watch)
    assert campaign.count(TOKEN) == 0
    assert campaign.count(step) == 5

    campaign.atlas.grant(ACCOUNT["client_id"], Role.BACKUP_MANAGER)
    job.run_to_end()
    campaign.check(one, watch)
    assert campaign.published(job)[-1] == "COMPLETED"


@pytest.mark.fault("F26")
def test_credentials_atlas_does_not_know_are_tried_once_a_while(campaign: Campaign) -> None:
    job = campaign.job()
    campaign.put_secret({**ACCOUNT, "client_secret": "wrong"})
    watch = campaign.environment()
    for tries in (1, 0, 0):
        campaign.stack.forget_calls()
        error = campaign.refused(AtlasUnauthorizedError, job, watch)
        assert error.error_code == "invalid_client"
        assert campaign.calls().count("token") == tries
        # Read anew each time, so that a secret put right serves at once.
        assert 1 <= campaign.calls().count("secret") <= 2
    assert campaign.stored(job) is None

    campaign.use("service_account")
    campaign.check(job, watch)
    assert campaign.published(job) == ["PENDING"]


@pytest.mark.fault("F26")
def test_an_api_key_atlas_does_not_know_is_tried_once_a_check(campaign: Campaign) -> None:
    job = campaign.job()
    campaign.put_secret({**KEY, "private_key": "wrong"})
    watch = campaign.environment()
    for _ in range(3):
        campaign.stack.forget_calls()
        campaign.refused(AtlasUnauthorizedError, target(job, RestoreKind.FLEX), watch)
        assert campaign.count(ATLAS) == 2
    assert campaign.stored(job) is None

    campaign.use("api_key")
    campaign.check(job, watch)
    assert campaign.published(job) == ["PENDING"]


# The token endpoint

TOKEN_REFUSALS: dict[str, tuple[Answer, type[AtlasError]]] = {
    "429": (atlas_error(429, "RATE_LIMITED", "Too many."), AtlasRateLimitError),
    "429-bare": (Answer(429), AtlasRateLimitError),
    "too-many-tokens": (
        oauth_error(403, "access_denied", "Access Token limit reached."),
        AtlasForbiddenError,
    ),
    "invalid-client": (oauth_error(401, "invalid_client", "No."), AtlasUnauthorizedError),
    "invalid-request": (oauth_error(400, "invalid_request", "No."), AtlasUnauthorizedError),
    "404": (Answer(404), AtlasError),
    "418": (Answer(418), UnexpectedAtlasResponseError),
    "html": (Answer(200, {"Content-Type": "text/html"}, "<html>"), UnexpectedAtlasResponseError),
    "empty": (Answer(200), UnexpectedAtlasResponseError),
    "list": (Answer.json(200, []), UnexpectedAtlasResponseError),
    "no-token": (Answer.json(200, {"expires_in": 3600}), UnexpectedAtlasResponseError),
    "token-null": (Answer.json(200, {"access_token": None}), UnexpectedAtlasResponseError),
    "token-number": (Answer.json(200, {"access_token": 17}), UnexpectedAtlasResponseError),
    "token-empty": (Answer.json(200, {"access_token": ""}), UnexpectedAtlasResponseError),
    "token-crlf": (
        Answer.json(200, {"access_token": "canary-access-token\r\nX-Evil: 1"}),
        UnexpectedAtlasResponseError,
    ),
    "token-unicode": (
        Answer.json(200, {"access_token": "canary-access-token-\u00e9"}),
        UnexpectedAtlasResponseError,
    ),
    "life-negative": (
        Answer.json(200, {"access_token": "canary-access-token", "expires_in": -1}),
        UnexpectedAtlasResponseError,
    ),
    "life-word": (
        Answer.json(200, {"access_token": "canary-access-token", "expires_in": "soon"}),
        UnexpectedAtlasResponseError,
    ),
    "life-nan": (
        Answer(200, JSON, '{"access_token": "canary-access-token", "expires_in": NaN}'),
        UnexpectedAtlasResponseError,
    ),
}
token_refusals = cases(("answer", "error"), list(TOKEN_REFUSALS.values()), ids=list(TOKEN_REFUSALS))


@pytest.mark.fault("F27")
@token_refusals
def test_a_refused_token_is_an_error_at_once_and_not_asked_for_in_vain(
    campaign: Campaign, answer: Answer, error: type[AtlasError]
) -> None:
    job, watch = campaign.watched_job(), campaign.environment()
    campaign.inject(TOKEN, answer, times=None)
    for _ in range(5):
        with pytest.raises(error):
            campaign.check(job, watch)
    assert campaign.naps == []
    assert campaign.count(TOKEN) == 1
    assert campaign.count(ATLAS) == 0

    campaign.heal()
    campaign.pass_time(STANDS_AT_MOST)
    assert campaign.recheck(job, watch) == UNCHANGED


@pytest.mark.fault("F26", "F27")
@cases("status", [400, 401])
def test_a_refused_token_request_says_nothing_of_the_cluster(
    campaign: Campaign, status: int
) -> None:
    job, watch = campaign.job("dedicated"), campaign.environment()
    wanted = target(job)
    campaign.check(wanted, watch)
    campaign.pass_time(TOKEN_LIFETIME)
    campaign.inject(TOKEN, oauth_error(status, "invalid_client", "No."), times=None)
    campaign.stack.forget_calls()
    campaign.refused(AtlasUnauthorizedError, wanted, watch)
    # The secret may have been rotated meanwhile.
    assert campaign.calls() == ["secret", "token", "secret"]

    campaign.heal()
    campaign.pass_time(STANDS_AT_MOST)
    campaign.stack.forget_calls()
    assert not campaign.check(wanted, watch).changed
    assert campaign.calls() == ["token", "dedicated", "record"]


@pytest.mark.fault("F27")
@token_refusals
def test_a_token_that_is_still_good_serves_on_though_its_renewal_is_refused(
    campaign: Campaign, answer: Answer, error: type[AtlasError]
) -> None:
    assert issubclass(error, AtlasError)
    job, watch = campaign.watched_job(), campaign.environment()
    campaign.check(job, watch)
    campaign.pass_time(SECONDS_A_TOKEN_SERVES + 1)
    campaign.inject(TOKEN, answer, times=None)
    campaign.stack.forget_calls()
    for _ in range(3):
        assert campaign.recheck(job, watch) == UNCHANGED

    assert campaign.count(TOKEN) == 1
    assert campaign.naps == []


@pytest.mark.fault("F27")
@cases(
    "answer",
    [TOKEN_REFUSALS["429"][0], TOKEN_REFUSALS["too-many-tokens"][0]],
    ids=["429", "too-many-tokens"],
)
def test_a_token_other_projects_accept_survives_a_refused_replacement(
    campaign: Campaign, answer: Answer
) -> None:
    ours, theirs = campaign.job(), campaign.job()
    watch = campaign.environment()
    campaign.check(ours, watch)
    with campaign.inject(TOKEN, answer, times=None), campaign.inject(ATLAS, UNAUTHORIZED):
        with pytest.raises(AtlasError):
            campaign.check(theirs, watch)

        ours.run_to_end()
        campaign.check(ours, watch)
    assert campaign.published(ours) == ["PENDING", "COMPLETED"]


@pytest.mark.fault("F27")
@cases(
    "action",
    [Close(), Reset(), Truncate(20)],
    ids=["closes", "resets", "truncated"],
)
def test_a_broken_token_endpoint_is_bounded(campaign: Campaign, action: Action) -> None:
    job, watch = campaign.watched_job(), campaign.environment()
    campaign.inject(TOKEN, action, times=None)
    campaign.refused(AtlasUnavailableError, job, watch)
    assert campaign.count(TOKEN) <= 4
    assert campaign.count(ATLAS) == 0

    campaign.heal()
    assert campaign.recheck(job, watch) == UNCHANGED


@pytest.mark.fault("F27")
def test_a_late_token_is_taken(campaign: Campaign) -> None:
    job = campaign.job()
    campaign.inject(TOKEN, Delay(0.1))
    campaign.check(job)

    assert campaign.count(TOKEN) == 1
    assert campaign.published(job) == ["PENDING"]


@pytest.mark.fault("F27")
def test_a_token_without_a_life_lives_an_hour(campaign: Campaign) -> None:
    campaign.atlas.behaviour.expires_in = None
    job, watch = campaign.watched_job(), campaign.environment()
    for _ in range(50):
        campaign.check(job, watch)
        campaign.pass_time(SECONDS_A_TOKEN_SERVES / 50)
    assert campaign.count(TOKEN) == 1

    campaign.check(job, watch)
    assert campaign.count(TOKEN) == 2


@pytest.mark.fault("F27")
@cases("life", [0, 1, 5], ids=["none", "a-second", "five-seconds"])
def test_a_token_of_a_tiny_life_starts_no_loop(campaign: Campaign, life: int) -> None:
    campaign.atlas.behaviour.expires_in = life
    job, watch = campaign.job(), campaign.environment()
    for tokens in (1, 2, 3):
        campaign.check(job, watch)
        assert campaign.count(TOKEN) == tokens
        assert campaign.count(ATLAS) == tokens
        campaign.pass_time(60)

    assert campaign.published(job) == ["PENDING"]


@pytest.mark.fault("F27")
def test_a_token_serves_every_check_of_fifty_minutes(campaign: Campaign) -> None:
    job, watch = campaign.watched_job(), campaign.environment()
    for _ in range(50):
        campaign.check(job, watch)
        campaign.pass_time(59)

    assert campaign.count(TOKEN) == 1
    assert campaign.count(PUBLISH) == 0


# Digest


@pytest.mark.fault("F28")
def test_the_nonce_in_hand_serves_every_check(campaign: Campaign) -> None:
    campaign.use("api_key")
    job, watch = campaign.job(), campaign.environment()
    campaign.check(job, watch)
    campaign.stack.forget_calls()
    for _ in range(5):
        campaign.check(job, watch)

    assert campaign.calls() == ["flex", "record"] * 5


@pytest.mark.fault("F28")
@cases("opaque", [None, "an-opaque-word"], ids=["no-opaque", "opaque"])
def test_a_stale_nonce_costs_one_more_challenge(campaign: Campaign, opaque: str | None) -> None:
    campaign.use("api_key")
    campaign.atlas.behaviour.opaque = opaque
    job, watch = campaign.job(), campaign.environment()
    campaign.check(job, watch)
    campaign.atlas.expire_nonces()
    job.run_to_end()
    campaign.stack.forget_calls()
    campaign.check(job, watch)

    assert campaign.calls() == ["flex", "flex", "record", "publish", "acknowledge"]
    assert campaign.published(job) == ["PENDING", "COMPLETED"]


@pytest.mark.fault("F28")
def test_a_nonce_that_may_be_used_once_costs_a_challenge_each_time(campaign: Campaign) -> None:
    campaign.use("api_key")
    campaign.atlas.behaviour.nonce_once = True
    job, watch = campaign.job(timeline=["PENDING", "QUEUED", "RUNNING"]), campaign.environment()
    campaign.check(job, watch)
    for _ in range(2):
        job.advance()
        campaign.stack.forget_calls()
        campaign.check(job, watch)
        assert campaign.count(ATLAS) == 2

    assert campaign.published(job) == ["PENDING", "QUEUED", "RUNNING"]


@pytest.mark.fault("F28")
def test_a_challenge_without_end_is_a_refusal(campaign: Campaign) -> None:
    campaign.use("api_key")
    campaign.atlas.behaviour.nonce_seconds = 0
    job = campaign.watched_job()
    campaign.refused(AtlasUnauthorizedError, target(job, RestoreKind.FLEX))

    assert campaign.count(ATLAS) == 2


@pytest.mark.fault("F28")
@cases(
    "challenge",
    [
        'Digest realm="r", nonce="n", algorithm=MD4, qop="auth"',
        'Digest realm="r", nonce="n", algorithm=MD5, qop="auth-int"',
        'Digest realm="r", nonce="n", algorithm=MD5, qop="more"',
        'Digest nonce="n"',
        'Digest realm="r"',
        "Digest realm",
        'Digest realm="r", nonce="n", stale',
        "Digest =",
        "Digest ,,,",
        'Digest realm="\xe9", nonce="n", qop="auth"',
    ],
    ids=[
        "algorithm",
        "auth-int",
        "qop",
        "no-realm",
        "no-nonce",
        "no-value",
        "flag-without-value",
        "no-name",
        "commas",
        "latin1",
    ],
)
def test_a_challenge_nobody_can_answer_is_typed(campaign: Campaign, challenge: str) -> None:
    campaign.use("api_key")
    job, watch = campaign.watched_job(), campaign.environment()
    campaign.inject(ATLAS, Answer(401, {**JSON, "Www-Authenticate": challenge}, "{}"), times=None)
    with pytest.raises(AtlasError):
        campaign.check(target(job, RestoreKind.FLEX), watch)
    assert campaign.count(ATLAS) <= 4

    campaign.heal()
    assert campaign.recheck(job, watch) == UNCHANGED


@pytest.mark.fault("F28")
@cases("challenge", [None, 'Basic realm="r"', "Bearer"], ids=["none", "basic", "bearer"])
def test_a_401_without_a_digest_challenge_is_a_refusal(
    campaign: Campaign, challenge: str | None
) -> None:
    campaign.use("api_key")
    job = campaign.watched_job()
    headers = JSON if challenge is None else {**JSON, "Www-Authenticate": challenge}
    campaign.inject(ATLAS, Answer(401, headers, "{}"), times=None)
    campaign.refused(AtlasUnauthorizedError, target(job, RestoreKind.FLEX))

    assert campaign.count(ATLAS) == 1


# The access list


@pytest.mark.fault("F29")
@cases("credentials", ["service_account", "api_key"])
@cases("address", ["203.0.113.7", "2001:db8::7"])
def test_the_address_to_allow_is_named(campaign: Campaign, credentials: Any, address: str) -> None:
    campaign.use(credentials)
    campaign.atlas.behaviour.refused_address = address
    job, watch = campaign.watched_job(), campaign.environment()
    error = campaign.refused(AtlasForbiddenError, job, watch)
    assert error.reason is not None
    assert error.reason.address == address
    assert address in str(error)
    assert campaign.naps == []

    campaign.atlas.behaviour.refused_address = None
    assert campaign.recheck(job, watch) == UNCHANGED


@pytest.mark.fault("F29")
@cases("parameters", [None, [], ["everyone"], [None], [17], [{"a": 1}]], ids=str)
def test_an_access_list_that_names_no_address_is_still_told(
    campaign: Campaign, parameters: Any
) -> None:
    job = campaign.watched_job()
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
    "undecryptable": aws_error("secretsmanager", "DecryptionFailure"),
    "500": aws_error("secretsmanager", "InternalServiceError", status=500),
    "reset": Reset(),
    "truncated": Truncate(40),
    "html": Answer(200, {"Content-Type": "text/html"}, "<html>"),
    "nothing": Answer(200),
    "no-object": Answer(200, body="[]"),
    "no-text": Answer(502, body=b"caf\xe9"),
}
BAD_SECRETS: dict[str, tuple[Any, str]] = {
    "not-json": ("canary-private-key", "JSON"),
    "empty": (" ", "JSON"),
    "list": ("[]", "JSON"),
    "deep": ("[" * 60_000, "JSON"),
    "binary": (b"\x00\xffcanary-private-key", "SecretString"),
    "no-key": ({}, "client_id"),
    "misspelt": ({"CLIENT_ID": "a", "CLIENT_SECRET": "canary-private-key"}, "client_id"),
    "half-account": ({"client_id": "a"}, "client_secret"),
    "half-account-2": ({"client_secret": "canary-private-key"}, "client_id"),
    "half-key": ({"public_key": "a"}, "private_key"),
    "null": ({"client_id": None, "client_secret": None}, "client_id"),
    "empty-value": ({"client_id": "", "client_secret": "canary-private-key"}, "client_id"),
    "number": ({"public_key": 17, "private_key": "canary-private-key"}, "public_key"),
    "crlf": ({**ACCOUNT, "client_secret": "canary-private-key\r\nX: y"}, "client_secret"),
    "unicode": ({**KEY, "private_key": "canary-private-key\u00e9"}, "private_key"),
    "account-as-key": (
        {"public_key": "mdb_sa_id_1", "private_key": "canary-private-key"},
        "client_id",
    ),
    "elsewhere": ({**ACCOUNT, "base_url": "https://evil.example"}, "base_url"),
}
bad_secrets = cases(("secret", "names"), list(BAD_SECRETS.values()), ids=list(BAD_SECRETS))
unreadable = cases("action", list(UNREADABLE.values()), ids=list(UNREADABLE))

YOUNG, OLD = 250, 301
"""Seconds since the secret was read: it is due to be read again, and it may serve no longer."""


@pytest.mark.fault("F30")
@bad_secrets
def test_a_secret_that_cannot_be_used_names_its_key(
    campaign: Campaign, secret: Any, names: str
) -> None:
    job, watch = campaign.watched_job(), campaign.environment()
    campaign.put_secret(secret)
    error = campaign.refused(CredentialsError, job, watch)
    assert names in str(error)
    assert campaign.calls() == ["secret"]

    campaign.use("service_account")
    assert campaign.recheck(job, watch) == UNCHANGED


@pytest.mark.fault("F30")
@unreadable
def test_a_secret_that_cannot_be_read_is_an_error_at_first(
    campaign: Campaign, action: Action
) -> None:
    job, watch = campaign.watched_job(), campaign.environment()
    campaign.inject(SECRET, action)
    error = campaign.refused(CredentialsError, job, watch)
    assert "ATLAS_SECRET_ID" in str(error) or "SecretString" in str(error)
    assert campaign.calls() == ["secret"]

    assert campaign.recheck(job, watch) == UNCHANGED


@pytest.mark.fault("F30")
@unreadable
def test_a_value_that_is_young_enough_serves_while_the_secret_cannot_be_read(
    campaign: Campaign, action: Action
) -> None:
    job, watch = campaign.watched_job(), campaign.environment()
    campaign.check(job, watch)
    campaign.pass_time(YOUNG)
    campaign.inject(SECRET, action)
    assert campaign.recheck(job, watch) == UNCHANGED
    assert campaign.count(SECRET) == 2

    campaign.pass_time(OLD - YOUNG)
    campaign.inject(SECRET, action)
    campaign.refused(CredentialsError, job, watch)


@pytest.mark.fault("F30")
def test_a_secret_that_cannot_be_read_is_not_tried_at_every_check(campaign: Campaign) -> None:
    job, watch = campaign.watched_job(), campaign.environment()
    campaign.check(job, watch)
    campaign.pass_time(YOUNG)
    campaign.inject(SECRET, Answer(400), times=None)
    campaign.stack.forget_calls()
    for _ in range(10):
        campaign.check(job, watch)
    assert campaign.count(SECRET) == 1

    campaign.pass_time(25)
    campaign.heal()
    campaign.check(job, watch)
    assert campaign.count(SECRET) == 2


@pytest.mark.fault("F30")
@bad_secrets
def test_a_value_that_is_young_enough_serves_while_the_secret_is_unusable(
    campaign: Campaign, secret: Any, names: str
) -> None:
    job, watch = campaign.watched_job(), campaign.environment()
    campaign.check(job, watch)
    campaign.put_secret(secret)
    campaign.pass_time(YOUNG)
    assert campaign.recheck(job, watch) == UNCHANGED

    campaign.pass_time(OLD - YOUNG)
    assert names in str(campaign.refused(CredentialsError, job, watch))


@pytest.mark.fault("F30")
@cases(
    "secret",
    [
        {"clientId": ACCOUNT["client_id"], "clientSecret": ACCOUNT["client_secret"]},
        {"ClientId": ACCOUNT["client_id"], "ClientSecret": ACCOUNT["client_secret"]},
        {"publicKey": KEY["public_key"], "privateKey": KEY["private_key"]},
        {"PublicKey": KEY["public_key"], "PrivateKey": KEY["private_key"], "DebugClient": False},
        json.dumps({name: f" {value}\n" for name, value in ACCOUNT.items()}),
        {**ACCOUNT, "public_key": "other", "private_key": "other", "base_url": ""},
    ],
    ids=["camel", "pascal", "camel-key", "cloudformation", "with-spaces", "both"],
)
def test_every_accepted_spelling_works(campaign: Campaign, secret: Any) -> None:
    job = campaign.watched_job()
    campaign.put_secret(secret)

    assert campaign.recheck(job) == UNCHANGED
