"""What Atlas refuses, for every kind and credential: the right error, and nothing else happens."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from integration.watching import (
    LONG_AGO,
    by_either_credential,
    check,
    item_of,
    operations,
    target,
    warm_up,
)
from local_stack.atlas import EmulatedRestore, Kind, Role
from local_stack.canaries import CANARIES
from local_stack.faults import Answer
from local_stack.in_process import Clients, cold_start
from local_stack.refusal import atlas_error, oauth_error
from local_stack.runtime import Invocation
from local_stack.stack import CREDENTIALS, Credentials
from local_stack.wire import Call
from observed_stack import ObservedStack
from restore_watch.deadline import Deadline
from restore_watch.errors import AtlasUnavailableError
from restore_watch.restore_job import RestoreTarget

ATTEMPTS = 4
KINDS: tuple[Kind, ...] = ("flex", "dedicated", "tenant")
ADDRESS = "203.0.113.9"


@dataclass(frozen=True)
class Refusal:
    """An answer of Atlas, and what comes of it."""

    name: str
    answer: Answer
    error: str
    says: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


def bad_request() -> Answer:
    fields = [{"field": "restoreJobId", "description": "must be an id"}]
    body = {
        "error": 400,
        "errorCode": "VALIDATION_ERROR",
        "reason": "Bad Request",
        "detail": "The request is not valid.",
        "badRequestDetail": {"fields": fields},
    }
    return Answer.json(400, body)


BAD_REQUEST = Refusal(
    "400",
    bad_request(),
    "AtlasBadRequestError",
    ("VALIDATION_ERROR", "The request is not valid.", "restoreJobId: must be an id"),
)
FORBIDDEN = Refusal(
    "403",
    atlas_error(403, "USER_CANNOT_ACCESS_GROUP", "Not your project."),
    "AtlasForbiddenError",
    ("USER_CANNOT_ACCESS_GROUP", "access to this project"),
)
NOT_FOUND = Refusal(
    "404",
    atlas_error(404, "RESOURCE_NOT_FOUND", "There is no such restore job.", [LONG_AGO]),
    "RestoreJobNotFoundError",
    ("RESOURCE_NOT_FOUND", "There is no such restore job."),
)
NOT_FOUND_UNCODED = Refusal(
    "404-without-a-code",
    atlas_error(404, None, "Nothing here.", None),
    "RestoreJobNotFoundError",
    ("404", "Nothing here."),
)
TOO_MANY = Refusal(
    "429",
    atlas_error(
        429,
        "RATE_LIMITED_TOKEN_BUCKET",
        "Too many requests.",
        ["api/atlas/v2/groups", 120, 1200, 500, 60],
        {"Retry-After": "120"},
    ),
    "AtlasRateLimitError",
    ("RATE_LIMITED_TOKEN_BUCKET",),
)
TOO_MANY_BY_BODY = Refusal(
    "429-without-retry-after",
    atlas_error(
        429,
        "RATE_LIMITED_TOKEN_BUCKET",
        "Too many requests.",
        ["api/atlas/v2/groups", 120, 1200, 500, 60],
    ),
    "AtlasRateLimitError",
    ("RATE_LIMITED_TOKEN_BUCKET",),
)
BUSY = Refusal(
    "503-with-a-long-retry-after",
    atlas_error(503, "SERVICE_UNAVAILABLE", "Come back later.", headers={"Retry-After": "120"}),
    "AtlasUnavailableError",
    ("SERVICE_UNAVAILABLE",),
)
GONE = Refusal(
    "410",
    atlas_error(410, "VERSION_GONE", "The sunset is past."),
    "EndpointRetiredError",
    ("VERSION_GONE", "no longer offers"),
)
NOT_ACCEPTABLE = Refusal("406", Answer(406), "EndpointRetiredError", ("406",))
NOT_ALLOWED = Refusal("405", Answer(405), "EndpointRetiredError", ("405",))
BROKEN = Refusal(
    "500",
    atlas_error(500, "UNEXPECTED_ERROR", "Unexpected error."),
    "AtlasUnavailableError",
    ("500", "UNEXPECTED_ERROR"),
)

# What moves on to Flex when the tenant endpoint says it.
MOVES_ON = [NOT_FOUND, NOT_FOUND_UNCODED, NOT_ALLOWED, NOT_ACCEPTABLE, GONE]
STAYS = [BAD_REQUEST, FORBIDDEN, TOO_MANY, TOO_MANY_BY_BODY, BUSY]


@dataclass(frozen=True)
class Refused:
    """A warm stack in which Atlas refuses one job, of which nothing is known."""

    stack: ObservedStack
    group: str
    restores: list[EmulatedRestore] = field(default_factory=list)

    def ask(self, kind: Kind, *refusals: tuple[Kind, Refusal]) -> Invocation:
        """Check a job that these endpoints refuse, and only look at the calls of that."""
        warm_up(self.stack, self.group)
        restore = self.stack.atlas.start_restore(self.group, "orders", kind, restore_id=LONG_AGO)
        self.restores.append(restore)
        for endpoint, refusal in refusals:
            self.stack.atlas.serve(self.group, "orders", endpoint, LONG_AGO, refusal.answer)
        return check(self.stack, restore, kind)

    def assert_told(self, answer: Invocation, refusal: Refusal, asked: list[str]) -> None:
        """These endpoints were asked, once each, and all that came of it is the typed error."""
        assert answer.error_type == refusal.error
        assert all(word in str(answer.error_message) for word in refusal.says)
        assert operations(self.stack) == asked
        self.assert_nothing_happened(answer)

    def assert_nothing_happened(self, invocation: Invocation) -> None:
        for restore in self.restores:
            assert item_of(self.stack, restore) is None
        assert self.stack.received() == []
        told = json.dumps(invocation.payload) + self.stack.logs()
        assert not [canary for canary in CANARIES if canary in told]
        assert "Bearer" not in told


def answered(status: int) -> Callable[[Call], bool]:
    return lambda call: call.status == status


@pytest.fixture
def refused(stack: ObservedStack, group: str) -> Refused:
    return Refused(stack, group)


@by_either_credential
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("refusal", STAYS, ids=str)
def test_a_refusal_is_a_typed_error_after_one_request(
    refused: Refused, kind: Kind, refusal: Refusal
) -> None:
    answer = refused.ask(kind, (kind, refusal))

    refused.assert_told(answer, refusal, asked=[kind])


@by_either_credential
@pytest.mark.parametrize("kind", ["flex", "dedicated"])
@pytest.mark.parametrize("refusal", MOVES_ON, ids=str)
def test_what_is_not_there_is_not_asked_for_again(
    refused: Refused, kind: Kind, refusal: Refusal
) -> None:
    answer = refused.ask(kind, (kind, refusal))

    refused.assert_told(answer, refusal, asked=[kind])


@by_either_credential
@pytest.mark.parametrize("refusal", MOVES_ON, ids=str)
def test_a_tenant_job_that_flex_refuses_alike_is_refused_so(
    refused: Refused, refusal: Refusal
) -> None:
    answer = refused.ask("tenant", ("tenant", refusal), ("flex", refusal))

    refused.assert_told(answer, refusal, asked=["tenant", "flex"])


@by_either_credential
@pytest.mark.parametrize("refusal", MOVES_ON, ids=str)
def test_flex_answers_for_a_tenant_endpoint_that_is_gone(
    refused: Refused, refusal: Refusal
) -> None:
    answer = refused.ask("tenant", ("tenant", refusal))

    assert answer.result["job"]["kind"] == "flex"
    assert operations(refused.stack)[:2] == ["tenant", "flex"]


@pytest.mark.parametrize("gone", [NOT_ALLOWED, NOT_ACCEPTABLE, GONE], ids=str)
def test_a_tenant_job_that_flex_does_not_know_is_not_found(refused: Refused, gone: Refusal) -> None:
    """The tenant endpoint is gone for good, so whoever mistypes an id today comes here."""
    answer = refused.ask("tenant", ("tenant", gone), ("flex", NOT_FOUND))

    assert answer.error_type == "RestoreJobNotFoundError"
    refused.assert_nothing_happened(answer)


def test_an_atlas_out_of_order_is_asked_four_times(refused: Refused) -> None:
    answer = refused.ask("flex", ("flex", BROKEN))

    assert answer.error_type == BROKEN.error
    assert all(word in str(answer.error_message) for word in BROKEN.says)
    assert operations(refused.stack) == ["flex"] * ATTEMPTS
    refused.assert_nothing_happened(answer)


@by_either_credential
@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_asks_an_atlas_out_of_order_more_often(
    stack: ObservedStack, group: str, own_clients: Clients, kind: Kind
) -> None:
    """In the process of the test, where the seconds between the attempts need not pass."""
    restore = stack.atlas.start_restore(group, "orders", kind, restore_id=LONG_AGO)
    stack.atlas.serve(group, "orders", kind, LONG_AGO, BROKEN.answer)
    waits: list[float] = []
    watch = cold_start(stack, own_clients, sleep=waits.append)
    with pytest.raises(AtlasUnavailableError, match="UNEXPECTED_ERROR"):
        watch.check(RestoreTarget.model_validate(target(restore, kind)), Deadline.after(30))

    assert stack.atlas.wire.count(operation=kind, when=answered(500)) == ATTEMPTS
    assert len(waits) == ATTEMPTS - 1
    assert (stack.items(), stack.received()) == ([], [])


@pytest.mark.parametrize("kind", KINDS)
def test_an_atlas_out_of_order_for_a_moment_goes_unnoticed(refused: Refused, kind: Kind) -> None:
    refused.stack.atlas.behaviour.tenant_endpoint = None
    refused.stack.atlas.script(kind, BROKEN.answer)
    # The warm-up must not use the script up.
    refused.stack.atlas.add_cluster(refused.group, "other", "flex")
    restore = refused.stack.atlas.start_restore(refused.group, "orders", kind)
    answer = check(refused.stack, restore, kind)

    assert answer.result["changed"] is True
    assert refused.stack.atlas.wire.count(operation=kind) == 2


ROLES = {
    "flex": ((), "Project Read Only"),
    "tenant": ((), "Project Read Only"),
    "dedicated": ((Role.READ_ONLY,), "Project Backup Manager"),
}

# Who holds a token tries a new one first; whoever is refused reads the secret once more.
ASKED_WITHOUT_ROLE: dict[Credentials, Callable[[Kind], list[str]]] = {
    "service_account": lambda kind: [kind, "token", kind, "GetSecretValue"],
    "api_key": lambda kind: [kind, "GetSecretValue"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_role_is_named(
    new_stack: ObservedStack, group: str, credentials: Credentials, kind: Kind
) -> None:
    roles, needed = ROLES[kind]
    refused = Refused(new_stack, group)
    warm_up(new_stack, group)
    for name in (*CREDENTIALS["service_account"].values(), *CREDENTIALS["api_key"].values()):
        new_stack.atlas.grant(name, *roles)
    new_stack.atlas.behaviour.tenant_endpoint = None
    restore = new_stack.atlas.start_restore(group, "orders", kind)
    refused.restores.append(restore)
    answer = check(new_stack, restore, kind)

    assert answer.error_type == "AtlasUnauthorizedError"
    assert f"role {needed}" in str(answer.error_message)
    assert operations(new_stack) == ASKED_WITHOUT_ROLE[credentials](kind)
    refused.assert_nothing_happened(answer)


def test_a_missing_role_costs_no_token_at_every_check(new_stack: ObservedStack, group: str) -> None:
    restore = new_stack.atlas.start_restore(group, "orders", "dedicated")
    new_stack.atlas.grant(CREDENTIALS["service_account"]["client_id"], Role.READ_ONLY)
    answers = [check(new_stack, restore, "dedicated") for _ in range(10)]

    assert {answer.error_type for answer in answers} == {"AtlasUnauthorizedError"}
    assert new_stack.atlas.wire.count(operation="token") == 1


@by_either_credential
@pytest.mark.parametrize("kind", KINDS)
def test_an_address_that_is_not_let_in_is_named(refused: Refused, kind: Kind) -> None:
    warm_up(refused.stack, refused.group)
    refused.stack.atlas.behaviour.refused_address = ADDRESS
    restore = refused.stack.atlas.start_restore(refused.group, "orders", kind)
    refused.restores.append(restore)
    answer = check(refused.stack, restore, kind)

    assert answer.error_type == "AtlasForbiddenError"
    assert f"Add {ADDRESS}" in str(answer.error_message)
    assert "access list" in str(answer.error_message)
    assert operations(refused.stack) == [kind]
    refused.assert_nothing_happened(answer)


@by_either_credential
def test_a_job_that_no_kind_knows_is_not_found(refused: Refused) -> None:
    warm_up(refused.stack, refused.group)
    restore = refused.stack.atlas.start_restore(
        refused.group, "orders", "dedicated", restore_id=LONG_AGO
    )
    refused.restores.append(restore)
    refused.stack.atlas.serve(refused.group, "orders", "dedicated", LONG_AGO, NOT_FOUND.answer)
    answer = check(refused.stack, restore)

    assert answer.error_type == "RestoreJobNotFoundError"
    assert operations(refused.stack) == ["flex", "dedicated"]
    refused.assert_nothing_happened(answer)


@pytest.mark.parametrize("known", ["nothing", "project"])
def test_a_cluster_that_no_kind_knows_is_not_found(refused: Refused, known: str) -> None:
    other = refused.group[::-1]
    if known == "project":
        refused.stack.atlas.add_group(other)
    event = {"groupId": other, "clusterName": "nowhere", "restoreId": LONG_AGO}
    answer = refused.stack.invoke(event)

    assert answer.error_type == "RestoreJobNotFoundError"
    code = {"nothing": "GROUP_NOT_FOUND", "project": "CLUSTER_NOT_FOUND"}[known]
    assert code in str(answer.error_message)
    assert refused.stack.atlas.wire.count(operation="flex") == 1
    assert refused.stack.atlas.wire.count(operation="dedicated") == 1
    assert refused.stack.items() == []


def test_a_job_of_a_moment_ago_is_asked_for_again(refused: Refused) -> None:
    warm_up(refused.stack, refused.group)
    restore = refused.stack.atlas.start_restore(refused.group, "orders", "flex")
    refused.stack.atlas.script("flex", NOT_FOUND.answer)
    answer = check(refused.stack, restore, "flex")

    assert answer.result["changed"] is True
    assert operations(refused.stack)[:2] == ["flex", "flex"]


TOKEN_REFUSALS = [
    Refusal(
        "401",
        oauth_error(401, "invalid_client", "Invalid credentials provided."),
        "AtlasUnauthorizedError",
        ("invalid_client", "client_id and client_secret"),
    ),
    Refusal(
        "403",
        oauth_error(403, "access_denied", "Access Token limit reached."),
        "AtlasForbiddenError",
        ("access_denied", "service account of its own"),
    ),
    Refusal(
        "429",
        atlas_error(429, "RATE_LIMITED", "50 requests every minute.", ["/api/oauth/token", 50, 1]),
        "AtlasRateLimitError",
        ("RATE_LIMITED",),
    ),
]


@pytest.mark.parametrize("refusal", TOKEN_REFUSALS, ids=str)
def test_a_refused_token_request_is_a_typed_error(
    new_stack: ObservedStack, group: str, refusal: Refusal
) -> None:
    restore = new_stack.atlas.start_restore(group, "orders", "flex")
    new_stack.atlas.script("token", *[refusal.answer] * 5)
    answer = check(new_stack, restore, "flex")

    assert answer.error_type == refusal.error
    assert all(word in str(answer.error_message) for word in refusal.says)
    # Only whom Atlas does not know reads the secret once more.
    again = ["GetSecretValue"] if refusal.name == "401" else []
    assert operations(new_stack) == ["GetSecretValue", "token", *again]
    assert new_stack.items() == []
    assert new_stack.received() == []


NO_JOBS = {
    "html": Answer(200, {"Content-Type": "text/html"}, "<html>Please log in</html>"),
    "empty": Answer(200),
    "cut-off": Answer(200, {"Content-Type": "application/json"}, '{"id": "6948d5f2'),
    "another-job": Answer.json(200, {"id": "0" * 24, "status": "COMPLETED"}),
    "without-status": Answer.json(200, {"id": LONG_AGO}),
    "a-redirect": Answer(302, {"Location": "http://127.0.0.1:1/"}),
}


@by_either_credential
@pytest.mark.parametrize("answer", NO_JOBS.values(), ids=NO_JOBS)
def test_an_answer_that_is_no_restore_job_is_refused(refused: Refused, answer: Answer) -> None:
    said = refused.ask("flex", ("flex", Refusal("", answer, "", ())))

    assert said.error_type == "UnexpectedAtlasResponseError"
    assert operations(refused.stack) == ["flex"]
    refused.assert_nothing_happened(said)


@by_either_credential
def test_a_failed_check_leaves_what_is_stored_as_it_was(refused: Refused) -> None:
    restore = refused.stack.atlas.start_restore(refused.group, "orders", "flex")
    check(refused.stack, restore)
    before = item_of(refused.stack, restore)
    refused.stack.received()
    restore.advance()
    refused.stack.atlas.script("flex", FORBIDDEN.answer)
    failed = check(refused.stack, restore)

    assert failed.error_type == "AtlasForbiddenError"
    assert item_of(refused.stack, restore) == before
    assert refused.stack.received() == []
    assert check(refused.stack, restore).result["changed"] is True
