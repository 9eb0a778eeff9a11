"""How a project or the stack is seen, as its bookkeeping item has it. Pure."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from restore_watch.model.fields import OrNull
from restore_watch.model.outage import Trouble, WatchChange, Watched, WatchState
from restore_watch.model.status_change import utc_text
from restore_watch.table.stored_fields import Moment, Stored, Words, present

LARGEST_VERSION = 10**15
"""No number of writes is larger."""


class _Trouble(Stored):
    since: Moment
    error: Words
    message: Words
    fix: OrNull[Words] = None

    def read(self) -> Trouble:
        return Trouble(self.since, self.error, self.message, self.fix or "")


class _Change(_Trouble):
    state: WatchState
    at: Moment
    last_success_at: OrNull[Moment] = None
    open_jobs: OrNull[int] = None
    reason: OrNull[Literal["removed"]] = None


class _Seen(Stored):
    troubles: OrNull[dict[str, OrNull[_Trouble]]] = None
    failing_since: OrNull[Moment] = None
    degraded: OrNull[_Trouble] = None
    recovering_since: OrNull[Moment] = None
    last_success_at: OrNull[Moment] = None
    unsent: OrNull[tuple[OrNull[_Change], ...]] = None
    watch_version: Any = None


def watched_as_values(watched: Watched) -> dict[str, Any]:
    """The attributes of how the project is seen; None for what is absent."""
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
    """Read the attributes of an item. What cannot be read counts as absent."""
    item = _Seen.model_validate(values, context=now)
    version = item.watch_version
    is_version = isinstance(version, Decimal) and 1 <= version <= LARGEST_VERSION
    troubles = {name: one.read() for name, one in (item.troubles or {}).items() if one}
    # 1.0.0 stored no `failingSince`.
    first = min((one.since for one in troubles.values()), default=None)
    return Watched(
        group_id=group_id,
        version=version if is_version else 0,
        troubles=troubles,
        failing_since=item.failing_since or first,
        degraded=item.degraded.read() if item.degraded else None,
        recovering_since=item.recovering_since,
        last_success_at=item.last_success_at,
        unsent=tuple(
            WatchChange(
                state=one.state,
                group_id=group_id,
                trouble=one.read(),
                at=one.at,
                last_success_at=one.last_success_at,
                open_jobs=one.open_jobs or 0,
                reason=one.reason,
            )
            for one in item.unsent or ()
            if one
        ),
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
