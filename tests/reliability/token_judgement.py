"""
What a workflow has to be told about a restore job, read from the job's item, from outside.

The rules are written here a second time, because a judge must not ask the accused.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from local_stack.stack import Received
from reliability.judgement import RANK, Word, change_ids, is_download, published_ids, recorded_words

SUCCESS = "success"
NOT_FOLLOWED = "RestoreNotFollowed"

WAITS_LIMIT = 20

_UNDER_WAY = ("PENDING", "QUEUED", "RUNNING")
_ERRORS = {
    "COMPLETED": "RestoreCompleted",
    "FAILED": "RestoreFailed",
    "CANCELLED": "RestoreCancelled",
    "EXPIRED": "RestoreExpired",
    "UNKNOWN": "RestoreEndedUnknown",
}

type Waits = list[tuple[str, str]]
"""What each workflow waits for, and its token."""


def answer_to(until: str, words: Sequence[Word], *, download: bool) -> str | None:
    """What a workflow has to be told after this history: SUCCESS or an error; None: it waits on."""
    last = words[-1]
    is_ready = download and last.status == "COMPLETED"
    match until:
        case "ended":
            is_reached = last.status == "COMPLETED"
        case "download-ready":
            is_reached = is_ready
        case _ if until in _UNDER_WAY:
            was_there = until in {word.status for word in words} or RANK[last.status] > RANK[until]
            is_reached = was_there and (not last.terminal or last.status == "COMPLETED")
        case _:
            is_reached = last.status == until
    if is_reached:
        return SUCCESS
    return _ERRORS[last.status] if last.terminal and not is_ready else None


def word_in(told: Mapping[str, Any]) -> Word:
    """The status of a job, as a workflow is told of it."""
    if told["status"] != "UNKNOWN":
        return Word(told["status"])
    return Word("UNKNOWN", told["atlasStatus"], told.get("restoreFinishedDate") is not None)


def waits_of(item: Mapping[str, Any] | None) -> Waits:
    """The workflows that wait for a job."""
    texts = sorted(item.get("waiting", ())) if item else ()
    return [(until, token) for until, _, token in (text.partition(" ") for text in texts)]


def due_of(item: Mapping[str, Any] | None) -> list[str]:
    """What those wait for whose wait is over."""
    return [until for until, _ in waits_of(item) if item and _answer_now(until, item)]


def judge_waits(item: Mapping[str, Any]) -> None:
    """W3 and W5, for an item at any moment: nobody who waits is lost sight of."""
    waits = waits_of(item)
    assert len(waits) <= WAITS_LIMIT, "W7: more workflows wait for a job than may"
    assert not waits or "openShard" in item, "W5: a job for which a workflow waits is not followed"
    assert not waits or "expiresAt" not in item, "W5: a job for which a workflow waits expires"
    is_seen = "unansweredSince" in item or item["publishedSequence"] < item["sequence"]
    assert is_seen or not due_of(item), "W3: no sweep sees that a workflow is due an answer"


def judge_answer_sent(
    until: Iterable[str],
    answer: str,
    word: Word,
    items: Iterable[Mapping[str, Any]],
    received: Iterable[Received],
) -> None:
    """
    W2 and W9, for an answer as it is sent: it is true, and what it says was published before.

    `items` is what the sender may know of the job, which is as `word` says in the answer.
    """
    published = set(published_ids(received))
    is_true = False
    for item in items:
        words, download = recorded_words(item), is_download(item.get("deliveryType"))
        for count in range(1, len(words) + 1):
            told = {answer_to(one, words[:count], download=download) for one in until}
            if words[count - 1] != word or answer not in told:
                continue
            is_true = True
            if set(change_ids(item)[: _place(item, count)]) <= published:
                return
    assert is_true, f"W9: a workflow that waits for {until} is told {answer} of {word}"
    raise AssertionError("W2: a workflow is answered before the change is published")


def judge_left(until: Iterable[str], item: Mapping[str, Any], *, is_given_up: bool) -> None:
    """W9, for a workflow that is told that nobody follows its job, which is stored as `item`."""
    assert is_given_up, "W9: a workflow is told that its job is not followed, and it is"
    assert item["publishedSequence"] == item["sequence"], (
        "W2: a workflow is told that its job is not followed while a change is pending"
    )
    assert not all(_answer_now(one, item) for one in until), (
        "W9: a workflow is told that its job is not followed, and its wait is over"
    )


def may_be_given_up(item: Mapping[str, Any], now: datetime) -> bool:
    """F96: whether an answer that is refused now may have been due for seven days."""
    day = timedelta(days=1)
    due = {"unansweredSince": 7 * day, "missingSince": 8 * day}
    if is_download(item.get("deliveryType")) and item["status"] == "COMPLETED":
        due["expirationDate" if "expirationDate" in item else "observedAt"] = 8 * day
    return any(
        name in item and now - datetime.fromisoformat(item[name]) >= age
        for name, age in due.items()
    )


def _answer_now(until: str, item: Mapping[str, Any]) -> str | None:
    download = is_download(item.get("deliveryType"))
    return answer_to(until, recorded_words(item), download=download)


def _place(item: Mapping[str, Any], count: int) -> int:
    """How many entries the history had when so many statuses were recorded."""
    places = [n for n, entry in enumerate(item["history"], 1) if "validation" not in entry]
    return places[count - 1]
