"""What must hold after a sweep in the model's world, read from outside."""

import io
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from foundation.deadline import Deadline
from local_stack.wire import Call
from reliability.checks import Check, Checks
from reliability.find_judge import FindJudge
from reliability.find_judgement import Bookkept
from reliability.judgement import is_change, judge_done, recorded_words
from reliability.leases import (
    CLOCKS_APART,
    PATIENCE,
    TICK_LIFE,
    is_lease_write,
    says_that_a_sweep_waits,
)
from reliability.sweep_judgement import is_ready, judge_index, judge_open
from reliability.token_judgement import due_of
from reliability.watched_projects import is_bookkeeping, is_to_find
from reliability.world import OUTPUT
from reliability.world_parts import Job, cluster_of, group_of
from restore_watch.errors import InvalidEventError, RestoreWatchError, TableUnavailableError
from restore_watch.event.actions import Sweep

EVERY_SWEEP = 5 * 3600.0
"""Seconds for which every job of an example is asked about in every sweep, with some to spare."""

REFUSALS = 3
"""So many refusals by the topic end the publication of what is pending."""


@dataclass
class Begun:
    """
    A sweep that began, what was stored by then, and the marks of the calls made before.

    It is `calm` if nothing fails in it, nothing changes beside it, and the index is current.
    `is_stale` is true if the index answers from the past.
    """

    slot: int
    invocation: int
    check: Check
    request: Sweep
    deadline: Deadline
    at: datetime
    lease_ends: float
    last_tick: datetime | None
    marks: tuple[int, int]
    before: Sequence[tuple[Job, Mapping[str, Any] | None, int, int]]
    bookkept: Mapping[str, Bookkept]
    calm: bool
    is_stale: bool
    is_hurried: bool


@dataclass
class Printed:
    """What invocations log and print while they are watched."""

    printed: io.StringIO = field(default_factory=io.StringIO)

    @property
    def reports(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in OUTPUT.getvalue().splitlines()]

    @property
    def metrics(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.printed.getvalue().splitlines()]


class SweepJudge:
    """Judges sweeps in a world by the calls they made, the table and the subscriber's queue."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks
        self._world = checks.world
        self.find = FindJudge(checks)

    def judge_alone(self, begun: Begun, seen: Printed) -> None:
        """A sweep beside which nothing happened."""
        outcome = begun.check.outcome
        is_dead = self._checks.is_dead(begun.slot)
        self._judge_index(begun)
        self.find.judge_alone(begun.bookkept, begun.invocation)
        if is_dead:
            return
        self._judge_skipping(begun)
        if is_skipped(outcome):
            return
        self._judge_pending(begun)
        self._judge_pace(begun)
        if isinstance(outcome, BaseException):
            assert not begun.calm or self._may_fail(outcome), f"I4: a sweep failed: {outcome!r}"
            return
        swept = [one for one in seen.reports if one["message"] == "swept"]
        assert len(swept) == 1, "a sweep is not one line in the log"
        counted = [line for line in seen.metrics if "SuccessfulSweeps" in line]
        assert len(counted) == 1, "metrics: a sweep is not counted once"
        if begun.calm:
            assert isinstance(outcome, Mapping)
            self._judge_calm(begun, outcome)

    def _may_fail(self, outcome: BaseException) -> bool:
        return isinstance(outcome, InvalidEventError)

    def _judge_skipping(self, begun: Begun) -> None:
        """F65, F66 and F84: a sweep works, unless its tick is old or the lease is held."""
        outcome, tick, calls = begun.check.outcome, begun.request.tick, self._calls(begun)
        age = 0.0 if tick is None else (begun.at - tick).total_seconds()
        # The clock moves on by milliseconds between our look and the sweep's.
        if age < -CLOCKS_APART - 1:
            assert isinstance(outcome, InvalidEventError), "F84: a tick of the future was swept"
            return
        is_old = age > TICK_LIFE + 1
        is_repeated = tick is not None and begun.last_tick is not None and tick <= begun.last_tick
        if is_old or is_repeated:
            may_fail = isinstance(outcome, RestoreWatchError)
            assert is_skipped(outcome) or may_fail, "F84: a tick was swept twice, or too late"
        elif is_skipped(outcome):
            is_held = begun.lease_ends >= begun.at.timestamp() + PATIENCE - 2
            is_old = age > TICK_LIFE - 1
            assert is_held or is_old, "F66: a sweep was skipped although the lease is free"
        if is_skipped(outcome):
            surplus = [call for call in calls if not is_lease_write(call)]
            assert not surplus, f"F65: a skipped sweep worked: {surplus}"

    def _judge_pending(self, begun: Begun) -> None:
        """I8, whatever Atlas answers."""
        outcome, calls = begun.check.outcome, self._calls(begun)
        failed = begun.is_hurried or begun.is_stale or isinstance(outcome, InvalidEventError)
        if failed or any(
            self._world.disturbances.met(call) for call in calls if call.service == "dynamodb"
        ):
            return
        assert not isinstance(outcome, TableUnavailableError), f"I6: {outcome!r}"
        refused = [
            call for call in calls if call.service == "sns" and self._world.disturbances.met(call)
        ]
        for job, item, _, _ in begun.before:
            is_refused = any(job.restore.restore_id.encode() in call.body for call in refused)
            if is_refused or len(refused) >= REFUSALS:
                continue
            self._checks.judge_pending(job, item)

    def _judge_pace(self, begun: Begun) -> None:
        """
        F73: of a bucket that is low, a sweep takes one call to ask and one to find.

        Those about other clusters may be under way when Atlas first says that it is low. If Atlas
        sends smaller pages than it was asked for, one question about known jobs takes several. An
        answer that a fault replaced does not say how much is left.
        """
        low = self._world.low_buckets
        calls = [
            call
            for call in self._calls(begun)
            if call.service == "atlas"
            and call.status in {200, 404}
            and not self._world.disturbances.met(call)
        ]
        used = []
        for bucket, finds in itertools.product(low, (True, False)):
            own = [
                call
                for call in calls
                if _bucket(call) == bucket
                and is_to_find(call) == finds
                and (finds or call.query.get("pageNum", "1") == "1")
            ]
            if len(own) > len({cluster_of(call) for call in own}):
                used.append(bucket)
        assert not used, f"F73: a sweep uses up buckets that are low: {used}"

    def _judge_index(self, begun: Begun) -> None:
        """No job leaves the index too early, whatever fails."""
        now = self._world.clock.latest
        for job, item, _, deletions in begun.before:
            if item is not None and len(job.deleted) == deletions:
                judge_index(item, self._world.item(job), now)

    def _judge_calm(self, begun: Begun, result: Mapping[str, Any]) -> None:
        """I4, and no needless call, for a sweep in which nothing fails."""
        world = self._world
        calls = self._calls(begun)
        opened = [(job, item) for job, item, *_ in begun.before if item and "openShard" in item]
        assert result["notReached"] == 0, "F71: a sweep that nothing disturbs does not reach a job"
        failed = {one["restoreId"] for one in result["failures"] if "restoreId" in one}
        hidden = {job.restore.restore_id for job, _ in opened if job.is_hidden}
        assert failed <= hidden, f"I4: a sweep failed for a job: {result['failures']}"
        is_young = not world.clock.epoch and world.age < EVERY_SWEEP
        recorded = messages = found = 0
        for job, item, received, _ in begun.before:
            after = world.item(job)
            if after is not None:
                found += item is None
                recorded += len(after["history"]) - len(item["history"] if item else ())
            messages += len(world.received(job)) - received
        for job, item in opened:
            self._judge_job(job, item, calls, is_young=is_young)
        if not world.marks_went_back:
            counted = [result[name] for name in ("open", "found", "changed", "published")]
            happened = [len(opened), found, recorded, messages]
            assert counted == happened, f"I8: a sweep counts {counted}, and {happened} happened"
        if not found:
            self._judge_calls(opened, calls)

    def _judge_job(
        self,
        job: Job,
        item: Mapping[str, Any],
        calls: Sequence[Call],
        *,
        is_young: bool,
    ) -> None:
        after = self._world.item(job)
        assert after is not None
        assert after["publishedSequence"] == after["sequence"], (
            "I8: a sweep in which nothing fails leaves a change pending"
        )
        due = due_of(after)
        assert not due, f"W3: a sweep in which nothing fails leaves a workflow unanswered: {due}"
        if job.is_hidden:
            return
        asked = [call for call in calls if _is_about(job, call)]
        is_over = item["terminal"] and not is_ready(item)
        if not asked or is_over:
            is_slow = not is_young or "missingSince" in item
            assert is_over or is_slow, "I4: a sweep does not ask about an open job"
            return
        is_from_list = not any(job.restore.restore_id in call.path for call in asked)
        # A list may have been asked for because of others, before the turn of a missing job.
        is_for_others = "missingSince" in item and "missingSince" in after
        if is_from_list and (job.is_old_in_lists or is_for_others):
            return
        judge_done(after, job.last, may_have_left=self._checks.may_have_left(after))
        assert "missingSince" not in after, "F83: a job that Atlas shows counts as missing"

    def _judge_calls(
        self, opened: Sequence[tuple[Job, Mapping[str, Any]]], calls: Sequence[Call]
    ) -> None:
        """F65: an unchanged sweep writes its lease, and asks Atlas once about each job at most."""
        world = self._world
        leases = [call for call in calls if is_lease_write(call)]
        # A try that finds the lease held writes nothing, or that a sweep waits.
        written = [one for one in leases if one.status == 200 and not says_that_a_sweep_waits(one)]
        assert len(written) == 2, "calls: a sweep does not write its lease twice"
        is_unchanged = all(world.item(job) == item for job, item in opened)
        has_words = any(item["status"] == "UNKNOWN" for _, item in opened)
        if not is_unchanged or has_words:
            return
        effects = [call for call in calls if call.operation in {"UpdateItem", "Publish"}]
        # Whether a job that has ended is in the table is found out by a write that is refused.
        ids = [job.restore.restore_id.encode() for job, _ in opened]
        writes = [
            call
            for call in effects
            if is_lease_write(call)
            or (not is_bookkeeping(call) and any(restore_id in call.body for restore_id in ids))
        ]
        assert len(writes) == len(leases), f"calls: a sweep writes, but nothing changed: {writes}"

    def judge_turns(self, sweeps: Sequence[Begun], job: Job) -> None:
        """F73: with one call in each sweep, every job of this project and kind has its turn."""
        world = self._world
        if world.clock.epoch or world.age > EVERY_SWEEP:
            return
        rivals = [one for one in world.jobs if (one.cluster, one.kind) == (job.cluster, job.kind)]
        if len(sweeps) <= len(rivals):
            return
        answers = [one.check.outcome for one in sweeps]
        for one in rivals:
            item = world.item(one)
            if item is None or "openShard" not in item or one.is_hidden or item["terminal"]:
                continue
            done = not is_change(recorded_words(item), one.last, download=is_ready(item))
            assert done or one.is_old_in_lists, f"F73: a job had no turn in {answers}"

    def judge_found(self, sweeps: Sequence[Begun], job: Job) -> None:
        """F75, after sweeps in which nothing failed."""
        answers = [one.check.outcome for one in sweeps]
        if all(one.calm and not is_skipped(one.check.outcome) for one in sweeps):
            self.find.judge_found(job, answers)

    def judge_shown(self, sweeps: Sequence[Begun], job: Job) -> None:
        """F86: what lists show of a job is recorded, whatever its own endpoint says."""
        item = self._world.item(job)
        if item is None or any(not isinstance(one.check.outcome, Mapping) for one in sweeps):
            return
        if any(is_skipped(one.check.outcome) for one in sweeps):
            return
        done = not is_change(recorded_words(item), job.last, download=is_ready(item))
        assert done, f"F86: what a list shows is not recorded: {job.restore.event}"

    def judge_forgotten(self, sweeps: Sequence[Begun], job: Job) -> None:
        """F83: Atlas has not known the job for a day, so nobody follows it any more."""
        item = self._world.item(job)
        if item is None or any(not one.calm or is_skipped(one.check.outcome) for one in sweeps):
            return
        assert "openShard" not in item, "F83: a job that Atlas has forgotten is still followed"

    def judge_end(self) -> None:
        """I4, after the last two sweeps: every open job that is visible is done, nothing pends."""
        for job in self._world.every_job:
            item = self._world.item(job)
            if item is None:
                continue
            judge_open(item)
            assert item["publishedSequence"] == item["sequence"], (
                "I8: two sweeps leave a change pending"
            )
            if "openShard" in item and not job.is_hidden:
                judge_done(item, job.last, may_have_left=self._checks.may_have_left(item))
        self.find.judge_end()

    def _calls(self, begun: Begun) -> list[Call]:
        return self._world.calls_of(begun.slot, begun.marks)


def is_skipped(outcome: object) -> bool:
    """The sweep left its work to another one."""
    return outcome == {"skipped": True}


def _bucket(call: Call) -> tuple[str, str]:
    return group_of(call), call.operation.removesuffix("_list")


def _is_about(job: Job, call: Call) -> bool:
    """A GET of the job, or a list of its cluster."""
    restore = job.restore
    if call.service != "atlas" or restore.group_id not in call.path or is_to_find(call):
        return False
    return restore.restore_id in call.path or (
        call.operation == f"{job.kind}_list" and f"/{restore.cluster}/" in call.path
    )
