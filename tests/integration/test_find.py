"""Restores that nobody named are found and followed, in the real runtime."""

import pytest

from integration.checking import expected_job, operations
from integration.conftest import RuntimeWith
from integration.sweeping import is_open
from integration.test_sweep import KNOWN, LEASE, Ticks
from integration.watching import job_messages
from local_stack.atlas import EmulatedRestore, Kind
from local_stack.stack import Received
from observed_stack import ObservedStack

ENDS: dict[str, tuple[Kind, str | None, list[str]]] = {
    "flex": ("flex", None, ["PENDING", "QUEUED", "RUNNING", "COMPLETED"]),
    "dedicated": ("dedicated", None, ["RUNNING", "COMPLETED"]),
    "download": ("dedicated", "download", ["RUNNING", "COMPLETED", "EXPIRED"]),
    "collection": ("collection", None, ["PENDING", "RUNNING", "COMPLETED"]),
}
"""Kind, delivery type, and the statuses that a subscriber receives."""


@pytest.fixture(params=["one", "all"])
def tick(
    stack: ObservedStack, runtime_with: RuntimeWith, group: str, request: pytest.FixtureRequest
) -> Ticks:
    """An environment that watches an empty project, or all, and has listed it once."""
    stack.atlas.add_project(group)
    watched = group if request.param == "one" else "all"
    ticks = Ticks(stack, runtime_with(ATLAS_PROJECT_IDS=watched, HOT_SECONDS="0"))
    assert ticks().result["failures"] == []
    return ticks


def test_restores_of_every_kind_are_found_and_followed_to_their_ends(
    stack: ObservedStack, tick: Ticks, group: str
) -> None:
    restores: dict[str, EmulatedRestore] = {}
    for name, (kind, delivery, _) in ENDS.items():
        restores[name] = stack.atlas.start_restore(
            group,
            f"{name}-cluster",
            kind,
            delivery_type=delivery,
            timeline=["running", "download-ready", "finished+expired"] if delivery else None,
        )

    results = [tick().result]
    assert (results[0]["found"], results[0]["changed"], results[0]["failures"]) == (4, 4, [])
    while any(is_open(stack, restore) for restore in restores.values()):
        for restore in restores.values():
            if is_open(stack, restore):
                restore.advance()
        results.append(tick().result)
    received = job_messages(stack)

    assert {name: _statuses(received, one) for name, one in restores.items()} == {
        name: statuses for name, (_, _, statuses) in ENDS.items()
    }
    assert sum(result["found"] for result in results) == 4
    for name, restore in restores.items():
        kind, _, statuses = ENDS[name]
        last = [one.event for one in received if one.event["subject"] == restore.restore_id][-1]
        assert expected_job(restore, kind, statuses[-1]).items() <= last["data"].items()
        assert last["data"]["sequence"] == len(statuses)


def test_an_idle_sweep_of_a_project_asks_atlas_for_its_events_and_for_nothing_else(
    stack: ObservedStack, tick: Ticks
) -> None:
    assert tick().result == {
        "open": 0,
        "found": 0,
        "checked": 0,
        "changed": 0,
        "published": 0,
        "notReached": 0,
        "failures": [],
    }
    assert operations(stack) == [*LEASE, *KNOWN, "events", *LEASE]


def test_the_first_sweep_lists_a_project_and_stores_its_marks(
    stack: ObservedStack, runtime_with: RuntimeWith, group: str
) -> None:
    stack.atlas.add_cluster(group, "orders", "flex")
    tick = Ticks(stack, runtime_with(ATLAS_PROJECT_IDS=group, HOT_SECONDS="0"))
    tick().result  # noqa: B018 - it must succeed

    made = [one for one in operations(stack) if one not in {"token", "GetSecretValue"}]
    assert made[:8] == [*LEASE, *KNOWN, "UpdateItem", "events"]
    assert sorted(made[8:-2]) == ["dedicated_clusters", "flex_clusters", "flex_list"]
    assert made[-2:] == ["UpdateItem", *LEASE]


def _statuses(received: list[Received], restore: EmulatedRestore) -> list[str]:
    return [
        one.event["data"]["status"]
        for one in received
        if one.event["subject"] == restore.restore_id
    ]
