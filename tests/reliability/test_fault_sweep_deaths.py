"""Sweeps that die while they hold the lease: F66, and F1 and F2 without another check."""

import pytest

from local_stack.atlas import EmulatedRestore
from local_stack.wire import Answer, Phase, Selection
from reliability.campaign import Campaign, Stored, always
from reliability.steps import ACKNOWLEDGE, ATLAS, PUBLISH, RECALL, RECORD, SECRET, TOKEN
from reliability.sweeping import (
    FLEX_LIST,
    GIVE_BACK,
    LEASE_IS_OVER,
    LEAVE,
    MISS,
    QUERY,
    SKIPPED,
    TAKE,
    Sweeps,
    death,
    record_like,
)
from restore_watch.errors import NotificationPendingError, RestoreWatchError

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

READS: dict[str, Selection] = {
    "query": QUERY,
    "recall": RECALL,
    "secret": SECRET,
    "token": TOKEN,
    "list": FLEX_LIST,
    "job": ATLAS,
}
WRITES: dict[str, Selection] = {
    "take": TAKE,
    "publish": PUBLISH,
    "acknowledge": ACKNOWLEDGE,
    "record": RECORD,
    "miss": MISS,
    "leave": LEAVE,
    "give-back": GIVE_BACK,
}
STEPS: dict[str, tuple[Selection, Phase]] = {
    **{name: (step, "before") for name, step in READS.items()},
    **{f"before-{name}": (step, "before") for name, step in WRITES.items()},
    **{f"after-{name}": (step, "after") for name, step in WRITES.items()},
}
"""Every step of a sweep. Only a write leaves something behind if its answer is lost."""

A_STEP_OF_EACH_KIND = ("query", "job", "before-take", *(f"after-{name}" for name in WRITES))
"""A sweep that dies before a write leaves what one leaves that dies at the read before it."""

NOT_HELD = {(TAKE, "before"), (GIVE_BACK, "after")}

RUNNING, DONE = Stored("RUNNING", 1, 1), Stored("COMPLETED", 2, 2)


class Scene:
    """Open jobs for which a sweep takes each of its steps."""

    def __init__(self, campaign: Campaign) -> None:
        checker = campaign.environment()
        self.pending = campaign.job(cluster="twins", timeline=["RUNNING"])
        self.ended = campaign.job(cluster="twins", timeline=["RUNNING", "COMPLETED"])
        self.lost = campaign.job(timeline=["RUNNING"])
        self.download = campaign.job(delivery_type="DOWNLOAD", timeline=["COMPLETED"])
        self.download.set(expirationDate="2020-01-01T00:00:00Z")
        campaign.inject(PUBLISH, Answer(400))
        campaign.refused(NotificationPendingError, self.pending, checker)
        campaign.check(self.ended, checker)
        campaign.check(self.download, checker)
        record_like(campaign, self.ended, self.lost)
        campaign.pass_time(120)
        self.ended.advance()
        campaign.atlas.hide_restore(self.lost)

    @property
    def expected(self) -> dict[EmulatedRestore, tuple[Stored, list[str]]]:
        """What is stored in the end, and what is published at least once, in order."""
        return {
            self.pending: (RUNNING, ["RUNNING"]),
            self.ended: (DONE, ["RUNNING", "COMPLETED"]),
            self.download: (Stored("COMPLETED", 1, 1), ["COMPLETED"]),
            self.lost: (RUNNING, []),
        }


@pytest.mark.fault("F66", "F1", "F2")
@cases(("step", "phase"), always(STEPS, *A_STEP_OF_EACH_KIND))
def test_a_sweep_that_dies_is_replaced_once_its_lease_has_run_out(
    campaign: Campaign, sweeps: Sweeps, step: Selection, phase: Phase
) -> None:
    scene, tick = Scene(campaign), campaign.clock()
    with death(campaign.hasty, campaign, step, phase):
        try:
            sweeps.sweep(tick=tick)
        except RestoreWatchError as error:
            campaign.said.append(repr(error))
    assert ("owner" in sweeps.lease) == ((step, phase) not in NOT_HELD)

    # Nobody checks a job by name: the next sweep does everything.
    campaign.pass_time(LEASE_IS_OVER)
    successor = sweeps.environment()
    failures = sweeps.tick(successor)["failures"]
    assert [one["restoreId"] for one in failures] == [scene.lost.restore_id]
    for job, (stored, published) in scene.expected.items():
        assert campaign.stored(job) == stored
        assert list(dict.fromkeys(campaign.published(job))) == published
    assert "owner" not in sweeps.lease
    assert "missingSince" in (campaign.item(scene.lost) or {})
    assert "openShard" not in (campaign.item(scene.download) or {})
    assert "openShard" not in (campaign.item(scene.ended) or {})


@pytest.mark.fault("F66", "F1", "F2")
def test_a_sweep_that_is_killed_is_replaced_once_its_lease_has_run_out(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    job, tick = campaign.job(timeline=["RUNNING", "COMPLETED"]), campaign.clock()
    campaign.check(job)
    job.advance()
    with campaign.killed(PUBLISH, "after"):
        assert campaign.stack.tick(tick).crashed
    assert "owner" in sweeps.lease
    assert campaign.stored(job) == Stored("COMPLETED", 2, 1)
    assert campaign.stack.tick(tick).result == SKIPPED
    assert sweeps.tick() == SKIPPED

    # The lease was valid until a little after the function's deadline.
    campaign.pass_time(125)
    assert sweeps.tick()["published"] == 1
    assert campaign.published(job) == ["RUNNING", "COMPLETED", "COMPLETED"]
    assert campaign.stored(job) == DONE
    assert sweeps.tick()["open"] == 0
