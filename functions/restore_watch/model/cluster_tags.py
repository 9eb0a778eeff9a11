"""What the tags of a cluster ask for: its own objectives, and how its restores are tested. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from foundation.retention import RETENTION
from restore_watch.model.duration import read_duration
from restore_watch.model.forms_of_fields import atlas_text
from restore_watch.model.objectives import Objectives

RTO_TAG, RPO_TAG = "rto", "rpo"
RESTORE_TEST_TAG = "restore-test"
_KEYS = (RTO_TAG, RPO_TAG, RESTORE_TEST_TAG)

EXEMPT = "exempt"
"""The value of `restore-test` for a cluster that needs no test. A reason may follow a colon."""

LONGEST_OBJECTIVE = timedelta(days=3650)
"""Ten years. A longer objective is mistyped: it would silence that of the stack without a word."""


class UnreadableTag(NamedTuple):
    """A tag whose value is not of the form that was `expected`."""

    key: str
    value: str
    expected: str


class MisspelledTag(NamedTuple):
    """A tag that says nothing, because its key is not quite the one that was `meant`."""

    key: str
    meant: str


@dataclass(frozen=True)
class ClusterTags:
    """
    What a cluster's tags ask for.

    `rto` and `rpo`: None if there is no such tag; zero asks for no objective. `window`: how long a
    good test holds, None if the tag does not say. `exemption`: why it needs no test, which may be
    empty; None if it needs one.

    Tags that say nothing are `unreadable`, `repeated` (the keys that are there more than once), or
    `misspelled`.
    """

    rto: timedelta | None = None
    rpo: timedelta | None = None
    window: timedelta | None = None
    exemption: str | None = None
    unreadable: tuple[UnreadableTag, ...] = ()
    repeated: tuple[str, ...] = ()
    misspelled: tuple[MisspelledTag, ...] = ()

    def objectives(self, of_stack: Objectives) -> Objectives:
        """Return the cluster's objectives: those of its tags, else those of the stack."""
        rto = of_stack.rto if self.rto is None else self.rto
        rpo = of_stack.rpo if self.rpo is None else self.rpo
        return Objectives(rto=rto or None, rpo=rpo or None)


def read_cluster_tags(tags: Mapping[str, str], repeated: Collection[str] = ()) -> ClusterTags:
    """
    Read the tags of a cluster, as Atlas lists them.

    `repeated`: keys that Atlas lists more than once, whose value nobody knows.
    """
    unreadable: list[UnreadableTag] = []
    once = {key: value for key, value in tags.items() if key not in repeated}
    exemption = _exemption(once)
    return ClusterTags(
        rto=_objective(RTO_TAG, once, unreadable),
        rpo=_objective(RPO_TAG, once, unreadable),
        window=_window(once, unreadable) if exemption is None else None,
        exemption=exemption,
        unreadable=tuple(unreadable),
        repeated=tuple(key for key in _KEYS if key in repeated),
        misspelled=tuple(_misspelled(tags)),
    )


def tag_value(value: object) -> str:
    """
    Read the value of a tag as `atlas_text`.

    The reason of an exemption is read alone: `exempt:12/2026` has the form of a URL, as host, port
    and path.
    """
    exempt = f"{EXEMPT}:"
    if isinstance(value, str) and value.startswith(exempt):
        return f"{exempt}{atlas_text(value.removeprefix(exempt))}"
    return atlas_text(value)


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


def _exemption(tags: Mapping[str, str]) -> str | None:
    """Return why the cluster needs no test, "" without a reason; None if it needs one."""
    word, _, reason = tags.get(RESTORE_TEST_TAG, "").partition(":")
    return reason.strip() if word == EXEMPT else None


def _window(tags: Mapping[str, str], unreadable: list[UnreadableTag]) -> timedelta | None:
    """Return the window of a tag, None without one. Note a tag that cannot be read."""
    if RESTORE_TEST_TAG not in tags:
        return None
    value = tags[RESTORE_TEST_TAG]
    window = read_duration(value)
    if window is None or not _is_window(window):
        expected = f"1d to {RETENTION.days}d, {EXEMPT} or {EXEMPT}:<reason>"
        unreadable.append(UnreadableTag(RESTORE_TEST_TAG, value, expected))
        return None
    return window


def _misspelled(tags: Iterable[str]) -> Iterator[MisspelledTag]:
    """Yield the keys that differ from one of ours in case, or by blanks around them."""
    for key in sorted(tags):
        meant = key.strip().casefold()
        if meant in _KEYS and key != meant:
            yield MisspelledTag(key, meant)


def _is_window(window: timedelta) -> bool:
    """Whether it is of whole days, and no longer than the table keeps a restore."""
    return timedelta(days=1) <= window <= RETENTION and window % timedelta(days=1) == timedelta()
