"""The Atlas emulator with many calls at once, late answers, and trouble in one project only."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from local_stack.atlas import in_group
from local_stack.tests.emulated import ACCEPT, GROUP, Place
from local_stack.wire import Action, Answer, Delay, Fault, Hang

pytestmark = pytest.mark.timeout(30)

OTHER_GROUP = "5f0000000000000000000a02"
LIST = f"/api/atlas/v2/groups/{GROUP}/flexClusters/source/backup/restoreJobs"


@pytest.fixture
def client(place: Place) -> Iterator[httpx.Client]:
    """A client for many threads, which digest's count of uses does not allow."""
    token = place.token().json()["access_token"]
    headers = {"Accept": ACCEPT, "Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=place.atlas.url, headers=headers, trust_env=False) as client:
        yield client


def test_64_connections_are_served_at_once(place: Place, client: httpx.Client) -> None:
    place.start()
    with ThreadPoolExecutor(64) as threads, place.atlas.wire.hold() as gate:
        answers = [threads.submit(client.get, LIST) for _ in range(64)]
        held = gate.wait_for(64)
        gate.open()

        assert {answer.result().status_code for answer in answers} == {200}
        assert len({call.connection for call in held}) == 64


def test_late_answers_do_not_wait_for_each_other(place: Place, client: httpx.Client) -> None:
    place.start()
    place.atlas.behaviour.latency = 0.1
    with ThreadPoolExecutor(32) as threads:
        begun = time.monotonic()
        answers = list(threads.map(client.get, [LIST] * 32))
        took = time.monotonic() - begun

    assert {answer.status_code for answer in answers} == {200}
    assert 0.1 <= took < 1.6


def test_every_answer_is_late(place: Place) -> None:
    place.start()
    place.atlas.behaviour.latency = 0.05
    for answer in (place.token(), place.list("flex"), place.list("flex", pageNum="0")):
        assert answer.elapsed.total_seconds() >= 0.05


@pytest.mark.parametrize("action", [Delay(60), Hang(60)], ids=["late", "hanging"])
def test_one_project_alone_can_be_slow(place: Place, client: httpx.Client, action: Action) -> None:
    place.start()
    place.atlas.start_restore(OTHER_GROUP, "source", "flex")
    place.atlas.wire.inject(Fault(action=action, when=in_group(GROUP), times=None))

    with pytest.raises(httpx.ReadTimeout):
        client.get(LIST, timeout=0.1)
    assert client.get(LIST.replace(GROUP, OTHER_GROUP)).status_code == 200
    assert place.token().status_code == 200


def test_one_project_alone_can_be_refused(place: Place, client: httpx.Client) -> None:
    place.start()
    place.atlas.start_restore(OTHER_GROUP, "source", "flex")
    place.atlas.wire.inject(Fault(action=Answer(503), when=in_group(GROUP), times=None))

    assert client.get(LIST).status_code == 503
    assert client.get(LIST.replace(GROUP, OTHER_GROUP)).status_code == 200


def test_a_project_is_recognised_by_its_whole_id(place: Place) -> None:
    place.start()
    place.list("flex")
    (call,) = place.atlas.wire.calls[-1:]

    assert in_group(GROUP)(call)
    assert not in_group(GROUP[:-1])(call)
    assert not in_group(OTHER_GROUP)(call)
