"""What the rules of the model stand on: a world for each example, and what must hold at its end."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import ClassVar

from hypothesis.stateful import RuleBasedStateMachine, initialize

from local_stack.in_process import cold_start, no_diagnosis, sweeper_of
from local_stack.stack import LocalStack
from local_stack.template import STACK_NAME
from local_stack.wire import Call, Phase
from reliability.checks import Checks, text
from reliability.deliveries import Deliveries
from reliability.disturbances import NthCall
from reliability.drawn import (
    ATLAS_FAULTS,
    AWS_FAULTS,
    SLOTS,
    DrawnJob,
    hot_seconds,
    odd_statuses,
    refusal,
    several_jobs,
)
from reliability.drawn_projects import DrawnProjects, drawn_projects
from reliability.judgement import judge_history, judge_messages, judge_secrecy
from reliability.sweep_judgement import judge_open
from reliability.sweeps import Sweeps
from reliability.tokens import Tokens
from reliability.traffic import REPLACEMENT_PAUSE, judge_traffic
from reliability.world import LOGGER, World
from reliability.world_parts import Job
from restore_watch.application import Application
from restore_watch.aws.step_functions import Workflows
from restore_watch.check.check import JobChecker
from restore_watch.sweep.sweep import Sweeper
from restore_watch.telemetry.telemetry import Telemetry
from restore_watch.threads.workers import Workers

MINUTE = 60.0


class Machine(RuleBasedStateMachine):
    """`stack` is started by the caller; every example has restore jobs that no other has."""

    stack: ClassVar[LocalStack]
    tally: ClassVar[Counter[str]] = Counter()
    watches = False
    """Whether every example has watched projects, not only those for which they are drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.stack, self.environment)
        self.checks = Checks(self.world, self.tally)
        self.deliveries = Deliveries(self.checks)
        self.sweeps = Sweeps(self.checks)
        self.tokens = Tokens(self.checks)

    def environment(self, world: World, slot: int) -> tuple[JobChecker, Application, Telemetry]:
        """A cold start in this slot. Broken copies of the code begin here."""
        checker, telemetry = self.checker(world, slot), Telemetry(LOGGER)
        checker.outbox.workflows = self.workflows(world, slot)
        sweeper = self.sweeper(world, slot, checker, telemetry)
        return checker, self.application(checker, sweeper, telemetry), telemetry

    def checker(self, world: World, slot: int) -> JobChecker:
        return cold_start(
            self.stack, world.clients[slot], now=world.clock, sleep=world.sleep_of(slot)
        )

    def workflows(self, world: World, slot: int) -> Workflows:
        return Workflows(lambda: world.clients[slot].stepfunctions)

    def sweeper(
        self, world: World, slot: int, checker: JobChecker, telemetry: Telemetry
    ) -> Sweeper:
        by = world.clients[slot]
        return sweeper_of(
            self.stack,
            by,
            checker,
            telemetry,
            hot_seconds=world.hot_seconds,
            project_ids=world.projects.ids,
        )

    def application(
        self, checker: JobChecker, sweeper: Sweeper, telemetry: Telemetry
    ) -> Application:
        return Application(checker, sweeper, Workers(), telemetry, no_diagnosis)

    def job(self, place: int) -> Job:
        return self.world.jobs[place % len(self.world.jobs)]

    def moving(self, place: int) -> Job:
        """A job that has a step left, this one if it has."""
        jobs = self.world.jobs
        turned = [jobs[(place + n) % len(jobs)] for n in range(len(jobs))]
        return next((job for job in turned if job.left), turned[0])

    def listed(self, place: int) -> Job:
        """A job that has a step left and shares its cluster with another one, if there is one."""
        clusters = Counter(job.cluster for job in self.world.jobs)
        shared = [job for job in self.world.jobs if clusters[job.cluster] > 1]
        left = [job for job in shared if job.left] or shared
        return left[place % len(left)] if left else self.moving(place)

    def longest(self) -> Job:
        """The job that has most steps left."""
        return max(self.world.jobs, key=lambda job: job.left)

    def reachable(self, job: Job) -> Job:
        """The same job; Atlas knows it and admits the service account."""
        self.world.show(job)
        self.world.admit()
        return job

    def counted(self, rule_kind: str) -> None:
        self.tally[f"rule: {rule_kind}"] += 1

    @contextmanager
    def fault(
        self, slot: int, step: int, phase: Phase, at_atlas: str, at_aws: str
    ) -> Iterator[None]:
        """Within the block the n-th call of this slot fails."""
        nth = NthCall(self.world.made(slot), step)
        actions = ATLAS_FAULTS[at_atlas], AWS_FAULTS[at_aws]
        with self.world.disturbances.within(nth, phase, *actions):
            yield
        self.tally[f"fault {phase}" if nth.struck else "fault after the end"] += 1

    @initialize(
        jobs=several_jobs, odd_status=odd_statuses, hot=hot_seconds, projects=drawn_projects
    )
    def restores_begin(
        self,
        jobs: list[DrawnJob],
        odd_status: int = 400,
        hot: float = 0.0,
        projects: DrawnProjects | None = None,
    ) -> None:
        self.tally["begun"] += 1
        if self.watches and projects is None:
            projects = DrawnProjects("ids")
        self.tally[f"watched: {projects.watches if projects else 'no projects'}"] += 1
        if hot:
            self.world.hot_seconds = hot
            for slot in range(SLOTS):
                self.world.cold_start(slot)
        for drawn in jobs:
            self.world.start_job(drawn)
        if projects is not None:
            self.world.watch(projects)
        if odd_status != 400:
            self._atlas_words_the_wrong_kind_as(odd_status)

    def _atlas_words_the_wrong_kind_as(self, status: int) -> None:
        """The code says what is wrong, whatever the HTTP status is."""
        for kind, other, code in (
            ("flex", "dedicated", "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API"),
            ("dedicated", "flex", "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"),
        ):
            self.world.disturbances.stay(partial(_asks, kind, other), refusal(status, code))

    # What must hold in the end

    def teardown(self) -> None:
        """
        Everything works again. Then two sweeps alone must reach what they follow.

        After one more check of each job everything that was promised must hold.
        """
        world = self.world
        try:
            world.disturbances.clear()
            world.admit()
            world.release_buckets()
            world.bring_all_back()
            world.projects.emit("emitted")
            world.projects.say_time(0)
            for job in world.jobs:
                if job.is_old_in_lists:
                    world.show_in_lists(job)
            self._sweep_at_last()
            self.tokens.judge_end()
            for job in world.jobs:
                # What was refused may be asked again, and a revoked token replaced.
                world.pass_time(REPLACEMENT_PAUSE + 1)
                world.revoke_tokens()
                self._judge(job)
            self.tokens.judge_end()
            judge_secrecy(map(text, self.checks.outcomes))
            judge_secrecy([repr(world.bookkept()), repr(world.received_about(STACK_NAME))])
            judge_traffic(world.traffic())
            world.leases.judge()
            self.tally["examples"] += 1
            self.tally["requests to Atlas"] += len(world.requests)
        finally:
            self.tokens.close()
            world.close()

    def _sweep_at_last(self) -> None:
        """By then what was refused may be asked again, and every lease has run out."""
        world = self.world
        left = world.lease_ends() - world.clock.peek()
        world.pass_time(max(REPLACEMENT_PAUSE, left) + 1)
        world.revoke_tokens()
        self.sweeps.run(world.last_slot)
        # A listing is due.
        world.pass_time(16 * MINUTE if world.projects.are_watched else MINUTE)
        self.sweeps.run((world.last_slot + 1) % SLOTS)
        if world.projects.are_watched:
            # The stack has recovered after three minutes without a failure, and then its projects.
            for _ in range(2):
                world.pass_time(4 * MINUTE)
                self.sweeps.run(world.last_slot)
        self.sweeps.judge.judge_end()

    def _judge(self, job: Job) -> None:
        """A job that Atlas has forgotten is judged by what was recorded before."""
        world = self.world
        self.checks.run(world.last_slot, job)
        last = self.checks.outcomes[-1]
        is_refused = isinstance(last, BaseException)
        assert is_refused == job.is_hidden, f"I4: a check failed: {last!r}"
        item, received = world.item(job), world.received(job)
        for one in [*job.deleted, *([item] if item else [])]:
            judge_history(one, job.said)
            judge_open(one)
        if item is not None:
            self.tally["changes"] += len(item["history"])
        self.tally["duplicates"] += judge_messages(job.deleted, item, received)
        # A task token is stored with its job, and is nowhere else.
        shown = {name: value for name, value in (item or {}).items() if name != "waiting"}
        judge_secrecy([repr(shown), repr(received)])


def _asks(kind: str, cluster_kind: str, call: Call) -> bool:
    """A call to one kind's endpoint for a cluster of another kind."""
    return call.operation == kind and f"/{cluster_kind}-cluster/" in call.path
