"""
What a workflow that waits needs of the function, and what one that asks again and again needs.

    python -m benchmark.measuring_waits

writes waits.toml, beside this file, in half a minute; `make docs` computes the table of
docs/workflows.md from it. It runs in the world of `benchmark.measuring_loads`.
"""

from dataclasses import asdict
from datetime import UTC, datetime
from statistics import median
from typing import Any

from benchmark.measuring_loads import (
    CLUSTERS_OF_EACH,
    RESTORES,
    ROUNDS,
    Did,
    World,
    size_of_item,
    world,
)
from benchmark.waits import FIGURES, TOKEN_CHARACTERS, Asked, Waited
from local_stack.atlas import EmulatedRestore

KIND, _, TIMELINE = RESTORES["flex"]


def named(restore: EmulatedRestore) -> dict[str, str]:
    return restore.event | {"kind": KIND}


def waiting(restore: EmulatedRestore, number: int = 0) -> dict[str, str]:
    return {**named(restore), "taskToken": f"{number}".rjust(TOKEN_CHARACTERS, "x")}


def _found(one: World) -> EmulatedRestore:
    """A restore that a sweep has found."""
    began = one.begin(KIND, timeline=TIMELINE)
    one.sweep()
    return began


def _followed(one: World, *, waits: bool) -> tuple[list[Did], int]:
    """Follow a restore to its end. Also the bytes of its item at its second status."""
    one.sweep()
    one.watch.take()
    began = _found(one)
    if waits:
        one.watch.invoke(waiting(began))
    began.advance()
    one.sweep()
    size = size_of_item(one.item(began))
    one.follow(began)
    return one.watch.take(), size


def waited(one: World) -> Waited:
    """Compare a restore for which a workflow waits with one for which none does."""
    plain, _ = _followed(one, waits=False)
    did, size = _followed(one, waits=True)
    began = _found(one)
    one.watch.take()
    for number in range(ROUNDS):
        one.watch.invoke(waiting(began, number))
    registered = one.watch.take()
    one.follow(began)
    plain_updates = sum(each.updates_of_jobs for each in plain)
    return Waited(
        seconds=round(median(each.seconds for each in registered), 4),
        log_bytes=max(0, sum(each.log_bytes for each in did) - sum(e.log_bytes for e in plain)),
        updates=sum(each.updates_of_jobs for each in did) - plain_updates,
        other_updates=plain_updates,
        item_bytes=size,
    )


def asked(one: World) -> Asked:
    """Ask about a restore that has not changed."""
    began = _found(one)
    one.sweep()
    one.watch.take()
    for _ in range(ROUNDS):
        one.watch.invoke(named(began))
    did = one.watch.take()
    item = size_of_item(one.item(began))
    one.follow(began)
    return Asked(
        seconds=round(median(each.seconds for each in did), 4),
        questions=median(each.questions for each in did),
        log_bytes=round(median(each.log_bytes for each in did)),
        updates=round(median(each.updates_of_jobs for each in did)),
        item_bytes=item,
    )


def measure() -> dict[str, Any]:
    """Measure both, by the names of `benchmark.waits.Figures`."""
    with world(1, CLUSTERS_OF_EACH) as one:
        return {"date": datetime.now(UTC).date(), "waited": waited(one), "asked": asked(one)}


def as_toml(figures: dict[str, Any]) -> str:
    """The file."""
    lines = [
        "# Written by `python -m benchmark.measuring_waits`; benchmark/waits.py says what each is.",
        f"date = {figures.pop('date')}",
    ]
    for name, one in figures.items():
        lines += ["", f"[{name}]", *(f"{key} = {value}" for key, value in asdict(one).items())]
    return "\n".join((*lines, ""))


if __name__ == "__main__":
    FIGURES.write_text(as_toml(measure()))
