"""What must hold of watched projects after a sweep in the model's world, read from outside."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from local_stack.template import STACK_NAME
from reliability.checks import Checks
from reliability.drawn import GROUPS
from reliability.find_judgement import (
    AHEAD,
    CLUSTER_LISTS,
    OLDEST,
    TICKS,
    Bookkept,
    judge_forward,
    judge_unread,
    judge_watch_messages,
)
from reliability.judgement import judge_history, judge_messages, recorded_words
from reliability.sweep_judgement import judge_open
from reliability.traffic import Request
from reliability.world_parts import Job


class FindJudge:
    """Judges what sweeps find by the calls they made, the table and the subscriber's queue."""

    def __init__(self, checks: Checks) -> None:
        self._world = checks.world
        self._checks = checks

    def judge(self, before: Mapping[str, Bookkept]) -> None:
        """At any moment; `before` is the bookkeeping at an earlier one."""
        world = self._world
        # A sweep may go on beside us. An attempt comes after its mark, a mark after its jobs.
        attempted, wanted = set(world.projects.attempted), list(self._wanted())
        after = world.bookkept()
        latest = world.clock.latest
        for key, known in before.items():
            if not self._lies_ahead(known):
                judge_forward(known, after.get(key))
        for group_id in attempted:
            is_marked = group_id in after and after[group_id].whole is not None
            assert is_marked or group_id in world.projects.poisoned, (
                "F77: the first attempt to list a project stores no mark"
            )
        for one in after.values():
            assert one.whole is None or one.whole <= latest + TICKS, "F76: a mark of the future"
        for job in wanted:
            if world.item(job) is None:
                is_reached = after[job.restore.group_id].reaches(job.part, job.created_at)
                assert is_reached, f"F76: a restore is missed: {job.restore.event}, {after}"

    def judge_alone(self, before: Mapping[str, Bookkept], invocation: int) -> None:
        """After a sweep beside which there was no other: its marks and what it has read."""
        after = self._world.bookkept()
        asked = [one for one in self._world.requests_of(invocation) if one.is_to_find]
        for group_id in GROUPS:
            new = after.get(group_id)
            own = [one for one in asked if one.group == group_id]
            is_believed = bool(own) and new is not None and new.lies_ahead
            assert not is_believed, "F76: a project is asked with a mark of the future"
            if new is None or new.whole is None:
                continue
            old = before.get(group_id)
            is_kept = old is not None and new.whole == old.whole
            is_lost = old is None or old.whole is None or (self._lies_ahead(old) and not is_kept)
            if old is None or is_lost:
                # This sweep stores the first mark, or one that goes back: it did not believe it.
                first = new.whole if new.first is None else min(new.first, new.whole)
                old = Bookkept(new.first, first, {}, fails=False, unsent=0)
            unread = [part for part in _unread(own) if self._is_there(group_id, part)]
            kept = [part for part in unread if not self._is_past(old, part)]
            judge_unread(old, new, kept, is_lost=is_lost)
            # Without clusters, nothing is to be listed.
            listed = [one for one in own if one.operation != "events"] or own
            if new.whole != old.whole:
                assert listed, "F76: a mark moves although nothing was asked"
                begun = min(min(one.at, one.said_at) for one in listed)
                latest = datetime.fromtimestamp(begun, UTC) + TICKS
                assert new.whole <= latest, "F76: a mark moves past what was read"

    def _is_there(self, group_id: str, part: str) -> bool:
        """A cluster that its list does not show, and that is refused for a day, is given up."""
        cluster = part.partition("/")[2]
        return not cluster or self._world.projects.has(group_id, cluster)

    def _is_past(self, known: Bookkept, part: str) -> bool:
        """No mark lies more than seven days back: an older one is moved there, read or not."""
        now = datetime.fromtimestamp(self._world.clock.peek(), UTC)
        mark = known.mark_of(part)
        return mark is not None and mark < now - OLDEST

    def _lies_ahead(self, known: Bookkept) -> bool:
        """The clock was set back: no sweep believes this mark, and each may replace it."""
        now = datetime.fromtimestamp(self._world.clock.peek(), UTC)
        return known.whole is not None and known.whole > now + AHEAD

    def judge_found(self, job: Job, answers: Sequence[Any]) -> None:
        """The reason for a listing was there, and nothing failed: the job is in the table."""
        is_found = self._world.item(job) is not None
        is_wanted = self._world.projects.must_be_found(job)
        assert is_found or not is_wanted, f"F75: a restore was not found at once: {answers}"

    def judge_end(self) -> None:
        """Everything works again, and two sweeps have listed everything."""
        world = self._world
        for job in self._wanted():
            item = world.item(job)
            assert item is not None, f"F77: a restore was never found: {job.restore.event}"
            is_over = recorded_words(item)[-1].terminal
            assert is_over or "openShard" in item, "F77: a restore is not followed to its end"
        for job in world.unnamed:
            item, received = world.item(job), world.received(job)
            if item is not None:
                judge_history(item, job.said)
                judge_open(item)
                self._checks.tally["found"] += 1
            self._checks.tally["duplicates"] += judge_messages([], item, received)
        self._checks.tally["unnamed"] += len(world.unnamed)
        self._judge_watch()

    def _judge_watch(self) -> None:
        """F78 and F79: messages are about known jobs, projects that come and go, and the stack."""
        world = self._world
        for subject in (STACK_NAME, *GROUPS):
            events = [message.event for message in world.received_about(subject)]
            is_seen = world.projects.are_watched
            changes = judge_watch_messages(events, is_seen=is_seen)
            self._checks.tally["changes of the watch"] += changes
        known = {job.restore.restore_id for job in world.every_job} | {STACK_NAME, *GROUPS}
        is_known = world.marks_went_back or world.subjects <= known
        assert is_known, "F79: a message about a restore of the past"
        if world.projects.are_watched:
            for name, one in world.bookkept().items():
                assert not one.fails, f"F78: {name} works again and is not seen"
                assert not one.unsent, f"F78: a change of {name} is not published"

    def _wanted(self) -> Iterator[Job]:
        if self._world.age > (OLDEST - timedelta(hours=2)).total_seconds():
            return
        for job in self._world.every_job:
            if self._world.projects.must_be_found(job):
                yield job


def _unread(asked: Sequence[Request]) -> Iterator[str]:
    """The parts of a project, as the bookkeeping names them, of which a page was not read."""
    pages: dict[tuple[str, str], bool] = defaultdict(bool)
    for one in asked:
        kind = one.operation.removesuffix("_list")
        is_read = one.status == 200 and one.readable
        if kind != one.operation:
            # The cluster may be gone, or of another kind.
            is_read |= one.status in {400, 404}
            pages[f"{kind}/{one.cluster}", one.page] |= is_read
        for of, which in CLUSTER_LISTS.items():
            if which == one.operation:
                pages[of, one.page] |= is_read
    yield from {part for (part, _), is_read in pages.items() if not is_read}
