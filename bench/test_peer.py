"""The comparison is fair: in the real runtime the peers do the same task as ours."""

import json
from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest

from bench.contenders import MODULE, PEER, SHIPPED, Contender, contenders
from local_stack.wire import Call

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(60)]

UNCHANGED = [
    "secretsmanager GetSecretValue",
    "atlas flex",
    "atlas flex",
    "dynamodb GetItem",
    "dynamodb PutItem",
]
"""The first question to Atlas brings the challenge of digest authentication."""


@pytest.fixture(scope="module")
def peers() -> Iterator[dict[str, Contender]]:
    with contenders() as all_of_them:
        yield all_of_them


def names(calls: tuple[Call, ...]) -> list[str]:
    return [f"{call.service} {call.operation}" for call in calls]


@pytest.mark.parametrize("name", [PEER, MODULE])
def test_a_peer_stores_and_publishes_every_change_once(
    peers: dict[str, Contender], name: str
) -> None:
    peer = peers[name]
    restore = peer.start_restore()
    before = None
    for status in ("PENDING", "QUEUED", "RUNNING", "COMPLETED"):
        changed, unchanged = peer.check(restore), peer.check(restore)

        said = {"status": status, "previousStatus": before}
        assert changed.answer.result == {**said, "changed": True}
        assert unchanged.answer.result["changed"] is False
        assert names(changed.calls) == [*UNCHANGED, "sns Publish"]
        assert names(unchanged.calls) == UNCHANGED
        stored = json.loads(changed.calls[-2].body)["Item"]
        assert (stored["restoreId"]["S"], stored["status"]["S"]) == (restore.restore_id, status)
        (message,) = parse_qs(changed.calls[-1].body.decode())["Message"]
        published = {"restoreId": restore.restore_id, "clusterName": "orders-flex"}
        assert json.loads(message) == published | said
        if status != "COMPLETED":
            before = restore.step
            restore.advance()


def test_the_peer_ships_without_bytecode() -> None:
    assert (SHIPPED / "restore_check" / "check.py").is_file()
    assert list(SHIPPED.rglob("*.pyc")) == []
