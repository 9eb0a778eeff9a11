"""The Atlas emulator lets in and refuses as Atlas does, and has its limits."""

import re
from urllib.parse import quote

import httpx
import pytest

from local_stack.atlas import Kind, Role
from local_stack.tests.emulated import ACCOUNT, GROUP, KEY, RESTORE, Place

pytestmark = pytest.mark.timeout(20)


def test_the_digest_challenge_has_the_recorded_form(place: Place) -> None:
    response = httpx.get(f"{place.atlas.url}{place.url('flex')}", trust_env=False)

    assert response.status_code == 401
    assert re.fullmatch(
        r'Digest realm="MMS Public API", domain="", nonce="[\w-]{32}", '
        r'algorithm=MD5, qop="auth", stale=false',
        response.headers["WWW-Authenticate"],
    )
    assert "X-Error-Code" not in response.headers


def test_a_nonce_is_valid_for_five_minutes(place: Place) -> None:
    place.atlas.start_restore(GROUP, "source", "flex", restore_id=RESTORE)
    for _ in range(3):
        place.get("flex")
    place.clock.advance(301)
    place.get("flex")

    assert [call.status for call in place.atlas.wire.calls] == [401, 200, 200, 200, 401, 200]


def test_an_expired_nonce_is_called_stale(place: Place) -> None:
    place.atlas.start_restore(GROUP, "source", "flex", restore_id=RESTORE)
    place.get("flex")
    place.atlas.expire_nonces()
    stale, answered = place.get("flex").history[0], place.get("flex")

    assert stale.headers["WWW-Authenticate"].endswith("stale=true")
    assert answered.status_code == 200


def test_a_nonce_can_be_valid_once_only(place: Place) -> None:
    place.atlas.behaviour.nonce_once = True
    place.atlas.start_restore(GROUP, "source", "flex", restore_id=RESTORE)
    for _ in range(2):
        assert place.get("flex").status_code == 200

    assert [call.status for call in place.atlas.wire.calls] == [401, 200, 401, 200]


def test_a_replayed_digest_is_refused(place: Place) -> None:
    place.atlas.start_restore(GROUP, "source", "flex", restore_id=RESTORE)
    place.get("flex")
    answered = place.atlas.wire.calls[-1].headers["Authorization"]
    replayed = place.digest.get(place.url("flex"), headers={"Authorization": answered}, auth=None)

    assert replayed.status_code == 401


def test_a_digest_for_another_path_is_refused(place: Place) -> None:
    place.atlas.start_restore(GROUP, "source", "flex", restore_id=RESTORE)
    place.get("flex")
    answered = place.atlas.wire.calls[-1].headers["Authorization"]
    moved = answered.replace("nc=00000001", "nc=00000002")
    other = place.digest.get(place.url("dedicated"), headers={"Authorization": moved}, auth=None)

    assert other.status_code == 401


def test_a_digest_must_repeat_the_opaque(place: Place) -> None:
    place.atlas.behaviour.opaque = "0paque"
    place.atlas.start_restore(GROUP, "source", "flex", restore_id=RESTORE)

    assert place.get("flex").status_code == 200
    assert 'opaque="0paque"' in place.atlas.wire.calls[-1].headers["Authorization"]


def test_a_wrong_private_key_is_refused(place: Place) -> None:
    place.atlas.rotate_api_key(KEY[0], "another")

    assert place.get("flex").status_code == 401
    assert [call.status for call in place.atlas.wire.calls] == [401, 401]


def test_client_credentials_get_a_token(place: Place) -> None:
    place.atlas.start_restore(GROUP, "source", "flex", restore_id=RESTORE)
    bought = place.token()

    assert bought.json() | {"access_token": "?"} == {
        "access_token": "?",
        "expires_in": 3600,
        "token_type": "Bearer",
    }
    assert place.bearer(bought.json()["access_token"]).json()["id"] == RESTORE


def test_escaped_client_credentials_are_accepted(place: Place) -> None:
    escaped = (quote(ACCOUNT[0], safe=""), quote(ACCOUNT[1], safe=""))
    form = {"grant_type": "client_credentials"}
    bought = httpx.post(
        f"{place.atlas.url}/api/oauth/token", auth=escaped, data=form, trust_env=False
    )

    assert bought.status_code == 200


def test_a_token_expires_when_the_clock_passes_its_lifetime(place: Place) -> None:
    place.atlas.start_restore(GROUP, "source", "flex", restore_id=RESTORE)
    token = place.token().json()["access_token"]
    place.clock.advance(3599)
    assert place.bearer(token).status_code == 200

    place.clock.advance(1)
    refused = place.bearer(token)
    assert refused.status_code == 401
    assert "WWW-Authenticate" not in refused.headers


def test_a_test_can_expire_all_tokens(place: Place) -> None:
    token = place.token().json()["access_token"]
    place.atlas.expire_tokens()

    assert place.bearer(token).status_code == 401
    assert place.atlas.tokens_alive(ACCOUNT[0]) == 0


def test_a_rotated_secret_gets_no_token(place: Place) -> None:
    place.atlas.rotate_service_account(ACCOUNT[0], "new")
    refused = place.token()

    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"x": "y"}, "unsupported_grant_type"),
    ],
    ids=["another", "missing"],
)
def test_another_grant_type_is_refused(place: Place, form: dict[str, str], error: str) -> None:
    refused = place.token(**form)

    assert (refused.status_code, refused.json()["error"]) == (400, error)


def test_at_most_100_tokens_are_valid_at_a_time(place: Place) -> None:
    place.atlas.behaviour.token_requests_per_minute = 1000
    assert {place.token().status_code for _ in range(100)} == {200}

    refused = place.token()
    assert (refused.status_code, refused.json()["error"]) == (403, "access_denied")

    place.clock.advance(3600)
    assert place.token().status_code == 200


def test_at_most_50_tokens_are_issued_in_a_minute(place: Place) -> None:
    for _ in range(50):
        place.token()
    refused = place.token()

    assert (refused.status_code, refused.json()["errorCode"]) == (429, "RATE_LIMITED")
    assert refused.json()["parameters"] == ["/api/oauth/token", 50, 1]
    assert "Retry-After" not in refused.headers

    place.clock.advance(60)
    assert place.token().status_code == 200


@pytest.mark.parametrize(
    ("kind", "roles", "status"),
    [
        ("flex", [], 401),
        ("flex", [Role.READ_ONLY], 200),
        ("dedicated", [Role.READ_ONLY], 401),
        ("dedicated", [Role.BACKUP_MANAGER], 200),
        ("collection", [Role.READ_ONLY], 401),
    ],
    ids=str,
)
def test_a_missing_role_is_unauthorized(
    place: Place, kind: Kind, roles: list[Role], status: int
) -> None:
    place.atlas.start_restore(GROUP, "source", kind, restore_id=RESTORE)
    place.atlas.grant(KEY[0], *roles)
    response = place.get(kind)

    assert response.status_code == status
    assert status == 200 or response.json()["errorCode"] == "USER_UNAUTHORIZED"


def test_an_address_that_is_not_on_the_access_list_is_forbidden(place: Place) -> None:
    place.atlas.behaviour.refused_address = "198.51.100.7"
    response = place.get("flex")

    assert response.status_code == 403
    assert response.headers["X-Error-Code"] == "IP_ADDRESS_NOT_ON_ACCESS_LIST"
    assert response.json()["parameters"] == ["198.51.100.7"]
    assert place.token().status_code == 200


def test_project_cluster_kind_and_job_are_checked_in_this_order(place: Place) -> None:
    def refusal(kind: Kind, cluster: str = "source") -> tuple[int, str, list[str]]:
        response = place.get(kind, cluster)
        body = response.json()
        assert response.headers["X-Error-Code"] == body["errorCode"]
        assert body["error"] == response.status_code
        return response.status_code, body["errorCode"], body["parameters"]

    assert refusal("flex") == (404, "GROUP_NOT_FOUND", [GROUP])
    place.atlas.add_project(GROUP)
    assert refusal("flex") == (404, "CLUSTER_NOT_FOUND", ["source", GROUP])
    place.atlas.add_cluster(GROUP, "source", "dedicated")
    assert refusal("flex") == (400, "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API", ["source"])
    assert refusal("dedicated") == (404, "RESOURCE_NOT_FOUND", [f"Restore job {RESTORE}"])
    place.atlas.add_cluster(GROUP, "flexible", "flex")
    assert refusal("dedicated", "flexible") == (
        400,
        "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API",
        ["flexible"],
    )


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/vnd.atlas.2025-03-12+json", 200),
        ("application/vnd.atlas.2024-11-13+json", 200),
        ("application/vnd.atlas.2023-01-01+json", 406),
        ("application/json", 406),
        ("*/*", 406),
    ],
)
def test_a_request_must_name_a_version(place: Place, accept: str, status: int) -> None:
    place.atlas.start_restore(GROUP, "source", "flex", restore_id=RESTORE)
    response = place.digest.get(place.url("flex"), headers={"Accept": accept})

    assert response.status_code == status


def test_clearing_removes_jobs_and_keeps_tokens(place: Place) -> None:
    place.atlas.start_restore(GROUP, "source", "flex", restore_id=RESTORE)
    place.atlas.behaviour.tenant_endpoint = None
    token = place.token().json()["access_token"]
    place.atlas.clear()

    assert place.atlas.wire.calls == ()
    assert place.bearer(token).json()["errorCode"] == "GROUP_NOT_FOUND"
    assert place.atlas.behaviour.tenant_endpoint == 410


def test_clearing_resets_every_limit(place: Place) -> None:
    place.atlas.behaviour.lift_limits()
    for _ in range(100):
        place.token()
    place.clock.advance(7200)
    place.token()
    place.clock.advance(-7200)
    place.atlas.clear()

    place.atlas.behaviour.token_limit = place.atlas.behaviour.token_requests_per_minute = 1
    assert [place.token().status_code for _ in range(2)] == [200, 429]
