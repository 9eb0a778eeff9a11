"""Failing connections, endless answers and name look-ups: F34 to F37."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import certifi
import pytest

from local_stack.aws import REGION
from local_stack.faults import Ask
from local_stack.loopback import HungUp, Line, LoopbackServer
from local_stack.wire import Action, Answer, CloseIdle, Drip, EndlessHeaders, Hang, Selection
from reliability.campaign import ONE_TRY, UNCHANGED, Campaign, Stored, checker_at, ends_within
from reliability.certificates import Authority
from reliability.steps import ATLAS, PUBLISH, RECORD, SECRET, TOKEN
from restore_watch.atlas.retrying import ATTEMPTS
from restore_watch.atlas.token import FAILURE_PAUSE
from restore_watch.errors import (
    AtlasUnavailableError,
    NotificationPendingError,
    RestoreWatchError,
    TableUnavailableError,
)
from restore_watch.table.jobs import RestoreJobsTable

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The only authority that this machine trusts."""
    made = Authority.make(tmp_path)
    trusted = made.trusted
    monkeypatch.setattr(certifi, "where", lambda: trusted)
    return made


@pytest.mark.fault("F34")
def test_a_refused_connection_is_tried_four_times(campaign: Campaign) -> None:
    campaign.use("api_key")
    job = campaign.recorded_job()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with checker_at(campaign, f"http://127.0.0.1:{port}") as checker:
        campaign.refused(AtlasUnavailableError, job, checker)
    assert len(campaign.naps) == ATTEMPTS - 1

    assert campaign.recheck(job) == UNCHANGED


@pytest.mark.fault("F34")
def test_a_good_certificate_is_accepted(campaign: Campaign, authority: Authority) -> None:
    job = campaign.job()
    with (
        LoopbackServer(campaign.atlas.wire, tls=authority.server()) as server,
        checker_at(campaign, server.url) as checker,
    ):
        campaign.check(job, checker)

    assert campaign.published(job) == ["PENDING"]


@pytest.mark.fault("F34")
@cases(
    ("fault", "reason"),
    [
        ({"begins": timedelta(days=-9), "ends": timedelta(days=-2)}, "has expired"),
        ({"begins": timedelta(days=2), "ends": timedelta(days=9)}, "not yet valid"),
        ({"host": "cloud.mongodb.com"}, "mismatch"),
        (None, "unable to get local issuer"),
    ],
    ids=["expired", "not-yet-valid", "wrong-name", "unknown-authority"],
)
def test_nothing_is_sent_to_a_server_with_a_bad_certificate(
    campaign: Campaign, authority: Authority, tmp_path: Path, fault: Any, reason: str
) -> None:
    job = campaign.recorded_job()
    if fault is None:
        (tmp_path / "other").mkdir()
        context = Authority.make(tmp_path / "other").server()
    else:
        context = authority.server(**fault)
    with (
        LoopbackServer(campaign.atlas.wire, tls=context) as server,
        checker_at(campaign, server.url) as checker,
    ):
        error = campaign.refused(AtlasUnavailableError, job, checker)
    assert reason in str(error)
    assert campaign.atlas.wire.calls == ()

    assert campaign.recheck(job) == UNCHANGED


@pytest.mark.fault("F34")
def test_nothing_is_sent_to_a_server_without_tls(campaign: Campaign, authority: Authority) -> None:
    assert authority.trusted
    job = campaign.job()
    with checker_at(campaign, campaign.atlas.url.replace("http:", "https:")) as checker:
        campaign.refused(AtlasUnavailableError, job, checker)

    assert campaign.atlas.wire.calls == ()


SERVED_TWICE = {"secret": SECRET, "job": ATLAS, "write": RECORD, "publication": PUBLISH}


@pytest.mark.fault("F35")
@cases("noticed", [True, False], ids=["closed", "forgotten"])
@cases("step", list(SERVED_TWICE.values()), ids=list(SERVED_TWICE))
def test_a_connection_that_was_closed_while_idle_is_replaced_at_once(
    campaign: Campaign,
    step: Selection,
    noticed: bool,  # noqa: FBT001
) -> None:
    job, checker = campaign.job(), campaign.environment(campaign.patient)
    fault = campaign.inject(step, CloseIdle(noticed=noticed))
    campaign.check(job, checker)
    assert fault.hits == 1

    job.run_to_end()
    campaign.pass_time(299)
    campaign.check(job, checker)
    assert campaign.naps == []
    assert campaign.published(job) == ["PENDING", "COMPLETED"]
    assert campaign.stored(job) == Stored("COMPLETED", 2, 2)


# Endless answers


@dataclass(frozen=True)
class Interim:
    """Interim answers without end."""

    def play(self, line: Line, _ask: Ask, /) -> Answer:
        while line.wait(0.01):
            line.send(b"HTTP/1.1 102 Processing\r\n\r\n")
        raise HungUp


# The last two send bytes more often than any timeout of a single read.
SLOW = Drip(20, Answer(200, body="x" * 60))

ENDLESS: tuple[Action, ...] = (Hang(3.0), SLOW, EndlessHeaders(lines_per_second=100))

ERRORS_OF_STEPS: dict[str, tuple[Selection, type[RestoreWatchError]]] = {
    "token": (TOKEN, AtlasUnavailableError),
    "job": (ATLAS, AtlasUnavailableError),
    "write": (RECORD, TableUnavailableError),
    "publication": (PUBLISH, NotificationPendingError),
}


@pytest.mark.fault("F3", "F5", "F27", "F30", "F36")
@cases(("step", "error"), list(ERRORS_OF_STEPS.values()), ids=list(ERRORS_OF_STEPS))
def test_an_endless_answer_ends_by_the_deadline(
    campaign: Campaign, step: Selection, error: type[RestoreWatchError]
) -> None:
    actions = ENDLESS
    if step.service == "atlas":
        actions = (*actions, Interim())
    jobs = [campaign.job() for _ in actions]
    faults = [campaign.inject(step, action) for action in actions]
    with ThreadPoolExecutor(len(jobs)) as threads, ends_within(2.4):
        for _ in threads.map(lambda job: campaign.refused(error, job, seconds=2.4), jobs):
            pass
    assert [fault.hits for fault in faults] == [1] * len(faults)

    for job in jobs:
        campaign.check(job)
        assert set(campaign.published(job)) == {"PENDING"}
        assert campaign.stored(job) == Stored("PENDING", 1, 1)


@pytest.mark.fault("F36", "F28")
def test_an_endless_challenge_ends_by_the_deadline(campaign: Campaign) -> None:
    campaign.use("api_key")
    job = campaign.recorded_job()
    headers = {"Www-Authenticate": 'Digest realm="r", nonce="n", algorithm=MD5, qop="auth"'}
    campaign.inject(ATLAS, Drip(20, Answer(401, headers, "x" * 60)))
    with ends_within(2.4):
        campaign.refused(AtlasUnavailableError, job, seconds=2.4)

    assert campaign.recheck(job) == UNCHANGED


@pytest.mark.fault("F36")
def test_a_check_ends_by_the_deadline_when_a_server_does_not_answer_the_tls_handshake(
    campaign: Campaign,
) -> None:
    job = campaign.recorded_job()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        with checker_at(campaign, url) as checker, ends_within(2.4):
            campaign.refused(AtlasUnavailableError, job, checker, seconds=2.4)

    assert campaign.recheck(job) == UNCHANGED


@pytest.mark.fault("F36")
def test_a_check_ends_by_the_deadline_when_a_server_accepts_no_connection(
    campaign: Campaign,
) -> None:
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
        with checker_at(campaign, url) as checker, ends_within(2.4):
            campaign.refused(AtlasUnavailableError, job, checker, seconds=2.4)

    assert campaign.stored(job) is None


# Names


class Names:
    """Replaces the look-up of names in `.test`; others are looked up as usual."""

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


@pytest.mark.fault("F37")
@cases("number", [socket.EAI_NONAME, socket.EAI_AGAIN], ids=["unknown", "again"])
def test_a_name_that_cannot_be_resolved_is_tried_four_times(
    campaign: Campaign, names: Names, number: int
) -> None:
    campaign.use("api_key")
    job = campaign.job()
    url = campaign.atlas.url.replace("127.0.0.1", "atlas.test")
    with checker_at(campaign, url) as checker:
        names.fail(number)
        campaign.refused(AtlasUnavailableError, job, checker)
        assert names.look_ups == ATTEMPTS
        assert campaign.stored(job) is None

        names.answer = lambda: "127.0.0.1"
        campaign.check(job, checker)
    assert campaign.published(job) == ["PENDING"]


@pytest.mark.fault("F37")
def test_a_name_look_up_that_hangs_ends_by_the_deadline(campaign: Campaign, names: Names) -> None:
    job = campaign.job()
    url = campaign.atlas.url.replace("127.0.0.1", "atlas.test")
    with checker_at(campaign, url) as checker:
        names.hang()
        with ends_within(2.4):
            campaign.refused(AtlasUnavailableError, job, checker, seconds=2.4)

        names.answer = lambda: "127.0.0.1"
        campaign.pass_time(FAILURE_PAUSE)
        campaign.check(job, checker)
    assert campaign.published(job) == ["PENDING"]


@pytest.mark.fault("F37")
@cases("how", ["fails", "hangs"])
def test_an_aws_name_that_cannot_be_resolved_raises_a_table_unavailable_error(
    campaign: Campaign, names: Names, how: str
) -> None:
    job = campaign.job()
    url = campaign.aws.url.replace("127.0.0.1", "dynamodb.test")
    session = boto3.Session("AKIAENVIRONMENT", "in-process", region_name=REGION)
    client = session.client("dynamodb", endpoint_url=url, config=ONE_TRY)
    checker = campaign.environment()
    checker.outbox.table = RestoreJobsTable(client, campaign.stack.table_name)
    if how == "fails":
        names.fail(socket.EAI_NONAME)
    else:
        names.hang()
    with ends_within(2.4):
        campaign.refused(TableUnavailableError, job, checker, seconds=2.4)
    assert names.look_ups >= 1
    assert campaign.published(job) == []

    names.answer = lambda: "127.0.0.1"
    campaign.check(job, checker)
    client.close()
    assert campaign.published(job) == ["PENDING"]
