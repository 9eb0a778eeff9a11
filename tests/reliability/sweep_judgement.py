"""When a job may leave the index of open jobs, read from its item, from outside."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from reliability.judgement import is_download, recorded_words
from reliability.token_judgement import judge_waits

LINK_GONE = timedelta(hours=1)
LINK_UNKNOWN = timedelta(hours=24)
FORGOTTEN = timedelta(hours=24)


def is_ready(item: Mapping[str, Any]) -> bool:
    """A download that can be fetched, and may still expire or be cancelled."""
    return is_download(item.get("deliveryType")) and item["status"] == "COMPLETED"


def may_have_left(item: Mapping[str, Any] | None, now: datetime) -> bool:
    """Nothing more can come of a ready download."""
    if item is None or not is_ready(item):
        return False
    if "expirationDate" in item:
        return now >= datetime.fromisoformat(item["expirationDate"]) + LINK_GONE
    return now >= datetime.fromisoformat(item["observedAt"]) + LINK_UNKNOWN


def is_forgotten(item: Mapping[str, Any], now: datetime) -> bool:
    """Atlas has not known the job for a day."""
    missing = item.get("missingSince")
    return missing is not None and now >= datetime.fromisoformat(missing) + FORGOTTEN


def judge_index(before: Mapping[str, Any], after: Mapping[str, Any] | None, now: datetime) -> None:
    """F83 and I8, for the same item before and after a sweep: how it left the index, if it did."""
    assert after is not None, "I3: a sweep deletes an item"
    judge_open(after)
    if "openShard" not in before or "openShard" in after:
        return
    is_over = recorded_words(after)[-1].terminal and not is_ready(after)
    assert is_over or may_have_left(after, now) or is_forgotten(before, now), (
        "F83: a job leaves the index of open jobs too early"
    )


def judge_open(item: Mapping[str, Any]) -> None:
    """I8, I1, W3 and W5: a sweep finds what is pending and who waits, and neither expires."""
    is_pending = item["publishedSequence"] < item["sequence"]
    assert "openShard" in item or not is_pending, "I8: a pending change is not in the index"
    assert "expiresAt" not in item or not is_pending, "I1: a pending change expires"
    judge_waits(item)
