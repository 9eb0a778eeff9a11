"""Rate limits, failing servers and failing networks: F31 to F39."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import boto3
import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local_stack.atlas import RateLimit
from local_stack.aws import REGION
from local_stack.faults import Ask
from local_stack.loopback import HungUp, Line, LoopbackServer
from local_stack.refusal import atlas_error
from local_stack.stack import CREDENTIALS
from local_stack.wire import (
    Action,
    Answer,
    Close,
    CloseIdle,
    Drip,
    EndlessHeaders,
    Hang,
    Reset,
    Selection,
    Truncate,
    Wire,
)
from reliability.campaign import (
    ATLAS,
    ONE_TRY,
    PUBLISH,
    RECORD,
    SECRET,
    SLACK,
    TOKEN,
    UNCHANGED,
    Campaign,
    Stored,
    event,
    target,
)
from restore_watch.atlas.client import AtlasClient
from restore_watch.atlas.network import http_client
from restore_watch.atlas.refusals import LONGEST_RETRY_AFTER
from restore_watch.atlas.standing import STANDS_AT_MOST
from restore_watch.check import JobChecker
from restore_watch.errors import (
    AtlasRateLimitError,
    AtlasUnavailableError,
    ConfigurationError,
    CredentialsError,
    NotificationPendingError,
    RestoreWatchError,
    TableUnavailableError,
    UnexpectedAtlasResponseError,
)
from restore_watch.restore_job import RestoreKind
from restore_watch.settings import Settings
from restore_watch.table import RestoreJobsTable

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

TRIES = 4
"""Of one request to Atlas."""

BACKOFF = [(0.2, 0.5), (0.4, 0.7), (0.8, 1.1)]
UNSAID = [(10.0, 13.0), (20.0, 23.0)]
"""Pauses after a 429 that does not say how long; Atlas advises 10 s, 20 s, 40 s."""
"""Between which bounds each wait lies that Atlas has no word in."""


@contextmanager
def ends_within(seconds: float) -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds + SLACK


@contextmanager
def client_of(campaign: Campaign, url: str) -> Iterator[JobChecker]:
    """A cold start that finds Atlas at another address."""
    with http_client() as http:
        atlas = AtlasClient(url, http, now=lambda: campaign.clock().timestamp(), sleep=campaign.nap)
        watch = campaign.environment()
        watch.atlas = atlas
        yield watch


# Limits


def throttled(headers: Mapping[str, str] | None = None, parameters: Any = ()) -> Answer:
    return atlas_error(429, "RATE_LIMITED_TOKEN_BUCKET", "Too much.", parameters, headers)


@pytest.mark.fault("F31")
@cases("seconds", [29.5, 120.0, 86_400.0, 1e12], ids=str)
def test_a_wait_longer_than_the_time_left_is_not_begun(campaign: Campaign, seconds: float) -> None:
    job, watch = campaign.watched_job(), campaign.environment()
    campaign.inject(ATLAS, throttled({"Retry-After": str(seconds)}), times=None)
    error = campaign.refused(AtlasRateLimitError, job, watch)
    assert error.retry_after_seconds == min(seconds, LONGEST_WAIT)
    assert campaign.naps == []
    assert campaign.count(ATLAS) == 1

    campaign.heal()
    campaign.pass_time(STANDS_AT_MOST)
    assert campaign.recheck(job, watch) == UNCHANGED


@pytest.mark.fault("F31", "F43")
def test_a_limit_of_one_job_holds_for_every_job_of_its_project(campaign: Campaign) -> None:
    watch = campaign.environment()
    jobs = [campaign.job() for _ in range(5)]
    campaign.inject(ATLAS, throttled({"Retry-After": "40"}), times=None)
    first = campaign.refused(AtlasRateLimitError, jobs[0], watch)
    assert first.retry_after_seconds == 40
    campaign.pass_time(5)
    for job in jobs:
        error = campaign.refused(AtlasRateLimitError, job, watch)
        assert error.retry_after_seconds is not None
        assert 34 < error.retry_after_seconds <= 35
        assert str(error).endswith("Ask again in 35 s")
    assert campaign.count(ATLAS) == 1

    # What is left of it fits into this check, which therefore waits.
    campaign.heal()
    campaign.pass_time(25)
    campaign.check(jobs[1], watch)
    assert campaign.published(jobs[1]) == ["PENDING"]
    assert [9 <= nap < 11 for nap in campaign.naps] == [True]


@pytest.mark.fault("F31")
def test_a_limit_longer_than_a_minute_is_told_in_full_and_tried_after_one(
    campaign: Campaign,
) -> None:
    job, watch = campaign.job(), campaign.environment()
    campaign.inject(ATLAS, throttled({"Retry-After": "300"}), times=None)
    campaign.refused(AtlasRateLimitError, job, watch)
    campaign.pass_time(20)
    assert str(campaign.refused(AtlasRateLimitError, job, watch)).endswith("Ask again in 280 s")
    assert campaign.count(ATLAS) == 1

    campaign.pass_time(40)
    campaign.refused(AtlasRateLimitError, job, watch)
    assert campaign.count(ATLAS) == 2


@pytest.mark.fault("F31")
def test_a_limit_of_one_kind_is_none_of_the_other(campaign: Campaign) -> None:
    watch = campaign.environment()
    flex, dedicated = campaign.job(), campaign.job("dedicated")
    campaign.inject(ATLAS, throttled({"Retry-After": "40"}))
    campaign.refused(AtlasRateLimitError, target(flex, RestoreKind.FLEX), watch)
    campaign.check(target(dedicated, RestoreKind.DEDICATED), watch)

    assert campaign.published(dedicated) == ["RUNNING"]


@pytest.mark.fault("F31", "F46")
def test_a_clock_set_back_does_not_prolong_a_limit(campaign: Campaign) -> None:
    job, watch = campaign.watched_job(), campaign.environment()
    campaign.inject(ATLAS, throttled({"Retry-After": "40"}))
    campaign.refused(AtlasRateLimitError, job, watch)

    campaign.clock.advance(-3600)
    assert campaign.recheck(job, watch) == UNCHANGED


@pytest.mark.fault("F31")
def test_no_wait_reaches_past_the_deadline(campaign: Campaign) -> None:
    job = campaign.job()
    campaign.inject(ATLAS, throttled({"Retry-After": "11"}), times=None)
    campaign.refused(AtlasRateLimitError, job)

    assert [11 <= nap < 13 for nap in campaign.naps] == [True, True]
    assert campaign.count(ATLAS) == 3


@pytest.mark.fault("F31", "F32")
@cases("announced", [True, False], ids=["header", "parameters"])
def test_an_empty_bucket_is_waited_for(campaign: Campaign, announced: bool) -> None:  # noqa: FBT001
    campaign.atlas.behaviour.rate_limit = RateLimit(capacity=1, refill=1, seconds=5)
    campaign.atlas.behaviour.announces_limits = announced
    job, watch = campaign.job(), campaign.environment()
    campaign.check(job, watch)
    job.run_to_end()
    campaign.stack.forget_calls()
    campaign.check(job, watch)

    assert campaign.count(ATLAS) == 2
    assert [4 <= nap < 6 for nap in campaign.naps] == [True]
    assert campaign.published(job) == ["PENDING", "COMPLETED"]


def in_future(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.fault("F32")
@cases(
    ("said", "parameters", "bounds"),
    [
        (None, (), UNSAID[0]),
        (None, ["path", 7, 1200, 500, 60], (7.2, 7.5)),
        (None, ["path", "7"], UNSAID[0]),
        (None, ["path", -7], UNSAID[0]),
        (None, ["path", True], UNSAID[0]),
        (None, ["path", None], UNSAID[0]),
        (None, None, UNSAID[0]),
        ("3", ["path", 7], (3.2, 3.5)),
        ("2.5", (), (2.7, 3.0)),
        ("0", (), UNSAID[0]),
        ("-5", (), UNSAID[0]),
        ("-5", ["path", 7], (7.2, 7.5)),
        ("soon", (), UNSAID[0]),
        ("1 minute", (), UNSAID[0]),
        ("", (), UNSAID[0]),
        ("nan", (), UNSAID[0]),
        ("9" * 400, (), UNSAID[0]),
        ("\xe9", (), UNSAID[0]),
        (lambda: in_future(9), (), (7.0, 9.5)),
        (lambda: in_future(-9), (), UNSAID[0]),
        ("Wed, 21 Oct 2015 07:28:00 GMT", (), UNSAID[0]),
        ("Mon, 1 Jan 99999999999 00:00:00 GMT", (), UNSAID[0]),
        ("1 Jan 2026 00:00:00 +99999999999999999999", (), UNSAID[0]),
    ],
    ids=[
        "nothing",
        "parameters",
        "parameters-text",
        "parameters-negative",
        "parameters-boolean",
        "parameters-null",
        "no-parameters",
        "both",
        "fraction",
        "zero",
        "negative",
        "negative-and-parameters",
        "word",
        "words",
        "empty",
        "nan",
        "huge",
        "latin1",
        "date",
        "date-in-the-past",
        "old-date",
        "year-without-end",
        "zone-without-end",
    ],
)
def test_a_429_waits_as_long_as_atlas_says_or_a_little(
    campaign: Campaign,
    said: str | Callable[[], str] | None,
    parameters: Any,
    bounds: tuple[float, float],
) -> None:
    job = campaign.watched_job()
    value = said() if callable(said) else said
    headers = {} if value is None else {"Retry-After": value}
    campaign.inject(ATLAS, throttled(headers, parameters))
    assert campaign.recheck(job) == UNCHANGED

    (nap,) = campaign.naps
    assert bounds[0] <= nap <= bounds[1]
    assert campaign.count(ATLAS) == 2


@pytest.mark.fault("F32")
def test_a_429_without_end_is_tried_a_few_times(campaign: Campaign) -> None:
    job, watch = campaign.watched_job(), campaign.environment()
    campaign.inject(ATLAS, Answer(429), times=None)
    campaign.refused(AtlasRateLimitError, job, watch, seconds=60.0)
    assert campaign.count(ATLAS) == 1 + len(UNSAID)
    for nap, (least, most) in zip(campaign.naps, UNSAID, strict=True):
        assert least <= nap <= most

    campaign.heal()
    campaign.pass_time(STANDS_AT_MOST)
    assert campaign.recheck(job, watch) == UNCHANGED


UNWELL: dict[str, Action] = {
    "500": atlas_error(500, "UNEXPECTED_ERROR", "Oops."),
    "500-bare": Answer(500),
    "502-html": Answer(502, {"Content-Type": "text/html"}, "<html>Bad gateway</html>"),
    "503": atlas_error(503, "SERVICE_UNAVAILABLE", "Busy."),
    "504": Answer(504),
    "520": Answer(520),
    "408": Answer(408),
    "reset": Reset(),
    "closed": Close(),
    "truncated": Truncate(20),
}
unwell = cases("action", list(UNWELL.values()), ids=list(UNWELL))
at_both = cases("step", [TOKEN, ATLAS], ids=["token", "job"])


@pytest.mark.fault("F33", "F34")
@unwell
@at_both
@cases("burst", [1, TRIES - 1])
def test_a_burst_of_failures_is_waited_out(
    campaign: Campaign, step: Selection, action: Action, burst: int
) -> None:
    job = campaign.watched_job()
    campaign.inject(step, action, times=burst)
    assert campaign.recheck(job) == UNCHANGED

    assert campaign.count(step) == burst + 1
    assert len(campaign.naps) == burst
    for nap, (least, most) in zip(campaign.naps, BACKOFF, strict=False):
        assert least <= nap <= most


@pytest.mark.fault("F33", "F34")
@unwell
@at_both
def test_failures_without_end_change_nothing(
    campaign: Campaign, step: Selection, action: Action
) -> None:
    job, watch = campaign.watched_job(), campaign.environment()
    job.advance()
    campaign.inject(step, action, times=None)
    campaign.refused(AtlasUnavailableError, job, watch)
    assert campaign.count(step) == TRIES

    campaign.heal()
    assert campaign.recheck(campaign.watched_job(), watch) == UNCHANGED


@pytest.mark.fault("F33")
def test_a_503_is_tried_again_when_it_asks_to(campaign: Campaign) -> None:
    job = campaign.watched_job()
    campaign.inject(ATLAS, Answer(503, {"Retry-After": "4"}))
    assert campaign.recheck(job) == UNCHANGED

    assert [4.2 <= nap <= 4.5 for nap in campaign.naps] == [True]


@pytest.mark.fault("F33")
def test_no_two_environments_wait_alike(campaign: Campaign) -> None:
    job = campaign.job()
    campaign.inject(ATLAS, Answer(503), times=None)
    for _ in range(8):
        campaign.refused(AtlasUnavailableError, job)

    assert len(campaign.naps) == 8 * (TRIES - 1)
    assert len(set(campaign.naps)) == len(campaign.naps)


# Connections


@pytest.mark.fault("F34")
def test_a_refused_connection_is_typed(campaign: Campaign) -> None:
    job = campaign.watched_job()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with client_of(campaign, f"http://127.0.0.1:{port}") as watch:
        campaign.refused(AtlasUnavailableError, job, watch)
    assert len(campaign.naps) == TRIES - 1

    assert campaign.recheck(job) == UNCHANGED


@dataclass(frozen=True)
class Certified:
    """A certificate authority of the test's own, and what it signs."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    authority: x509.Certificate

    @classmethod
    def make(cls, folder: Path) -> "Certified":
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority of the tests")])
        certificate = (
            _unsigned(name, name, key, timedelta(days=-20), timedelta(days=20))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(_SIGNS_CERTIFICATES, critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(folder, key, certificate)

    @property
    def trusted(self) -> str:
        """The file of a machine that trusts this authority."""
        path = self.folder / "authority.pem"
        path.write_bytes(self.authority.public_bytes(serialization.Encoding.PEM))
        return str(path)

    def server(
        self,
        host: str = "127.0.0.1",
        begins: timedelta = timedelta(days=-1),
        ends: timedelta = timedelta(days=1),
    ) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        try:
            names: x509.GeneralName = x509.IPAddress(ip_address(host))
        except ValueError:
            names = x509.DNSName(host)
        certificate = (
            _unsigned(self.authority.subject, name, key, begins, ends)
            .add_extension(x509.SubjectAlternativeName([names]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
            .sign(self.key, hashes.SHA256())
        )
        path = self.folder / f"{host}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


_SIGNS_CERTIFICATES = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


def _unsigned(
    issuer: x509.Name,
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    begins: timedelta,
    ends: timedelta,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
    )


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certified:
    """This machine trusts it, and nobody else."""
    authority = Certified.make(tmp_path)
    trusted = authority.trusted
    monkeypatch.setattr(certifi, "where", lambda: trusted)
    return authority


@pytest.mark.fault("F34")
def test_a_good_certificate_is_accepted(campaign: Campaign, certified: Certified) -> None:
    job = campaign.job()
    with (
        LoopbackServer(campaign.atlas.wire, tls=certified.server()) as server,
        client_of(campaign, server.url) as watch,
    ):
        campaign.check(job, watch)

    assert campaign.published(job) == ["PENDING"]


@pytest.mark.fault("F34")
@cases(
    ("fault", "told"),
    [
        ({"begins": timedelta(days=-9), "ends": timedelta(days=-2)}, "has expired"),
        ({"begins": timedelta(days=2), "ends": timedelta(days=9)}, "not yet valid"),
        ({"host": "cloud.mongodb.com"}, "mismatch"),
        ({"host": "127.0.0.2"}, "mismatch"),
        (None, "unable to get local issuer"),
    ],
    ids=["expired", "not-yet-valid", "wrong-name", "wrong-address", "unknown-authority"],
)
def test_a_bad_certificate_is_refused_before_anything_is_sent(
    campaign: Campaign, certified: Certified, tmp_path: Path, fault: Any, told: str
) -> None:
    job = campaign.watched_job()
    if fault is None:
        (tmp_path / "other").mkdir()
        context = Certified.make(tmp_path / "other").server()
    else:
        context = certified.server(**fault)
    with (
        LoopbackServer(campaign.atlas.wire, tls=context) as server,
        client_of(campaign, server.url) as watch,
    ):
        error = campaign.refused(AtlasUnavailableError, job, watch)
    assert told in str(error)
    assert campaign.atlas.wire.calls == ()

    assert campaign.recheck(job) == UNCHANGED


@pytest.mark.fault("F34")
def test_a_server_that_speaks_no_tls_is_refused(campaign: Campaign, certified: Certified) -> None:
    assert certified.trusted
    job = campaign.job()
    with client_of(campaign, campaign.atlas.url.replace("http:", "https:")) as watch:
        campaign.refused(AtlasUnavailableError, job, watch)

    assert campaign.atlas.wire.calls == ()


SERVED_TWICE = {"secret": SECRET, "job": ATLAS, "write": RECORD, "publication": PUBLISH}


@pytest.mark.fault("F35")
@cases("noticed", [True, False], ids=["closed", "forgotten"])
@cases("step", list(SERVED_TWICE.values()), ids=list(SERVED_TWICE))
def test_a_connection_that_ended_while_idle_costs_one_quiet_retry(
    campaign: Campaign,
    step: Selection,
    noticed: bool,  # noqa: FBT001
) -> None:
    job, watch = campaign.job(), campaign.environment(campaign.patient)
    fault = campaign.inject(step, CloseIdle(noticed=noticed))
    campaign.check(job, watch)
    assert fault.hits == 1

    job.run_to_end()
    campaign.pass_time(299)
    campaign.check(job, watch)
    assert len(campaign.naps) == (1 if step is ATLAS and not noticed else 0)
    assert campaign.published(job) == ["PENDING", "COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)


# An answer that never ends


@dataclass(frozen=True)
class Interim:
    """One interim answer after the other, and never the last."""

    def play(self, line: Line, _ask: Ask, /) -> Answer:
        while line.wait(0.01):
            line.send(b"HTTP/1.1 102 Processing\r\n\r\n")
        raise HungUp


# Each sends a byte more often than any timeout of a single read.
SLOW = Drip(20, Answer(200, body="x" * 50))
WITHOUT_END: tuple[Action, ...] = (Hang(2.5), SLOW, EndlessHeaders(lines_per_second=100))

ERRORS_OF_STEPS: dict[str, tuple[Selection, type[RestoreWatchError]]] = {
    "secret": (SECRET, CredentialsError),
    "token": (TOKEN, AtlasUnavailableError),
    "job": (ATLAS, AtlasUnavailableError),
    "write": (RECORD, TableUnavailableError),
    "publication": (PUBLISH, NotificationPendingError),
}


@pytest.mark.fault("F3", "F5", "F27", "F30", "F36")
@cases(("step", "error"), list(ERRORS_OF_STEPS.values()), ids=list(ERRORS_OF_STEPS))
def test_an_answer_without_end_ends_by_the_deadline(
    campaign: Campaign, step: Selection, error: type[RestoreWatchError]
) -> None:
    actions = WITHOUT_END
    if step.service == "atlas":
        actions = (*actions, Interim())
    jobs = [campaign.job() for _ in actions]
    faults = [campaign.inject(step, action) for action in actions]
    with ThreadPoolExecutor(len(jobs)) as threads, ends_within(1.8):
        for _ in threads.map(lambda job: campaign.refused(error, job, seconds=1.8), jobs):
            pass
    assert [fault.hits for fault in faults] == [1] * len(faults)

    for job in jobs:
        campaign.check(job)
        assert set(campaign.published(job)) == {"PENDING"}
        assert campaign.stored(job) == Stored("PENDING", 1, 1)


@pytest.mark.fault("F36", "F28")
def test_a_challenge_without_end_ends_by_the_deadline(campaign: Campaign) -> None:
    campaign.use("api_key")
    job = campaign.watched_job()
    headers = {"Www-Authenticate": 'Digest realm="r", nonce="n", algorithm=MD5, qop="auth"'}
    campaign.inject(ATLAS, Drip(20, Answer(401, headers, "x" * 30)))
    with ends_within(1.2):
        campaign.refused(AtlasUnavailableError, job, seconds=1.2)

    assert campaign.recheck(job) == UNCHANGED


@pytest.mark.fault("F36")
def test_a_server_that_accepts_and_shakes_no_hands_ends_by_the_deadline(
    campaign: Campaign,
) -> None:
    job = campaign.watched_job()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        with client_of(campaign, url) as watch, ends_within(1.2):
            campaign.refused(AtlasUnavailableError, job, watch, seconds=1.2)

    assert campaign.recheck(job) == UNCHANGED


@pytest.mark.fault("F36")
def test_a_server_that_does_not_accept_ends_by_the_deadline(campaign: Campaign) -> None:
    job = campaign.job()
    with ExitStack() as sockets:
        full = sockets.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003
            waiting.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        with client_of(campaign, url) as watch, ends_within(1.2):
            campaign.refused(AtlasUnavailableError, job, watch, seconds=1.2)

    assert campaign.stored(job) is None


# Names


class Names:
    """The look-up of names in `.test`, as the test wants it; all others are left alone."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._real = socket.getaddrinfo
        self._end = threading.Event()
        self.look_ups = 0
        self.answer: Callable[[], str] = lambda: "127.0.0.1"
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)

    def end(self) -> None:
        self._end.set()

    def fail(self, number: int) -> None:
        def fail() -> str:
            raise socket.gaierror(number, "the name is not known")

        self.answer = fail

    def hang(self) -> None:
        def hang() -> str:
            self._end.wait(10)
            raise socket.gaierror(socket.EAI_AGAIN, "too late")

        self.answer = hang

    def _look_up(self, host: Any, *rest: Any, **more: Any) -> Any:
        if str(host).endswith(".test"):
            self.look_ups += 1
            host = self.answer()
        return self._real(host, *rest, **more)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    one = Names(monkeypatch)
    yield one
    one.end()


FAILURES = [socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL]


@pytest.mark.fault("F37")
@cases("number", FAILURES, ids=["unknown", "again", "failed"])
def test_a_name_that_cannot_be_resolved_is_typed(
    campaign: Campaign, names: Names, number: int
) -> None:
    job = campaign.job()
    url = campaign.atlas.url.replace("127.0.0.1", "atlas.test")
    with client_of(campaign, url) as watch:
        names.fail(number)
        campaign.refused(AtlasUnavailableError, job, watch)
        assert names.look_ups == TRIES
        assert campaign.stored(job) is None

        names.answer = lambda: "127.0.0.1"
        campaign.check(job, watch)
    assert campaign.published(job) == ["PENDING"]


@pytest.mark.fault("F37")
def test_a_look_up_that_hangs_ends_by_the_deadline(campaign: Campaign, names: Names) -> None:
    job = campaign.job()
    url = campaign.atlas.url.replace("127.0.0.1", "atlas.test")
    with client_of(campaign, url) as watch:
        names.hang()
        with ends_within(1.1):
            campaign.refused(AtlasUnavailableError, job, watch, seconds=1.1)

        names.answer = lambda: "127.0.0.1"
        campaign.check(job, watch)
    assert campaign.published(job) == ["PENDING"]


@pytest.mark.fault("F37")
@cases("how", ["fails", "hangs"])
def test_a_name_in_aws_that_cannot_be_resolved_is_typed(
    campaign: Campaign, names: Names, how: str
) -> None:
    job = campaign.job()
    url = campaign.aws.url.replace("127.0.0.1", "dynamodb.test")
    session = boto3.Session("AKIAENVIRONMENT", "in-process", region_name=REGION)
    client = session.client("dynamodb", endpoint_url=url, config=ONE_TRY)
    watch = campaign.environment()
    watch.table = RestoreJobsTable(client, campaign.stack.table_name)
    if how == "fails":
        names.fail(socket.EAI_NONAME)
    else:
        names.hang()
    with ends_within(1.2):
        campaign.refused(TableUnavailableError, job, watch, seconds=1.2)
    assert names.look_ups >= 1
    assert campaign.published(job) == []

    names.answer = lambda: "127.0.0.1"
    campaign.check(job, watch)
    client.close()
    assert campaign.published(job) == ["PENDING"]


# Elsewhere


@contextmanager
def elsewhere() -> Iterator[tuple[str, Wire]]:
    """A server that credentials must never reach."""

    def app(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b'{"access_token": "of somebody else", "expires_in": 3600}']

    wire = Wire(app, lambda _: ("elsewhere", "any"))
    with LoopbackServer(wire) as server:
        yield server.url, wire


@pytest.mark.fault("F38")
@cases(
    ("credentials", "step"),
    [("service_account", TOKEN), ("service_account", ATLAS), ("api_key", ATLAS)],
    ids=["token", "bearer", "digest"],
)
@cases("status", [301, 303, 307])
def test_a_redirect_to_another_host_is_not_followed(
    campaign: Campaign, status: int, credentials: Any, step: Selection
) -> None:
    campaign.use(credentials)
    job, watch = campaign.watched_job(), campaign.environment()
    with elsewhere() as (url, wire):
        campaign.inject(step, Answer(status, {"Location": f"{url}/api"}))
        error = campaign.refused(UnexpectedAtlasResponseError, job, watch)
        assert url not in str(error)
        assert wire.calls == ()
    assert campaign.count(step) == 1

    campaign.pass_time(STANDS_AT_MOST)
    assert campaign.recheck(job, watch) == UNCHANGED


@pytest.mark.fault("F38")
@pytest.mark.allow_hosts(["127.0.0.1"])
@at_both
@cases(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://cloud.mongodb.com/api",
        "//evil.example/api",
        "/api/oauth/token",
        "file:///proc/self/environ",
        "",
        "https://xn--a.com/x",
        "https://[::1",
        "mailto:x",
    ],
    ids=[
        *["metadata", "metadata-v6", "plain-http", "no-scheme", "same-host", "file", "empty"],
        *["no-name", "half-an-address", "no-place"],
    ],
)
def test_no_redirect_leads_anywhere(campaign: Campaign, location: str, step: Selection) -> None:
    job, watch = campaign.watched_job(), campaign.environment()
    campaign.inject(step, Answer(302, {"Location": location}))
    campaign.refused(UnexpectedAtlasResponseError, job, watch)
    assert campaign.count(step) == 1

    campaign.pass_time(STANDS_AT_MOST)
    assert campaign.recheck(job, watch) == UNCHANGED


NOT_ATLAS = (
    "https://evil.example",
    "http://cloud.mongodb.com",
    "https://cloud.mongodb.com.evil.example",
    "https://evil.example/cloud.mongodb.com",
    "https://cloud.mongodb.com@evil.example",
    "https://user:word@cloud.mongodb.com",
    "https://cloud.mongodb.com:8443",
    "https://cloud.mongodb.com/api",
    "https://cloud.mongodb.com?x=y",
    "https://cloud.mongodb.com#x",
    "https://cloud.mongodb.com\\@evil.example",
    "https://xn--cloud-mongodb.com",
    "https://cloud\u3002mongodb\u3002com.evil.example",
    "https://169.254.169.254",
    "https://mongodb.com",
    "ftp://cloud.mongodb.com",
    "javascript:alert(1)",
    "cloud.mongodb.com",
    "https://",
    "//cloud.mongodb.com",
    "https://[::1",
    "\x00",
)


@pytest.mark.fault("F39")
@cases("url", [*NOT_ATLAS, "http://127.0.0.1:1", "http://localhost"])
def test_a_secret_that_points_elsewhere_is_refused(campaign: Campaign, url: str) -> None:
    job, watch = campaign.watched_job(), campaign.environment()
    campaign.put_secret({**CREDENTIALS["service_account"], "base_url": url})
    error = campaign.refused(CredentialsError, job, watch)
    assert url not in str(error)
    assert campaign.calls() == ["secret"]

    campaign.use("service_account")
    assert campaign.recheck(job, watch) == UNCHANGED


@pytest.mark.fault("F39", "F47")
@cases("url", NOT_ATLAS)
def test_an_operator_who_points_elsewhere_is_told_so(campaign: Campaign, url: str) -> None:
    with pytest.raises(ConfigurationError, match="ATLAS_BASE_URL") as caught:
        Settings.from_environment({**campaign.stack.environment, "ATLAS_BASE_URL": url})

    assert url not in str(caught.value).replace("such as https://cloud.mongodb.com", "")


@pytest.mark.fault("F39")
@cases("name", ["base_url", "baseUrl", "BaseUrl"])
@cases("wrapping", ["direct", "targets", "eventbridge", "queue"])
def test_an_event_that_points_elsewhere_is_refused_before_any_io(
    campaign: Campaign, name: str, wrapping: str
) -> None:
    job = campaign.watched_job()
    with elsewhere() as (url, wire):
        one = event(job, **{name: url})
        wrapped: dict[str, Any] = {
            "direct": one,
            "targets": {"targets": [one]},
            "eventbridge": {"detail-type": "Atlas Restore Watch Requested", "detail": one},
            "queue": {
                "Records": [{"messageId": "m", "eventSource": "aws:sqs", "body": json.dumps(one)}]
            },
        }[wrapping]
        campaign.stack.forget_calls()
        answer = campaign.stack.invoke(wrapped)
        assert wire.calls == ()
    assert campaign.calls() == []
    if wrapping == "queue":
        assert answer.result == {"batchItemFailures": [{"itemIdentifier": "m"}]}
    else:
        assert answer.error_type == "InvalidEventError"
        assert name in (answer.error_message or "")
    assert all(url not in text for text in (str(answer.payload), campaign.stack.logs()))

    assert campaign.invoke(job).result["changed"] is False
