"""Sweeps in the real runtime: a job is named once, and ticks follow it to its end."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integration.checking import (
    CHANGED,
    check,
    operations,
    received,
    statuses,
    stored,
    warm_up,
)
from integration.conftest import RuntimeWith
from integration.sweeping import break_project, is_open, start_several
from integration.test_observability import Lines
from integration.test_pending import refuse_publications
from local_stack.atlas import Kind
from local_stack.faults import Reset
from local_stack.runtime import Invocation, LambdaRuntime
from local_stack.wire import Call
from observed_stack import ObservedStack

KNOWN = ["Query"] * 5
"""One for each shard of the index, one for the bookkeeping."""
LEASE = ["UpdateItem"]


class Ticks:
    """Sends what the template's schedule sends, each tick a second later than the one before."""

    def __init__(self, stack: ObservedStack, runtime: LambdaRuntime) -> None:
        self._stack = stack
        self.runtime = runtime
        self._at = datetime.now(UTC)

    def __call__(self, at: datetime | None = None) -> Invocation:
        """Forget the earlier calls, and send a tick."""
        self._at += timedelta(seconds=1)
        self._stack.forget_calls()
        return self.runtime.invoke(self._stack.function.scheduled_event(at or self._at))

    @property
    def last(self) -> datetime:
        return self._at


@pytest.fixture(scope="module")
def sweeping_runtime(module_stack: ObservedStack) -> Iterator[LambdaRuntime]:
    """An environment that asks once in each sweep."""
    environment = module_stack.pool.runtimes[0].environment
    variables = {**environment.variables, "HOT_SECONDS": "0"}
    with LambdaRuntime(replace(environment, variables=variables)) as runtime:
        yield runtime


@pytest.fixture
def tick(stack: ObservedStack, sweeping_runtime: LambdaRuntime, group: str) -> Ticks:
    """A warm environment that sweeps, beside that of the named checks."""
    ticks = Ticks(stack, sweeping_runtime)
    warm_up(stack, group)
    # With a job to ask about, the sweep reads a secret that is due.
    check(stack, stack.atlas.start_restore(group, "warm", "flex"))
    ticks().result  # noqa: B018 - it must succeed
    stack.tidy()
    return ticks


@pytest.mark.parametrize("kind", ["flex", "dedicated"])
def test_a_job_that_was_named_once_is_followed_to_its_end_by_ticks(
    stack: ObservedStack, tick: Ticks, group: str, kind: Kind
) -> None:
    restore = stack.atlas.start_restore(group, "orders", kind)
    check(stack, restore)
    results = []
    while is_open(stack, restore):
        restore.advance()
        results.append(tick().result)
    seen = statuses(received(stack))

    steps = {"flex": ["PENDING", "QUEUED", "RUNNING"], "dedicated": ["RUNNING"]}[kind]
    assert seen == [*steps, "COMPLETED"]
    assert all(result["changed"] == 1 for result in results)
    assert tick().result["open"] == 0
    assert stored(stack, restore)["publishedSequence"] == len(seen)


def test_collection_restores_that_were_named_once_are_followed_to_their_ends_by_their_list(
    stack: ObservedStack, tick: Ticks, group: str
) -> None:
    pair = start_several(stack, group, 2, "collection")
    for restore in pair:
        check(stack, restore, "collection")
    received(stack)
    changed, asked = [], []
    while is_open(stack, pair[0]):
        for restore in pair:
            restore.advance()
        changed.append(tick().result["changed"])
        asked += [call.operation for call in stack.http_calls() if call.service == "atlas"]

    # FINALIZING after IN_PROGRESS is no change. A list without one may lag: so one job is asked.
    lists = ["collection_list"]
    assert (changed, asked) == ([2, 0, 2], [*lists * 2, "collection", *lists])
    assert sorted(statuses(received(stack))) == ["COMPLETED"] * 2 + ["RUNNING"] * 2
    assert tick().result["open"] == 0


def test_an_unchanged_sweep_makes_eight_calls(
    stack: ObservedStack, tick: Ticks, group: str
) -> None:
    check(stack, stack.atlas.start_restore(group, "orders", "flex"))

    assert tick().result == {
        "open": 1,
        "found": 0,
        "checked": 1,
        "changed": 0,
        "published": 0,
        "notReached": 0,
        "failures": [],
    }
    assert operations(stack) == [*LEASE, *KNOWN, "flex", *LEASE]


def test_a_change_costs_three_calls_more(stack: ObservedStack, tick: Ticks, group: str) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    check(stack, restore)
    restore.advance()

    assert tick().result["changed"] == 1
    assert operations(stack) == [*LEASE, *KNOWN, "flex", *CHANGED, *LEASE]


def test_a_sweep_asks_once_for_each_cluster_and_not_about_settled_jobs(
    stack: ObservedStack, tick: Ticks, group: str
) -> None:
    pair = start_several(stack, group, 2)
    singles = [start_several(stack, group, 1, "dedicated", f"sales-{n}")[0] for n in range(3)]
    settled = start_several(stack, group, 2, cluster="done")
    for restore in settled:
        restore.run_to_end()
    for restore in (*pair, *singles, *settled):
        check(stack, restore)

    assert (tick().result["open"], tick().result["checked"]) == (5, 5)
    made = operations(stack)
    assert made[:6] == [*LEASE, *KNOWN]
    assert sorted(made[6:-1]) == [*["dedicated"] * 3, "flex", "flex_list"]
    assert made[-1:] == LEASE


def test_an_idle_sweep_costs_a_handful_of_calls(stack: ObservedStack, tick: Ticks) -> None:
    assert tick().result["open"] == 0
    assert operations(stack) == [*LEASE, *KNOWN, *LEASE]


def test_a_tick_that_is_old_or_was_swept_already_is_skipped(
    stack: ObservedStack, tick: Ticks, group: str
) -> None:
    check(stack, stack.atlas.start_restore(group, "orders", "flex"))
    tick()

    assert tick(datetime.now(UTC) - timedelta(minutes=2)).result == {"skipped": True}
    assert operations(stack) == []
    assert tick(tick.last - timedelta(seconds=3)).result == {"skipped": True}
    assert operations(stack) == LEASE
    assert tick().result["checked"] == 1


def test_a_tick_of_the_future_is_refused(stack: ObservedStack, tick: Ticks) -> None:
    answer = tick(datetime.now(UTC) + timedelta(minutes=5))

    assert (answer.error_type, operations(stack)) == ("InvalidEventError", [])
    assert str(answer.error_message).startswith("scheduledTime: ")


def test_what_a_dead_check_left_pending_is_published_by_the_next_tick_although_atlas_is_down(
    stack: ObservedStack, tick: Ticks, group: str
) -> None:
    (restore,) = start_several(stack, group, 1)
    with refuse_publications(stack):
        assert check(stack, restore).error_type == "NotificationPendingError"
    break_project(stack, group, Reset(), times=None)

    result = tick().result

    assert (result["published"], statuses(received(stack))) == (1, ["PENDING"])
    assert [one["error"] for one in result["failures"]] == ["AtlasUnavailableError"]
    assert stored(stack, restore)["publishedSequence"] == 1


def test_a_hot_job_is_asked_about_every_second_until_it_ends(
    stack: ObservedStack, group: str, runtime_with: RuntimeWith
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex", timeline=["RUNNING", "COMPLETED"])
    check(stack, restore)
    tick = Ticks(stack, runtime_with(HOT_SECONDS="1"))
    told: list[float] = []

    def end_it(call: Call, phase: str) -> None:
        if phase == "before" and call.operation == "flex":
            told.append(call.arrived)
            if len(told) == 3:
                restore.advance()

    with stack.atlas.wire.listen(end_it):
        result = tick().result

    assert (result["checked"], result["changed"], result["failures"]) == (1, 1, [])
    assert statuses(received(stack)) == ["RUNNING", "COMPLETED"]
    first, _, third = told
    assert third - first > 0.9


def test_a_sweep_logs_one_line_and_its_metrics(
    stack: ObservedStack, tick: Ticks, group: str
) -> None:
    pending, ready = start_several(stack, group, 2)
    changed = stack.atlas.start_restore(
        group, "sales", "dedicated", delivery_type="download", timeline=["running"]
    )
    ready.set(deliveryType="DOWNLOAD", status="COMPLETED")
    for restore in (ready, changed):
        check(stack, restore)
    with refuse_publications(stack):
        check(stack, pending)
    changed.set(cancelled=True)
    tick.runtime.logs()
    tick()
    lines = Lines(tick.runtime.logs())

    (line,) = [line for line in lines.all if line.get("message") == "swept"]
    counts = {"open": 3, "checked": 3, "changed": 1, "published": 2, "not_reached": 0, "failed": 0}
    assert counts.items() <= line.items()
    assert [one["restore_id"] for one in lines.checked] == [changed.restore_id]
    metrics: dict[str, Any] = {
        name: lines.sum_of(name)
        for name in (
            "SuccessfulSweeps",
            "OpenJobs",
            "PendingChanges",
            "NotReached",
            "SuccessfulChecks",
            "AtlasCalls",
            "StatusChanges",
        )
    }
    assert metrics == {
        "SuccessfulSweeps": 1,
        "OpenJobs": 3,
        "PendingChanges": 1,
        "NotReached": 0,
        "SuccessfulChecks": 3,
        "AtlasCalls": 3,
        "StatusChanges": 2,
    }
    assert 6 * 3600 - 60 < lines.sum_of("DownloadSecondsLeft") < 6 * 3600
    assert 0.9 < lines.sum_of("RateLimitRemaining") < 1
    assert 0 < lines.sum_of("SweepSeconds") < 30
    assert lines.errors == []
