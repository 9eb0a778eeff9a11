"""
`make soak`: the model and the kills for a long time, an hour by default.

    python -m reliability.soak --minutes 60 --kills 2000 --seed 1

Every core plays other batches of the model, each with a seed that is printed; `--replay SEED`
plays one batch again, and `--cores` limits how many play. The kills come first, on one core: on
moto, and then on DynamoDB Local if it was fetched. The exit status is 0 only if every promise held.
"""

import argparse
import itertools
import os
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from typing import ClassVar, override

from hypothesis import HealthCheck, seed, settings
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import get_state_machine_test

from local_stack.dynamodb_local import DynamoDBLocal
from local_stack.stack import LocalStack
from reliability.kills import KillCampaign
from reliability.sweep_kills import SweepKillCampaign
from reliability.token_rules import WaitingModel

EXAMPLES = 50
"""Examples of one batch."""

STEPS = 10
"""Rules of one example."""

MOTO = "moto"
DYNAMODB_LOCAL = "DynamoDB Local"
"""Where the table is."""


class SoakModel(WaitingModel):
    """The model, which notes whether a promise was broken: Hypothesis may report something else."""

    is_broken: ClassVar[bool] = False

    @override
    def teardown(self) -> None:
        SoakModel.is_broken |= isinstance(sys.exception(), AssertionError)
        try:
            super().teardown()
        except AssertionError:
            SoakModel.is_broken = True
            raise


def play_model(batch: int) -> Counter[str]:
    """Play one batch on this process's stack; raise AssertionError with Hypothesis's report."""
    SoakModel.is_broken = False
    SoakModel.tally.clear()
    bounds = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    try:
        seed(batch)(get_state_machine_test(SoakModel, settings=bounds))()
    except FlakyStrategyDefinition:
        # The threads of a sweep took their turns in another order than in an example that began
        # alike, so another rule may come next. Hypothesis does not go on after that.
        if SoakModel.is_broken:
            raise
        SoakModel.tally["batches ended early"] += 1
    return Counter(SoakModel.tally)


def play_models(first: int, until: float, most: int | None) -> Counter[str]:
    """Play batches until the moment, at `most` so many, also after one that breaks a promise."""
    total: Counter[str] = Counter()
    chance = random.Random(first)  # noqa: S311 - to be repeated, not to be secret
    with LocalStack() as stack:
        SoakModel.stack = stack
        for _ in itertools.count() if most is None else range(most):
            if time.time() >= until:
                break
            batch = chance.randrange(2**32)
            try:
                total += play_model(batch)
            except BaseException:  # noqa: BLE001 - the seed is needed for all of them
                report(f"batch {batch} broke a promise\n{traceback.format_exc()}")
                total["broken"] += 1
                continue
            report(f"batch {batch}: {total['examples']} examples on this core")
    return total


def play_kills(kind: type[KillCampaign], first: int, count: int, table: str) -> Counter[str]:
    """Play so many seeds of the kills; stop at the first that breaks a promise."""
    with ExitStack() as blocks:
        stack = blocks.enter_context(LocalStack())
        if table == DYNAMODB_LOCAL:
            blocks.enter_context(stack.storing_in(blocks.enter_context(DynamoDBLocal())))
        campaign = blocks.enter_context(kind(stack))
        campaign.tally["broken"] = 0  # printed all the same
        begun = time.monotonic()
        for number in range(first, first + count):
            try:
                campaign.play(number)
            except AssertionError:
                what = f"{kind.__name__}: seed {number} on {table} broke a promise"
                report(f"{what}\n{traceback.format_exc()}")
                campaign.tally["broken"] += 1
                break
            if (number - first + 1) % 100 == 0:
                report(f"{number - first + 1} kill seeds on {table}")
        campaign.tally["seconds"] = round(time.monotonic() - begun)
        return campaign.tally


def play_all_kills(first: int, count: int, tables: Sequence[str]) -> dict[str, Counter[str]]:
    """Play the same seeds with the table here and there, one after the other; half are sweeps."""
    return {
        f"kills of {what} on {table}": play_kills(kind, first, count // 2, table)
        for table in tables
        for what, kind in (("checks", KillCampaign), ("sweeps", SweepKillCampaign))
    }


def print_tally(tally: Counter[str]) -> None:
    """The rules first: how often each kind was played."""
    for what, count in sorted(tally.items(), key=lambda one: (":" not in one[0], one[0])):
        print(f"  {count:>8} {what}")


def report(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batches", type=int, help="of a core at most")
    parser.add_argument("--kills", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--replay", type=int, metavar="BATCH")
    options = parser.parse_args()
    if options.replay is not None:
        with LocalStack() as stack:
            SoakModel.stack = stack
            report(str(dict(play_model(options.replay))))
        return 0
    report(f"seed {options.seed}")
    absence = DynamoDBLocal.absence()
    tables = [MOTO] if absence else [MOTO, DYNAMODB_LOCAL]
    if absence:
        report(absence)
    until = time.time() + options.minutes * 60
    with ProcessPoolExecutor(options.cores, mp_context=get_context("spawn")) as processes:
        kills = processes.submit(play_all_kills, options.seed, options.kills, tables)
        models = [
            processes.submit(play_models, options.seed + core, until, options.batches)
            for core in range(options.cores)
        ]
        tallies = {"model": sum((model.result() for model in models), Counter[str]())}
        tallies |= kills.result()
    for name, tally in tallies.items():
        report(name)
        print_tally(tally)
    return 1 if any(tally["broken"] for tally in tallies.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
