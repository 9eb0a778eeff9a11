"""
What a measurement says: whether the target of a restore has the data of its source. Pure.

A measurement stands beside the verdicts of pipelines, and is never one of them. It names databases,
and no collection. It is an entry of the job's history, as a validation is, and a job has one at
most.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StrictBool, StrictInt, StrictStr

from foundation.outside import FromOutside, UtcDate
from restore_watch.model.forms_of_fields import AtlasText

DATABASES_NAMED = 10
"""A measurement names this many databases that differ at most, and counts the others."""


LARGEST = 10**18
"""No database or collection has more of anything."""


class Outcome(StrEnum):
    """The outcome of a measurement. MATCHES is said only if every compared database matches."""

    MATCHES = "matches"
    DIFFERS = "differs"
    NOT_MEASURED = "not measured"


class WhyNotMeasured(StrEnum):
    """Why a restore was not measured, as words that follow a colon."""

    NOT_COMPLETED = "the restore did not complete"
    DOWNLOAD = "a download writes into no cluster"
    FLEX = "Atlas has no figures of Flex clusters and free clusters"
    POINT_IN_TIME = "the data are of a point in time after the snapshot"
    UNKNOWN_DELIVERY = "Atlas does not say that the whole cluster was restored"
    NO_TARGET = "Atlas does not say into which cluster"
    OVERWRITTEN = "the restore wrote over its source, whose databases are not listed any more"
    NO_SNAPSHOT_DATE = "Atlas does not say when the snapshot was taken"
    NO_END = "Atlas does not say when the restore ended"
    SHARDED = "the figures of a sharded cluster cannot be added up"
    NO_HOSTS = "Atlas does not say which hosts the cluster has"
    NO_PRIMARY = "Atlas shows no primary of the cluster"
    NO_DATABASES = "the source has no database"
    NO_FIGURES_BEFORE = "Atlas has no figures of the source before its snapshot"
    NO_FIGURES_AFTER = "Atlas has no figures of the source after its snapshot"
    NOT_ALL_BEFORE = "Atlas has no figures of each database of the source before its snapshot"
    NOT_ALL_AFTER = "Atlas has no figures of each database of the source after its snapshot"
    NO_FIGURES_OF_TARGET = "Atlas has no figures of the target since the restore"
    NOT_ALL_OF_TARGET = "Atlas has no figures of each database of the target since the restore"
    COUNTED_ONCE = "Atlas has counted a database of the target that differs only once so far"
    WRITTEN_OVER = "another restore wrote into the target before Atlas had counted it"
    NO_COLLECTIONS = "Atlas names no collection of the restore"
    UNKNOWN_COLLECTIONS = "Atlas does not say of each collection what became of it"
    GONE = "Atlas does not know the cluster any more"
    NOT_FOUND = "Atlas does not know what it has listed before"
    REFUSED = "Atlas refuses the figures to the credentials of the stack"
    LIMITED = "Atlas's rate limit left no calls for it"
    SILENT = "Atlas does not answer"
    ODD = "an answer of Atlas is of no use"
    NO_CREDENTIALS = "the credentials of the stack cannot be read"
    LATE = "the time of the function was too short for it"

    @property
    def may_pass(self) -> bool:
        """Whether a later try may measure the restore."""
        return self in _MAY_PASS


_MAY_PASS = {
    WhyNotMeasured.NO_PRIMARY,
    WhyNotMeasured.NO_FIGURES_AFTER,
    WhyNotMeasured.NOT_ALL_AFTER,
    WhyNotMeasured.NO_FIGURES_OF_TARGET,
    WhyNotMeasured.NOT_ALL_OF_TARGET,
    WhyNotMeasured.COUNTED_ONCE,
    WhyNotMeasured.NO_COLLECTIONS,
    WhyNotMeasured.UNKNOWN_COLLECTIONS,
    WhyNotMeasured.NOT_FOUND,
    WhyNotMeasured.REFUSED,
    WhyNotMeasured.LIMITED,
    WhyNotMeasured.SILENT,
    WhyNotMeasured.ODD,
    WhyNotMeasured.NO_CREDENTIALS,
    WhyNotMeasured.LATE,
}
"""An election ends, Atlas shows its figures with a delay, and somebody may grant a role."""


class Figure(StrEnum):
    """What is counted of a database."""

    COLLECTIONS = "collections"
    DOCUMENTS = "documents"
    INDEXES = "indexes"


class MayBe(StrEnum):
    """What else may make a difference, although the data came back."""

    EXPIRED_OR_DELETED = "documents that an index expired, or that were deleted since"
    WRITTEN = "documents that were written since"


type _OrNewer[Word] = Annotated[Word | AtlasText, Field(union_mode="left_to_right")]
"""A word, or one that a newer version has stored before the stack was set back to this one."""


class DifferingFigure(FromOutside):
    """
    A figure that differs.

    `least` and `most`: what the source had around its snapshot, in whole numbers. `most`: None for
    a figure that may be larger. `found`: what the target has; it is never between the two.
    `may_be`: what may have changed the target since, if anything may.
    """

    figure: _OrNewer[Figure]
    least: StrictInt
    most: StrictInt | None = None
    found: StrictInt
    may_be: _OrNewer[MayBe | None] = None


class DifferingDatabase(FromOutside):
    """A database that differs. If it `is_missing` in the target, it has no figures."""

    name: StrictStr
    is_missing: StrictBool = False
    figures: tuple[DifferingFigure, ...] = ()


class Count(FromOutside):
    """How many of what was `expected` were `found`, in whole numbers."""

    found: StrictInt = 0
    expected: StrictInt = 0


class Measurement(FromOutside):
    """
    Whether the data of a restore came back.

    `outcome`: one of a newer version proves nothing. `why`: why it was not measured; then every
    count is zero.
    `error`: our name of the error, if there was one, and `error_code`: Atlas's. Its text may name
    anything, so it is not kept. `databases`: how many match of those
    that were compared. `differing`: the first DATABASES_NAMED that differ, by name. `indexes`: None
    if Atlas does not count them. `not_there`: databases of the source that are newer than the
    snapshot. `doubled`: databases that match, but whose documents doubled or halved around the
    snapshot, so that the loss of half of them would not show. `beyond_limit`: databases that were
    not asked for, because there are too many.
    `measured_at`: the moment of the target's newest figure that was compared, or None.
    """

    outcome: _OrNewer[Outcome]
    why: _OrNewer[WhyNotMeasured | None] = None
    error: AtlasText | None = None
    error_code: AtlasText | None = None
    databases: Count = Count()
    documents: Count = Count()
    collections: Count = Count()
    indexes: Count | None = None
    differing: tuple[DifferingDatabase, ...] = ()
    not_there: StrictInt = 0
    doubled: StrictInt = 0
    beyond_limit: StrictInt = 0
    measured_at: UtcDate | None = None

    @property
    def matches_whole(self) -> bool:
        """Whether every database of the source at its snapshot matches beyond doubt."""
        return self.outcome is Outcome.MATCHES and self.doubled == self.beyond_limit == 0

    @property
    def unnamed(self) -> int:
        """How many databases differ beside those that are named."""
        return self.databases.expected - self.databases.found - len(self.differing)

    @property
    def may_pass(self) -> bool:
        """Whether a later try may measure the restore."""
        return isinstance(self.why, WhyNotMeasured) and self.why.may_pass


def not_measured(
    why: WhyNotMeasured, error: str | None = None, error_code: str | None = None
) -> Measurement:
    """Return the measurement of a restore that was not measured."""
    return Measurement(outcome=Outcome.NOT_MEASURED, why=why, error=error, error_code=error_code)
