"""What the tags of a cluster ask for: its own objectives, and how its restores are tested. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from foundation.retention import RETENTION
from restore_watch.model.objectives import Objectives

RTO_TAG, RPO_TAG = "rto", "rpo"
RESTORE_TEST_TAG = "restore-test"

EXEMPT = "exempt"
"""The value of `restore-test` for a cluster that needs no test. A reason may follow a colon."""

LONGEST_OBJECTIVE = timedelta(days=3650)
"""Ten years. A longer objective is mistyped: it would silence that of the stack without a word."""

_DURATION = re.compile(r"(?:([0-9]{1,4})d)?(?:([0-9]{1,5})h)?(?:([0-9]{1,6})m)?")


class UnreadableTag(NamedTuple):
    """A tag whose value is not of the form that was `expected`."""

    key: str
    value: str
    expected: str


@dataclass(frozen=True)
class ClusterTags:
    """
    What a cluster's tags ask for.

    `rto` and `rpo`: None if there is no such tag; zero asks for no objective. `window`: how long a
    good test holds, None if the tag does not say. `exemption`: why it needs no test, which may be
    empty; None if it needs one. `unreadable`: tags that say nothing, because nobody can read them.
    """

    rto: timedelta | None = None
    rpo: timedelta | None = None
    window: timedelta | None = None
    exemption: str | None = None
    unreadable: tuple[UnreadableTag, ...] = ()

    def objectives(self, of_stack: Objectives) -> Objectives:
        """Return the cluster's objectives: those of its tags, else those of the stack."""
        rto = of_stack.rto if self.rto is None else self.rto
        rpo = of_stack.rpo if self.rpo is None else self.rpo
        return Objectives(rto=rto or None, rpo=rpo or None)


def read_cluster_tags(tags: Mapping[str, str]) -> ClusterTags:
    """Read the tags of a cluster, as Atlas lists them."""
    unreadable: list[UnreadableTag] = []
    rto = _objective(RTO_TAG, tags, unreadable)
    rpo = _objective(RPO_TAG, tags, unreadable)
    asked = tags.get(RESTORE_TEST_TAG)
    if asked is None:
        return ClusterTags(rto, rpo, unreadable=tuple(unreadable))
    word, _, reason = asked.partition(":")
    if word == EXEMPT:
        return ClusterTags(rto, rpo, exemption=reason.strip(), unreadable=tuple(unreadable))
    window = read_duration(asked)
    if window is None or not _is_window(window):
        expected = f"1d to {RETENTION.days}d, {EXEMPT} or {EXEMPT}:<reason>"
        unreadable.append(UnreadableTag(RESTORE_TEST_TAG, asked, expected))
        window = None
    return ClusterTags(rto, rpo, window, unreadable=tuple(unreadable))


def read_duration(text: str) -> timedelta | None:
    """Read days, hours and minutes, such as `2d`, `4h` or `1d12h`; None for another form."""
    parts = _DURATION.fullmatch(text.strip().lower())
    if parts is None or not any(parts.groups()):
        return None
    days, hours, minutes = (int(part or 0) for part in parts.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)


def _objective(
    key: str, tags: Mapping[str, str], unreadable: list[UnreadableTag]
) -> timedelta | None:
    """Return the objective of a tag, None without one. Note a tag that cannot be read."""
    if key not in tags:
        return None
    value = tags[key]
    if value.strip() == "0":
        return timedelta()
    objective = read_duration(value)
    if not objective or objective > LONGEST_OBJECTIVE:
        longest = f"{LONGEST_OBJECTIVE.days}d"
        expected = f"a time such as 4h, 30m or 1d12h, {longest} at most, or 0 for none"
        unreadable.append(UnreadableTag(key, value, expected))
        return None
    return objective


def _is_window(window: timedelta) -> bool:
    """Whether it is of whole days, and no longer than the table keeps a restore."""
    return timedelta(days=1) <= window <= RETENTION and window % timedelta(days=1) == timedelta()
