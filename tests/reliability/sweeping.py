"""The sweeps of a fault test: the steps that the wire sees, and environments that sweep."""

import io
import json
import secrets
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from foundation.deadline import Deadline
from local_stack.atlas import EmulatedRestore
from local_stack.in_process import Clients
from local_stack.loopback import HungUp
from local_stack.wire import Call, Phase, Selection
from reliability.campaign import PLENTY, Campaign, Stored, item_key
from restore_watch.application import Application
from restore_watch.model.status_change import utc_text
from restore_watch.table.lease import KEY
from restore_watch.telemetry.telemetry import Telemetry


def _update(expression: bytes) -> Selection:
    return Selection("dynamodb", "UpdateItem", lambda call: expression in call.body)


# The steps that only a sweep takes.
TAKE = _update(b'"SET #owner')
QUERY = Selection("dynamodb", "Query")
FLEX_LIST = Selection("atlas", "flex_list")
DEDICATED_LIST = Selection("atlas", "dedicated_list")
MISS = _update(b'"SET #missingSince')
FIND = _update(b'"REMOVE #missingSince')
LEAVE = _update(b'"REMOVE #openShard')
WAIT = _update(b'"SET #waitingUntil')
GIVE_BACK = _update(b"REMOVE #owner")

ANY_QUESTION = Selection("atlas", None, lambda call: call.operation != "token")

SKIPPED = {"skipped": True}

LEASE_IS_OVER = PLENTY + 6
"""Seconds after which the lease of a sweep that died has run out."""


@dataclass
class Sweeps:
    """
    The sweeps of one test, in one environment unless another is named.

    The table is empty at the start: a sweep would follow the jobs of other tests too.
    """

    campaign: Campaign
    log: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        self.campaign.stack.empty_table()
        self.campaign.stack.forget_calls()
        self.application = self.environment()

    def environment(self, by: Clients | None = None, **sweeping: Any) -> Application:
        """A cold start in this process."""
        logger = Logger(service=secrets.token_hex(4), stream=self.log)
        return self.campaign.application(Telemetry(logger), by, **sweeping)

    def sweep(
        self,
        application: Application | None = None,
        tick: datetime | None = None,
        seconds: float = PLENTY,
    ) -> dict[str, Any]:
        """Sweep, and return the result."""
        scheduled = {"scheduledTime": utc_text(tick)} if tick else {}
        return self.answer({"action": "sweep", **scheduled}, application, seconds)

    def answer(
        self, event: Any, application: Application | None = None, seconds: float = PLENTY
    ) -> dict[str, Any]:
        """Answer an event as the function does."""
        deadline = Deadline.after(seconds, self.campaign.monotonic)
        result = (application or self.application).answer(event, deadline)
        self.campaign.said.append(json.dumps(result))
        return dict(result)

    def tick(self, application: Application | None = None) -> dict[str, Any]:
        """Sweep as the schedule does now."""
        return self.sweep(application, self.campaign.clock())

    def fails[E: Exception](
        self, kind: type[E], application: Application | None = None, **how: Any
    ) -> E:
        """Sweep, and return the error, which must be of exactly this class."""
        with pytest.raises(kind) as caught:
            self.sweep(application, **how)
        assert caught.type is kind
        self.campaign.said.append("".join(traceback.format_exception(caught.value)))
        return caught.value

    def logged(self, level: str | None = None) -> list[dict[str, Any]]:
        """The log lines so far, of one level or all."""
        lines = [json.loads(line) for line in self.log.getvalue().splitlines()]
        self.campaign.said += map(str, lines)
        return [line for line in lines if level in {None, line["level"]}]

    def asked(self, jobs: Sequence[EmulatedRestore]) -> list[int]:
        """The places of the jobs that Atlas was asked about one by one, in order."""
        paths = [call.path.rpartition("/")[2] for call in self.questions()]
        ids = [job.restore_id for job in jobs]
        return [ids.index(one) for one in paths if one in ids]

    def questions(self) -> list[Call]:
        """The calls about restore jobs."""
        return [call for call in self.campaign.atlas.wire.calls if ANY_QUESTION.covers(call)]

    @property
    def lease(self) -> dict[str, str]:
        """What the table holds about the lease, as text."""
        answer = self.campaign.aws.client("dynamodb").get_item(
            TableName=self.campaign.stack.table_name, Key=KEY, ConsistentRead=True
        )
        item = answer.get("Item", {})
        return {name: text for name, value in item.items() for text in value.values()}


@contextmanager
def death(by: Clients, campaign: Campaign, step: Selection, phase: Phase) -> Iterator[None]:
    """
    Within the block, the environment with these clients dies when it reaches the step.

    From then on, no call of any of its threads has an effect or an answer. "before" prevents the
    effect of the step itself.
    """
    is_dead = threading.Event()

    def strike(call: Call, at: Phase) -> None:
        if not by.made(call):
            return
        if at == phase and step.covers(call):
            is_dead.set()
        if is_dead.is_set():
            raise HungUp

    with campaign.atlas.wire.listen(strike), campaign.aws.wire.listen(strike):
        yield
    assert is_dead.is_set()


def metrics(capsys: pytest.CaptureFixture[str]) -> dict[str, list[float]]:
    """The values of each metric that was written since the last call, in order."""
    found: dict[str, list[float]] = {}
    for text in capsys.readouterr().out.splitlines():
        line = json.loads(text) if text.startswith("{") else {}
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
            for metric in directive["Metrics"]:
                found.setdefault(metric["Name"], []).extend(line[metric["Name"]])
    return found


def changed_job(campaign: Campaign) -> EmulatedRestore:
    """A job that was recorded as RUNNING and has ended since."""
    job = campaign.job(timeline=["RUNNING", "COMPLETED"])
    campaign.check(job)
    job.advance()
    campaign.stack.forget_calls()
    return job


def missing_job(campaign: Campaign, sweeps: Sweeps) -> EmulatedRestore:
    """A running job that a sweep has recorded as missing. Its next step is its end."""
    job = campaign.job(timeline=["RUNNING", "COMPLETED"])
    campaign.check(job)
    campaign.atlas.hide_restore(job)
    campaign.pass_time(120)
    sweeps.sweep()
    return job


def is_swept_once(
    campaign: Campaign, sweeps: Sweeps, job: EmulatedRestore, results: Sequence[dict[str, Any]]
) -> bool:
    """True if just one of two sweeps asked about the changed job, and recorded and told its end."""
    skipped = results.count(SKIPPED)
    changed = sum(result.get("changed", 0) for result in results)
    return (
        (skipped, changed, len(sweeps.questions())) == (1, 1, 1)
        and campaign.published(job) == ["RUNNING", "COMPLETED"]
        and ended(campaign, job)
    )


def many_jobs(
    campaign: Campaign, count: int, *, clusters: int | None = None, **how: Any
) -> list[EmulatedRestore]:
    """Recorded and published restores, in as many clusters as jobs unless a number is given."""
    names = [f"many-{number}" for number in range(clusters or count)]
    jobs = [campaign.job(cluster=names[number % len(names)], **how) for number in range(count)]
    campaign.check(jobs[0])
    record_like(campaign, jobs[0], *jobs[1:])
    campaign.stack.forget_calls()
    return jobs


def record_like(campaign: Campaign, recorded: EmulatedRestore, *others: EmulatedRestore) -> None:
    """Store the others as this one is stored; a check of each takes many times as long."""
    client, table = campaign.aws.client("dynamodb"), campaign.stack.table_name
    answer = client.get_item(TableName=table, Key=item_key(recorded), ConsistentRead=True)
    text = json.dumps(answer["Item"])
    items = []
    for job in others:
        own = text.replace(recorded.restore_id, job.restore_id)
        own = own.replace(recorded.cluster, job.cluster).replace(recorded.group_id, job.group_id)
        shard = str(int(job.restore_id[-1], 16) % 4)
        items.append({**json.loads(own), "openShard": {"S": shard}})
    campaign.stack.put_items(items)


def another(campaign: Campaign, job: EmulatedRestore) -> EmulatedRestore:
    """One more recorded restore of a cluster."""
    other = campaign.job(cluster=job.cluster, timeline=["RUNNING", "COMPLETED"])
    record_like(campaign, job, other)
    return other


def ended(campaign: Campaign, *jobs: EmulatedRestore) -> bool:
    """True if the second and last change of each job is recorded and published."""
    return all(campaign.stored(job) == Stored("COMPLETED", 2, 2) for job in jobs)
