"""
What must hold of the projects that sweeps watch, read from outside: marks, and the watch's words.

The rules are written here a second time, because a judge must not ask the accused.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

PARTITION = "sweeps"
STACK = "stack"
PROJECT = "project/"

MARGIN = timedelta(minutes=60)
FIRST_MARK = timedelta(hours=1)
OLDEST = timedelta(days=7)
AHEAD = timedelta(minutes=10)

CLUSTER_LISTS = {
    "flex": "flex_clusters",
    "dedicated": "dedicated_clusters",
    "collection": "dedicated_clusters",
}

TICKS = timedelta(seconds=2)
"""What the clock may move on by between Atlas's answer and a look at it."""

WATCH_TYPES = {
    "atlas-restore-watch.watch-degraded.v1": "degraded",
    "atlas-restore-watch.watch-recovered.v1": "recovered",
}

_SCHEMA = Path(__file__).parents[2] / "events" / "watch-changed.schema.json"


@dataclass(frozen=True)
class Bookkept:
    """
    An item of the bookkeeping: a project's marks and how it is seen; the stack has no marks.

    It `lies_ahead` if the stored mark of the whole project does, so that none is believed.
    """

    first: datetime | None
    whole: datetime | None
    behind: Mapping[str, datetime]
    fails: bool
    unsent: int
    lies_ahead: bool = False

    def mark_of(self, part: str) -> datetime | None:
        """The mark of `kind/cluster`, or of a whole `kind`."""
        known = (self.behind.get(part), self.behind.get(part.partition("/")[0]), self.whole)
        return min((mark for mark in known if mark is not None), default=None)

    def reaches(self, part: str, created_at: datetime) -> bool:
        """The next listing takes a job that was created then, and under way at the first one."""
        if self.first is None:
            return False
        mark = self.mark_of(part)
        if self.whole is None or mark is None:
            # It is not believed, so the next listing goes back by seven days.
            return True
        is_first = mark <= self.first and created_at >= self.first + FIRST_MARK - OLDEST
        return is_first or created_at >= mark - MARGIN


def bookkept(item: Mapping[str, Any], latest: datetime) -> Bookkept:
    """What is written by hand, cannot be read or lies ahead, counts as absent."""

    def moment(text: Any) -> datetime | None:
        read = _moment(text)
        return read if read is not None and read <= latest + AHEAD else None

    whole, behind = moment(item.get("mark")), item.get("behind")
    marks = {part: moment(at) for part, at in behind.items()} if isinstance(behind, dict) else {}
    return Bookkept(
        first=moment(item.get("firstMark")),
        whole=whole,
        behind={part: mark for part, mark in marks.items() if mark is not None},
        fails=bool(item.get("troubles") or item.get("degraded")),
        unsent=len(item.get("unsent", ())),
        lies_ahead=whole != _moment(item.get("mark")),
    )


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def judge_forward(before: Bookkept, after: Bookkept | None) -> None:
    """F80: marks only move forward."""
    assert after is not None, "F80: a project is forgotten"
    if before.whole is None:
        return
    is_same = before.first is None or after.first == before.first
    assert is_same, "F80: the first mark of a project moves"
    for part in ("", *before.behind, *after.behind):
        old, new = before.mark_of(part), after.mark_of(part)
        assert old is not None
        assert new is not None, "F80: a project has no marks any more"
        assert new >= old, f"F80: the mark of {part or 'a project'} moves back"


def judge_unread(
    before: Bookkept, after: Bookkept, unread: Collection[str], *, is_lost: bool
) -> None:
    """F76 and F81: what could not be read keeps its mark. One that `is_lost` may go back."""
    for part in unread:
        old, new = before.mark_of(part), after.mark_of(part)
        goes_back = is_lost and old is not None and new is not None and new <= old
        assert new == old or goes_back, f"F81: the mark of {part}, which was not read, moves"


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(_SCHEMA.read_text()))


def judge_watch_messages(events: Sequence[Mapping[str, Any]], *, is_seen: bool) -> int:
    """
    F78, for all messages about one subject in the order of their arrival; count the changes.

    If it `is_seen` in the end, the last one says so.
    """
    by_id: dict[str, Mapping[str, Any]] = {}
    for event in events:
        _validator().validate(event)
        known = by_id.setdefault(event["id"], event)
        assert event == known, "F78: two messages of the watch with one id differ"
    since: str | None = None
    for event in by_id.values():
        state = WATCH_TYPES[event["type"]]
        expected = "recovered" if since else "degraded"
        assert state == expected, f"F78: degraded and recovered do not alternate: {list(by_id)}"
        is_same = since is None or event["data"]["since"] == since
        assert is_same, "F78: a recovery names another outage"
        assert event["id"] == f"{event['subject']}:{state}:{event['data']['since']}", "F78: id"
        since = None if since else event["data"]["since"]
    assert since is None or not is_seen, "F78: what works again is still degraded"
    return len(by_id)
