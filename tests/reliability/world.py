"""
The world of one example of the model: time, Atlas and its jobs, environments, a subscriber.

The code is ours and real, and so are the sockets, the conditional write, the topic and the
subscriber's queue. Waits are skipped, and the clock moves on by as much.
"""

import io
import itertools
import math
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial
from typing import Any

from aws_lambda_powertools import Logger
from botocore.config import Config

from foundation.deadline import Deadline
from left_threads import LEFT_THREADS
from local_stack.atlas import Role
from local_stack.clock import Clock as AtlasClock
from local_stack.in_process import ENVIRONMENT_HEADER, Clients, clients
from local_stack.restores import Kind, object_id
from local_stack.stack import CREDENTIALS, LocalStack, Received
from local_stack.wire import Action, Answer, Call, Phase
from reliability.disturbances import Disturbances, OddEntries
from reliability.drawn import SLOTS, Admission, DrawnJob
from reliability.drawn_projects import DrawnProjects, Sightless
from reliability.find_judgement import Bookkept
from reliability.judgement import word_of
from reliability.leases import LEASE, LeaseLog
from reliability.traffic import (
    DEFAULT_LIMIT,
    LONGEST_REFUSAL,
    LONGEST_WAIT,
    REPLACEMENT_PAUSE,
    TICKS,
    Request,
)
from reliability.watched_projects import WatchedProjects, is_to_find
from reliability.world_parts import Clock, Environment, Job, cluster_of, group_of, key_of
from restore_watch.application import Application
from restore_watch.check.check import JobChecker
from restore_watch.event.actions import Sweep
from restore_watch.model.restore_job import RestoreTarget
from restore_watch.telemetry.telemetry import Telemetry

ONE_TRY = Config(
    connect_timeout=15, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 1}
)
"""
What fails, fails at once: that a call is repeated is tested apart from what is lost.

No fault here is a silence, so a timeout is the machine's: a crowded one once let moto take more
than five seconds.
"""

_CLIENT_ID = CREDENTIALS["service_account"]["client_id"]

OUTPUT = io.StringIO()
"""What the environments log."""

LOGGER = Logger(service="model", stream=OUTPUT, location=None)


@cache
def _clients_of(stack: LocalStack) -> list[Clients]:
    """Expensive to make, so they serve every example on this stack."""
    return [clients(stack, ONE_TRY) for _ in range(SLOTS)]


class World:
    """`build` makes an environment's parts: the product, or a broken copy of it."""

    def __init__(
        self,
        stack: LocalStack,
        build: Callable[["World", int], tuple[JobChecker, Application, Telemetry]],
    ) -> None:
        self.stack = stack
        self.clock = Clock()
        self.last_slot = 0
        self._build = build
        self._slept = 0.0
        self.jobs: list[Job] = []
        """Those that checks name."""
        self._clusters_with_history: set[tuple[str, str]] = set()
        self.unnamed: list[Job] = []
        self.requests: list[Request] = []
        self.unauthorized: deque[float] = deque(maxlen=2)
        self.admission: Admission | None = None
        self.low_buckets: set[tuple[str, Kind]] = set()
        self.hot_seconds = 0.0
        self.slept: Callable[[int], None] = lambda _: None
        """Called before the code of a slot sleeps."""
        self.projects = WatchedProjects(stack, lambda: self.every_job)
        self.leases = LeaseLog()
        self.clients = _clients_of(stack)
        self.disturbances = Disturbances(stack, self._is_from_environment, self._noted)
        self._slots = {by.key_id: slot for slot, by in enumerate(self.clients)}
        self._passing = threading.Lock()
        self._ahead = 0.0
        self._begun_at = time.monotonic()
        self._failed_at = -math.inf
        self._numbers = itertools.count(1)
        self._invocations = itertools.count(1)
        self._messages: dict[str, list[Received]] = defaultdict(list)
        self._receiving = threading.Lock()
        self._effects: Counter[str] = Counter()
        self._items: dict[str, tuple[int, dict[str, Any] | None]] = {}
        self._bookkept: tuple[int, dict[str, Bookkept]] = -1, {}
        self._drained_at = -1
        self._delete(LEASE)
        stack.received()
        stack.forget_calls()
        stack.atlas.behaviour.lift_limits()
        self._listeners = [
            stack.atlas.wire.listen(self._heard),
            stack.aws.wire.listen(self._affected),
            stack.aws.wire.listen(self._noted_lease),
        ]
        self.environments = [self._environment(slot) for slot in range(SLOTS)]

    def close(self) -> None:
        """Leave nothing behind that the sweeps of the next example would find."""
        for listener in self._listeners:
            listener.remove()
        self.disturbances.end()
        self.admit()
        self.release_buckets()
        for job in self.every_job:
            self.show_in_lists(job)
            self.hide(job)
            self._delete(key_of(job))
        self.projects.close()
        self._atlas_clock.advance(-self._ahead)
        LEFT_THREADS.end()

    # Time

    @property
    def uptime(self) -> float:
        """Seconds on a monotonic clock that counts the skipped waits."""
        return time.monotonic() + self._slept

    @property
    def age(self) -> float:
        """Seconds since the example began."""
        return self.uptime - self._begun_at

    def pass_time(self, seconds: float) -> None:
        """Time passes for everything."""
        with self._passing:
            self.clock.jump(seconds)
            self._slept += seconds
            self._ahead += seconds
            self._atlas_clock.advance(seconds)

    def set_clock_back(self, seconds: float) -> None:
        """Only the environments' clock is set back. Tokens may be older than they seem."""
        self.clock.jump(-seconds)
        self.unauthorized.append(self.uptime)

    def sleep(self, slot: int, seconds: float) -> None:
        """A wait of the code, judged by I7."""
        environment = self.environments[slot]
        assert seconds <= LONGEST_WAIT, "I7: an invocation sleeps too long"
        if environment.deadline is not None:
            left = environment.deadline.remaining()
            assert seconds <= left + TICKS, "I6: an invocation sleeps past its deadline"
        last = environment.last
        is_limited = last is not None and self._settled(last).limit is not None
        is_for_others = environment.targets > 1 and environment.sweep is None
        assert not (is_for_others and is_limited), "I7: a 429 is slept out for others"
        self.slept(slot)
        self.pass_time(seconds)

    @property
    def _atlas_clock(self) -> AtlasClock:
        clock = self.stack.atlas.clock
        assert isinstance(clock, AtlasClock)
        return clock

    # Environments

    def cold_start(self, slot: int) -> None:
        self.environments[slot] = self._environment(slot)

    def begin(
        self,
        slot: int,
        targets: int = 1,
        *,
        sweep: Sweep | None = None,
        deadline: Deadline | None = None,
    ) -> Environment:
        """An invocation begins."""
        self.last_slot = slot
        environment = self.environments[slot]
        environment.invocation = next(self._invocations)
        environment.targets = targets
        environment.sweep = sweep
        environment.deadline = deadline
        return environment

    @contextmanager
    def hot(self, *slots: int) -> Iterator[None]:
        """Within the block, new environments in these slots ask about hot jobs in rounds."""
        before, self.hot_seconds = self.hot_seconds, 10.0
        for slot in slots:
            self.cold_start(slot)
        yield
        self.hot_seconds = before
        for slot in slots:
            self.cold_start(slot)

    def made(self, slot: int) -> Callable[[Call], bool]:
        return self.clients[slot].made

    def sleep_of(self, slot: int) -> Callable[[float], None]:
        return partial(self.sleep, slot)

    def _environment(self, slot: int) -> Environment:
        return Environment(next(self._numbers), *self._build(self, slot))

    # What Atlas does

    @property
    def marks_went_back(self) -> bool:
        """What is not believed goes back by seven days, and restores of the past are found."""
        return bool(self.projects.poisoned or self.clock.epoch)

    @property
    def every_job(self) -> list[Job]:
        return [*self.jobs, *self.unnamed]

    def start_job(self, drawn: DrawnJob) -> Job:
        # Half an hour old, so that a 404 is an answer and not a job that may still appear.
        job = self._start(drawn, restore_id=object_id(self.clock() - timedelta(minutes=31)))
        self.jobs.append(job)
        return job

    def start_unnamed_job(self, drawn: DrawnJob, minutes: float = 0) -> Job:
        """A restore that nobody names; it began so many minutes ago."""
        at = self.stack.atlas.now() - timedelta(minutes=minutes)
        job = self._start(drawn, at=at)
        self.unnamed.append(job)
        self._add_history(job)
        return job

    def _add_history(self, job: Job) -> None:
        """Restores of this cluster that had ended a day before the example began, once."""
        if self.projects.history and job.cluster not in self._clusters_with_history:
            self._clusters_with_history.add(job.cluster)
            newest = self.stack.atlas.now() - timedelta(days=1, seconds=self.age)
            self.stack.atlas.add_ended_restores(
                *job.cluster, job.kind, self.projects.history, newest=newest
            )

    def _start(self, drawn: DrawnJob, **when: Any) -> Job:
        kind = drawn.atlas_kind
        self.projects.bring_back(drawn.group)
        restore = self.stack.atlas.start_restore(
            drawn.group,
            drawn.cluster or f"{kind}-cluster",
            kind,
            delivery_type=drawn.delivery_type or None,
            timeline=drawn.timeline,
            **when,
        )
        named = {"kind": drawn.kind if drawn.named else None, "envelope": drawn.envelope or None}
        target = RestoreTarget.model_validate(restore.event | named)
        steps = drawn.timeline
        words = [word_of(kind, drawn.delivery_type, steps[: n + 1]) for n in range(len(steps))]
        job = Job(restore, target, words, kind)
        self.projects.began(job)
        return job

    def advance(self, job: Job) -> None:
        job.restore.advance()
        job.said_so_far += 1

    def hide(self, job: Job) -> None:
        """Atlas answers 404 for the job."""
        job.vanish()
        self.stack.atlas.hide_restore(job.restore)

    def show(self, job: Job) -> None:
        self.projects.add_cluster(*job.cluster, job.kind)
        job.is_hidden = False
        self.stack.atlas.show_restore(job.restore)

    def omit_from_lists(self, job: Job) -> None:
        """A list does not show the job; a GET does."""
        job.is_old_in_lists = False
        job.was_out_of_sight = True
        self.stack.atlas.omit_from_lists(job.restore)

    def lag_lists(self, job: Job) -> None:
        """A list goes on showing the job as it is now."""
        job.is_old_in_lists = True
        self.stack.atlas.lag_lists(job.restore)

    def show_in_lists(self, job: Job) -> None:
        job.is_old_in_lists = False
        self.stack.atlas.catch_up_lists(job.restore)

    def keep_bucket(self, job: Job, remaining: int) -> None:
        """Others use up the calls of the job's project and kind; with 0, Atlas answers 429."""
        bucket = job.restore.group_id, job.kind
        self.low_buckets.add(bucket)
        self.stack.atlas.keep_bucket(*bucket, remaining)

    def release_buckets(self) -> None:
        """A 429 stands for a moment longer."""
        if self.low_buckets:
            self._failed_at = self.uptime
        while self.low_buckets:
            self.stack.atlas.release_bucket(*self.low_buckets.pop())

    def refuse(self, how: Admission) -> None:
        """Atlas refuses the service account's requests for jobs."""
        self.admit()
        self.admission = how
        match how:
            case "no role":
                self.stack.atlas.grant(_CLIENT_ID)
            case "only reading":
                self.stack.atlas.grant(_CLIENT_ID, Role.READ_ONLY)
            case "address":
                self.stack.atlas.behaviour.refused_address = "203.0.113.7"
        if how != "address":
            self.unauthorized.append(self.uptime)

    def admit(self) -> None:
        self.admission = None
        self.stack.atlas.behaviour.refused_address = None
        self.stack.atlas.grant(_CLIENT_ID, Role.BACKUP_MANAGER)

    def revoke_tokens(self) -> None:
        self.unauthorized.append(self.uptime)
        self.stack.atlas.expire_tokens()

    @property
    def is_healthy(self) -> bool:
        """Nothing fails, no refusal stands, and a token that Atlas refuses can be replaced."""
        refused = [at for at in self.unauthorized if self.uptime - at < 2 * REPLACEMENT_PAUSE]
        is_disturbed = self.disturbances.active or self.admission is not None
        stands = self.uptime - self._failed_at < LONGEST_REFUSAL
        is_seen = not (is_disturbed or stands or self.low_buckets) and self.projects.are_seen
        return is_seen and len(refused) <= 1

    # What can be seen from outside

    def item(self, job: Job) -> dict[str, Any] | None:
        """The item of the job, read again only if the table was called since."""
        restore = job.restore
        writes = self._effects["dynamodb"]
        known = self._items.get(restore.restore_id)
        if known is not None and known[0] == writes:
            return known[1]
        item = self.stack.item(restore.group_id, restore.cluster, restore.restore_id)
        self._items[restore.restore_id] = writes, item
        return item

    def delete(self, job: Job) -> None:
        """Delete the item, and keep what it held."""
        item = self.item(job)
        if item is None:
            return
        job.deleted.append(item)
        self._delete(key_of(job))

    def _delete(self, key: Mapping[str, Any]) -> None:
        self.stack.aws.client("dynamodb").delete_item(TableName=self.stack.table_name, Key=key)

    @property
    def is_lease_free(self) -> bool:
        return self.lease_ends() < self.clock.peek()

    def lease_ends(self) -> float:
        """Until when the lease is held, in Unix seconds of the environments' clock; else 0."""
        answer = self.stack.aws.client("dynamodb").get_item(
            TableName=self.stack.table_name, Key=LEASE, ConsistentRead=True
        )
        return float(answer.get("Item", {}).get("validUntil", {}).get("N", 0))

    def received(self, job: Job) -> list[Received]:
        """Everything that the subscriber has received about this job, in order."""
        return self.received_about(job.restore.restore_id)

    @property
    def subjects(self) -> set[str]:
        """What the subscriber has received messages about."""
        return {subject for subject, messages in self._messages.items() if messages}

    def received_about(self, subject: str) -> list[Received]:
        """Everything that the subscriber has received about a job, project or stack, in order."""
        with self._receiving:
            published = self._effects["sns"]
            if self._drained_at != published:
                self._drained_at = published
                for message in self.stack.received():
                    self._messages[message.event["subject"]].append(message)
            return list(self._messages[subject])

    def traffic(self) -> list[Request]:
        """Every request to Atlas, with how it was answered."""
        return [self._settled(one) for one in self.requests]

    def requests_of(self, invocation: int) -> list[Request]:
        """The requests of one invocation to Atlas, with how each was answered."""
        return [self._settled(one) for one in self.requests if one.invocation == invocation]

    def bookkept(self) -> dict[str, Bookkept]:
        """The bookkeeping of sweeps, read again only if the table was called since."""
        writes = self._effects["dynamodb"]
        if self._bookkept[0] != writes:
            self._bookkept = writes, self.projects.bookkept(self.clock.latest)
        return self._bookkept[1]

    def put_out_of_sight(self, group_id: str, how: Sightless) -> None:
        """A refusal may cost the one replacement of a token in ten minutes."""
        self.projects.put_out_of_sight(group_id, how)
        self.unauthorized.append(self.uptime)

    def bring_all_back(self) -> None:
        if not self.projects.are_seen:
            self.unauthorized.append(self.uptime)
        self.projects.bring_all_back()

    def watch(self, drawn: DrawnProjects) -> None:
        """From now on sweeps watch the projects."""
        self.projects.watch(drawn)
        for one, minutes in drawn.old:
            self.start_unnamed_job(one, minutes)
        for slot in range(SLOTS):
            self.cold_start(slot)

    def calls_of(self, slot: int, since: tuple[int, int]) -> list[Call]:
        """The calls of an environment to both services since the marks."""
        made = self.made(slot)
        atlas, aws = self.stack.atlas.wire.calls, self.stack.aws.wire.calls
        return [call for call in (*atlas[since[0] :], *aws[since[1] :]) if made(call)]

    def marks(self) -> tuple[int, int]:
        """How many calls were made to Atlas and to AWS."""
        return len(self.stack.atlas.wire.calls), len(self.stack.aws.wire.calls)

    def _heard(self, call: Call, phase: Phase) -> None:
        slot = self._slots.get(call.headers.get(ENVIRONMENT_HEADER, ""))
        if phase != "before" or slot is None:
            return
        environment = self.environments[slot]
        request = Request(
            number=call.number,
            at=self.clock.peek(),
            epoch=self.clock.epoch,
            environment=environment.number,
            invocation=environment.invocation,
            targets=environment.targets,
            operation=call.operation,
            group=group_of(call),
            cluster=cluster_of(call),
            path=call.path,
            page=call.query.get("pageNum", "1"),
            is_to_find=is_to_find(call),
            said_at=self.stack.atlas.now().timestamp(),
        )
        self.projects.heard(call)
        environment.last = request
        self.requests.append(request)

    def _affected(self, call: Call, _phase: Phase) -> None:
        """Something may have changed in the table or in the queue."""
        if call.operation not in {"GetItem", "ReceiveMessage", "DeleteMessage"}:
            self._effects[call.service] += 1

    def _noted_lease(self, call: Call, phase: Phase) -> None:
        slot = next((n for n, by in enumerate(self.clients) if by.made(call)), None)
        if slot is None:
            return
        environment = self.environments[slot]
        if environment.sweep is not None:
            self.leases.note(call, phase, environment.invocation, environment.sweep.tick)

    def _is_from_environment(self, call: Call) -> bool:
        return any(by.made(call) for by in self.clients)

    def _noted(self, call: Call, action: Action) -> None:
        """A call fails. What may cost the one replacement of a token in ten minutes is counted."""
        self._failed_at = self.uptime
        is_401 = isinstance(action, Answer) and action.status == 401
        if is_401 or call.operation == "token":
            self.unauthorized.append(self.uptime)

    def _settled(self, request: Request) -> Request:
        """Add how the request was answered."""
        action = self.disturbances.struck.get(("atlas", request.number))
        if action is None:
            statuses = (
                call.status for call in self.stack.atlas.wire.calls if call.number == request.number
            )
            status = next(statuses, None)
            # The emulated Atlas refuses for a second, which the model counts as a standing limit.
            return replace(request, status=status, limit=1.0 if status == 429 else None)
        if isinstance(action, OddEntries):
            # What is of interest in it decides whether it is read.
            return replace(request, status=200)
        if not isinstance(action, Answer):
            return request
        limit = None
        if action.status == 429:
            limit = float(dict(action.headers).get("Retry-After", DEFAULT_LIMIT))
        return replace(request, status=action.status, readable=False, limit=limit)
