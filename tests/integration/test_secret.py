"""The secret: read again when it was rotated or repaired, and sent only where it belongs."""

import base64

from integration.checking import CHANGED, check, operations, warm_up
from local_stack.canaries import CANARY_ACCESS_TOKEN, CANARY_CLIENT_SECRET, CANARY_PRIVATE_KEY
from local_stack.stack import CREDENTIALS, Credentials
from observed_stack import ObservedStack

ACCOUNT, KEY = CREDENTIALS["service_account"], CREDENTIALS["api_key"]
CLIENT_ID, PUBLIC_KEY = ACCOUNT["client_id"], KEY["public_key"]
NEW_CLIENT_SECRET = f"{CANARY_CLIENT_SECRET}-rotated"
NEW_PRIVATE_KEY = f"{CANARY_PRIVATE_KEY}-rotated"

ROTATED: dict[Credentials, dict[str, str]] = {
    "service_account": ACCOUNT | {"client_secret": NEW_CLIENT_SECRET},
    "api_key": KEY | {"private_key": NEW_PRIVATE_KEY},
}

# What a check calls when its cached credentials were rotated: the refused call, the refused renewal
# (a digest challenge for an API key), then the same with the new secret.
OPERATIONS: dict[Credentials, list[str]] = {
    "service_account": ["flex", "token", "GetSecretValue", "token", "flex", *CHANGED],
    "api_key": ["flex", "flex", "GetSecretValue", "flex", "flex", *CHANGED],
}


def rotate(stack: ObservedStack, credentials: Credentials) -> None:
    """Replace the credentials in Atlas and in the secret."""
    if credentials == "service_account":
        stack.atlas.rotate_service_account(CLIENT_ID, NEW_CLIENT_SECRET)
        stack.atlas.expire_tokens()
    else:
        stack.atlas.rotate_api_key(PUBLIC_KEY, NEW_PRIVATE_KEY)
    stack.put_secret(ROTATED[credentials])


def test_a_check_succeeds_with_a_rotated_secret(
    new_stack: ObservedStack, group: str, credentials: Credentials
) -> None:
    warm_up(new_stack, group)
    rotate(new_stack, credentials)
    new_stack.forget_calls()
    restore = new_stack.atlas.start_restore(group, "orders", "flex")
    result = check(new_stack, restore, "flex").result

    assert result["changed"] is True
    assert operations(new_stack) == OPERATIONS[credentials]


def test_the_next_check_reads_a_repaired_secret(new_stack: ObservedStack, group: str) -> None:
    restore = new_stack.atlas.start_restore(group, "orders", "flex")
    new_stack.put_secret("{}")
    before = check(new_stack, restore)
    new_stack.put_secret(ACCOUNT)

    assert before.error_type == "CredentialsError"
    assert check(new_stack, restore).result["changed"] is True


def test_the_secret_is_sent_in_one_header_of_the_token_request_only(
    new_stack: ObservedStack, group: str
) -> None:
    check(new_stack, new_stack.atlas.start_restore(group, "orders", "flex"), "flex")
    (call,) = [call for call in new_stack.http_calls() if call.operation == "token"]
    (asked,) = [call for call in new_stack.http_calls() if call.operation == "flex"]

    scheme, sent = call.headers["Authorization"].split()
    assert scheme == "Basic"
    assert base64.b64decode(sent).decode() == f"{CLIENT_ID}:{CANARY_CLIENT_SECRET}"
    assert call.body == b"grant_type=client_credentials"
    assert call.query == {}
    assert asked.headers["Authorization"].startswith(f"Bearer {CANARY_ACCESS_TOKEN}")
