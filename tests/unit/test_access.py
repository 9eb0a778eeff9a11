"""How a request proves who sends it: by a token or by a digest."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.request import parse_http_list

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.atlas.access import access_with
from restore_watch.atlas.credentials import ApiKey
from restore_watch.errors import UnexpectedAtlasResponseError
from unit.scripted_atlas import ACCOUNT, BASE_URL, JOB_URL, Clock, ScriptedAtlas, answer

KEY = ApiKey("abcdefgh", "11111111-2222-3333-4444-555555555555")


def request(url: str = JOB_URL) -> httpx.Request:
    return httpx.Request("GET", url)


class TokenSender:
    """Sends requests of a service account, and counts the token requests that they cost."""

    def __init__(self, atlas: ScriptedAtlas, clock: Clock) -> None:
        self.atlas = atlas
        self.clock = clock
        self._access = access_with(ACCOUNT, BASE_URL, atlas.client(), now=clock, sleep=clock.sleep)

    def send(self) -> int:
        return self._access.send(request(), self.clock.deadline()).status

    def secrets(self) -> set[str]:
        return set(self._access.secrets(request()))


@pytest.fixture
def sender(atlas: ScriptedAtlas, clock: Clock) -> TokenSender:
    return TokenSender(atlas, clock)


def test_a_request_carries_the_token(sender: TokenSender) -> None:
    assert [sender.send(), sender.send()] == [200, 200]

    assert sender.atlas.bearers == ["token-1", "token-1"]
    assert "token-1" in sender.secrets()


def test_a_401_is_replayed_once_with_a_new_token(sender: TokenSender) -> None:
    sender.send()
    sender.atlas.revoked = {"token-1"}

    assert [sender.send(), sender.send()] == [200, 200]
    assert sender.atlas.bearers == ["token-1", "token-1", "token-2", "token-2"]


def test_the_answer_to_a_refused_replay_is_returned(sender: TokenSender) -> None:
    sender.atlas.job_replies.extend([answer(401), answer(401)])

    assert sender.send() == 401
    assert sender.atlas.bearers == ["token-1", "token-2"]


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 503])
def test_only_a_401_replaces_a_token(sender: TokenSender, status: int) -> None:
    sender.atlas.job_replies.append(answer(status))

    assert sender.send() == status
    assert len(sender.atlas.token_requests) == 1


@given(
    st.lists(st.tuples(st.sampled_from([200, 401]), st.integers(0, 300)), max_size=40),
)
def test_an_hour_costs_at_most_eight_tokens_with_any_answers_of_atlas(
    answers: list[tuple[int, int]],
) -> None:
    atlas, clock = ScriptedAtlas(), Clock()
    sender = TokenSender(atlas, clock)
    requested_at: list[float] = []

    for status, pause in answers:
        atlas.job_replies.extend([answer(status)] * 2)
        sender.send()
        atlas.job_replies.clear()
        new = len(atlas.token_requests) - len(requested_at)
        requested_at.extend([clock.now] * new)
        clock.now += pause
    atlas.close()

    for start in requested_at:
        # The first one, and one for each of the ten minutes that begin within the hour.
        assert sum(start <= at < start + 3600 for at in requested_at) <= 8


class DigestAtlas:
    """Checks a digest as RFC 7616 says, and challenges with its present nonce."""

    def __init__(self, **challenge: str) -> None:
        self.nonce = "nonce-1"
        self.challenge = {"algorithm": "MD5", "qop": '"auth"', "stale": "false"} | challenge
        self.refuses = False
        self.statuses: list[int] = []
        self.counts: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        good = not self.refuses and self._is_proven(request)
        self.statuses.append(200 if good else 401)
        if good:
            return answer(200, {"id": "x"})(request)
        parameters = {"realm": '"MMS Public API"', "domain": '""', "nonce": f'"{self.nonce}"'}
        fields = ", ".join(f"{k}={v}" for k, v in (parameters | self.challenge).items() if v)
        return answer(401, WWW_Authenticate=f"Digest {fields}")(request)

    def _is_proven(self, request: httpx.Request) -> bool:
        scheme, _, fields = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Digest":
            return False
        given = {
            key.strip(): value.strip('"')
            for key, _, value in (field.partition("=") for field in parse_http_list(fields))
        }
        self.counts.append(given.get("nc", ""))
        algorithm = self.challenge["algorithm"] or "MD5"

        def h(text: str) -> str:
            name = algorithm.removesuffix("-sess").lower().replace("-", "")
            return hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()

        secret = h(f"{KEY.public_key}:MMS Public API:{KEY.private_key}")
        if algorithm.endswith("-sess"):
            secret = h(f"{secret}:{self.nonce}:{given['cnonce']}")
        asked = h(f"GET:{request.url.raw_path.decode()}")
        between = self.nonce
        if self.challenge["qop"]:
            between = f"{self.nonce}:{given['nc']}:{given['cnonce']}:auth"
        proof = h(f"{secret}:{between}:{asked}")
        return (given["nonce"], given["response"]) == (self.nonce, proof)


class Digest:
    """One API key's access to a digest Atlas."""

    def __init__(self, atlas: DigestAtlas, http: httpx.Client, clock: Clock, key: ApiKey) -> None:
        self.atlas = atlas
        self._clock = clock
        self._access = access_with(key, BASE_URL, http)

    def send(self) -> int:
        sent = request(f"{JOB_URL}?pretty=true")
        return self._access.send(sent, self._clock.deadline()).status


type Digests = Callable[..., Digest]


@pytest.fixture
def digest(clock: Clock) -> Iterator[Digests]:
    """Makes accesses whose clients are closed after the test."""
    with ExitStack() as clients:

        def make(key: ApiKey = KEY, **challenge: str) -> Digest:
            atlas = DigestAtlas(**challenge)
            http = clients.enter_context(httpx.Client(transport=httpx.MockTransport(atlas)))
            return Digest(atlas, http, clock, key)

        yield make


FORMS = {
    "as recorded": {},
    "no qop": {"qop": ""},
    "no algorithm": {"algorithm": ""},
    "opaque": {"opaque": '"opaque"'},
    "SHA-256": {"algorithm": "SHA-256"},
    "MD5-sess": {"algorithm": "MD5-sess"},
    "choice of qop": {"qop": '"auth-int, auth"'},
}


@pytest.mark.parametrize("challenge", FORMS.values(), ids=FORMS)
def test_a_digest_challenge_is_answered(digest: Digests, challenge: dict[str, str]) -> None:
    key = digest(**challenge)

    assert key.send() == 200
    assert key.atlas.statuses == [401, 200]


def test_one_challenge_serves_all_later_requests(digest: Digests) -> None:
    key = digest()

    assert [key.send(), key.send(), key.send()] == [200, 200, 200]
    assert key.atlas.statuses == [401, 200, 200, 200]
    assert key.atlas.counts == ["00000001", "00000002", "00000003"]


@pytest.mark.parametrize("stale", ["true", "false", ""], ids=["stale", "not stale", "absent"])
def test_a_new_nonce_costs_one_401(digest: Digests, stale: str) -> None:
    key = digest()
    key.send()

    key.atlas.nonce = "nonce-2"
    key.atlas.challenge["stale"] = stale

    assert [key.send(), key.send()] == [200, 200]
    assert key.atlas.statuses == [401, 200, 401, 200, 200]


def test_a_refused_key_works_again_as_soon_as_atlas_accepts_it(digest: Digests) -> None:
    key = digest()
    key.send()

    key.atlas.refuses = True
    assert key.send() == 401
    assert key.atlas.statuses == [401, 200, 401, 401]

    key.atlas.refuses = False
    assert key.send() == 200


@pytest.mark.parametrize(
    "headers", [{}, {"WWW_Authenticate": 'Basic realm="x"'}], ids=["no header", "basic"]
)
def test_a_401_without_a_digest_challenge_is_returned(
    atlas: ScriptedAtlas, clock: Clock, headers: dict[str, str]
) -> None:
    atlas.job_replies.append(answer(401, **headers))
    key = access_with(KEY, BASE_URL, atlas.client())

    assert key.send(request(), clock.deadline()).status == 401
    assert len(atlas.job_requests) == 1


ODD_CHALLENGES = {
    "unknown algorithm": 'Digest realm="a", nonce="b", algorithm=SHA-512-256, qop="auth"',
    "empty algorithm": 'Digest realm="a", nonce="b", algorithm=, qop="auth"',
    "only auth-int": 'Digest realm="a", nonce="b", qop="auth-int"',
    "no nonce": 'Digest realm="a"',
    "no parameters": "Digest foo",
    "parameter without a value": 'Digest realm="a", nonce="b", stale',
}


@pytest.mark.parametrize("challenge", ODD_CHALLENGES.values(), ids=ODD_CHALLENGES)
def test_an_unknown_challenge_is_an_error_for_its_own_request_only(
    atlas: ScriptedAtlas, clock: Clock, challenge: str
) -> None:
    atlas.job_replies.append(answer(401, WWW_Authenticate=challenge))
    key = access_with(KEY, BASE_URL, atlas.client())

    with pytest.raises(UnexpectedAtlasResponseError) as refused:
        key.send(request(), clock.deadline())

    assert KEY.private_key not in str(refused.value)
    assert key.send(request(), clock.deadline()).status == 200
    assert len(atlas.job_requests) == 2


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_any_challenge_is_answered_or_a_typed_error(text: str) -> None:
    atlas, clock = ScriptedAtlas(), Clock()
    atlas.job_replies.append(answer(401, WWW_Authenticate=f"Digest {text}"))
    key = access_with(KEY, BASE_URL, atlas.client())

    try:
        outcome: object = key.send(request(), clock.deadline())
    except UnexpectedAtlasResponseError as error:
        outcome = error
    finally:
        atlas.close()

    assert KEY.private_key not in str(outcome)


def test_the_digest_that_was_sent_is_never_quoted(atlas: ScriptedAtlas, clock: Clock) -> None:
    challenge = 'Digest realm="a", nonce="b", qop="auth"'
    atlas.job_replies.append(answer(401, WWW_Authenticate=challenge))
    key = access_with(KEY, BASE_URL, atlas.client())
    sent = request()
    key.send(sent, clock.deadline())

    hidden = set(key.secrets(sent))

    assert KEY.private_key in hidden
    header = atlas.job_requests[-1].headers["Authorization"]
    response = header.partition('response="')[2].partition('"')[0]
    assert len(response) == 32
    assert response in hidden
