"""
No secret, token or download URL is anywhere in what checks of every kind produced.

The emulator's secrets are canaries: words that appear only where a secret leaks. Beside this file,
`conftest.py` searches all that any test kept, printed or failed with, at the end of each process.
"""

import json
import logging
from datetime import UTC, datetime

import pytest

from local_stack.atlas import Kind
from local_stack.canaries import (
    CANARIES,
    CANARY_ACCESS_TOKEN,
    CANARY_CLIENT_SECRET,
    CANARY_DOWNLOAD_TOKEN,
    CANARY_PRIVATE_KEY,
)
from local_stack.faults import Answer
from local_stack.refusal import atlas_error, oauth_error
from local_stack.restores import EmulatedRestore
from local_stack.stack import CREDENTIALS
from local_stack.wire import Fault
from observed_stack import ObservedStack
from produced import FORBIDDEN, SOURCES, Produced

GROUP = "5f0000000000000000000ca1"
DOWNLOADS: dict[Kind, str] = {"flex": "DOWNLOAD", "tenant": "DOWNLOAD", "dedicated": "download"}


@pytest.fixture(scope="module")
def everything(module_stack: ObservedStack, produced: Produced) -> Produced:
    """What the run produced, and what these checks produce, which use every secret."""
    for credentials in CREDENTIALS:
        module_stack.reset(credentials)
        module_stack.new_environments()
        watch_downloads(module_stack)
        watch_a_failed_collection_restore(module_stack)
        be_refused(module_stack)
        refuse_the_secret(module_stack)
        report_today(module_stack, produced)
        module_stack.settle()
    module_stack.reset("service_account")
    module_stack.new_environments()
    return produced


def check(stack: ObservedStack, restore: EmulatedRestore, kind: str) -> str:
    """Return the name of the error, or nothing."""
    answer = stack.invoke(restore.event | {"kind": kind})
    return answer.error_type or ""


def watch_downloads(stack: ObservedStack) -> None:
    """Check a download of each kind twice while it runs and twice at its end."""
    stack.atlas.behaviour.tenant_endpoint = None
    for kind, delivery_type in DOWNLOADS.items():
        restore = stack.atlas.start_restore(GROUP, kind, kind, delivery_type=delivery_type)
        assert [check(stack, restore, kind) for _ in range(2)] == ["", ""]
        restore.run_to_end()
        assert [check(stack, restore, kind) for _ in range(2)] == ["", ""]
        assert CANARY_DOWNLOAD_TOKEN in json.dumps(restore.body(kind))


def watch_a_failed_collection_restore(stack: ObservedStack) -> None:
    """Check it when its error message quotes the download URL."""
    restore = stack.atlas.start_restore(GROUP, "dedicated", "collection", timeline=["FAILED"])
    assert check(stack, restore, "collection") == ""
    assert CANARY_DOWNLOAD_TOKEN in json.dumps(restore.body())


def answer_once(stack: ObservedStack, operation: str, answer: Answer) -> None:
    stack.atlas.wire.inject(Fault(action=answer, operation=operation))


def be_refused(stack: ObservedStack) -> None:
    """Check a job while Atlas's refusals quote what it was sent, and its download URL."""
    restore = stack.atlas.start_restore(GROUP, "refused", "flex", delivery_type="DOWNLOAD")
    sent = stack.atlas.wire.calls[-1].headers["Authorization"]
    secret = {"service_account": CANARY_CLIENT_SECRET, "api_key": CANARY_PRIVATE_KEY}
    for quoted in (sent, sent.split()[-1], secret[stack.credentials], restore.download_url):
        answer_once(stack, "flex", atlas_error(403, "REFUSED", f"You may not: {quoted} {quoted}"))
        assert check(stack, restore, "flex") == "AtlasForbiddenError"
        answer_once(stack, "flex", Answer.json(200, {"id": quoted, "status": quoted}))
        assert check(stack, restore, "flex") == "UnexpectedAtlasResponseError"
        answer_once(stack, "flex", Answer(200, {}, f"{quoted}<html>{quoted}"))
        assert check(stack, restore, "flex") == "UnexpectedAtlasResponseError"
    stack.atlas.expire_tokens()
    stack.atlas.expire_nonces()
    answer_once(stack, "token", oauth_error(401, "invalid_client", f"No: {CANARY_CLIENT_SECRET}"))
    # An API key needs no token.
    refusal = "AtlasUnauthorizedError" if stack.credentials == "service_account" else ""
    assert check(stack, restore, "flex") == refusal


def refuse_the_secret(stack: ObservedStack) -> None:
    """Check with wrong secrets, and with an event that holds a secret."""
    restore = stack.atlas.start_restore(GROUP, "refused", "flex")
    quoted = " ".join(CANARIES)
    stack.new_environments()
    for secret in (quoted, {"client_id": quoted}, {"public_key": [quoted], "private_key": quoted}):
        stack.put_secret(secret)
        assert check(stack, restore, "flex") == "CredentialsError"
    stack.put_secret({"public_key": "unknown", "private_key": CANARY_PRIVATE_KEY})
    assert check(stack, restore, "flex") == "AtlasUnauthorizedError"
    restore.cluster = quoted
    assert check(stack, restore, quoted) == "InvalidEventError"


def report_today(stack: ObservedStack, produced: Produced) -> None:
    """Keep the files of a report that has every restore of the table."""
    today = str(datetime.now(UTC).date())
    result = stack.reports.invoke({"action": "report", "from": today, "to": today}).payload
    s3 = stack.aws.client("s3")
    for name in result["files"]:
        file = s3.get_object(Bucket=result["bucket"], Key=result["prefix"] + name)
        produced.add("files", file["Body"].read().decode())


def test_no_canary_is_in_anything_that_was_produced(everything: Produced) -> None:
    assert everything.found() == []


@pytest.mark.campaign
def test_the_secrets_are_in_use(everything: Produced, stack: ObservedStack) -> None:
    """A secret that is not used cannot leak, and its absence proves nothing."""
    assert everything.pieces("results")
    restore = stack.atlas.start_restore(GROUP, "used", "flex")
    check(stack, restore, "flex")
    calls = stack.http_calls()
    sent = [call.headers.get("Authorization", "") for call in calls if call.service == "atlas"]

    assert [value for value in sent if CANARY_ACCESS_TOKEN in value]
    assert [call for call in calls if call.operation == "GetSecretValue"]


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("logs", '"checked"'),
        ("logs", "AtlasForbiddenError"),
        ("results", GROUP),
        ("results", '"downloadAvailable": true'),
        ("errors", "CredentialsError"),
        ("errors", "InvalidEventError"),
        ("messages", GROUP),
        ("messages", '"downloadAvailable": true'),
        ("items", GROUP),
        ("items", '"downloadAvailable": true'),
        ("requests", "list_append"),
        ("requests", "specversion"),
        ("files", GROUP),
        ("files", '"downloadAvailable": true'),
    ],
)
def test_each_source_is_searched(everything: Produced, source: str, word: str) -> None:
    assert [piece for piece in everything.pieces(source) if word in piece.text]


@pytest.fixture
def logged() -> str:
    """Words that are logged before the body of a test begins, when the log of its setup is kept."""
    words = "no other test logs this"
    logging.getLogger(__name__).warning(words)
    return words


def test_what_a_test_logs_is_searched(logged: str, produced: Produced) -> None:
    kept = [piece for piece in produced.pieces("reports") if logged in piece.text]

    assert {piece.test.rpartition("::")[2] for piece in kept} == {
        "test_what_a_test_logs_is_searched"
    }


@pytest.mark.parametrize("word", FORBIDDEN)
@pytest.mark.parametrize("source", SOURCES)
def test_a_planted_canary_is_found(source: str, word: str) -> None:
    other = Produced()
    other.add(source, {"harmless": "text"})
    assert other.found() == []

    other.add(source, f"before {word} after")
    assert {(found, kind) for found, kind, _ in other.found()} == {(word, source)}
