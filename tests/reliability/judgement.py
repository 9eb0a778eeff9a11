"""
What must hold once everything works again, read from outside: the table and a subscriber's queue.

The order of the statuses is written here once more, since a judge must not ask the accused.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from local_stack.canaries import CANARIES
from local_stack.stack import Received

RANK = {
    "PENDING": 0,
    "QUEUED": 1,
    "RUNNING": 2,
    "UNKNOWN": 3,
    "COMPLETED": 4,
    "FAILED": 4,
    "CANCELLED": 4,
    "EXPIRED": 5,
}
ENDS = {status for status, rank in RANK.items() if rank >= RANK["COMPLETED"]}

_DEDICATED = {
    "running": "RUNNING",
    "finished": "COMPLETED",
    "failed": "FAILED",
    "cancelled": "CANCELLED",
    "download-ready": "COMPLETED",
    "expired": "EXPIRED",
}


def status_of(step: str) -> str:
    """The status that a step of an emulated restore has to be recorded as."""
    status = _DEDICATED.get(step, step)
    return status if status in RANK else "UNKNOWN"


def judge_table(item: Mapping[str, Any], said: Sequence[str], delivery_type: str) -> None:
    """I3 and I4, for an item after two undisturbed checks; `said` is all that Atlas ever said."""
    history = [entry["status"] for entry in item["history"]]
    assert item["sequence"] == len(history), "I3: a recorded change is not in the history"
    assert item["status"] == history[-1], "I3: the state is not the last recorded change"
    ranks = [RANK[status] for status in history]
    assert ranks == sorted(set(ranks)), "I3: a status regressed"
    assert set(history) <= set(said), "I3: a status was recorded that Atlas never said"
    assert item["publishedSequence"] == item["sequence"], "I4: a change is still pending"
    assert item["status"] == _last_word(history, said, delivery_type), "I4: not Atlas's last word"
    assert ("openShard" in item) == (not item["terminal"]), (
        "I4: the index of open jobs and the state disagree"
    )
    assert ("expiresAt" in item) == item["terminal"], "I4: the retention and the state disagree"


def _last_word(history: Sequence[str], said: Sequence[str], delivery_type: str) -> str:
    """An end is final, even where Atlas contradicts it; only a ready download may lapse."""
    ended = [status for status in history if status in ENDS]
    lapsed = said[-1] == "EXPIRED" and delivery_type == "download"
    return ended[-1] if ended and not lapsed else said[-1]


def judge_messages(item: Mapping[str, Any], received: Iterable[Received]) -> int:
    """I1 to I3, for all messages of an item in the order of their arrival; count the duplicates."""
    events = [message.event for message in received]
    by_id = {event["id"]: event for event in events}
    recorded = [
        f"{item['restoreId']}:{entry['status']}"
        + (f":{entry['atlasStatus']}" if entry["status"] == "UNKNOWN" else "")
        for entry in item["history"]
    ]
    assert set(by_id) == set(recorded), "I1: what was published is not what was recorded"
    assert all(event == by_id[event["id"]] for event in events), "I2: two messages with one id"
    assert list(dict.fromkeys(event["id"] for event in events)) == recorded, "I3: out of order"
    data = [by_id[event_id]["data"] for event_id in recorded]
    assert [one["sequence"] for one in data] == list(range(1, len(data) + 1)), "I3: sequence"
    previous = [one["previousStatus"] for one in data]
    assert previous == [None, *(one["status"] for one in data[:-1])], "I3: previous status"
    return len(events) - len(by_id)


def judge_answer(answer: Mapping[str, Any], received: Iterable[Received]) -> None:
    """I1 for whoever asks no more once answered: up to its `sequence` everything is published."""
    published = {message.event["data"]["sequence"] for message in received}
    assert published >= set(range(1, int(answer["sequence"]) + 1)), (
        "I1: an answer came before its messages"
    )


def judge_secrecy(texts: Iterable[str]) -> None:
    """I5, for whatever was stored, sent, answered, raised or logged."""
    everything = "\n".join(texts)
    leaked = [canary for canary in CANARIES if canary in everything]
    assert not leaked, f"I5: {leaked}"
