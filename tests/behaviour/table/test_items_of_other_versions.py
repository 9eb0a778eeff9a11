"""Items that another version or an operator wrote, odd texts in items, and when an item expires."""

from collections.abc import Sequence
from typing import Any

import pytest

from foundation.errors import ApplicationError
from local_stack.atlas import Kind
from local_stack.steps import ACKNOWLEDGE, FLEX, MISSING_ROLE, PUBLISH
from local_stack.wire import Answer, Selection
from local_stack.world import Stored, World
from restore_watch.errors import (
    AtlasUnauthorizedError,
    NotificationPendingError,
    TableUnavailableError,
)

cases = pytest.mark.parametrize


@pytest.mark.fault("F50")
@cases(
    ("kind", "how", "step", "error", "was_expiring"),
    [
        ("flex", {}, PUBLISH, NotificationPendingError, False),
        ("dedicated", {}, ACKNOWLEDGE, TableUnavailableError, False),
        (
            "dedicated",
            {"delivery_type": "download", "timeline": ["download-ready", "expired"]},
            PUBLISH,
            NotificationPendingError,
            True,
        ),
    ],
    ids=["publication", "acknowledgement", "ready-download"],
)
def test_an_item_expires_only_when_nothing_is_pending(
    world: World,
    kind: Kind,
    how: dict[str, Any],
    step: Selection,
    error: type[ApplicationError],
    was_expiring: bool,  # noqa: FBT001
) -> None:
    def keeps() -> tuple[bool, bool]:
        item = world.known_item(job)
        return "openShard" in item, "expiresAt" in item

    job = world.recorded_job(kind, **how)
    assert keeps() == (True, was_expiring)
    job.run_to_end()
    world.inject(step, Answer(400))
    world.refused(error, job)
    assert keeps() == (True, False)

    world.check(job)
    assert keeps() == (False, True)


@pytest.mark.fault("F51")
def test_attributes_of_a_newer_version_are_kept(world: World) -> None:
    job = world.recorded_job(timeline=["PENDING", "COMPLETED"])
    novel = {"deep": [None, 1, {"a", "b"}]}
    history = [one | {"novel": novel} for one in world.known_item(job)["history"]]
    world.rewrite(job, novel=novel, history=history)
    assert not world.check(job).changed

    job.advance()
    assert world.check(job).changed
    item = world.known_item(job)
    assert item["novel"] == item["history"][0]["novel"] == novel
    assert world.published(job) == ["PENDING", "COMPLETED"]
    assert world.stored(job) == Stored("COMPLETED", 2, 2)


DERIVED = ("terminal", "downloadAvailable", "atlasStatus", "durationSeconds", "snapshotAgeSeconds")
OPTIONAL = ("deliveryType", "snapshotId", "expirationDate", "targetProjectId", "openShard")


@pytest.mark.fault("F51")
@cases(
    ("of_the_item", "of_its_history"),
    [(DERIVED, DERIVED), (OPTIONAL, ()), (["publishedSequence"], ())],
    ids=["derived", "optional", "outbox-mark"],
)
def test_attributes_that_an_older_version_did_not_write_are_not_needed(
    world: World, of_the_item: Sequence[str], of_its_history: Sequence[str]
) -> None:
    job = world.recorded_job(timeline=["PENDING", "COMPLETED"])
    history = [
        {name: value for name, value in entry.items() if name not in of_its_history}
        for entry in world.known_item(job)["history"]
    ]
    world.rewrite(job, history=history, **dict.fromkeys(of_the_item))
    world.check(job)
    job.advance()
    world.check(job)

    assert world.published(job)[-1] == "COMPLETED"
    assert world.stored(job) == Stored("COMPLETED", 2, 2)


@pytest.mark.fault("F51", "F55")
@cases(
    "damage",
    [{"kind": "serverless"}, {"history": ["PENDING"]}, {"publishedSequence": "all"}],
    ids=["kind", "entry", "outbox-mark"],
)
def test_an_item_that_cannot_be_read_stays_until_it_is_repaired(
    world: World, damage: dict[str, Any]
) -> None:
    """The unit tests of the item have every other kind of damage."""
    job = world.recorded_job()
    before = world.known_item(job)
    world.rewrite(job, **damage)
    damaged = world.item(job)
    error = world.refused(TableUnavailableError, job)
    assert "this version cannot read" in str(error)
    with world.inject(FLEX, MISSING_ROLE, times=None):
        world.refused(AtlasUnauthorizedError, job)
    assert world.count(PUBLISH) == 0
    assert world.item(job) == damaged

    world.rewrite(job, **{name: before[name] for name in damage})
    job.run_to_end()
    world.check(job)
    assert world.published(job) == ["PENDING", "COMPLETED"]
