"""Sweeps that die while they list a project: F76, F66, F1 and F2."""

from datetime import datetime

import pytest

from integration.watching import RECOVERY
from local_stack.atlas import EmulatedRestore
from local_stack.wire import Phase, Selection
from reliability.campaign import Campaign, Stored, always
from reliability.finding import (
    BEGIN,
    COLLECTION_LIST,
    DEDICATED_CLUSTERS,
    ENDED,
    EVENTS,
    FLEX_CLUSTERS,
    MOVE,
    WATCH,
    Finds,
)
from reliability.steps import ACKNOWLEDGE, PUBLISH, RECORD, SECRET, TOKEN
from reliability.sweeping import (
    DEDICATED_LIST,
    FLEX_LIST,
    LEASE_IS_OVER,
    QUERY,
    TAKE,
    Sweeps,
    death,
)
from restore_watch.errors import RestoreWatchError

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

READS: dict[str, Selection] = {
    "query": QUERY,
    "secret": SECRET,
    "token": TOKEN,
    "events": EVENTS,
    "flex-clusters": FLEX_CLUSTERS,
    "dedicated-clusters": DEDICATED_CLUSTERS,
    "flex-list": FLEX_LIST,
    "dedicated-list": DEDICATED_LIST,
    "collection-list": COLLECTION_LIST,
}
WRITES: dict[str, Selection] = {
    "take": TAKE,
    "begin": BEGIN,
    "record": RECORD,
    "publish": PUBLISH,
    "acknowledge": ACKNOWLEDGE,
    "move": MOVE,
}
STEPS: dict[str, tuple[Selection, Phase]] = {
    **{name: (step, "before") for name, step in READS.items()},
    **{f"before-{name}": (step, "before") for name, step in WRITES.items()},
    **{f"after-{name}": (step, "after") for name, step in WRITES.items()},
}
"""Every step of a listing. Only a write leaves something behind if its answer is lost."""

FIRST = {f"first-{name}": (*step, True) for name, step in STEPS.items()}
LATER = {
    f"later-{name}": (*step, False) for name, step in STEPS.items() if not name.endswith("begin")
}
"""Of the first listing of a project, and of a later one."""

IN_EVERY_RUN = (
    *(f"first-after-{name}" for name in ("begin", "record", "publish", "move")),
    *(f"first-{name}" for name in ("flex-clusters", "before-move")),
    *(f"later-{name}" for name in ("collection-list", "after-record", "before-move")),
)
"""A listing that dies before a write leaves what one leaves that dies at the read before it."""

RUNNING = Stored("RUNNING", 1, 1)


class Scene:
    """A project for which a listing takes each of its steps."""

    def __init__(self, campaign: Campaign, finds: Finds) -> None:
        self.finds = finds
        self.campaign = campaign
        self.ended = finds.ended_jobs()
        self.running = campaign.job(cluster="orders-flex", timeline=["RUNNING", "COMPLETED"])
        self.others = [campaign.job("dedicated", f"other-{n}") for n in range(3)]

    @property
    def jobs(self) -> list[EmulatedRestore]:
        return [*self.ended, self.running, *self.others]

    def assert_no_mark_is_past_what_was_read(self) -> None:
        item = self.finds.item()
        if not item:
            return
        for job in self.jobs:
            began = int(job.restore_id[:8], 16)
            is_past = datetime.fromisoformat(item["mark"]).timestamp() > began
            assert not is_past or self.campaign.item(job) is not None

    def assert_found(self) -> None:
        for job in self.jobs:
            stored = ENDED if job in self.ended else RUNNING
            assert self.campaign.stored(job) == stored
            assert set(self.campaign.published(job)) == {stored.status}
        assert self.finds.behind == set()


def die(campaign: Campaign, sweeps: Sweeps, finds: Finds, step: Selection, phase: Phase) -> None:
    doomed = finds.environment()
    with death(campaign.hasty, campaign, step, phase):
        try:
            sweeps.tick(doomed)
        except RestoreWatchError as error:
            campaign.said.append(repr(error))


@pytest.mark.fault("F76", "F66", "F1", "F2")
@cases(("step", "phase", "is_first"), always(FIRST | LATER, *IN_EVERY_RUN))
def test_a_listing_that_dies_is_repeated_and_nothing_is_missed(
    campaign: Campaign,
    sweeps: Sweeps,
    finds: Finds,
    step: Selection,
    phase: Phase,
    is_first: bool,  # noqa: FBT001
) -> None:
    if not is_first:
        finds.tick()
        campaign.pass_time(900)
    scene = Scene(campaign, finds)
    die(campaign, sweeps, finds, step, phase)
    scene.assert_no_mark_is_past_what_was_read()

    campaign.pass_time(LEASE_IS_OVER)
    successor = finds.environment()
    assert sweeps.tick(successor)["failures"] == []
    scene.assert_found()

    # It goes on from there.
    scene.running.advance()
    more = finds.ended_jobs(cluster="more")
    result = finds.tick(application=successor)
    assert (result["found"], result["failures"]) == (3, [])
    assert campaign.stored(scene.running) == Stored("COMPLETED", 2, 2)
    assert finds.reported_once(more)


REPORTS: dict[str, tuple[Selection, Phase]] = {
    f"{phase}-{name}": (step, phase)
    for name, step in {"watch": WATCH, "publish": PUBLISH}.items()
    for phase in ("before", "after")
}


@pytest.mark.fault("F78", "F66", "F1", "F2")
@cases("of", ["degraded", "recovered"])
@cases(("step", "phase"), always(REPORTS, "after-watch", "before-publish"))
def test_a_sweep_that_dies_while_it_reports_a_project_is_replaced_by_one_that_does(
    campaign: Campaign, sweeps: Sweeps, finds: Finds, step: Selection, phase: Phase, of: str
) -> None:
    finds.tick()
    campaign.atlas.lock_out(campaign.group)
    finds.ticks(3 if of == "degraded" else 5)
    if of == "recovered":
        campaign.atlas.admit(campaign.group)
        finds.ticks(RECOVERY - 1)
    campaign.pass_time(60)
    die(campaign, sweeps, finds, step, phase)
    campaign.pass_time(LEASE_IS_OVER)
    successor = finds.environment()
    sweeps.tick(successor)
    campaign.atlas.admit(campaign.group)
    for _ in range(RECOVERY + 1):
        finds.tick(application=successor)

    said = list(dict.fromkeys(finds.said()))
    since = said[0].partition(":")[2]
    assert said == [f"degraded:{since}", f"recovered:{since}"]
    assert finds.item().keys().isdisjoint({"unsent", "degraded", "troubles"})
