"""
What must hold once everything works again, read from outside: the table and a subscriber's queue.

The rules of a status are written here a second time, because a judge must not ask the accused.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local_stack.canaries import CANARIES, CANARY_TASK_TOKEN
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
_OF_COLLECTIONS = {
    "INITIALIZING": "PENDING",
    "IN_PROGRESS": "RUNNING",
    "FINALIZING": "RUNNING",
    "SUCCESSFUL": "COMPLETED",
    "FAILED": "FAILED",
    "CANCELED": "CANCELLED",
}
"""The status of a collection restore by its state; of any other state, UNKNOWN."""

UNKNOWN_LIMIT = 14
"""Entries of a history, the last of which is kept for an end."""

VALIDATIONS_LIMIT = 20

_FIRST_MATCH = {
    True: (
        ("cancelled", "CANCELLED"),
        ("failed", "FAILED"),
        ("expired", "EXPIRED"),
        ("download-ready", "COMPLETED"),
        ("finished", "COMPLETED"),
    ),
    False: (
        ("cancelled", "CANCELLED"),
        ("failed", "FAILED"),
        ("finished", "COMPLETED"),
        ("expired", "EXPIRED"),
    ),
}
"""The status of a dedicated download, and of any other dedicated job, by what Atlas has set."""


@dataclass(frozen=True)
class Word:
    """What Atlas says about a job at one moment. `word` and `finished` matter for UNKNOWN only."""

    status: str
    word: str | None = None
    finished: bool = False

    @property
    def terminal(self) -> bool:
        return self.status in ENDS or self.finished


def word_of(kind: str, delivery_type: str, steps: Sequence[str]) -> Word:
    """What has to be recorded for an emulated restore that took these steps."""
    if kind == "dedicated":
        seen = {part for step in steps for part in step.split("+")}
        matches = _FIRST_MATCH[is_download(delivery_type)]
        return Word(next((status for part, status in matches if part in seen), "RUNNING"))
    said = steps[-1].removesuffix("+finished")
    if kind == "collection":
        status = _OF_COLLECTIONS.get(said, "UNKNOWN")
    else:
        status = "CANCELLED" if said == "CANCELED" else said
    if status in RANK and status != "UNKNOWN":
        return Word(status)
    finished = any(step in {"COMPLETED", "FAILED"} or step.endswith("+finished") for step in steps)
    return Word("UNKNOWN", said, finished)


def is_download(delivery_type: str | None) -> bool:
    """A collection restore has no delivery type."""
    return (delivery_type or "").lower() == "download"


def is_change(history: Sequence[Word], said: Word, *, download: bool) -> bool:
    """What Atlas says has to be recorded after this history."""
    if not history:
        return True
    last = history[-1].status
    if last in ENDS:
        replaces_ready = said.status in ENDS and said.status != "COMPLETED"
        return download and last == "COMPLETED" and replaces_ready
    if said.status != "UNKNOWN":
        return RANK[said.status] > RANK[last]
    if history[-1].terminal and not said.finished:
        return False
    unknown = [word for word in history if word.status == "UNKNOWN"]
    if said in unknown or len(unknown) >= UNKNOWN_LIMIT - (not said.finished):
        return False
    return said.finished or said.word not in {word.word for word in unknown}


def recorded_words(item: Mapping[str, Any]) -> list[Word]:
    """The statuses of an item's history, in the judge's words."""
    return [_recorded(entry) for entry in _statuses(item)]


def _statuses(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [entry for entry in item["history"] if "validation" not in entry]


def _recorded(entry: Mapping[str, Any]) -> Word:
    if entry["status"] != "UNKNOWN":
        return Word(entry["status"])
    return Word("UNKNOWN", entry["atlasStatus"], "restoreFinishedDate" in entry)


def judge_history(item: Mapping[str, Any], said: Iterable[Word]) -> None:
    """I3, for an item at any moment; `said` is everything that Atlas ever said."""
    words = recorded_words(item)
    download = is_download(item.get("deliveryType"))
    assert item["sequence"] == len(item["history"]), "I3: what is recorded is not in the history"
    assert _recorded(item) == words[-1], "I3: the state is not the last recorded change"
    assert set(words) <= set(said), "I3: a status was recorded that Atlas never said"
    for number, word in enumerate(words):
        assert is_change(words[:number], word, download=download), (
            f"I3: a status regressed: {words}"
        )
    _judge_validations(item)
    for entry, word in zip(_statuses(item), words, strict=True):
        succeeded = word.status == "COMPLETED" if word.status in ENDS else None
        assert entry["terminal"] == word.terminal, "I3: an end is not recorded as an end"
        assert entry.get("succeeded") == succeeded, "I3: a failure is recorded as a success"
        ready = download and word.status == "COMPLETED"
        assert ready or not entry["downloadAvailable"], "I3: a download that is gone is offered"


def _judge_validations(item: Mapping[str, Any]) -> None:
    """A validation keeps the state that the job has, and there are not too many."""
    last = None
    for entry in item["history"]:
        if "validation" in entry:
            assert _recorded(entry) == last, "I3: a validation changes the status"
        else:
            last = _recorded(entry)
    validations = len(item["history"]) - len(_statuses(item))
    assert validations <= VALIDATIONS_LIMIT, "I3: more validations than are kept"


def judge_validation(
    answer: Mapping[str, Any], item: Mapping[str, Any], received: Iterable[Received]
) -> None:
    """What a pipeline was told about its validation is in the history, and was published."""
    number = int(answer["sequence"])
    entry = item["history"][number - 1]
    found = {name: one for name, one in answer["validation"].items() if one is not None}
    assert entry.get("validation") == found, "I3: an answer names a validation that is not recorded"
    assert change_ids(item)[number - 1] in published_ids(received), (
        "I1: an answer came before the message of its validation"
    )
    before = {one["status"] for one in item["history"][: number - 1]}
    assert found["verdict"] != "PASSED" or "COMPLETED" in before, (
        "F97: the data of a restore passed that has not completed"
    )


def judge_done(item: Mapping[str, Any] | None, last: Word, *, may_have_left: bool = False) -> None:
    """
    I4, for a job whose check succeeded with no other check beside it.

    A ready download `may_have_left` the index of open jobs.
    """
    assert item is not None, "I4: a job is not recorded"
    words = recorded_words(item)
    assert item["publishedSequence"] == item["sequence"], "I4: a change is still pending"
    download = is_download(item.get("deliveryType"))
    assert not is_change(words, last, download=download), (
        f"I4: not Atlas's last word {last}: {words}"
    )
    ready = download and words[-1].status == "COMPLETED"
    is_open, has_waits = "openShard" in item, "waiting" in item
    is_to_be_open = not words[-1].terminal or ready or has_waits
    assert is_open == is_to_be_open or (may_have_left and not is_open), (
        "I4: the index of open jobs and the state disagree"
    )
    is_to_expire = words[-1].terminal and not has_waits
    assert ("expiresAt" in item) == is_to_expire, "I4: the retention and the state disagree"


def change_ids(item: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The id and the time of each recorded change and validation."""
    return [
        (_event_id(item["restoreId"], entry, number), entry["observedAt"])
        for number, entry in enumerate(item["history"], start=1)
    ]


def _event_id(restore_id: str, entry: Mapping[str, Any], number: int) -> str:
    if "validation" in entry:
        return f"{restore_id}:VALIDATION:{number}"
    word = _recorded(entry)
    parts = [restore_id, word.status]
    if word.status == "UNKNOWN":
        parts += [word.word or "", *(["ENDED"] if word.finished else [])]
    return ":".join(parts)


def published_ids(received: Iterable[Received]) -> list[tuple[str, str]]:
    """The id and the time of each message, in the order of arrival."""
    return [(message.event["id"], message.event["time"]) for message in received]


def judge_messages(
    deleted: Sequence[Mapping[str, Any]],
    item: Mapping[str, Any] | None,
    received: Sequence[Received],
) -> int:
    """
    I1 to I3, for all messages of a job in the order of their arrival; count the duplicates.

    `deleted` are the job's items as they were when they were deleted.
    """
    items = [*deleted, *([item] if item else [])]
    recorded = {change for one in items for change in change_ids(one)}
    ids = {event_id for event_id, _ in recorded}
    for event_id, time in published_ids(received):
        assert event_id in ids, "I1: a message was published for a change that is not recorded"
        assert (event_id, time) in recorded, "I2: one change has two messages that differ"
    unique = 0
    for one in items:
        is_deleted = one is not item
        promised = int(one["publishedSequence"]) if is_deleted else len(one["history"])
        unique += _judge_generation(one, received, promised)
    return len(received) - unique


def _judge_generation(item: Mapping[str, Any], received: Sequence[Received], promised: int) -> int:
    """The messages of one item, from its first recording to its deletion; count the changes."""
    recorded = change_ids(item)
    own = [message.event for message in received if published_ids([message])[0] in recorded]
    by_id = {event["id"]: event for event in own}
    assert all(event == by_id[event["id"]] for event in own), "I2: two messages with one id differ"
    order = [event["id"] for event in by_id.values()]
    assert len(order) >= promised, "I1: a recorded change was not published"
    assert order == [event_id for event_id, _ in recorded[: len(order)]], "I3: out of order"
    previous = None
    for number, event in enumerate(by_id.values(), start=1):
        assert event["data"]["sequence"] == number, "I3: sequence"
        if "validation" in event["data"]:
            continue
        assert event["data"]["previousStatus"] == previous, "I3: previous status"
        previous = event["data"]["status"]
    return len(order)


def judge_answer(
    answer: Mapping[str, Any], item: Mapping[str, Any], received: Iterable[Received]
) -> None:
    """I1 for a caller that asks no more once answered: all up to `sequence` is published."""
    promised = change_ids(item)[: int(answer["sequence"])]
    assert set(promised) <= set(published_ids(received)), "I1: an answer came before its messages"


def pending_ids(item: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """The changes of an item that are not known to be published."""
    return change_ids(item)[int(item["publishedSequence"]) :] if item else []


def judge_published(pending: Iterable[tuple[str, str]], received: Iterable[Received]) -> None:
    """I8: what was pending when a check began, after its end."""
    assert set(pending) <= set(published_ids(received)), (
        "I8: a check ended and left a change unpublished that was recorded before it began"
    )


def judge_secrecy(texts: Iterable[str]) -> None:
    """I5, for everything that was stored, sent, answered, raised or logged."""
    everything = "\n".join(texts)
    leaked = [one for one in (*CANARIES, CANARY_TASK_TOKEN) if one in everything]
    assert not leaked, f"I5: {leaked}"
