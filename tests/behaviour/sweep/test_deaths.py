"""Sweeps that die while they hold the lease, at any step."""

from contextlib import suppress

import pytest

from behaviour.rows import rows
from foundation.errors import ApplicationError
from local_stack.environment import Environment
from local_stack.steps import (
    ACKNOWLEDGE,
    FLEX,
    FLEX_LIST,
    GIVE_BACK_LEASE,
    LEAVE,
    MISS,
    PUBLISH,
    QUERY,
    RECALL,
    RECORD,
    SECRET,
    TAKE_LEASE,
    TOKEN,
)
from local_stack.wire import Phase, Selection
from local_stack.world import Stored, World

READS = {
    "query": QUERY,
    "recall": RECALL,
    "secret": SECRET,
    "token": TOKEN,
    "list": FLEX_LIST,
    "job": FLEX,
}
WRITES = {
    "take": TAKE_LEASE,
    "publish": PUBLISH,
    "acknowledge": ACKNOWLEDGE,
    "record": RECORD,
    "miss": MISS,
    "leave": LEAVE,
    "give-back": GIVE_BACK_LEASE,
}
STEPS: dict[str, tuple[Selection, Phase]] = {
    **{name: (step, "before") for name, step in READS.items()},
    **{f"before-{name}": (step, "before") for name, step in WRITES.items()},
    **{f"after-{name}": (step, "after") for name, step in WRITES.items()},
}
"""Every step of a sweep. Only a write leaves something behind if its answer is lost."""

RUNNING, DONE = Stored("RUNNING", 1, 1), Stored("COMPLETED", 2, 2)


@pytest.mark.fault("F66", "F1", "F2")
@pytest.mark.parametrize(
    ("step", "phase"), rows(STEPS, "after-record", campaign=("after-leave", "before-publish"))
)
def test_a_sweep_that_dies_is_replaced_once_its_lease_has_run_out(
    world: World, environment: Environment, step: Selection, phase: Phase
) -> None:
    """Nobody checks a job by name: the next sweep does everything."""
    pending = world.job(cluster="twins", timeline=["RUNNING"])
    ended = world.job(cluster="twins", timeline=["RUNNING", "COMPLETED"])
    lost = world.job(timeline=["RUNNING"])
    download = world.job(delivery_type="DOWNLOAD", timeline=["COMPLETED"])
    download.set(expirationDate="2020-01-01T00:00:00Z")
    world.leave_pending(pending)
    for job in (ended, lost, download):
        world.check(job)
    world.pass_time(120)
    ended.advance()
    world.atlas.hide_restore(lost)

    with world.death(environment, step, phase), suppress(ApplicationError):
        environment.sweep(world.clock())
    is_held = (step, phase) not in {(TAKE_LEASE, "before"), (GIVE_BACK_LEASE, "after")}
    assert ("owner" in world.lease) == is_held

    world.pass_time(66)
    failures = world.environment().sweep(world.clock())["failures"]
    assert [one["restoreId"] for one in failures] == [lost.restore_id]
    expected = {
        pending: (RUNNING, ["RUNNING"]),
        ended: (DONE, ["RUNNING", "COMPLETED"]),
        lost: (RUNNING, ["RUNNING"]),
        download: (Stored("COMPLETED", 1, 1), ["COMPLETED"]),
    }
    for job, (stored, statuses) in expected.items():
        assert world.stored(job) == stored
        # At least once, and in order.
        assert list(dict.fromkeys(world.published(job))) == statuses
    assert "owner" not in world.lease
    assert "missingSince" in (world.item(lost) or {})
    assert [world.is_open(job) for job in expected] == [True, False, True, False]
