"""The arguments of `make evidence`, checked before any call. No I/O."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from re import Pattern
from typing import Self

from operate.command_line import read_words
from operate.deployed_stack import DEFAULT_NAME, STACK_NAME
from operate.errors import ArgumentError
from operate.evidence_files import Names
from operate.objectives import Objectives, seconds
from restore_watch.table.stored_fields import RETENTION

_GROUP_ID = re.compile(r"[a-f0-9]{24}")
_CLUSTER_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-]{0,63}")
_TABLE_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}")

_FORMS: dict[str, tuple[Pattern[str], str]] = {
    "STACK": (STACK_NAME, f"the name of a stack, such as {DEFAULT_NAME}"),
    "TABLE": (_TABLE_NAME, "the name of a table, the stack's output TableName"),
    "PROJECT": (_GROUP_ID, "the id of a project, 24 of 0-9 and a-f"),
    "CLUSTER": (_CLUSTER_NAME, "a cluster's letters, digits and hyphens"),
}

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?")

_EXPECTED = "expected a UTC date such as 2026-11-01, or a moment such as 2026-11-01T08:00:00Z"


@dataclass(frozen=True)
class Period:
    """From `start` until before `end`, in UTC."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def notes(self, now: datetime) -> list[str]:
        """Return notes on this period for a reader of the evidence."""
        oldest = now - RETENTION
        notes = []
        if self.start < oldest:
            notes.append(
                f"The table keeps a restore for {RETENTION.days} days after its last change: those "
                f"that began before {oldest:%Y-%m-%d} may be missing."
            )
        if self.end > now:
            notes.append("The period has not ended: more restores may begin in it.")
        return notes


@dataclass(frozen=True)
class EvidenceArguments:
    """
    The arguments of the command.

    `stack` is None if `table` names the table. `rto` and `rpo` are seconds, 0 for none; if they are
    None, the stack's own count.
    """

    period: Period
    names: Names
    stack: str | None
    table: str | None
    group_id: str | None
    cluster_name: str | None
    rto: float | None
    rpo: float | None

    @classmethod
    def read(cls, words: Sequence[str] | None, description: str | None, now: datetime) -> Self:
        """Read the words of the command line. Raises ArgumentError."""
        names = ("from", "to", *map(str.lower, _FORMS), "rto", "rpo", "out")
        read = read_words("evidence", description, words, names)
        given = {name.upper(): text for name, text in read.items()}
        for name, (form, expected) in _FORMS.items():
            text = given[name]
            if text is not None and not form.fullmatch(text):
                raise ArgumentError(name, f"{text[:60]!a} is not {expected}")
        if given["CLUSTER"] and not given["PROJECT"]:
            raise ArgumentError("CLUSTER", "needs PROJECT, because other projects may have one too")
        if given["STACK"] and given["TABLE"]:
            raise ArgumentError("TABLE", "stands in place of STACK; expected one of them")
        return cls(
            period=read_period(given["FROM"], given["TO"], now),
            names=Names.of("evidence" if given["OUT"] is None else given["OUT"]),
            stack=None if given["TABLE"] else given["STACK"] or DEFAULT_NAME,
            table=given["TABLE"],
            group_id=given["PROJECT"],
            cluster_name=given["CLUSTER"],
            rto=_objective("RTO", given["RTO"]),
            rpo=_objective("RPO", given["RPO"]),
        )

    def objectives(self, own: Objectives) -> Objectives:
        """The objectives that count: those that are given, and otherwise the stack's own."""
        return Objectives(
            rto=own.rto if self.rto is None else self.rto or None,
            rpo=own.rpo if self.rpo is None else self.rpo or None,
        )


def _objective(name: str, text: str | None) -> float | None:
    try:
        return None if text is None else seconds(text)
    except ValueError as error:
        raise ArgumentError(name, str(error)) from None


def read_period(since: str | None, until: str | None, now: datetime) -> Period:
    """
    Read FROM and TO. A day as TO is included, a moment is not.

    A moment without an offset is UTC. Raises ArgumentError.
    """
    start, _ = _read("FROM", since)
    end, is_day = _read("TO", until)
    if is_day:
        try:
            end += timedelta(days=1)
        except OverflowError:
            raise ArgumentError("TO", f"{until} is too late") from None
    if start >= end:
        raise ArgumentError("TO", "must be later than FROM")
    if start > now:
        raise ArgumentError("FROM", f"{since} is in the future, so no restore can have begun")
    return Period(start, end)


def _read(name: str, text: str | None) -> tuple[datetime, bool]:
    """Return the moment, and whether it is the beginning of a whole day."""
    if not text:
        raise ArgumentError(name, f"is missing; {_EXPECTED}")
    wrong = ArgumentError(name, f"{text[:60]!a} is not a date; {_EXPECTED}")
    is_day = bool(_DAY.fullmatch(text))
    if not is_day and not _MOMENT.fullmatch(text):
        raise wrong
    try:
        moment = datetime.fromisoformat(text)
        utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong from None
    return utc, is_day
