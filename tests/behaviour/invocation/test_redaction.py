"""No secret, token or download URL is in an error, a printed object or a log line."""

import base64
import dataclasses
import gc
import itertools
import time
import traceback
from collections.abc import Iterable
from types import MethodType
from typing import Any
from urllib.parse import quote

import pytest

from behaviour.conftest import RuntimeWith
from local_stack.canaries import CANARIES
from local_stack.environment import Environment, target_of
from local_stack.refusal import atlas_error
from local_stack.stack import Credentials
from local_stack.steps import FLEX, MISSING_ROLE, RECORD, TOKEN
from local_stack.wire import Answer, Selection
from local_stack.world import World
from restore_watch.errors import AtlasBadRequestError, AtlasError

cases = pytest.mark.parametrize


def said_by(error: BaseException) -> str:
    """Everything that a log, a debugger or a caller can print of an error."""
    parts = [str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)]
    reason = getattr(error, "reason", None)
    if reason is not None:
        parts += [str(reason), repr(reason), repr(dataclasses.asdict(reason))]
    return "\n".join(parts)


def found(quoted: Iterable[str], said: str) -> list[str]:
    return [word for word in quoted if word in said]


# Answers of Atlas

# Nothing but its place shows what it is.
PLAIN = 'Zq7 "plain"/+secret'
TOKENS = ["Zq7-old-token", "Zq7-new-token"]
ESCAPED = quote(PLAIN, safe="")
FORMS = [PLAIN, ESCAPED, base64.b64encode(f"a:{ESCAPED}".encode()).decode()]
"""The client secret as it is stored, in a form, and in the header of a token request."""

QUOTED: dict[str, tuple[dict[str, str], Selection, list[str]]] = {
    "job": ({"client_id": "a", "client_secret": PLAIN}, FLEX, [*FORMS, *TOKENS]),
    "token": ({"client_id": "a", "client_secret": PLAIN}, TOKEN, FORMS),
    "job-with-an-api-key": ({"public_key": "a", "private_key": PLAIN}, FLEX, [PLAIN]),
}


@pytest.mark.fault("F53")
@cases(("held", "step", "sent"), QUOTED.values(), ids=QUOTED)
def test_a_refusal_quotes_nothing_that_was_sent(
    world: World, held: dict[str, str], step: Selection, sent: list[str]
) -> None:
    """Also not the token that was replaced."""
    world.put_secret(held)
    job, is_key = world.job(), "public_key" in held
    for word, status in itertools.product(sent, (400, 401, 403, 500)):
        world.heal()
        if step is FLEX and not is_key:
            for token in TOKENS:
                world.inject(TOKEN, Answer.json(200, {"access_token": token}))
            world.inject(FLEX, MISSING_ROLE)
        said = f"You sent {word}, and once more: {word}"
        headers = {"X-Error-Code": quote(word), "Location": quote(word)}
        answer = atlas_error(status, "REFUSED", said, [word], headers)
        world.inject(step, answer, times=None, skip=is_key)  # an API key needs a challenge
        with pytest.raises(AtlasError) as caught:
            world.check(target_of(job, "flex"))

        assert found(sent, said_by(caught.value)) == []
        assert "You sent [redacted], and once more: [redacted]" in str(caught.value)


LONG = {
    "letters": "a" * 40_000,
    "schemes": "a." * 20_000,
    "bearers": "bearer " * 6_000,
    "urls": "https://" * 5_000,
    "spaces": " " * 40_000,
    "backslashes": "\\" * 40_000,
    "ports": "a:1" * 13_000,
    "addresses": "a:1/" * 10_000,
    "slashes": "%2f" * 13_000,
}


@pytest.mark.fault("F53", "F17")
@cases("detail", LONG.values(), ids=LONG)
def test_a_long_detail_is_redacted_in_less_than_a_second(world: World, detail: str) -> None:
    world.inject(FLEX, atlas_error(400, "VALIDATION_ERROR", detail))
    begun = time.process_time()
    error = world.refused(AtlasBadRequestError, world.job())

    assert time.process_time() - begun < 1
    assert len(str(error)) < 500


# Objects and logs


HOLDERS = (dict, list, tuple, MethodType)
"""What objects keep their own objects in."""


@pytest.mark.fault("F53")
@cases("kind", ["service_account", "api_key"])
def test_no_object_of_an_environment_shows_a_secret(
    world: World, environment: Environment, kind: Credentials
) -> None:
    world.use(kind)
    environment.check(world.job())
    left, seen = [environment.checker], dict[int, Any]()
    while left:
        one = left.pop()
        is_ours = type(one).__module__.startswith(("restore_watch", "foundation", "cachetools"))
        if id(one) not in seen and (is_ours or isinstance(one, HOLDERS)):
            seen[id(one)] = one
            left += gc.get_referents(one)
    shown = [one for one in seen.values() if not isinstance(one, HOLDERS)]

    assert {"AtlasSecret", "AtlasSession"} < {type(one).__name__ for one in shown}
    assert found(CANARIES, "\n".join(f"{one!r}\n{one!s}" for one in shown)) == []


# With the second, Lambda's own handler writes what any library logs.
DEBUG: dict[str, tuple[Credentials, dict[str, str]]] = {
    "account": (
        "service_account",
        {"POWERTOOLS_LOG_LEVEL": "DEBUG", "POWERTOOLS_LOGGER_LOG_EVENT": "true"},
    ),
    "key-and-every-library": (
        "api_key",
        {
            "POWERTOOLS_LOG_LEVEL": "DEBUG",
            "AWS_LAMBDA_LOG_LEVEL": "DEBUG",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
        },
    ),
}

SAID_BY_OTHERS = (
    *("http://", "https://", "HTTP Request", "HTTP/1.1", "httpcore", "botocore", "urllib3"),
    *("uthorization", "User-Agent", "Www-Authenticate", "nonce", "x-amz", "SecretString"),
    *("Event", "pretty"),
)
"""What a library, Powertools or an event has, and the function keeps out."""


@pytest.mark.campaign
@pytest.mark.fault("F53")
@cases(("kind", "variables"), DEBUG.values(), ids=DEBUG)
def test_no_secret_event_url_or_header_is_logged_at_the_level_debug(
    world: World, runtime_with: RuntimeWith, kind: Credentials, variables: dict[str, str]
) -> None:
    world.use(kind)
    job = world.finished_job("dedicated", delivery_type="download")
    world.inject(RECORD, Answer(500))  # the call is repeated
    runtime = runtime_with(**variables)
    first = runtime.invoke({**job.event, "pretty": True})
    assert first.result["job"]["downloadAvailable"] is True
    for step in (FLEX, TOKEN):
        world.inject(step, atlas_error(403, "UNEXPECTED_ERROR", job.download_url), times=None)
    second = runtime.invoke({**world.job().event, "kind": "flex"})
    assert second.error_type == "AtlasForbiddenError"

    logs = runtime.logs()
    assert '"checked"' in logs
    assert '"AtlasForbiddenError"' in logs
    snapshot = str(job.body()["snapshotId"])
    assert found([*SAID_BY_OTHERS, *CANARIES, snapshot], logs) == []
    assert found(CANARIES, f"{first.payload}{second.payload}") == []
