"""
What Atlas says of a restore job in the course of it, and which of that has to be recorded.

The rules of a status are written here a second time, because a judge must not ask the accused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
ENDS = {"COMPLETED", "FAILED", "CANCELLED", "EXPIRED"}

MOST_UNKNOWN = 14
"""Entries of a history that are unknown words; the last of them is kept for an end."""

_OF_COLLECTIONS = {
    "INITIALIZING": "PENDING",
    "IN_PROGRESS": "RUNNING",
    "FINALIZING": "RUNNING",
    "SUCCESSFUL": "COMPLETED",
    "FAILED": "FAILED",
    "CANCELED": "CANCELLED",
}
_DOWNLOAD = (
    ("cancelled", "CANCELLED"),
    ("failed", "FAILED"),
    ("expired", "EXPIRED"),
    ("download-ready", "COMPLETED"),
    ("finished", "COMPLETED"),
)
_AUTOMATED = (
    ("cancelled", "CANCELLED"),
    ("failed", "FAILED"),
    ("finished", "COMPLETED"),
    ("expired", "EXPIRED"),
)
"""The status of a dedicated restore by the flags that Atlas has set, the first match."""


@dataclass(frozen=True)
class Word:
    """A status at one moment. `word` and `finished` matter for UNKNOWN only."""

    status: str
    word: str | None = None
    finished: bool = False

    @property
    def is_end(self) -> bool:
        return self.status in ENDS or self.finished


def word_of(kind: str, delivery_type: str, steps: Sequence[str]) -> Word:
    """What has to be recorded of an emulated restore that has taken these steps."""
    if kind == "dedicated":
        flags = {flag for step in steps for flag in step.split("+")}
        matches = _DOWNLOAD if is_download(delivery_type) else _AUTOMATED
        return Word(next((status for flag, status in matches if flag in flags), "RUNNING"))
    word = steps[-1].removesuffix("+finished")
    if kind == "collection":
        status = _OF_COLLECTIONS.get(word, "UNKNOWN")
    else:
        status = {"CANCELED": "CANCELLED"}.get(word, word)
    if status in RANK and status != "UNKNOWN":
        return Word(status)
    finished = any(step in {"COMPLETED", "FAILED"} or step.endswith("+finished") for step in steps)
    return Word("UNKNOWN", word, finished)


def is_download(delivery_type: str | None) -> bool:
    """A collection restore has no delivery type."""
    return (delivery_type or "").lower() == "download"


def is_change(history: Sequence[Word], said: Word, *, download: bool) -> bool:
    """True if what Atlas says has to be recorded after this history."""
    if not history:
        return True
    last = history[-1]
    if last.status in ENDS:
        is_ready = download and last.status == "COMPLETED"
        return is_ready and said.status in ENDS - {"COMPLETED"}
    if said.status != "UNKNOWN":
        return RANK[said.status] > RANK[last.status]
    if last.is_end and not said.finished:
        return False
    unknown = [word for word in history if word.status == "UNKNOWN"]
    if said in unknown or len(unknown) >= MOST_UNKNOWN - (not said.finished):
        return False
    return said.finished or said.word not in {word.word for word in unknown}


def recorded(item: Mapping[str, Any]) -> list[Word]:
    """The statuses in the history of an item. A validation has none of its own."""
    return [word_in(entry) for entry in item["history"] if "validation" not in entry]


def word_in(entry: Mapping[str, Any]) -> Word:
    """The status in an entry of a history, in a message or in the answer to a workflow."""
    if entry["status"] != "UNKNOWN":
        return Word(entry["status"])
    return Word("UNKNOWN", entry["atlasStatus"], entry.get("restoreFinishedDate") is not None)


def is_ready(item: Mapping[str, Any]) -> bool:
    """A download that can be fetched, and may still expire or be cancelled."""
    return is_download(item.get("deliveryType")) and item["status"] == "COMPLETED"
