"""Answers of Atlas that are floods or compressed, and bytes that are hardly HTTP."""

import gzip
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from behaviour.rows import rows
from local_stack.environment import Environment
from local_stack.faults import Ask
from local_stack.loopback import HungUp, Line, head_of
from local_stack.stack import Credentials
from local_stack.steps import FLEX, TOKEN
from local_stack.wire import Answer, Selection, Verbatim
from local_stack.world import World
from restore_watch.errors import AtlasError, AtlasUnavailableError, UnexpectedAtlasResponseError

cases = pytest.mark.parametrize

JSON = {"Content-Type": "application/json"}


# The use of memory


@dataclass(frozen=True)
class Flood:
    """20 MB in the body or in the headers, unless the client hangs up."""

    of: str

    def play(self, line: Line, _ask: Ask, /) -> Answer:
        chunk = b"\n" * 50_000
        head = head_of("200 OK", {**JSON, "Content-Length": "20000000"}.items())
        if self.of == "chunked body":
            head = head_of("200 OK", {**JSON, "Transfer-Encoding": "chunked"}.items())
            chunk = b"%x\r\n%b\r\n" % (len(chunk), chunk)
        if self.of == "headers":
            head, chunk = b"HTTP/1.1 200 OK\r\n", b"X-More: yes\r\n" * 4_000
        line.send(head)
        for _ in range(400):
            line.send(chunk)
        raise HungUp


def peak_memory(action: Callable[[], object]) -> int:
    """The highest use of memory in bytes while it ran, that of the servers here included."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        action()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak - before


@pytest.mark.campaign
@pytest.mark.fault("F17")
@cases(
    ("of", "error"),
    [
        ("body", UnexpectedAtlasResponseError),
        ("chunked body", UnexpectedAtlasResponseError),
        # h11 bounds the headers, and httpx reports that as a broken exchange.
        ("headers", AtlasUnavailableError),
    ],
)
def test_an_answer_of_20_mb_is_cut_off_and_does_not_fill_the_memory(
    world: World, environment: Environment, of: str, error: type[AtlasError]
) -> None:
    job = world.job()
    world.check(job, environment)
    with world.inject(FLEX, Flood(of), times=None):
        assert peak_memory(lambda: world.refused(error, job, environment)) < 4_000_000

    assert not world.check(job, environment).changed


CHALLENGE = {"Www-Authenticate": 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5'}


@pytest.mark.campaign
@pytest.mark.fault("F17")
@cases("is_gzip", [True, False], ids=["bomb", "none"])
@cases(
    ("credentials", "step", "status"),
    [("service_account", TOKEN, 200), ("service_account", FLEX, 200), ("api_key", FLEX, 401)],
    ids=["token", "job", "challenge"],
)
def test_a_compressed_answer_is_not_decompressed(
    world: World, credentials: Credentials, step: Selection, status: int, *, is_gzip: bool
) -> None:
    body = gzip.compress(bytes(30_000_000)) if is_gzip else b"\x1f\x8bno gzip at all"
    world.use(credentials)
    job = world.job()
    headers = {**JSON, **CHALLENGE, "Content-Encoding": "gzip"}

    def refused() -> None:
        with pytest.raises(AtlasError):
            world.check(job)

    with world.inject(step, Answer(status, headers, body), times=None):
        assert peak_memory(refused) < 4_000_000

    assert world.check(job).changed


# Bytes that are almost HTTP

TICKET = "a-ticket-that-opens-everything"

ALMOST_HTTP = {
    "no HTTP": "ICY 200\n~\n\n",
    "no status": "~\n\n",
    "another version": "HTTP/2 200\nX: ~\n\n~",
    "status of four digits": "HTTP/1.1 2000 Many\n\n~",
    "switches protocols": "HTTP/1.1 101 Upgrade\nConnection: upgrade\nUpgrade: ~\n\n~",
    "only interim": "HTTP/1.1 100 Go on\n\n~",
    "body after 204": "HTTP/1.1 204 Nothing\nContent-Length: 30\n\n~",
    "odd length": "HTTP/1.1 200 OK\nContent-Length: ~\n\n~",
    "negative length": "HTTP/1.1 200 OK\nContent-Length: -1\n\n~",
    "broken chunk": "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nbegin\n/~/restore.tar.gz\n",
    "odd transfer": "HTTP/1.1 200 OK\nTransfer-Encoding: gzip, chunked\n\n~",
    "no header": "HTTP/1.1 200 OK\n~ ~\n\n~",
    "odd date": "HTTP/1.1 429 No\nDate: Thu, 01 Jan 0001 00:00:00 +9999\nRetry-After: 1e308\n\n~",
    "odd redirect": "HTTP/1.1 302 Found\nLocation: https://[::1/~\n\n",
    "redirect to no name": "HTTP/1.1 302 Found\nLocation: https://xn--a.com/~\n\n",
    "odd cookie": "HTTP/1.1 200 OK\nSet-Cookie: ~; Domain=.; Expires=never\n\n",
    "odd challenge": "HTTP/1.1 401 No\nWww-Authenticate: Digest realm=~\n\n",
    "odd quality": 'HTTP/1.1 401 No\nWww-Authenticate: Digest realm="~", nonce="n", qop="x"\n\n',
}


@pytest.mark.fault("F17", "F38", "F53")
@cases("text", rows(ALMOST_HTTP, "odd length", "broken chunk", campaign=()))
@cases("credentials", ["service_account", "api_key"])
def test_bytes_that_are_almost_http_are_a_typed_error_that_does_not_quote_them(
    world: World, environment: Environment, credentials: Credentials, text: str
) -> None:
    world.use(credentials)
    job = world.job()
    said = Verbatim(text.replace("\n", "\r\n").replace("~", TICKET).encode())
    for step in (TOKEN, FLEX) if credentials == "service_account" else (FLEX,):
        with world.inject(step, said, times=None), pytest.raises(AtlasError) as caught:
            world.check(job, environment)
        assert TICKET not in f"{caught.value!r} {caught.value}"
        world.pass_time(60)

    assert world.check(job, environment).changed
