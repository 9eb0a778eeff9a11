"""Environment variables of the report's function → ReportSettings."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, PlainValidator

from foundation.environment import FromEnvironment, number_in, word_of
from foundation.outside import unreadable
from restore_watch.model.cluster_tags import tag_value
from restore_watch.model.forms_of_fields import atlas_text
from restore_watch.model.objectives import Objectives
from restore_watch.report.judging.policy import Policy
from restore_watch.report.period import LONGEST, Schedule
from restore_watch.report.restores.what_a_restore_proves import Rung
from restore_watch.settings import Minutes, Settings, objective_of


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
        read = _Variables.of(environment)
        return cls(
            of_stack=Settings.from_environment(environment),
            bucket=read.bucket,
            schedule=read.schedule,
            policy=Policy(
                counts=read.counts,
                window=timedelta(days=read.days),
                required_tag=read.tag,
            ),
            objectives=Objectives(
                rto=objective_of(read.rto_minutes),
                rpo=objective_of(read.rpo_minutes),
            ),
        )


def _tag(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not (key and sign and value):
        raise unreadable("expected key=value, such as tier=production")
    # As the tags of a cluster are read, so that a value that looks like an address is found, too.
    return atlas_text(key), tag_value(value)


def _is_window(days: float) -> bool:
    """Whether these are whole days, and no more than the longest period of a report."""
    return days.is_integer() and 1 <= days <= LONGEST.days


_Counts = Annotated[Rung, word_of((Rung.RESTORED, Rung.MEASURED, Rung.VERIFIED))]
_Days = Annotated[float, number_in(_is_window, f"expected whole days from 1 to {LONGEST.days}")]
_Schedule = Annotated[Schedule, word_of(Schedule)]
_Tag = Annotated[tuple[str, str] | None, PlainValidator(_tag)]


class _Variables(FromEnvironment):
    bucket: str = Field(alias="REPORT_BUCKET")
    counts: _Counts = Field(default=Rung.RESTORED, alias="RESTORE_TEST_COUNTS")
    days: _Days = Field(default=90, alias="RESTORE_TEST_DAYS")
    schedule: _Schedule = Field(default=Schedule.WEEKLY, alias="REPORT")
    tag: _Tag = Field(default=None, alias="RESTORE_TEST_TAG")
    rto_minutes: Minutes = Field(default=0, alias="RTO_MINUTES")
    rpo_minutes: Minutes = Field(default=0, alias="RPO_MINUTES")
