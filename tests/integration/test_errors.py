"""What Atlas refuses, as the caller of the real function sees it. The catalogue has every case."""

import json
from dataclasses import dataclass

import pytest

from integration.checking import LONG_AGO, check, item_of, operations, stored, target, warm_up
from local_stack.atlas import EmulatedRestore
from local_stack.canaries import CANARIES
from local_stack.faults import Answer
from local_stack.refusal import atlas_error
from local_stack.runtime import Invocation
from local_stack.wire import Delay, Fault
from observed_stack import ObservedStack


@dataclass(frozen=True)
class Refusal:
    """An answer of Atlas, the error that the caller gets, and words of its message."""

    answer: Answer
    error: str
    words: tuple[str, ...]


VALIDATION = {
    "error": 400,
    "errorCode": "VALIDATION_ERROR",
    "reason": "Bad Request",
    "detail": "The request is not valid.",
    "badRequestDetail": {
        "fields": [{"field": "restoreJobId", "description": "must be an id"}],
    },
}
BUCKET: list[str | int] = ["api/atlas/v2/groups", 120, 1200, 500, 60]

REFUSALS: dict[str, Refusal] = {
    "400": Refusal(
        Answer.json(400, VALIDATION),
        "AtlasBadRequestError",
        ("VALIDATION_ERROR", "The request is not valid.", "restoreJobId: must be an id"),
    ),
    "403": Refusal(
        atlas_error(403, "USER_CANNOT_ACCESS_GROUP", "Not your project."),
        "AtlasForbiddenError",
        ("USER_CANNOT_ACCESS_GROUP", "access to this project"),
    ),
    "404": Refusal(
        atlas_error(404, "RESOURCE_NOT_FOUND", "There is no such restore job.", [LONG_AGO]),
        "RestoreJobNotFoundError",
        ("RESOURCE_NOT_FOUND", "There is no such restore job."),
    ),
    "404-without-a-code": Refusal(
        atlas_error(404, None, "Nothing here.", None),
        "RestoreJobNotFoundError",
        ("404", "Nothing here."),
    ),
    "405": Refusal(Answer(405), "EndpointRetiredError", ("405",)),
    "406": Refusal(Answer(406), "EndpointRetiredError", ("406",)),
    "410": Refusal(
        atlas_error(410, "VERSION_GONE", "The sunset is past."),
        "EndpointRetiredError",
        ("VERSION_GONE", "no longer offers"),
    ),
    "429-by-retry-after": Refusal(
        atlas_error(429, "RATE_LIMITED", "Too many.", headers={"Retry-After": "120"}),
        "AtlasRateLimitError",
        ("RATE_LIMITED",),
    ),
    "429-by-its-body": Refusal(
        atlas_error(429, "RATE_LIMITED_TOKEN_BUCKET", "Too many.", BUCKET),
        "AtlasRateLimitError",
        ("RATE_LIMITED_TOKEN_BUCKET",),
    ),
    "503-with-a-long-wait": Refusal(
        atlas_error(503, "SERVICE_UNAVAILABLE", "Later.", headers={"Retry-After": "120"}),
        "AtlasUnavailableError",
        ("SERVICE_UNAVAILABLE",),
    ),
    "a-code-that-overrides-its-status": Refusal(
        atlas_error(403, "RESOURCE_NOT_FOUND", "There is no such restore job."),
        "RestoreJobNotFoundError",
        ("RESOURCE_NOT_FOUND",),
    ),
    "html": Refusal(
        Answer(200, {"Content-Type": "text/html"}, "<html>Please log in</html>"),
        "UnexpectedAtlasResponseError",
        ("not JSON",),
    ),
}


def refused_job(stack: ObservedStack, group: str, answer: Answer) -> EmulatedRestore:
    """Make a job that Atlas refuses to show, in a project where the function is warm."""
    warm_up(stack, group)
    restore = stack.atlas.start_restore(group, "orders", "flex", restore_id=LONG_AGO)
    stack.atlas.serve(group, "orders", "flex", LONG_AGO, answer)
    return restore


def assert_only_an_error(stack: ObservedStack, restore: EmulatedRestore, said: Invocation) -> None:
    assert item_of(stack, restore) is None
    assert stack.received() == []
    text = json.dumps(said.payload) + stack.logs()
    assert [canary for canary in CANARIES if canary in text] == []
    assert "Bearer" not in text


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_a_typed_error_after_one_request(
    stack: ObservedStack, group: str, refusal: Refusal
) -> None:
    restore = refused_job(stack, group, refusal.answer)
    answer = check(stack, restore, "flex")

    assert answer.error_type == refusal.error
    assert [word for word in refusal.words if word not in str(answer.error_message)] == []
    # The table is asked for what may be pending.
    assert operations(stack) == ["flex", "UpdateItem"]
    assert_only_an_error(stack, restore, answer)


def test_a_refusal_leaves_the_stored_job_unchanged(stack: ObservedStack, group: str) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    check(stack, restore)
    before = stored(stack, restore)
    stack.received()
    restore.advance()
    stack.atlas.script("flex", REFUSALS["403"].answer)
    refused = check(stack, restore)

    assert refused.error_type == "AtlasForbiddenError"
    assert stored(stack, restore) == before
    assert stack.received() == []
    assert check(stack, restore).result["changed"] is True


LIMIT = atlas_error(429, "RATE_LIMITED", "Too many.", headers={"Retry-After": "1"})


def test_a_check_of_one_target_waits_for_a_short_rate_limit(
    stack: ObservedStack, group: str
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    warm_up(stack, group)
    stack.atlas.script("flex", LIMIT)
    answer = check(stack, restore, "flex")

    assert answer.result["changed"] is True
    assert answer.milliseconds > 1000
    assert operations(stack)[:2] == ["flex", "flex"]


def test_a_rate_limited_target_is_checked_again_after_the_others(
    stack: ObservedStack, group: str
) -> None:
    limited = stack.atlas.start_restore(group, "orders", "flex")
    other = stack.atlas.start_restore(group[::-1], "orders", "flex")
    warm_up(stack, group)
    limit = Fault(action=LIMIT, when=lambda call: group in call.path)
    slow = Fault(action=Delay(1.2), when=lambda call: group[::-1] in call.path)
    with stack.atlas.wire.inject(limit), stack.atlas.wire.inject(slow):
        answer = stack.invoke({"targets": [target(limited, "flex"), target(other, "flex")]})

    asked = [call.path.split("/")[5] for call in stack.atlas.wire.calls]
    assert sorted(asked[:2]) == sorted([group, group[::-1]])
    assert asked[2:] == [group]
    assert answer.result["failures"] == []
    assert [one["job"]["groupId"] for one in answer.result["results"]] == [group, group[::-1]]
