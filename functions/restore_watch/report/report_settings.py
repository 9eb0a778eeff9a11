"""Environment variables of the report's function → ReportSettings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from foundation.environment import read_environment
from foundation.errors import ConfigurationError
from restore_watch.report.judging.cluster_state import Policy
from restore_watch.report.period import LONGEST, Schedule
from restore_watch.report.restores.objectives import Objectives
from restore_watch.report.restores.what_a_restore_proves import Rung
from restore_watch.settings import Settings, read_number


@dataclass(frozen=True)
class ReportSettings:
    """The operator's choices for reports, beside those `of_stack`."""

    of_stack: Settings
    bucket: str
    schedule: Schedule
    policy: Policy
    objectives: Objectives

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Raise ConfigurationError that names the missing variables, or the wrong variable."""
        given = read_environment(environment, "REPORT_BUCKET")
        counts = _word(given, "RESTORE_TEST_COUNTS", (Rung.RESTORED, Rung.VERIFIED))
        days = read_number(
            given.get("RESTORE_TEST_DAYS") or "90",
            lambda days: days in range(1, LONGEST.days + 1),
            f"RESTORE_TEST_DAYS: expected whole days from 1 to {LONGEST.days}",
        )
        return cls(
            of_stack=Settings.from_environment(environment),
            bucket=given["REPORT_BUCKET"],
            schedule=Schedule(_word(given, "REPORT", (Schedule.WEEKLY, *Schedule))),
            policy=Policy(Rung(counts), timedelta(days), _tag(given.get("RESTORE_TEST_TAG", ""))),
            objectives=Objectives(_minutes(given, "RTO_MINUTES"), _minutes(given, "RPO_MINUTES")),
        )


def _word(given: Mapping[str, str], name: str, words: Iterable[str]) -> str:
    """The word that is given, the first by default."""
    words = dict.fromkeys(words)
    word = given.get(name) or next(iter(words))
    if word not in words:
        raise ConfigurationError(f"{name}: expected one of {', '.join(words)}")
    return word


def _tag(text: str) -> tuple[str, str] | None:
    key, sign, value = text.partition("=")
    if text and not (key and sign and value):
        raise ConfigurationError("RESTORE_TEST_TAG: expected key=value, such as tier=production")
    return (key, value) if text else None


def _minutes(given: Mapping[str, str], name: str) -> timedelta | None:
    expected = f"{name}: expected a number of minutes, or 0 for none"
    minutes = read_number(given.get(name) or "0", lambda one: 0 <= one < 10**8, expected)
    return timedelta(minutes=minutes) or None
