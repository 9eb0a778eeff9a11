"""Restores of every kind and outcome, played through the function in its real runtime."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from local_stack.atlas import EmulatedRestore, Kind
from local_stack.restores import date
from local_stack.runtime import Outcome
from local_stack.schemas import fits_its_schema
from local_stack.stack import LocalStack
from observed_stack import ObservedStack

GROUP = "5f0000000000000000000e01"
OTHER_GROUP = "5f0000000000000000000e02"

# By cluster: kind, delivery type, steps and outcome.
_PLAYED: dict[str, tuple[Kind, str | None, tuple[str, ...], str]] = {
    "flex-completed": ("flex", None, ("PENDING", "QUEUED", "RUNNING", "COMPLETED"), "COMPLETED"),
    "flex-failed": ("flex", None, ("RUNNING", "FAILED"), "FAILED"),
    "flex-cancelled": ("flex", None, ("PENDING", "CANCELED"), "CANCELLED"),
    "flex-expired": ("flex", "DOWNLOAD", ("RUNNING", "COMPLETED", "EXPIRED"), "EXPIRED"),
    "flex-ready": ("flex", "DOWNLOAD", ("RUNNING", "COMPLETED"), "COMPLETED"),
    "flex-unknown": ("flex", None, ("PAUSED", "PAUSED+finished"), "UNKNOWN"),
    "flex-pausing": ("flex", None, ("PENDING", "PAUSED"), "OPEN"),
    "flex-open": ("flex", None, ("PENDING", "RUNNING"), "OPEN"),
    "flex-found-ended": ("flex", None, ("COMPLETED",), "COMPLETED"),
    "tenant-completed": ("tenant", None, ("RUNNING", "COMPLETED"), "COMPLETED"),
    "dedicated-completed": ("dedicated", None, ("running", "finished"), "COMPLETED"),
    "dedicated-failed": ("dedicated", None, ("running", "failed"), "FAILED"),
    "dedicated-cancelled": ("dedicated", None, ("running", "cancelled"), "CANCELLED"),
    "dedicated-gone": ("dedicated", None, ("running", "expired"), "EXPIRED"),
    "dedicated-ready": ("dedicated", "download", ("running", "download-ready"), "COMPLETED"),
    "dedicated-expired": (
        "dedicated",
        "download",
        ("running", "download-ready", "expired"),
        "EXPIRED",
    ),
    "collection-completed": (
        "collection",
        None,
        ("INITIALIZING", "IN_PROGRESS", "FINALIZING", "SUCCESSFUL"),
        "COMPLETED",
    ),
    "collection-failed": ("collection", None, ("IN_PROGRESS", "FAILED"), "FAILED"),
}

OUTCOMES = {cluster: outcome for cluster, (*_, outcome) in _PLAYED.items()}

# How long ago a restore began, if not now, and how old its snapshot was then, if not an hour.
SLOW = "flex-completed"
STALE = "flex-failed"
_BEGAN_EARLIER = {SLOW: timedelta(hours=3), "flex-open": timedelta(hours=5)}
_SNAPSHOT_AGES = {STALE: timedelta(days=2)}

TESTED = "flex-expired"
"""Pipelines test the data of this download while it is ready, and report two verdicts."""

_VERDICTS: tuple[dict[str, str], ...] = (
    {"verdict": "FAILED", "validatedBy": "restore-drill"},
    {
        "verdict": "PASSED",
        "validatedBy": "restore-drill",
        "detail": "12 of 12 collections have the expected number of documents",
    },
)


@dataclass(frozen=True)
class History:
    """What the function did, as others see it."""

    items: list[dict[str, Any]]
    logs: list[str]
    restores: dict[str, EmulatedRestore]


def play(stack: ObservedStack) -> History:
    """Play one sweep, which leaves bookkeeping in the table, and then all restores."""
    stack.reset()
    stack.atlas.behaviour.tenant_endpoint = None
    stack.logs()
    assert stack.tick().outcome is Outcome.RESULT
    restores = {cluster: _start(stack, cluster) for cluster in _PLAYED}
    left = {cluster: len(steps) for cluster, (_, _, steps, _) in _PLAYED.items()}
    while left:
        _check(stack, [restores[cluster] for cluster in left])
        left = {cluster: steps - 1 for cluster, steps in left.items() if steps > 1}
        if restores[TESTED].step == "COMPLETED":
            _report_verdicts(stack, restores[TESTED])
        for cluster in left:
            restores[cluster].advance()
    for message in stack.received():
        fits_its_schema(message.event)
    pages = stack.aws.client("dynamodb").get_paginator("scan").paginate(TableName=stack.table_name)
    history = History(
        items=[item for page in pages for item in page["Items"]],
        logs=[line for line in stack.logs().splitlines() if line.startswith("{")],
        restores=restores,
    )
    stack.settle()
    return history


def _report_verdicts(stack: LocalStack, restore: EmulatedRestore) -> None:
    """As soon as the restore was scheduled."""
    for said in _VERDICTS:
        at = date(restore.scheduled)
        event = {"action": "record-validation", **restore.event, **said, "validatedAt": at}
        assert stack.invoke(event).outcome is Outcome.RESULT


def _start(stack: LocalStack, cluster: str) -> EmulatedRestore:
    kind, delivery_type, steps, _ = _PLAYED[cluster]
    earlier = _BEGAN_EARLIER.get(cluster)
    return stack.atlas.start_restore(
        OTHER_GROUP if kind == "collection" else GROUP,
        cluster,
        kind,
        delivery_type=delivery_type,
        timeline=steps,
        target_group=OTHER_GROUP,
        at=stack.atlas.now() - earlier if earlier else None,
        snapshot_age=_SNAPSHOT_AGES.get(cluster, timedelta(hours=1)),
    )


def _check(stack: LocalStack, restores: list[EmulatedRestore]) -> None:
    named = {"tenant", "collection"}
    targets = []
    for restore in restores:
        kind = _PLAYED[restore.cluster][0]
        targets.append(restore.event | ({"kind": kind} if kind in named else {}))
    stack.invoke({"targets": targets})
