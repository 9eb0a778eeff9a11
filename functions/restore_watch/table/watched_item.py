"""How a project or the stack is seen, as its bookkeeping item has it. Pure."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from restore_watch.model.outage import REMOVED, Trouble, WatchChange, Watched, WatchState
from restore_watch.model.status_change import utc_text
from restore_watch.table.stored_fields import past_moment, present, read_map, read_words

LARGEST_COUNT = 10**15
"""No number of writes, or of open jobs, is larger."""


def watched_as_values(watched: Watched) -> dict[str, Any]:
    """The attributes of how the project is seen; None for an absent value."""
    troubles = {name: _trouble(one) for name, one in watched.troubles.items()}
    return {
        "troubles": troubles or None,
        "failingSince": _moment(watched.failing_since),
        "degraded": _trouble(watched.degraded) if watched.degraded else None,
        "recoveringSince": _moment(watched.recovering_since),
        "lastSuccessAt": _moment(watched.last_success_at),
        "unsent": [_change(one) for one in watched.unsent] or None,
    }


def read_watched(group_id: str | None, values: Mapping[str, Any], now: datetime) -> Watched:
    """Read the attributes of an item. A value that cannot be read counts as absent."""
    stored = read_map(values.get("troubles"))
    read = ((name, _read_trouble(one, now)) for name, one in stored.items())
    troubles = {name: trouble for name, trouble in read if trouble}
    unsent = values.get("unsent")
    unsent = unsent if isinstance(unsent, list) else []
    changes = (_read_change(one, group_id, now) for one in unsent)
    version: Any = values.get("watchVersion")
    is_version = isinstance(version, Decimal) and 1 <= version <= LARGEST_COUNT
    # 1.0.0 stored no `failingSince`.
    first = min((one.since for one in troubles.values()), default=None)
    return Watched(
        group_id=group_id,
        version=version if is_version else 0,
        troubles=troubles,
        failing_since=past_moment(values.get("failingSince"), now) or first,
        degraded=_read_trouble(values.get("degraded"), now),
        recovering_since=past_moment(values.get("recoveringSince"), now),
        last_success_at=past_moment(values.get("lastSuccessAt"), now),
        unsent=tuple(one for one in changes if one),
    )


def _read_trouble(stored: object, now: datetime) -> Trouble | None:
    read = read_map(stored)
    since = past_moment(read.get("since"), now)
    error, message = read_words(read.get("error")), read_words(read.get("message"))
    if since is None or error is None or message is None:
        return None
    return Trouble(since, error, message, read_words(read.get("fix")) or "")


def _read_change(stored: object, group_id: str | None, now: datetime) -> WatchChange | None:
    read = read_map(stored)
    trouble, at = _read_trouble(read, now), past_moment(read.get("at"), now)
    state = {str(one): one for one in WatchState}.get(read_words(read.get("state")) or "")
    if trouble is None or at is None or state is None:
        return None
    jobs: Any = read.get("openJobs")
    is_count = isinstance(jobs, Decimal) and 0 <= jobs <= LARGEST_COUNT
    return WatchChange(
        state=state,
        group_id=group_id,
        trouble=trouble,
        at=at,
        last_success_at=past_moment(read.get("lastSuccessAt"), now),
        open_jobs=int(jobs) if is_count else 0,
        reason=REMOVED if read.get("reason") == REMOVED else None,
    )


def _moment(moment: datetime | None) -> str | None:
    return utc_text(moment) if moment else None


def _trouble(trouble: Trouble) -> dict[str, Any]:
    fields = {"error": trouble.error, "message": trouble.message, "fix": trouble.fix or None}
    return present({"since": utc_text(trouble.since), **fields})


def _change(change: WatchChange) -> dict[str, Any]:
    return present(
        {
            **_trouble(change.trouble),
            "state": change.state,
            "at": utc_text(change.at),
            "lastSuccessAt": _moment(change.last_success_at),
            "openJobs": change.open_jobs,
            "reason": change.reason,
        }
    )
