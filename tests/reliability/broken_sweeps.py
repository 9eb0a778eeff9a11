"""Leases, indexes and sweeps that are broken in one place, for `reliability.broken_copies`."""

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from functools import partial
from typing import Any

from foundation.deadline import Deadline
from reliability.broken_table import Client, Parameters
from restore_watch.model.restore_job import RestoreJob, RestoreStatus
from restore_watch.sweep.act_on_answer import Follower
from restore_watch.sweep.follow.ask import Asker
from restore_watch.sweep.follow.question import Question
from restore_watch.sweep.parts import Parts
from restore_watch.sweep.sweep import Sweeper
from restore_watch.table.lease import SweepLease
from restore_watch.table.open_job import OpenJob
from restore_watch.table.open_jobs import OpenJobs

# The lease


def lease_writes(change: Callable[[Any, Parameters], Parameters]) -> Callable[..., SweepLease]:
    """A lease that is written with other parameters."""
    return partial(_lease, change)


def _lease(
    change: Callable[[Any, Parameters], Parameters], client: Any, name: str, **clock: Any
) -> SweepLease:
    other: Any = Client(client, "update_item", change)
    return SweepLease(other, name, **clock)


def take_any_lease(_: Any, parameters: Parameters) -> Parameters:
    """Take the lease although another sweep has it."""
    held, never = "BETWEEN :now AND :latest", "IN (:now) AND #validUntil IN (:latest)"
    condition = parameters["ConditionExpression"]
    return parameters | {"ConditionExpression": condition.replace(held, never)}


def give_back_any_lease(_: Any, parameters: Parameters) -> Parameters:
    """Give back the lease of any sweep."""
    if parameters["ConditionExpression"] != "#owner = :owner":
        return parameters
    return parameters | {"ConditionExpression": "#owner = :owner OR attribute_exists(#owner)"}


def take_no_old_lease(_: Any, parameters: Parameters) -> Parameters:
    """A lease never runs out."""
    values = parameters.get("ExpressionAttributeValues", {})
    if ":now" not in values:
        return parameters
    return parameters | {"ExpressionAttributeValues": values | {":now": {"N": "0"}}}


class KeepsTheLease(SweepLease):
    """The holder does not see that another sweep waits."""

    def is_awaited(self, *_: object) -> bool:
        return False


def wait_in_silence(_: Any, parameters: Parameters) -> Parameters:
    """A sweep that waits says so to nobody."""
    if ":waitingUntil" not in parameters.get("ExpressionAttributeValues", {}):
        return parameters
    other = "attribute_not_exists(#owner) AND #owner = :owner"
    return parameters | {"ConditionExpression": other}


class ForgetsTicks(SweepLease):
    """A tick that was swept before is swept again."""

    def take(self, tick: datetime | None, deadline: Deadline) -> str | None:
        del tick
        return super().take(None, deadline)


# What a sweep knows


def knows(kind: type[OpenJob]) -> Callable[[Any, str], OpenJobs]:
    """An index whose entries are understood otherwise."""

    class OtherJobs(OpenJobs):
        def read(self, deadline: Deadline, now: datetime) -> list[OpenJob]:
            return [_as(kind, job) for job in super().read(deadline, now)]

    return OtherJobs


class ReadyIsOver(OpenJob):
    """A ready download cannot change any more."""

    @property
    def can_change(self) -> bool:
        return not self.has_ended


class SeesOnlyHigherRanks(OpenJob):
    """A ready download that fails or is cancelled has not changed."""

    def may_become(self, job: RestoreJob) -> bool:
        is_higher = self.status is None or job.status.rank > self.status.rank
        is_unknown = job.status is RestoreStatus.UNKNOWN
        return super().may_become(job) and (is_higher or is_unknown)


class KnowsOneUnknownWord(OpenJob):
    """An unknown status stays the same, whichever word it has."""

    def may_become(self, job: RestoreJob) -> bool:
        is_unknown = job.status is self.status is RestoreStatus.UNKNOWN
        return not is_unknown and super().may_become(job)


class ChangesWhenItDiffers(OpenJob):
    """Another status is a change, even an older one that a list still shows."""

    def may_become(self, job: RestoreJob) -> bool:
        return job.status is not self.status or super().may_become(job)


class AlwaysChanges(OpenJob):
    """The table is asked about an unchanged job."""

    def may_become(self, job: RestoreJob) -> bool:
        del job
        return True


# The sweep


def with_part(part: Callable[[Parts], object], kind: type[object]) -> type[Sweeper]:
    """A sweep of which this part is of another kind."""

    class OtherSweeper(Sweeper):
        def _parts(self, *how: Any) -> Parts:
            parts = super()._parts(*how)
            object.__setattr__(part(parts), "__class__", kind)
            return parts

    return OtherSweeper


def follows(kind: type[Follower]) -> type[Sweeper]:
    """A sweep whose answers are acted on otherwise."""
    return with_part(lambda parts: parts.follower, kind)


def asks(kind: type[Asker]) -> type[Sweeper]:
    """A sweep whose questions are asked otherwise."""
    return with_part(lambda parts: parts.asker, kind)


class OnlyAsks(Follower):
    """What is pending waits until the job changes again."""

    def publish_pending(self, job: OpenJob, deadline: Deadline) -> None: ...


class PublishesEnds(Follower):
    """What is pending for a job that has not ended waits until Atlas answers."""

    def publish_pending(self, job: OpenJob, deadline: Deadline) -> None:
        if job.has_ended:
            super().publish_pending(job, deadline)


class ForgetsAtOnce(Follower):
    """A job that Atlas does not know leaves the index."""

    def missed(self, job: OpenJob, *, is_refused: bool = False) -> None:
        super().missed(job, is_refused=is_refused)
        missed = self.run.known.get(job.key)
        if missed is not None:
            self._leave(missed, self.open_jobs.forget, "Atlas does not know it")


class IgnoresThePace(Asker):
    """It goes on asking although few calls are left to others."""

    def allows(self, question: Question) -> bool:
        del question
        return True


def _as(kind: type[OpenJob], job: OpenJob) -> OpenJob:
    return kind(**{field.name: getattr(job, field.name) for field in fields(job)})
