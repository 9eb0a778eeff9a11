"""
Sweeps of the built function in its real runtime, killed at random moments.

Each seed is several restores that an event names once; from then on sweeps alone follow them, while
the restores move on. One sweep is killed, as in `reliability.kills`. The clock of a real runtime
cannot be moved, and the lease that it leaves behind stands for up to eight seconds. So in most
seeds the lease is deleted, as an operator could do it; in the others the next sweep comes when it
has run out. Then two sweeps must have finished the work.
"""

import random
import time
from collections.abc import Mapping
from typing import Any

from local_stack.stack import LocalStack
from reliability.kills import TIMELINES, Course, KillCampaign, event_of
from reliability.leases import LEASE

SWEEP = {"action": "sweep"}

WAITS = 0.03
"""The share of seeds that wait until the lease of the dead sweep has run out."""


class SweepKillCampaign(KillCampaign):
    """Plays seeds of sweeps. `waits` is the share of them that waits for the lease."""

    def __init__(self, stack: LocalStack, environments: int = 3, waits: float = WAITS) -> None:
        super().__init__(stack, environments)
        self._waits = waits

    def play(self, seed: int) -> None:
        """Raise AssertionError when a promise is broken; the same seed draws the same restores."""
        chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        timelines = [chance.choice(TIMELINES) for _ in range(chance.randint(2, 4))]
        # Those of a kind share a cluster, so that lists are asked as well.
        courses = [self.begin(*one, f"swept-{seed}") for one in timelines]
        named = self.survivor.invoke(event_of([course.restore for course in courses]))
        assert named.result is not None
        turns = max(len(timeline) for _, _, timeline in timelines)
        fatal = chance.randrange(turns)
        for turn in range(turns):
            for course in courses:
                if chance.random() < 0.8 or turn == turns - 1:
                    course.advance()
            # The second one of two waits a second for the lease.
            racing = chance.sample(self.runtimes, 2 if chance.random() < 0.2 else 1)
            if turn == fatal:
                self.kill(racing, SWEEP, chance, 6 + 3 * len(courses))
                self._free_lease(waits=chance.random() < self._waits)
            else:
                self.invoke(racing, SWEEP)
        self.judge(courses, SWEEP)
        self.tally["seeds"] += 1

    def judge_last(self, item: Mapping[str, Any], course: Course) -> None:
        """A job that an unknown word has ended is followed no more."""
        if "openShard" not in item and item["status"] == "UNKNOWN":
            assert item["terminal"], "I4: a job that has not ended is not followed"
            assert item["publishedSequence"] == item["sequence"], "I4: a change is still pending"
            return
        super().judge_last(item, course)

    def _free_lease(self, *, waits: bool) -> None:
        dynamodb, table = self.stack.aws.client("dynamodb"), self.stack.table_name
        lease = dynamodb.get_item(TableName=table, Key=LEASE, ConsistentRead=True).get("Item", {})
        if "validUntil" not in lease:
            return
        self.tally["killed with the lease"] += 1
        if not waits:
            dynamodb.delete_item(TableName=table, Key=LEASE)
            return
        time.sleep(max(0.0, float(lease["validUntil"]["N"]) + 1 - time.time()))
        self.tally["waited for the lease"] += 1
