"""Connections that fail, servers that are not Atlas, and answers and look-ups without end."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import certifi
import pytest

from behaviour.rows import rows
from foundation.errors import ApplicationError
from local_stack.atlas import EmulatedRestore
from local_stack.aws import REGION
from local_stack.certificates import Authority
from local_stack.connections import ONE_TRY, Connections
from local_stack.environment import Environment
from local_stack.faults import Ask, Behind
from local_stack.loopback import HungUp, Line, LoopbackServer
from local_stack.steps import FLEX, PUBLISH, RECORD, SECRET, TOKEN, UNKNOWN_JOB, about
from local_stack.wire import Action, Answer, CloseIdle, Drip, EndlessHeaders, Hang, Selection
from local_stack.world import Stored, World, within
from restore_watch.atlas.transport.http_client import http_client
from restore_watch.errors import AtlasUnavailableError, TableUnavailableError

cases = pytest.mark.parametrize


@contextmanager
def environment_at(world: World, url: str) -> Iterator[Environment]:
    """A cold start that finds Atlas at this address, over connections of its own."""
    with http_client() as http:
        yield world.environment(by=replace(world.connections, http=http), atlas_url=url)


@pytest.mark.fault("F34")
def test_a_refused_connection_is_tried_four_times(world: World) -> None:
    world.use("api_key")
    job = world.job()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with environment_at(world, f"http://127.0.0.1:{port}") as environment:
        world.refused(AtlasUnavailableError, job, environment)
    assert len(world.naps) == 3

    assert world.check(job).changed


# Certificates


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The only authority that this machine trusts."""
    made = Authority.make(tmp_path)
    trusted = made.trusted
    monkeypatch.setattr(certifi, "where", lambda: trusted)
    return made


@pytest.mark.fault("F34")
@cases(
    ("fault", "reason"),
    [
        ({}, None),
        ({"begins": timedelta(days=-9), "ends": timedelta(days=-2)}, "has expired"),
        ({"begins": timedelta(days=2), "ends": timedelta(days=9)}, "not yet valid"),
        ({"host": "cloud.mongodb.com"}, "mismatch"),
        ("unknown authority", "unable to get local issuer"),
        ("no TLS", "SSL"),
    ],
    ids=["good", "expired", "not-yet-valid", "wrong-name", "unknown-authority", "no-tls"],
)
def test_nothing_is_sent_to_a_server_without_a_good_certificate(
    world: World, authority: Authority, tmp_path: Path, fault: Any, reason: str | None
) -> None:
    job = world.job()
    if fault == "no TLS":
        tls = None
    elif fault == "unknown authority":
        (tmp_path / "other").mkdir()
        tls = Authority.make(tmp_path / "other").server()
    else:
        tls = authority.server(**fault)
    with (
        LoopbackServer(world.atlas.wire, tls=tls) as server,
        environment_at(world, server.url.replace("http:", "https:")) as environment,
    ):
        if reason is None:
            assert world.check(job, environment).changed
            return
        assert reason in str(world.refused(AtlasUnavailableError, job, environment))
    assert world.atlas.wire.calls == ()

    assert world.check(job).changed


# Kept connections


@pytest.mark.fault("F123")
@cases(
    "behind",
    [UNKNOWN_JOB, Answer(204), Answer(200, {"Transfer-Encoding": "chunked"})],
    ids=["an answer", "a short one", "half of one"],
)
def test_bytes_behind_an_answer_are_not_taken_for_the_next_one(
    world: World, behind: Answer
) -> None:
    first, second = world.job(), world.job(timeline=["COMPLETED"])
    environment = world.environment()
    environment.check(world.finished_job())  # the connection and the token are there
    with world.inject(within(FLEX, about(first.restore_id)), Behind(behind)) as fault:
        assert environment.check(first).changed
    assert fault.hits == 1

    begun = len(world.calls(FLEX))
    assert environment.check(second).job.status == "COMPLETED"
    assert len(world.calls(FLEX)) == begun + 1


CONNECTIONS = {"secret": SECRET, "job": FLEX, "write": RECORD, "publication": PUBLISH}


@pytest.mark.fault("F35")
@cases("noticed", [True, False], ids=["closed", "forgotten"])
@cases("step", rows(CONNECTIONS, "job"))
def test_a_connection_that_was_closed_while_idle_is_replaced_at_once(
    world: World,
    patient: Connections,
    step: Selection,
    noticed: bool,  # noqa: FBT001
) -> None:
    job, environment = world.job(timeline=["PENDING", "COMPLETED"]), world.environment(by=patient)
    fault = world.inject(step, CloseIdle(noticed=noticed))
    world.check(job, environment)
    assert fault.hits == 1

    job.advance()
    world.pass_time(299)
    world.check(job, environment)
    assert world.naps == []
    assert world.published(job) == ["PENDING", "COMPLETED"]
    assert world.stored(job) == Stored("COMPLETED", 2, 2)


@pytest.mark.fault("F35", "F54")
def test_a_token_request_over_a_connection_that_has_died_is_not_sent_again(
    world: World, environment: Environment
) -> None:
    """Atlas may have issued a token whose answer was lost."""
    job = world.job()
    world.inject(FLEX, CloseIdle(noticed=False))
    world.check(job, environment)
    world.pass_time(3601)
    world.stack.forget_calls()
    world.refused(AtlasUnavailableError, job, environment)
    assert world.count(TOKEN) == 0

    world.pass_time(30)
    assert not world.check(job, environment).changed


# Answers and look-ups without end


class Names:
    """What look-ups of chosen names do; other names are looked up as usual."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._real = socket.getaddrinfo
        self.over = threading.Event()
        self.answers: dict[str, Callable[[], str]] = {}
        self.looked_up: list[str] = []
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)

    def work(self) -> str:
        return "127.0.0.1"

    def fail(self) -> str:
        raise socket.gaierror(socket.EAI_NONAME, "the name is not known")

    def hang(self) -> str:
        self.over.wait(10)
        return self.fail()

    def _look_up(self, host: Any, *rest: Any, **more: Any) -> Any:
        if host in self.answers:
            self.looked_up.append(host)
            host = self.answers[host]()
        return self._real(host, *rest, **more)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    made = Names(monkeypatch)
    yield made
    made.over.set()


@contextmanager
def environment_by_names(world: World) -> Iterator[Environment]:
    """A cold start that looks up the names atlas.test and dynamodb.test."""
    session = boto3.Session("AKIAENVIRONMENT", "in-process", region_name=REGION)
    url = world.aws.url.replace("127.0.0.1", "dynamodb.test")
    dynamodb = session.client("dynamodb", endpoint_url=url, config=ONE_TRY)
    by = replace(world.connections, http=http_client(), dynamodb=dynamodb)
    yield world.environment(by=by, atlas_url=world.atlas.url.replace("127.0.0.1", "atlas.test"))
    by.http.close()
    dynamodb.close()


@pytest.mark.fault("F37")
@cases(
    ("name", "error", "look_ups"),
    [("atlas.test", AtlasUnavailableError, 4), ("dynamodb.test", TableUnavailableError, 1)],
    ids=["atlas", "dynamodb"],
)
def test_a_name_that_cannot_be_resolved_is_a_typed_error(
    world: World, names: Names, name: str, error: type[ApplicationError], look_ups: int
) -> None:
    world.use("api_key")
    job = world.job()
    with environment_by_names(world) as environment:
        names.answers = {"atlas.test": names.work, "dynamodb.test": names.work, name: names.fail}
        world.refused(error, job, environment)
        assert names.looked_up.count(name) >= look_ups
        assert world.published(job) == []

        names.answers[name] = names.work
        assert world.check(job, environment).changed


@dataclass(frozen=True)
class Interim:
    """Interim answers without end."""

    def play(self, line: Line, _ask: Ask, /) -> Answer:
        while line.wait(0.01):
            line.send(b"HTTP/1.1 102 Processing\r\n\r\n")
        raise HungUp


CHALLENGE = {"Www-Authenticate": 'Digest realm="r", nonce="n", algorithm=MD5, qop="auth"'}

ENDLESS: dict[str, Action] = {
    "nothing": Hang(3.0),
    # These send bytes more often than any timeout of a single read.
    "body": Drip(20, Answer(200, body="x" * 60)),
    "headers": EndlessHeaders(lines_per_second=100),
    "interim answers": Interim(),
    "challenge": Drip(20, Answer(401, CHALLENGE, "x" * 60)),
}


class Hanging(NamedTuple):
    """A check whose next call does not end, and the error that reports it."""

    job: EmulatedRestore
    environment: Environment
    error: type[ApplicationError] = AtlasUnavailableError


def full(sockets: ExitStack) -> str:
    """The address of a server that accepts no connection."""
    server = sockets.enter_context(socket.socket())
    server.bind(("127.0.0.1", 0))
    server.listen(0)
    for _ in range(4):
        waiting = sockets.enter_context(socket.socket())
        waiting.setblocking(False)  # noqa: FBT003
        waiting.connect_ex(server.getsockname())
    return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.campaign
@pytest.mark.fault("F28", "F36", "F37")
def test_a_check_ends_by_its_deadline_whatever_hangs(world: World, names: Names) -> None:
    world.use("api_key")
    hanging: dict[str, Hanging] = {}
    with ExitStack() as blocks:
        for name, action in ENDLESS.items():
            job = world.job()
            world.inject(within(FLEX, about(job.restore_id)), action)
            hanging[name] = Hanging(job, world.environment())
        silent = blocks.enter_context(socket.create_server(("127.0.0.1", 0)))
        for url in (f"https://127.0.0.1:{silent.getsockname()[1]}", full(blocks)):
            at = blocks.enter_context(environment_at(world, url))
            hanging[url] = Hanging(world.job(), at)
        names.answers = {"atlas.test": names.hang, "dynamodb.test": names.hang}
        at = blocks.enter_context(environment_by_names(world))
        hanging["name of Atlas"] = Hanging(world.job(), at)
        reaches_atlas = world.environment(by=at.by)
        hanging["name of DynamoDB"] = Hanging(world.job(), reaches_atlas, TableUnavailableError)
        world.clock.go_on()

        def took(one: Hanging) -> float:
            begun = world.uptime()
            world.refused(one.error, one.job, one.environment, seconds=2.4)
            return world.uptime() - begun

        with ThreadPoolExecutor(len(hanging)) as threads:
            seconds = dict(zip(hanging, threads.map(took, hanging.values()), strict=True))
    assert {name: took for name, took in seconds.items() if took > 2.9} == {}

    for one in hanging.values():
        assert world.check(one.job).changed
