"""
`make soak`: the model and the kills for a long time, an hour by default.

    python -m model.soak --minutes 60 --kills 2000 --seed 1

Every core plays other batches of the model, each with a seed that is printed; `--replay SEED` plays
one batch again. The kills go first, on one core. The exit status is 0 only if every promise held.
"""

import argparse
import os
import random
import sys
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from multiprocessing import get_context

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import get_state_machine_test

from garbage import collect_seldom
from local_stack.stack import LocalStack
from model.kills import Kills
from model.machine import RestoreModel

BATCH = settings(
    max_examples=30,
    stateful_step_count=20,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""What breaks a promise is made smaller only when it is played again: that takes long."""


def play_batch(number: int, bounds: settings = BATCH) -> None:
    """Play one batch on this process's stack; raise AssertionError with Hypothesis's report."""
    try:
        seed(number)(get_state_machine_test(RestoreModel, settings=bounds))()
    except FlakyStrategyDefinition:
        # The threads of a sweep took turns in another order than in an example that began alike,
        # so that another rule may come next. Hypothesis does not go on after that.
        if RestoreModel.broken:
            raise
        RestoreModel.tally["batches ended early"] += 1


def play_batches(first: int, until: float, most: int | None) -> Counter[str]:
    """Play batches until the moment, at `most` so many, also after one that breaks a promise."""
    chance = random.Random(first)  # noqa: S311 - to be repeated, not to be secret
    with LocalStack() as stack:
        RestoreModel.stack = stack
        for number in count() if most is None else range(most):
            if time.time() >= until:
                break
            batch = chance.randrange(2**32)
            try:
                play_batch(batch)
            except BaseException:  # noqa: BLE001 - the seed is needed for all of them
                report(f"batch {batch} broke a promise\n{traceback.format_exc()}")
                RestoreModel.tally["broken"] += 1
            report(f"batch {number + 1} on this core ended: {RestoreModel.tally['examples']}")
    return RestoreModel.tally


def play_kills(first: int, most: int) -> Counter[str]:
    """Play so many seeds of the kills; stop at the first that breaks a promise."""
    with LocalStack() as stack, Kills(stack) as kills:
        for number in range(first, first + most):
            try:
                kills.play(number)
            except AssertionError:
                report(f"seed {number} of the kills broke a promise\n{traceback.format_exc()}")
                kills.tally["broken"] += 1
                break
        return kills.tally


def report(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batches", type=int, help="of a core at most")
    parser.add_argument("--kills", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--replay", type=int, metavar="BATCH")
    options = parser.parse_args()
    if options.replay is not None:
        with LocalStack() as stack:
            RestoreModel.stack = stack
            play_batch(options.replay, settings(BATCH, phases=[Phase.generate, Phase.shrink]))
        return 0
    report(f"seed {options.seed}")
    until, cores = time.time() + options.minutes * 60, os.cpu_count() or 1
    with ProcessPoolExecutor(
        cores + 1, mp_context=get_context("spawn"), initializer=collect_seldom
    ) as processes:
        kills = processes.submit(play_kills, options.seed, options.kills)
        models = [
            processes.submit(play_batches, options.seed + core, until, options.batches)
            for core in range(cores)
        ]
        tally = sum((one.result() for one in [*models, kills]), Counter[str]())
    for what, times in sorted(tally.items()):
        print(f"  {times:>8} {what}")
    return 1 if tally["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
