"""
The promise as a model: whatever fails, and whenever, no recorded change is lost.

A rule is one thing that may happen. Hypothesis plays them in any order. An action of ours may be
held at any call while others happen, so that everything may overlap with everything. What must hold
is read from outside, by `promises`.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar, Literal

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from local_stack.atlas import Role
from local_stack.stack import LocalStack
from local_stack.steps import SERVICE_ACCOUNT
from local_stack.template import STACK_NAME
from local_stack.wire import Call, Fault, Injected
from model import promises
from model.credentials import LIVES, YEAR, Account
from model.drawn import (
    AT_ATLAS,
    AT_AWS,
    GROUPS,
    SLOTS,
    UNDISTURBED,
    DrawnJob,
    Fate,
    fates,
    fates_of_sweeps,
    jobs,
)
from model.example import MINUTE, Example, Job, Outcome
from model.fate import asks_for_envelope, enveloped
from model.leases import LeaseLog
from model.said import is_change, is_download, recorded
from model.workflows import Workflows

places = st.integers(0, 5)
slots = st.integers(0, SLOTS - 1)
groups = st.sampled_from(GROUPS)

UNTIL = ("ended", "download-ready", "PENDING", "QUEUED", "RUNNING", "COMPLETED", "EXPIRED")
MOST_JOBS = 6

LEAVES_PENDING = {
    "NotificationPendingError",
    "TableUnavailableError",
    "TimeBudgetExceededError",
}
"""After one of these the caller tries again; after any other error nothing is pending."""

type Refusal = Literal["no role", "no role for dedicated", "address", "locked out", "not listed"]


class RestoreModel(RuleBasedStateMachine):
    """`stack` is started by the caller."""

    stack: ClassVar[LocalStack]
    tally: ClassVar[Counter[str]] = Counter()
    broken: ClassVar[bool] = False
    """A promise was broken: Hypothesis may report something else."""

    def __init__(self) -> None:
        super().__init__()
        self.example = Example(self.stack)
        self.world = self.example.world
        self.leases = LeaseLog(self.example)
        self.workflows = Workflows(self.example)
        self.account = Account(self.world)
        self._listener = self.world.atlas.wire.listen(self._heard)
        self._lasting: list[Injected] = []
        self._before: dict[str, dict[str, Any]] = {}
        self._marks: dict[str, str] = {}
        self._attempted: dict[str, set[str]] = {}
        self._is_poisoned = False
        self._most_ahead = 0.0
        self._unanswered = 0

    @initialize(
        drawn=st.lists(jobs(), min_size=2, max_size=3),
        watched=st.sampled_from([(), GROUPS, GROUPS, ("all",)]),
        hot_rounds=st.sampled_from([False, False, True]),
        page=st.sampled_from([500, 500, 2]),
        life=st.sampled_from(LIVES),
        unanswered=st.sampled_from([0, 0, 2, len(YEAR)]),
    )
    def restores_begin(
        self,
        drawn: list[DrawnJob],
        watched: tuple[str, ...] = (),
        page: int = 500,
        life: float = 300,
        unanswered: int = 0,
        *,
        hot_rounds: bool = False,
    ) -> None:
        """Once all is judged, a year follows with so many `unanswered` looks at the credentials."""
        self._unanswered = unanswered
        self.example.begin(watched=watched, hot_rounds=hot_rounds)
        self.world.atlas.behaviour.largest_page = page
        self.account.rotate(life)
        for one in drawn:
            self.example.start(one, is_named=True)

    # What Atlas does

    @rule(place=places, steps=st.integers(1, 4))
    def atlas_moves_on(self, place: int, steps: int) -> None:
        job = self.example.any_job(place)
        for _ in range(min(steps, len(job.words) - job.told)):
            job.restore.advance()
            job.told += 1

    @precondition(lambda self: self.example.watched and len(self.example.jobs) < MOST_JOBS)
    @rule(drawn=jobs(), minutes=st.sampled_from([0.0, 0.0, 20.0, 3000.0]), ends=st.booleans())
    def a_restore_begins(self, drawn: DrawnJob, minutes: float, *, ends: bool) -> None:
        """Nobody names it. One that began long ago is found if it is under way at first sight."""
        job = self.example.start(drawn, is_named=False, minutes=minutes)
        job.was_out_of_sight = minutes > 60 and drawn.group in self._attempted
        while ends and not job.is_over:
            job.restore.advance()
            job.told += 1

    @rule(place=places, is_shown=st.booleans())
    def a_job_is_hidden_or_shown(self, place: int, *, is_shown: bool) -> None:
        self._show(self.example.any_job(place), is_shown=is_shown)

    @rule(place=places, how=st.sampled_from(["old", "absent", "current"]))
    def lists_differ(self, place: int, how: str) -> None:
        """A list shows the job as it is now from now on, or not at all."""
        job, atlas = self.example.any_job(place), self.world.atlas
        job.is_old_in_lists = how == "old"
        match how:
            case "old":
                atlas.lag_lists(job.restore)
            case "absent":
                job.was_out_of_sight = True
                atlas.omit_from_lists(job.restore)
            case _:
                atlas.catch_up_lists(job.restore)

    @rule(place=places, remaining=st.sampled_from([0, 1, 5, None]))
    def a_bucket_is_low(self, place: int, remaining: int | None) -> None:
        """Others use up the calls of a project and kind; with 0, Atlas answers 429."""
        job = self.example.any_job(place)
        bucket = job.restore.group_id, job.drawn.kind
        self.world.atlas.release_bucket(*bucket)
        if remaining is not None:
            self.world.atlas.keep_bucket(*bucket, remaining)

    @rule(
        group=groups,
        how=st.sampled_from(
            ["no role", "no role for dedicated", "address", "locked out", "not listed"]
        ),
    )
    def atlas_refuses(self, group: str, how: Refusal) -> None:
        atlas = self.world.atlas
        match how:
            case "no role":
                atlas.grant(self.account.client_id)
            case "no role for dedicated":
                atlas.lock_out(group, "dedicated")
                atlas.lock_out(group, "collection")
            case "address":
                atlas.behaviour.refused_address = "203.0.113.7"
            case "locked out":
                atlas.lock_out(group)
            case "not listed":
                atlas.hide_project(group)

    @rule()
    def atlas_admits(self) -> None:
        atlas = self.world.atlas
        atlas.grant(self.account.client_id, Role.BACKUP_MANAGER)
        atlas.behaviour.refused_address = None
        for group in GROUPS:
            atlas.admit(group)
            atlas.show_project(group)

    @rule(days=st.sampled_from(LIVES), tokens_live_on=st.booleans())
    def the_secret_is_rotated(self, days: float, *, tokens_live_on: bool) -> None:
        self.world.atlas.behaviour.tokens_outlive_secrets = tokens_live_on
        self.account.rotate(days)

    @rule(emits=st.booleans(), ahead=st.sampled_from([0.0, 0.0, -60.0, 240.0]))
    def atlas_is_odd(self, *, emits: bool, ahead: float) -> None:
        """Restores leave no events, or its clock is wrong by less than the margin of the marks."""
        self.world.atlas.behaviour.emits_events = emits
        self.world.atlas.behaviour.clock_ahead = ahead

    # What our side does

    @rule(place=places, slot=slots, fate=fates)
    def check(self, place: int, slot: int, fate: Fate = UNDISTURBED) -> None:
        job = self.example.job(place)
        self._act(slot, job.event, fate, self._judge_check([job]))

    @rule(slot=slots, form=st.sampled_from(["event", "targets", "queue"]), fate=fates)
    def several_are_checked(self, slot: int, form: str, fate: Fate = UNDISTURBED) -> None:
        named = [job for job in self.example.jobs if job.is_named]
        self._act(
            slot, event_of(form, [job.event for job in named]), fate, self._judge_check(named)
        )

    @rule(slot=slots, ago=st.sampled_from([None, 0.0, 0.0, 30.0, 300.0]), fate=fates_of_sweeps)
    def sweep(self, slot: int, ago: float | None = None, fate: Fate = UNDISTURBED) -> None:
        """For a tick that fired so many seconds ago, or because somebody asks for it."""
        self._act(slot, self._sweep_event(ago), fate, lambda _: None)

    @precondition(lambda self: self.world.aws.waiting)
    @rule(
        place=places,
        slot=slots,
        fate=fates_of_sweeps,
        how=st.sampled_from(["arrives", "arrives", "comes again", "is lost"]),
    )
    def a_started_sweep(
        self, place: int, slot: int, fate: Fate = UNDISTURBED, how: str = "arrives"
    ) -> None:
        """Lambda's queue is late, in another order, gives twice what it has, or loses it."""
        event = self.example.take_start(
            place % len(self.world.aws.waiting), again=how == "comes again"
        )
        if how != "is lost":
            self._act(slot, event, fate, lambda _: None)

    @rule(place=places, slot=slots, until=st.sampled_from(UNTIL), fate=fates, again=st.booleans())
    def a_workflow_waits(
        self, place: int, slot: int, until: str, fate: Fate = UNDISTURBED, *, again: bool = False
    ) -> None:
        """It may have been registered before, perhaps with another wish."""
        workflow = self.workflows.begin(self.example.job(place), until, again=again)
        self._act(slot, workflow.event(until), fate, workflow.judge_registration)

    @precondition(lambda self: self.workflows.known)
    @rule(place=places, how=st.sampled_from(["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"]))
    def a_workflow_stops(self, place: int, how: str) -> None:
        self.workflows.stop(place, how)

    @rule(place=places, slot=slots, verdict=st.sampled_from(["PASSED", "FAILED"]), fate=fates)
    def a_pipeline_reports(
        self, place: int, slot: int, verdict: str, fate: Fate = UNDISTURBED
    ) -> None:
        job = self.example.job(place)
        event = {**job.restore.event, "action": "record-validation", "verdict": verdict}
        self._act(slot, event, fate, self._judge_validation(job))

    @precondition(lambda self: self.example.held)
    @rule(place=places)
    def what_was_held_goes_on(self, place: int) -> None:
        held = self.example.held
        self.example.let_go(held[place % len(held)])

    # What happens to everything

    @rule(seconds=st.sampled_from([1.0, 60.0, 60.0, 240.0, 700.0, 960.0, 3700.0, 25 * 3600.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule(skew=st.sampled_from([0.0, -3600.0, -5.0, 400.0]))
    def the_clock_jumps(self, skew: float) -> None:
        self.world.skew = skew
        self._is_poisoned = self._is_poisoned or skew != 0
        self._most_ahead = max(self._most_ahead, skew)

    @rule(slot=slots)
    def an_environment_is_new(self, slot: int) -> None:
        if slot == self.example.free_slot(slot):
            self.example.cold_start(slot)

    @rule()
    def tokens_are_revoked(self) -> None:
        self.world.atlas.expire_tokens()

    @rule(
        service=st.sampled_from(["atlas", "dynamodb", "sns", "secretsmanager", "states", "lambda"]),
        at_atlas=st.sampled_from(sorted(AT_ATLAS)),
        at_aws=st.sampled_from(sorted(AT_AWS)),
    )
    def a_service_breaks(self, service: str, at_atlas: str, at_aws: str) -> None:
        """Until it works again."""
        action = AT_ATLAS[at_atlas] if service == "atlas" else AT_AWS[at_aws]
        wire = self.world.atlas.wire if service == "atlas" else self.world.aws.wire
        by = self.example.by
        for envelope in (True, False):

            def meets(call: Call, *, envelope: bool = envelope) -> bool:
                is_ours = any(one.made(call) for one in by)
                return is_ours and asks_for_envelope(call) == envelope

            seen = enveloped(action) if envelope else action
            fault = Fault(service=service, when=meets, times=None, action=seen)
            self._lasting.append(wire.inject(fault))

    @precondition(lambda self: self._lasting)
    @rule()
    def everything_works(self) -> None:
        while self._lasting:
            self._lasting.pop().remove()

    @rule(place=places)
    def an_item_is_deleted(self, place: int) -> None:
        """By hand, or by DynamoDB when it expires; by then nothing may be pending."""
        job = self.example.any_job(place)
        item = self.world.item(job.restore)
        if item is not None:
            job.deleted.append(item)
            self.world.delete(job.restore)

    @rule(
        group=groups,
        field=st.sampled_from(["mark", "behind", "troubles", "listedAt", "expiresAt"]),
        value=st.sampled_from(["2099-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "-", 7, [1]]),
    )
    def bookkeeping_is_poisoned(self, group: str, field: str, value: object) -> None:
        if self.world.bookkeeping(group):
            self._is_poisoned = True
            self.world.rewrite_bookkeeping(group, **{field: value})

    # What must hold at any moment

    @invariant()
    def every_item_is_sound(self) -> None:
        if not self.example.slots:
            return
        now, items = self.example.latest(), self.example.items()
        for job in self.example.jobs:
            item = items.get(job.restore.restore_id)
            if item is not None:
                promises.judge_item(item, job.said)
                before = self._before.get(job.restore.restore_id)
                if before is not None and before["firstObservedAt"] == item["firstObservedAt"]:
                    promises.judge_left(before, item, now)
        self._before = items
        self.workflows.judge()
        self.leases.judge()
        self.account.judge()

    @invariant()
    def marks_move_forward(self) -> None:
        for group in self.example.watched and GROUPS:
            mark = self.world.bookkeeping(group).get("mark", "")
            moves_back = self._marks.get(group, "") > str(mark)
            assert self._is_poisoned or not moves_back, f"F80: the mark of {group} moves back"
            self._marks[group] = str(mark)

    # What must hold in the end

    def teardown(self) -> None:
        """Everything works again. Then sweeps alone reach what they follow, and find the rest."""
        RestoreModel.broken |= isinstance(sys.exception(), AssertionError)
        try:
            if self.example.slots:
                self._end()
        except AssertionError:
            RestoreModel.broken = True
            raise
        finally:
            self.leases.close()
            self.workflows.close()
            self._listener.remove()
            self.example.close()
            self.tally["examples"] += 1
            self.tally.update(self.example.tally)

    def _end(self) -> None:
        world, example = self.world, self.example
        self.everything_works()
        while example.held:
            example.let_go(example.held[0])
        # Pauses that began on a clock that was ahead last so much longer.
        world.pass_time(self._most_ahead)
        world.skew = 0
        world.atlas.behaviour.clock_ahead = 0
        world.atlas.behaviour.emits_events = True
        self.atlas_admits()
        self.account.outlasts_the_example()
        for job in example.jobs:
            world.atlas.release_bucket(job.restore.group_id, job.drawn.kind)
            world.atlas.catch_up_lists(job.restore)
            job.is_old_in_lists = False
        # By then a lease has run out, a refusal stands no more, and a token may be replaced.
        for minutes in (12, 6, 16, 4, 4):
            self._tick(minutes)
        self.workflows.judge_end()
        for job in example.jobs:
            item = world.item(job.restore)
            is_missed = item and "openShard" in item and self._is_missed(job, item)
            assert not is_missed, f"I4: sweeps do not follow {job.restore.event}"
        for job in [one for one in example.jobs if one.is_named]:
            self._act(1, job.event, UNDISTURBED, self._judge_last_check(job))
        self.workflows.judge_end()
        self.every_item_is_sound()
        for job in example.jobs:
            self._judge_found(job)
            promises.judge_messages(
                job.deleted, world.item(job.restore), world.messages(job.restore)
            )
        self._judge_watch()
        for minutes in (25 * 60, 1):
            self._tick(minutes)
        self.account.judge_end(is_asked=bool(example.watched))
        self._play_year()
        shown = [{k: v for k, v in item.items() if k != "waiting"} for item in world.stack.items()]
        logs = [environment.log.getvalue() for environment in example.slots]
        messages = [repr(world.messages(job.restore)) for job in example.jobs]
        printed = example.printed.getvalue()
        promises.judge_secrecy(repr(shown), *messages, *world.said, *logs, printed)

    def _tick(self, minutes: float) -> None:
        """So many minutes later, the schedule fires, and nothing is in its way."""
        self.world.pass_time(minutes * MINUTE)
        self._act(0, self._sweep_event(0.0), UNDISTURBED, self._judge_last_sweep)

    def _judge_last_sweep(self, outcome: Outcome) -> None:
        assert outcome.error is None, f"I4: a sweep failed: {outcome.error!r}"
        assert "skipped" not in (outcome.result or ()), "F66: a sweep is skipped"

    def _play_year(self) -> None:
        """F100: of each row of looks at a new secret, Atlas answers the first alone."""
        if not (self.example.watched and self._unanswered):
            return
        first, *_ = YEAR
        begun = self.world.clock()
        self.account.rotate(first + 2)
        answered = set()
        for number, left in enumerate(YEAR):
            wait = begun + timedelta(days=first + 2 - left) - self.world.clock()
            fault = sorted(AT_ATLAS)[number % len(AT_ATLAS)]
            is_silent = number % (self._unanswered + 1) > 0
            times = None if is_silent else 0
            with self.world.inject(SERVICE_ACCOUNT, AT_ATLAS[fault], times=times):
                self._tick(wait.total_seconds() / MINUTE)
            if not is_silent:
                answered.add(self.world.clock())
        self.account.judge_year(answered)
        self.tally["years"] += 1

    def _judge_last_check(self, job: Job) -> Callable[[Outcome], None]:
        def judge(outcome: Outcome) -> None:
            refused = outcome.error is not None
            assert refused == job.is_hidden, f"I4: a check failed: {outcome.error!r}"
            if not refused:
                item = self.world.item(job.restore)
                promises.judge_done(item, job.said[-1], self.example.latest())

        return judge

    def _judge_found(self, job: Job) -> None:
        """F75 to F77: a restore that was always to be seen is found, and followed to its end."""
        item, restore_id = self.world.item(job.restore), job.restore.restore_id
        over_before = self._attempted.get(job.restore.group_id)
        is_seen = not (job.is_hidden or job.was_out_of_sight or job.deleted)
        is_young = self.world.uptime() < 6 * 24 * 3600
        if is_seen and is_young and over_before is not None and restore_id not in over_before:
            assert item is not None, f"F77: a restore was never found: {job.restore.event}"
        if item is not None:
            words = recorded(item)
            is_left = "openShard" not in item and not words[-1].is_end
            is_missed = self._is_missed(job, item) and not is_left
            assert not is_missed, f"I4: a sweep misses {job.said[-1]} after {words}"
            assert item["publishedSequence"] == item["sequence"], "I8: sweeps leave it pending"

    def _is_missed(self, job: Job, item: promises.Item) -> bool:
        """What Atlas says now is not recorded."""
        download = is_download(item.get("deliveryType"))
        return not job.is_hidden and is_change(recorded(item), job.said[-1], download=download)

    def _judge_watch(self) -> None:
        for subject in (STACK_NAME, *GROUPS):
            received = self.world.messages(subject)
            of_watch = [one for one in received if "clientId" not in one.event["data"]]
            since = promises.judge_watch(subject, of_watch)
            assert since is None, f"F78: {subject} works again and is still degraded"

    # Help

    def _act(
        self, slot: int, event: dict[str, Any], fate: Fate, judge: Callable[[Outcome], None]
    ) -> None:
        self.example.act(slot, event, fate, judge)

    def _sweep_event(self, ago: float | None) -> dict[str, Any]:
        if ago is None:
            return {"action": "sweep"}
        tick = self.world.clock() + timedelta(seconds=self.world.skew - ago)
        return {"action": "sweep", "scheduledTime": tick.isoformat()}

    def _judge_check(self, checked: list[Job]) -> Callable[[Outcome], None]:
        pending = [promises.pending(self.world.item(job.restore)) for job in checked]
        deletions = [len(job.deleted) for job in checked]

        def judge(outcome: Outcome) -> None:
            if outcome.struck.is_death or self._lasting:
                return
            may_leave = type(outcome.error).__name__ in LEAVES_PENDING or outcome.struck.is_struck
            for job, older, deleted in zip(checked, pending, deletions, strict=True):
                if not may_leave and len(job.deleted) == deleted:
                    sent = set(promises.sent(self.world.messages(job.restore)))
                    assert older <= sent, "I8: a check leaves an older change unpublished"
            if outcome.result and "job" in outcome.result and outcome.was_alone:
                item = self.world.item(checked[0].restore)
                assert item is not None
                sent = set(promises.sent(self.world.messages(checked[0].restore)))
                said = promises.changes_of(item)[: outcome.result["sequence"]]
                assert set(said) <= sent, "I1: an answer came before its messages"

        return judge

    def _judge_validation(self, job: Job) -> Callable[[Outcome], None]:
        def judge(outcome: Outcome) -> None:
            item = self.world.item(job.restore)
            if outcome.result is None or item is None or not outcome.was_alone:
                return
            number = int(outcome.result["sequence"])
            entry = item["history"][number - 1]
            assert entry["validation"]["verdict"] == outcome.result["validation"]["verdict"]
            before = {one["status"] for one in item["history"][: number - 1]}
            is_true = entry["validation"]["verdict"] != "PASSED" or "COMPLETED" in before
            assert is_true, "F97: the data of a restore passed that has not completed"
            sent = set(promises.sent(self.world.messages(job.restore)))
            assert promises.changes_of(item)[number - 1] in sent, "I1: before its message"

        return judge

    def _show(self, job: Job, *, is_shown: bool) -> None:
        job.is_hidden = not is_shown
        if is_shown:
            self.world.atlas.show_restore(job.restore)
        else:
            job.was_out_of_sight = True
            self.world.atlas.hide_restore(job.restore)

    def _heard(self, call: Any, phase: str) -> None:
        """A sweep tries to list a project: what has ended by then is history."""
        group = call.path.partition("/groups/")[2].partition("/")[0]
        if call.operation == "events" and phase == "before" and group not in self._attempted:
            self._attempted[group] = {
                job.restore.restore_id
                for job in self.example.jobs
                if job.restore.group_id == group and job.seems_over
            }


def event_of(form: str, targets: list[dict[str, Any]]) -> dict[str, Any]:
    """Several jobs in one event of EventBridge, in a direct call, or in a batch of a queue."""
    match form:
        case "event":
            return {
                "detail-type": "Atlas Restore Watch Requested",
                "detail": {"targets": targets},
            }
        case "targets":
            return {"targets": targets}
    records = [
        {"messageId": str(n), "eventSource": "aws:sqs", "body": json.dumps(target)}
        for n, target in enumerate(targets)
    ]
    return {"Records": records}
