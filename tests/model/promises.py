"""
What must hold, read from outside: from the table and from a subscriber's queue.

The names of the promises are those of `docs/reliability.md`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from local_stack.canaries import CANARIES, CANARY_TASK_TOKEN, SECRET_MASK
from local_stack.stack import Received
from model.said import ENDS, RANK, Word, is_change, is_download, is_ready, recorded, word_in

type Item = Mapping[str, Any]

MOST_VALIDATIONS = 20
MOST_WAITS = 20

SUCCESS = "success"
NOT_FOLLOWED = "RestoreNotFollowed"
_ERRORS = {
    "COMPLETED": "RestoreCompleted",
    "FAILED": "RestoreFailed",
    "CANCELLED": "RestoreCancelled",
    "EXPIRED": "RestoreExpired",
    "UNKNOWN": "RestoreEndedUnknown",
}


# An item at any moment


def judge_item(item: Item, said: Iterable[Word]) -> None:
    """`said` is everything that Atlas ever said of the job."""
    words, download = recorded(item), is_download(item.get("deliveryType"))
    assert item["sequence"] == len(item["history"]), "I3: what is recorded is not in the history"
    assert word_in(item) == words[-1], "I3: the state is not the last recorded change"
    assert set(words) <= set(said), f"I3: Atlas never said one of {words}"
    for number, word in enumerate(words):
        is_next = is_change(words[:number], word, download=download)
        assert is_next, f"I3: a status regressed or was recorded twice: {words}"
    entries = [entry for entry in item["history"] if "validation" not in entry]
    for entry, word in zip(entries, words, strict=True):
        succeeded = word.status == "COMPLETED" if word.status in ENDS else None
        assert entry["terminal"] == word.is_end, "I3: an end is not recorded as an end"
        assert entry.get("succeeded") == succeeded, "I3: a failure is recorded as a success"
        is_offered = download and word.status == "COMPLETED"
        assert is_offered or not entry["downloadAvailable"], "I3: a gone download is offered"
    assert len(item["history"]) - len(words) <= MOST_VALIDATIONS, "I3: too many validations"
    _judge_reach(item)


def _judge_reach(item: Item) -> None:
    """A sweep finds what is pending and who waits, and neither expires."""
    is_pending = item["publishedSequence"] < item["sequence"]
    waits = waits_of(item)
    for what in (is_pending and "a pending change", waits and "a workflow that waits"):
        assert not what or "openShard" in item, f"I8, W5: {what} is not in the index"
        assert not what or "expiresAt" not in item, f"I1, W5: {what} expires"
    assert len(waits) <= MOST_WAITS, "W7: more workflows wait for a job than may"
    is_seen = "unansweredSince" in item or is_pending
    assert is_seen or not due_of(item), "W3: no sweep sees that a workflow is due an answer"


def judge_left(before: Item, after: Item, now: datetime) -> None:
    """F83: a job does not leave the index of open jobs while something may come of it."""
    if "openShard" not in before or "openShard" in after:
        return
    is_over = recorded(after)[-1].is_end and not is_ready(after)
    is_left = may_have_left(after, now) or is_forgotten(before, now)
    assert is_over or is_left, "F83: a job leaves the index of open jobs too early"


def may_have_left(item: Item, now: datetime) -> bool:
    """Nothing more comes of a ready download."""
    if not is_ready(item):
        return False
    if "expirationDate" in item:
        return now >= _moment(item["expirationDate"]) + timedelta(hours=1)
    return now >= _moment(item["observedAt"]) + timedelta(hours=24)


def is_forgotten(item: Item, now: datetime) -> bool:
    """Atlas has not known the job for a day."""
    return "missingSince" in item and now >= _moment(item["missingSince"]) + timedelta(hours=24)


def judge_done(item: Item | None, last: Word, now: datetime) -> None:
    """I4, after a check that succeeded while nothing else happened."""
    assert item is not None, "I4: a job is not recorded"
    words, download = recorded(item), is_download(item.get("deliveryType"))
    is_missed = is_change(words, last, download=download)
    assert not is_missed, f"I4: {last}, Atlas's last word, is not in {words}"
    assert item["publishedSequence"] == item["sequence"], "I4: a change is still pending"
    has_waits, is_open = "waiting" in item, "openShard" in item
    is_to_be_open = not words[-1].is_end or is_ready(item) or has_waits
    has_left = not is_open and may_have_left(item, now)
    assert is_open == is_to_be_open or has_left, "I4: the index and the state disagree"
    assert ("expiresAt" in item) == (words[-1].is_end and not has_waits), "I4: the retention"


# Messages


def changes_of(item: Item) -> list[tuple[str, str]]:
    """The id and the time of the message of each recorded change and validation."""
    return [
        (_id(item["restoreId"], entry, number), entry["observedAt"])
        for number, entry in enumerate(item["history"], start=1)
    ]


def _id(restore_id: str, entry: Item, number: int) -> str:
    if "validation" in entry:
        return f"{restore_id}:VALIDATION:{number}"
    word = word_in(entry)
    parts = [restore_id, word.status]
    if word.status == "UNKNOWN":
        parts += [word.word or "", *(["ENDED"] if word.finished else [])]
    return ":".join(parts)


def sent(received: Iterable[Received]) -> list[tuple[str, str]]:
    """The id and the time of each message, in the order of arrival."""
    return [(message.event["id"], message.event["time"]) for message in received]


def pending(item: Item | None) -> set[tuple[str, str]]:
    """The changes of an item that are not known to be published."""
    return set(changes_of(item)[int(item["publishedSequence"]) :]) if item else set()


def judge_messages(
    deleted: Sequence[Item], item: Item | None, received: Sequence[Received]
) -> None:
    """I1 to I3, for all messages of a job. `deleted` are its items as they were then."""
    items = [*deleted, *([item] if item else [])]
    known = {change for one in items for change in changes_of(one)}
    for message in sent(received):
        assert message[0] in {event_id for event_id, _ in known}, (
            "I1: a message was published for a change that is not recorded"
        )
        assert message in known, "I2: one change has two messages that differ"
    for one in items:
        promised = len(one["history"]) if one is item else int(one["publishedSequence"])
        _judge_generation(one, received, promised)


def _judge_generation(item: Item, received: Sequence[Received], promised: int) -> None:
    """The messages of one item, from its first recording to its deletion."""
    changes = changes_of(item)
    by_id: dict[str, Any] = {}
    for message in received:
        if sent([message])[0] in changes:
            known = by_id.setdefault(message.event["id"], message.event)
            assert known == message.event, "I2: two messages with one id differ"
    assert len(by_id) >= promised, "I1: a recorded change was not published"
    assert list(by_id) == [change[0] for change in changes[: len(by_id)]], "I3: out of order"
    previous = None
    for number, event in enumerate(by_id.values(), start=1):
        assert event["data"]["sequence"] == number, "I3: sequence"
        if "validation" not in event["data"]:
            assert event["data"]["previousStatus"] == previous, "I3: previous status"
            previous = event["data"]["status"]


def judge_watch(subject: str, received: Sequence[Received]) -> str | None:
    """F78: degraded and recovered alternate, each under its id. Return the moment of an outage."""
    since: str | None = None
    by_id: dict[str, Any] = {}
    for message in received:
        event = message.event
        known = by_id.setdefault(event["id"], event)
        assert known == event, "F78: two messages of the watch with one id differ"
    for event in by_id.values():
        state = "recovered" if since else "degraded"
        assert event["type"] == f"atlas-restore-watch.watch-{state}.v1", "F78: not in turn"
        assert since in {None, event["data"]["since"]}, "F78: a recovery names another outage"
        assert event["id"] == f"{subject}:{state}:{event['data']['since']}", "F78: id"
        since = None if since else event["data"]["since"]
    return since


# Workflows that wait


def waits_of(item: Item | None) -> list[tuple[str, str]]:
    """What each workflow waits for, and its token."""
    texts = sorted(item.get("waiting", ())) if item else ()
    return [(until, token) for until, _, token in (text.partition(" ") for text in texts)]


def due_of(item: Item | None) -> list[str]:
    """What those wait for whose wait is over."""
    if item is None:
        return []
    words, download = recorded(item), is_download(item.get("deliveryType"))
    return [until for until, _ in waits_of(item) if answer_to(until, words, download=download)]


def answer_to(until: str, words: Sequence[Word], *, download: bool) -> str | None:
    """What a workflow has to be told after this history; None: it waits on."""
    last = words[-1]
    ready = download and last.status == "COMPLETED"
    match until:
        case "ended":
            is_reached = last.status == "COMPLETED"
        case "download-ready":
            is_reached = ready
        case "PENDING" | "QUEUED" | "RUNNING":
            was_there = until in {word.status for word in words} or RANK[last.status] > RANK[until]
            is_reached = was_there and (not last.is_end or last.status == "COMPLETED")
        case _:
            is_reached = last.status == until
    if is_reached:
        return SUCCESS
    return _ERRORS[last.status] if last.is_end and not ready else None


def judge_told(
    wishes: Iterable[str],
    answer: str,
    told: Word,
    items: Iterable[Item],
    received: Iterable[Received],
) -> None:
    """W2 and W9: the answer is true, and what it says was published before."""
    published, is_true = set(sent(received)), False
    for item in items:
        words, download = recorded(item), is_download(item.get("deliveryType"))
        places = [n for n, entry in enumerate(item["history"], 1) if "validation" not in entry]
        for count, place in enumerate(places, start=1):
            answers = {answer_to(one, words[:count], download=download) for one in wishes}
            if words[count - 1] != told or answer not in answers:
                continue
            is_true = True
            if set(changes_of(item)[:place]) <= published:
                return
    assert is_true, f"W9: a workflow that waits for {set(wishes)} is told {answer} of {told}"
    raise AssertionError("W2: a workflow is answered before the change is published")


def may_be_given_up(item: Item, now: datetime) -> bool:
    """F96: an answer that Step Functions refuses may have been due for seven days."""
    due = {"unansweredSince": 7, "missingSince": 8}
    if is_ready(item):
        due["expirationDate" if "expirationDate" in item else "observedAt"] = 8
    return any(
        name in item and now - _moment(item[name]) >= timedelta(days=days)
        for name, days in due.items()
    )


# Everything


def judge_secrecy(*texts: str) -> None:
    """I5, for everything that was stored, sent, answered, raised or logged."""
    everything = "\n".join(texts)
    leaked = [one for one in (*CANARIES, SECRET_MASK, CANARY_TASK_TOKEN) if one in everything]
    assert not leaked, f"I5: {leaked}"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
