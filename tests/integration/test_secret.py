"""The secret: how it may be spelt, what is wrong with it, and what happens when it is rotated."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from integration.watching import CHANGED, check, operations, warm_up
from local_stack.aws import aws_error
from local_stack.canaries import (
    CANARIES,
    CANARY_ACCESS_TOKEN,
    CANARY_CLIENT_SECRET,
    CANARY_PRIVATE_KEY,
)
from local_stack.restores import EmulatedRestore
from local_stack.runtime import Invocation
from local_stack.stack import CREDENTIALS, Credentials
from local_stack.wire import Fault
from observed_stack import ObservedStack

CLIENT_ID = CREDENTIALS["service_account"]["client_id"]
PUBLIC_KEY = CREDENTIALS["api_key"]["public_key"]

NEW_CLIENT_SECRET = f"{CANARY_CLIENT_SECRET}-rotated"
NEW_PRIVATE_KEY = f"{CANARY_PRIVATE_KEY}-rotated"

SPELLINGS: dict[str, tuple[dict[str, Any], str]] = {
    "client_id": (CREDENTIALS["service_account"], "Bearer"),
    "clientId": ({"clientId": CLIENT_ID, "clientSecret": CANARY_CLIENT_SECRET}, "Bearer"),
    "ClientId": ({"ClientId": CLIENT_ID, "ClientSecret": CANARY_CLIENT_SECRET}, "Bearer"),
    "public_key": (CREDENTIALS["api_key"], "Digest"),
    "publicKey": ({"publicKey": PUBLIC_KEY, "privateKey": CANARY_PRIVATE_KEY}, "Digest"),
    "PublicKey": (
        {
            "PublicKey": PUBLIC_KEY,
            "PrivateKey": CANARY_PRIVATE_KEY,
            # As MongoDB's CloudFormation resources store it.
            "BaseUrl": "",
            "IsMongoDBGovCloud": False,
            "DebugClient": False,
        },
        "Digest",
    ),
    "both-pairs": (CREDENTIALS["service_account"] | CREDENTIALS["api_key"], "Bearer"),
    "spaces-around": (
        {"public_key": f" {PUBLIC_KEY}\n", "private_key": f"{CANARY_PRIVATE_KEY} "},
        "Digest",
    ),
}

ACCOUNT, KEY = CREDENTIALS["service_account"], CREDENTIALS["api_key"]

# What the secret holds, and which words the error has for it.
WRONG: dict[str, tuple[Any, str]] = {
    "not-json": (CANARY_CLIENT_SECRET, "not a JSON object"),
    "a-list": (json.dumps([ACCOUNT]), "not a JSON object"),
    "binary": (json.dumps(ACCOUNT).encode(), "not a JSON object in SecretString"),
    "nothing-in-it": ({}, "neither client_id and client_secret"),
    "other-keys": ({"username": "x", "password": CANARY_PRIVATE_KEY}, "public_key and private_key"),
    "no-client-secret": ({"client_id": CLIENT_ID}, "client_secret is missing"),
    "no-client-id": ({"client_secret": CANARY_CLIENT_SECRET}, "client_id is missing"),
    "no-private-key": ({"public_key": PUBLIC_KEY}, "private_key is missing"),
    "empty-private-key": (KEY | {"private_key": " "}, "private_key is missing"),
    "list-as-secret": (ACCOUNT | {"client_secret": [CANARY_CLIENT_SECRET]}, "client_secret"),
    "line-break-within": (KEY | {"private_key": f"{CANARY_PRIVATE_KEY}\nx"}, "private_key"),
    "account-as-key": (
        {"public_key": CLIENT_ID, "private_key": CANARY_CLIENT_SECRET},
        "store it as client_id",
    ),
    "other-host": (ACCOUNT | {"base_url": "https://example.com"}, "base_url"),
    "other-host-by-userinfo": (
        KEY | {"BaseUrl": "https://cloud.mongodb.com@example.com"},
        "base_url",
    ),
    "loopback": (ACCOUNT | {"baseUrl": "http://127.0.0.1:1"}, "base_url"),
    "plain-http": (KEY | {"base_url": "http://cloud.mongodb.com"}, "base_url"),
    "number-as-host": (ACCOUNT | {"base_url": 7}, "base_url"),
}


def start(stack: ObservedStack, group: str) -> EmulatedRestore:
    return stack.atlas.start_restore(group, "orders", "flex")


def assert_no_secret(answer: Invocation, logs: str) -> None:
    told = json.dumps(answer.payload) + logs
    assert not [canary for canary in CANARIES if canary in told]


@pytest.mark.parametrize(("secret", "scheme"), SPELLINGS.values(), ids=SPELLINGS)
def test_a_secret_may_be_spelt_as_others_spell_it(
    new_stack: ObservedStack, group: str, secret: dict[str, Any], scheme: str
) -> None:
    new_stack.put_secret(secret)
    check(new_stack, start(new_stack, group), "flex").result  # noqa: B018 - there must be one
    (call,) = [
        call for call in new_stack.http_calls() if (call.operation, call.status) == ("flex", 200)
    ]

    assert call.headers["Authorization"].split()[0] == scheme


@pytest.fixture(scope="module")
def unknowing(module_stack: ObservedStack) -> ObservedStack:
    """With one environment for many tests: one that reads no good secret stays without any."""
    module_stack.new_environments()
    return module_stack


@pytest.fixture
def secretless(unknowing: ObservedStack, stack: ObservedStack) -> Iterator[ObservedStack]:
    yield stack
    unknowing.put_secret(ACCOUNT)


@pytest.mark.parametrize(("secret", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_secret_is_refused_by_the_name_of_its_key(
    secretless: ObservedStack, group: str, secret: Any, words: str
) -> None:
    secretless.put_secret(secret)
    answer = check(secretless, start(secretless, group), "flex")

    assert answer.error_type == "CredentialsError"
    assert words in str(answer.error_message)
    assert operations(secretless) == ["GetSecretValue"]
    assert (secretless.items(), secretless.received()) == ([], [])
    assert_no_secret(answer, secretless.logs())


@pytest.mark.parametrize(
    "code",
    ["AccessDeniedException", "DecryptionFailure", "ResourceNotFoundException"],
)
def test_a_secret_that_cannot_be_read_is_an_error_of_the_operator(
    secretless: ObservedStack, group: str, code: str
) -> None:
    refusal = aws_error("secretsmanager", code, f"not for {CANARY_CLIENT_SECRET}")
    secretless.aws.wire.inject(Fault(action=refusal, operation="GetSecretValue", times=None))
    answer = check(secretless, start(secretless, group), "flex")

    assert answer.error_type == "CredentialsError"
    assert code in str(answer.error_message)
    assert "ATLAS_SECRET_ID" in str(answer.error_message)
    assert operations(secretless) == ["GetSecretValue"]
    assert_no_secret(answer, secretless.logs())


def test_a_secret_that_was_deleted_is_an_error_of_the_operator(
    new_stack: ObservedStack, group: str
) -> None:
    new_stack.aws.client("secretsmanager").delete_secret(
        SecretId=new_stack.secret_arn, ForceDeleteWithoutRecovery=True
    )
    answer = check(new_stack, start(new_stack, group), "flex")

    assert answer.error_type == "CredentialsError"
    assert "ResourceNotFoundException" in str(answer.error_message)
    assert operations(new_stack) == ["GetSecretValue"]


def test_a_secret_that_is_mended_is_read_at_the_next_check(
    new_stack: ObservedStack, group: str
) -> None:
    restore = start(new_stack, group)
    new_stack.put_secret("{}")
    before = check(new_stack, restore)
    new_stack.put_secret(ACCOUNT)

    assert before.error_type == "CredentialsError"
    assert check(new_stack, restore).result["changed"] is True


def test_a_throttled_secret_is_asked_for_again(new_stack: ObservedStack, group: str) -> None:
    throttled = aws_error("secretsmanager", "ThrottlingException")
    fault = new_stack.aws.wire.inject(Fault(action=throttled, operation="GetSecretValue"))

    assert check(new_stack, start(new_stack, group)).result["changed"] is True
    assert fault.hits == 1


def test_the_secret_is_not_read_again_while_it_is_good(stack: ObservedStack, group: str) -> None:
    warm_up(stack, group)
    unreadable = aws_error("secretsmanager", "AccessDeniedException")
    fault = stack.aws.wire.inject(Fault(action=unreadable, operation="GetSecretValue", times=None))
    for _ in range(5):
        restore = start(stack, group)
        assert check(stack, restore).result["changed"] is True

    assert fault.hits == 0


# What a check asks for when the credentials that it holds were replaced, up to its answer. A
# rotated secret buys no new token, and a token dies with the account, not with its secret.
REPLACED = {
    "service_account": ["flex", "token", "GetSecretValue", "token", "flex", *CHANGED],
    "api_key": ["flex", "flex", "GetSecretValue", "flex", "flex", *CHANGED],
}


def rotate(stack: ObservedStack, credentials: Credentials) -> None:
    """Give Atlas a new secret, and only Atlas."""
    if credentials == "service_account":
        stack.atlas.rotate_service_account(CLIENT_ID, NEW_CLIENT_SECRET)
        stack.atlas.expire_tokens()
    else:
        stack.atlas.rotate_api_key(PUBLIC_KEY, NEW_PRIVATE_KEY)


ROTATED: dict[Credentials, dict[str, str]] = {
    "service_account": ACCOUNT | {"client_secret": NEW_CLIENT_SECRET},
    "api_key": KEY | {"private_key": NEW_PRIVATE_KEY},
}


def test_a_rotation_goes_unnoticed(
    new_stack: ObservedStack, group: str, credentials: Credentials
) -> None:
    warm_up(new_stack, group)
    rotate(new_stack, credentials)
    new_stack.put_secret(ROTATED[credentials])
    new_stack.forget_calls()
    result = check(new_stack, start(new_stack, group), "flex").result

    assert result["changed"] is True
    assert operations(new_stack) == REPLACED[credentials]


def test_a_rotation_of_the_other_credential_goes_unnoticed(
    new_stack: ObservedStack, group: str, credentials: Credentials
) -> None:
    other: Credentials = "api_key" if credentials == "service_account" else "service_account"
    warm_up(new_stack, group)
    new_stack.atlas.remove_credential(CLIENT_ID)
    new_stack.atlas.remove_credential(PUBLIC_KEY)
    new_stack.atlas.add_service_account(CLIENT_ID, NEW_CLIENT_SECRET)
    new_stack.atlas.add_api_key(PUBLIC_KEY, NEW_PRIVATE_KEY)
    new_stack.put_secret(ROTATED[other])
    result = check(new_stack, start(new_stack, group), "flex").result

    assert result["changed"] is True


def test_a_rotation_that_atlas_knows_first_is_made_good_by_the_secret(
    new_stack: ObservedStack, group: str, credentials: Credentials
) -> None:
    warm_up(new_stack, group)
    restore = start(new_stack, group)
    rotate(new_stack, credentials)
    between = [check(new_stack, restore, "flex") for _ in range(3)]
    new_stack.put_secret(ROTATED[credentials])

    assert {answer.error_type for answer in between} == {"AtlasUnauthorizedError"}
    assert check(new_stack, restore, "flex").result["changed"] is True


def test_credentials_that_atlas_does_not_know_are_refused_after_one_more_look(
    new_stack: ObservedStack, group: str, credentials: Credentials
) -> None:
    new_stack.put_secret(ROTATED[credentials])
    answer = check(new_stack, start(new_stack, group), "flex")

    assert answer.error_type == "AtlasUnauthorizedError"
    assert (
        operations(new_stack)
        == {
            "service_account": ["GetSecretValue", "token", "GetSecretValue"],
            "api_key": ["GetSecretValue", "flex", "flex", "GetSecretValue"],
        }[credentials]
    )
    assert (new_stack.items(), new_stack.received()) == ([], [])
    assert_no_secret(answer, new_stack.logs())


def test_a_token_that_ended_early_is_replaced_once(stack: ObservedStack, group: str) -> None:
    warm_up(stack, group)
    stack.atlas.expire_tokens()
    check(stack, start(stack, group), "flex")

    assert operations(stack) == ["flex", "token", "flex", *CHANGED]


@pytest.mark.parametrize("credentials", ["api_key"], indirect=True)
def test_a_stale_nonce_costs_one_challenge(
    stack: ObservedStack, group: str, credentials: Credentials
) -> None:
    warm_up(stack, group)
    stack.atlas.expire_nonces()
    check(stack, start(stack, group), "flex")

    assert credentials == "api_key"
    assert operations(stack) == ["flex", "flex", *CHANGED]


def test_the_token_request_hides_the_secret_in_its_header(
    new_stack: ObservedStack, group: str
) -> None:
    check(new_stack, start(new_stack, group), "flex")
    (call,) = [call for call in new_stack.http_calls() if call.operation == "token"]
    (asked,) = [call for call in new_stack.http_calls() if call.operation == "flex"]

    scheme, sent = call.headers["Authorization"].split()
    assert scheme == "Basic"
    assert base64.b64decode(sent).decode() == f"{CLIENT_ID}:{CANARY_CLIENT_SECRET}"
    assert call.body == b"grant_type=client_credentials"
    assert call.query == {}
    assert asked.headers["Authorization"].startswith(f"Bearer {CANARY_ACCESS_TOKEN}")
