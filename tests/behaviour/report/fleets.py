"""
Random fleets around both ends of a period and of the window, and what must be said of them.

The oracle knows the promise alone: it shares no line with the rules of the report.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any, Literal

from boto3.dynamodb.types import TypeSerializer

from local_stack.atlas import AtlasEmulator, EmulatedRestore
from local_stack.clock import Clock
from local_stack.restores import CollectionRestore, FlagRestore, StatusRestore, date, object_id

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)

type Counts = Literal["restored", "measured", "verified"]
type Outcome = Literal["matches", "differs", "not measured"]
type Where = Literal["Atlas", "table", "both"]
type State = Literal[
    "exempt", "not required", "failed", "tested", "cannot tell", "new", "overdue", "never"
]

TO_LOOK_AT = {"failed", "overdue", "never", "cannot tell"}
LEFT_OUT = {"exempt", "not required"}

_WINDOWS = {"7d": 7 * DAY, "30d": 30 * DAY, "150d": 150 * DAY}
"""What a tag may say of a cluster's own window. Other words say nothing."""


@dataclass
class Question:
    """What is asked for, and with which settings."""

    now: datetime
    first: datetime
    end: datetime
    """The moment after the last day."""
    window: timedelta
    counts: Counts
    tag: str | None
    event: dict[str, Any]
    schedule: str
    is_scheduled: bool

    @property
    def hold(self) -> datetime:
        """The moment for which states hold."""
        return min(self.end, self.now)

    @property
    def settings(self) -> dict[str, str]:
        return {
            "REPORT": self.schedule,
            "RESTORE_TEST_DAYS": str(self.window.days),
            "RESTORE_TEST_COUNTS": self.counts,
            "RESTORE_TEST_TAG": self.tag or "",
        }

    def edge(self, random: Random, oldest: datetime, window: timedelta) -> datetime:
        """A moment between `oldest` and now, often a second beside an edge."""
        edges = [self.first, self.end, self.hold - window, self.hold]
        if random.random() < 0.5:
            at = random.choice(edges) + random.choice([-1, 1]) * SECOND
        else:
            at = oldest + random.random() * (self.now - oldest)
            at = at.replace(microsecond=0) + SECOND
        return min(max(at, oldest), self.now - timedelta(minutes=1))


@dataclass
class Restore:
    """
    A restore of a cluster. `ended` is None while it runs.

    `verdicts`: each with its moment, the oldest first. `measured`: the outcome of the measurement
    and the moment at which Atlas counted the target.
    """

    restore_id: str
    kind: Literal["flex", "dedicated", "collection"]
    delivery_type: str
    scheduled: datetime
    ended: datetime | None
    status: str
    where: Where
    target: tuple[str, str]
    snapshot_at: datetime
    verdicts: list[tuple[str, datetime]] = field(default_factory=list)
    measured: tuple[Outcome, datetime] | None = None
    is_stale: bool = False
    """The table does not know the end yet."""

    @property
    def is_of_all_into_a_cluster(self) -> bool:
        return self.kind != "collection" and self.delivery_type.lower() != "download"

    def verdict(self, hold: datetime) -> tuple[str | None, datetime | None]:
        """The newest verdict by then, and its moment."""
        said = [(verdict, at) for verdict, at in self.verdicts if at <= hold]
        return said[-1] if said else (None, None)

    def measurement(self, hold: datetime) -> Outcome | None:
        """What was measured by then."""
        is_known = self.measured is not None and self.measured[1] <= hold
        return self.measured[0] if self.measured and is_known else None

    def outcome(self, *, is_asked: bool) -> str:
        """As the table has it now, or Atlas if its list was asked for."""
        is_open = self.ended is None or (self.is_stale and not is_asked)
        return "OPEN" if is_open else self.status


@dataclass
class Cluster:
    group: str
    name: str
    kind: Literal["flex", "dedicated"]
    created: datetime
    cluster_id: str
    restores: list[Restore]
    tags: dict[str, str]
    is_sharded: bool = False
    is_free: bool = False
    is_internal: bool = False
    is_paused: bool = False
    backups: bool = True
    is_readable: bool = True

    def window(self, question: Question) -> timedelta:
        """The days of its tag, else those of the stack."""
        return _WINDOWS.get(self.tags.get("restore-test", ""), question.window)

    @property
    def is_asked(self) -> bool:
        """Whether Atlas shows the list of its restores."""
        return self.is_readable and self.backups and not self.is_free

    def seen(self) -> Iterator[Restore]:
        """The restores that the report can know of, of this cluster and no earlier one."""
        for restore in self.restores:
            if restore.scheduled < self.created:
                continue
            if self.is_asked or (restore.where != "Atlas" and not restore.is_stale):
                yield restore


@dataclass(frozen=True)
class Judged:
    """What must be said of a cluster."""

    state: State
    last_test_at: datetime | None
    days: int | None
    decides: frozenset[str] = frozenset()
    """The restores from which the state follows: several if they ended at one moment."""
    differs: bool = False
    """Whether data that differ from their source need a look."""


@dataclass
class Fleet:
    question: Question
    projects: list[str]
    clusters: list[Cluster]

    def judged(self) -> dict[str, Judged]:
        """By the id of the cluster. One that was made after the period is not there."""
        return {
            one.cluster_id: judge(one, self.question)
            for one in self.clusters
            if one.created <= self.question.hold
        }

    def to_look_at(self) -> set[tuple[str, str, State]]:
        """For their state or data, or because they could not be restored today or be read."""
        judged = self.judged()
        found = set()
        for one in self.clusters:
            if one.cluster_id in judged:
                state = judged[one.cluster_id].state
                is_unread = one.backups and not one.is_free and not one.is_readable
                is_at_risk = not one.backups or is_unread or judged[one.cluster_id].differs
                if state in TO_LOOK_AT or (state not in LEFT_OUT and is_at_risk):
                    found.add((one.group, one.name, state))
        return found

    def of_period(self) -> dict[str, str]:
        """The outcome of each restore that the table knows and that was scheduled in the period."""
        outcomes = {}
        for cluster in self.clusters:
            for restore in cluster.restores:
                is_of_it = self.question.first <= restore.scheduled < self.question.end
                if is_of_it and restore.where != "Atlas":
                    outcomes[restore.restore_id] = restore.outcome(is_asked=cluster.is_asked)
        return outcomes


def judge(cluster: Cluster, question: Question) -> Judged:
    """The first state that matches."""
    hold = question.hold
    begin = hold - cluster.window(question)
    good: list[tuple[datetime, str]] = []
    bad: list[tuple[datetime, str]] = []
    different: list[datetime] = []
    for restore in cluster.seen():
        if not restore.is_of_all_into_a_cluster or restore.ended is None:
            continue
        verdict, verdict_at = restore.verdict(hold)
        if restore.ended <= hold:
            if _is_good(restore, question):
                good.append((restore.ended, restore.restore_id))
            elif question.counts == "measured" and _differs(restore, hold):
                different.append(restore.ended)
            if restore.status == "FAILED":
                bad.append((restore.ended, restore.restore_id))
        if verdict == "FAILED" and verdict_at is not None:
            bad.append((verdict_at, restore.restore_id))
    good_at, bad_at = (max(found)[0] if found else None for found in (good, bad))
    state = _state(cluster, question, good_at, bad_at, begin)
    days = None if good_at is None else (hold - good_at) // DAY
    decides: frozenset[str] = frozenset()
    if state == "failed":
        decides = frozenset(restore_id for at, restore_id in bad if at == bad_at)
    elif state in {"tested", "overdue"}:
        decides = frozenset(restore_id for at, restore_id in good if at == good_at)
    differs = any(good_at is None or at > good_at for at in different)
    return Judged(state, good_at, days, decides, differs)


def _is_good(restore: Restore, question: Question) -> bool:
    verdict, _ = restore.verdict(question.hold)
    if restore.status != "COMPLETED" or verdict == "FAILED":
        return False
    matches = restore.measurement(question.hold) == "matches"
    proven = {"verified": verdict == "PASSED", "measured": verdict == "PASSED" or matches}
    return proven.get(question.counts, True)


def _differs(restore: Restore, hold: datetime) -> bool:
    """A verdict stands above a difference."""
    verdict, _ = restore.verdict(hold)
    return verdict is None and restore.measurement(hold) == "differs"


def _state(
    cluster: Cluster,
    question: Question,
    good: datetime | None,
    bad: datetime | None,
    begin: datetime,
) -> State:
    if needs := _is_left_out(cluster, question):
        return needs
    if bad is not None and (good is None or bad > good):
        return "failed"
    if good is not None and good >= begin:
        return "tested"
    if not cluster.is_readable and cluster.backups:
        return "cannot tell"
    if good is not None:
        return "overdue"
    return "new" if cluster.created > begin else "never"


def _is_left_out(cluster: Cluster, question: Question) -> State | None:
    mark = cluster.tags.get("restore-test", "")
    if mark == "exempt" or mark.startswith("exempt:"):
        return "exempt"
    key, _, value = (question.tag or "").partition("=")
    lacks_tag = question.tag is not None and cluster.tags.get(key) != value
    return "not required" if lacks_tag or cluster.is_free or cluster.is_internal else None


# Drawing a fleet


def draw(random: Random, now: datetime) -> Fleet:
    """A fleet of 30 to 40 clusters, and a question about it. `now` is six o'clock."""
    question = _question(random, now)
    projects = [_hex(random) for _ in range(random.choice([1, 2, 3]))]
    clusters: dict[tuple[str, str], Cluster] = {}
    while len(clusters) < 30 + random.randrange(11):
        cluster = _cluster(random, question, random.choice(projects))
        clusters.setdefault((cluster.group, cluster.name), cluster)
    return Fleet(question, projects, list(clusters.values()))


def _question(random: Random, now: datetime) -> Question:
    window = timedelta(days=random.choice([7, 30, 90, 120]))
    counts: Counts = random.choice(["restored", "measured", "verified"])
    tag = random.choice([None, None, None, "tier=gold"])
    schedule = random.choice(["daily", "weekly", "monthly"])
    midnight = datetime.combine(now.date(), time(), UTC)
    if random.random() < 0.5:
        asked = midnight - random.choice([0, 0, 1, 9, 40]) * DAY
        first, end = _closed(schedule, asked)
        event = {"action": "report", "scheduledTime": date(asked + timedelta(hours=6))}
        return Question(now, first, end, window, counts, tag, event, schedule, is_scheduled=True)
    # A period that somebody names; the last day may be today.
    end = midnight - random.choice([-1, 0, 3, 30, 75]) * DAY
    first = end - random.choice([1, 7, 31, 90]) * DAY
    days = {"from": f"{first:%Y-%m-%d}", "to": f"{end - DAY:%Y-%m-%d}"}
    event = {"action": "report"} | days
    return Question(now, first, end, window, counts, tag, event, schedule, is_scheduled=False)


def _closed(schedule: str, midnight: datetime) -> tuple[datetime, datetime]:
    """The period that a schedule closes on this day, or closed last."""
    if schedule == "daily":
        return midnight - DAY, midnight
    if schedule == "weekly":
        end = midnight - midnight.weekday() * DAY
        return end - 7 * DAY, end
    end = midnight.replace(day=1)
    return (end - DAY).replace(day=1), end


def _cluster(random: Random, question: Question, group: str) -> Cluster:
    name = f"{random.choice(['orders', 'Shop', 'log-archive'])}-{random.randrange(40)}"
    kind: Literal["flex", "dedicated"] = random.choice(["flex", "dedicated", "dedicated"])
    oldest = min(question.hold - question.window, question.first) - 40 * DAY
    created = oldest - 100 * DAY
    if random.random() < 0.35:
        created = question.edge(random, oldest, question.window)
    tags = {}
    if random.random() < 0.3:
        words = ["exempt", "exempt:a sandbox", "exempt:", "Exempted", "no", "", "30 days", "0d"]
        tags["restore-test"] = random.choice([*words, *_WINDOWS, *_WINDOWS, *_WINDOWS])
    if random.random() < 0.6:
        tags["tier"] = random.choice(["gold", "gold", "gold", "silver"])
    cluster = Cluster(
        group, name, kind, created, _id(random, created), [], tags,
        is_paused=random.random() < 0.05,
        backups=random.random() > 0.05,
        is_readable=random.random() > 0.12,
    )  # fmt: skip
    if kind == "dedicated":
        cluster.is_sharded = random.random() < 0.2
        cluster.is_free = random.random() < 0.05
        cluster.is_internal = random.random() < 0.05
    for _ in range(random.choice([0, 0, 1, 1, 2, 3, 5])):
        cluster.restores.append(_restore(random, question, cluster, oldest))
    return cluster


def _restore(random: Random, question: Question, cluster: Cluster, oldest: datetime) -> Restore:
    status = random.choices(
        ["COMPLETED", "FAILED", "CANCELLED", "EXPIRED", "UNKNOWN", "OPEN"], [12, 3, 1, 1, 1, 1]
    )[0]
    kind: Literal["flex", "dedicated", "collection"] = cluster.kind
    if kind == "dedicated" and random.random() < 0.1:
        kind = "collection"
    where: Where = random.choice(["Atlas", "table", "both", "both"])
    if cluster.is_free or not cluster.backups or kind == "collection":
        where = "table"
    whole = ["automated", "automated", "pointInTime"] if kind == "dedicated" else ["RESTORE"] * 3
    downloads = {"dedicated": "download", "flex": "DOWNLOAD"}
    delivery = random.choice([*whole, downloads.get(kind, "")]) if kind != "collection" else ""
    if status == "EXPIRED" and kind == "collection":
        status = "CANCELLED"
    if status == "UNKNOWN" and kind == "dedicated":
        status = "FAILED"  # flags have no words
    # The end is what counts, so the end lies beside an edge, or the beginning.
    took = timedelta(seconds=random.choice([60, 900, 36_000]))
    at = question.edge(random, oldest, cluster.window(question))
    scheduled = at - took if random.random() < 0.7 else at
    if random.random() < 0.2 and cluster.created > oldest:
        # Of an earlier cluster of that name, or of this.
        scheduled = cluster.created + random.choice([-5 * DAY, -SECOND, SECOND])
    ended = None if status == "OPEN" else scheduled + took
    if ended is not None and ended > question.now - timedelta(minutes=1):
        ended, status = None, "OPEN"
    restore = Restore(
        _id(random, scheduled), kind, delivery, scheduled, ended, status, where,
        random.choice([(cluster.group, cluster.name), (cluster.group, "drill"), ("f" * 24, "x")]),
        scheduled - timedelta(hours=random.choice([1, 30])),
    )  # fmt: skip
    if status == "COMPLETED" and where != "Atlas" and random.random() < 0.5:
        _judge_data(random, question, restore)
    if status == "COMPLETED" and where != "Atlas" and kind != "flex" and random.random() < 0.7:
        _measure(random, question, restore)
    is_judged = bool(restore.verdicts) or restore.measured is not None
    lags = ended is not None and where == "both" and not is_judged
    restore.is_stale = lags and random.random() < 0.2
    return restore


def _judge_data(random: Random, question: Question, restore: Restore) -> None:
    assert restore.ended is not None
    at = restore.ended
    for _ in range(random.choice([1, 1, 2, 3])):
        after = [one + side * SECOND for one in (question.end, question.hold) for side in (-1, 1)]
        later = [one for one in after if one > at] if random.random() < 0.5 else []
        at = random.choice(later) if later else at + timedelta(minutes=random.choice([1, 300]))
        if at > question.now - timedelta(minutes=1):
            return
        restore.verdicts.append((random.choice(["PASSED", "PASSED", "FAILED"]), at))


def _measure(random: Random, question: Question, restore: Restore) -> None:
    """A download is never measured, and nothing is measured before its end."""
    assert restore.ended is not None
    if restore.delivery_type == "download":
        return
    edges = [one + side * SECOND for one in (question.end, question.hold) for side in (-1, 1)]
    later = [one for one in edges if one > restore.ended] if random.random() < 0.5 else []
    at = random.choice(later) if later else restore.ended + timedelta(minutes=18)
    outcomes: list[Outcome] = ["matches", "matches", "differs", "differs", "not measured"]
    if at <= question.now - timedelta(minutes=1):
        restore.measured = random.choice(outcomes), at


def _hex(random: Random) -> str:
    return f"{random.getrandbits(96):024x}"


def _id(random: Random, at: datetime) -> str:
    return f"{int(at.timestamp()):08x}{random.getrandbits(64):016x}"


# Into the emulated Atlas and the table


def build(fleet: Fleet, atlas: AtlasEmulator) -> list[dict[str, Any]]:
    """Make the fleet at Atlas, and return the items of the table."""
    items = []
    for group in fleet.projects:
        atlas.add_project(group)
    for cluster in fleet.clusters:
        made = atlas.add_cluster(cluster.group, cluster.name, cluster.kind)
        made.created, made.cluster_id = cluster.created, cluster.cluster_id
        made.provider_name = "TENANT" if cluster.is_free else "AWS"
        made.said = _said(cluster)
        atlas.add_snapshot(cluster.group, cluster.name, kind=cluster.kind)
        for restore in cluster.restores:
            job = _job(restore, cluster)
            if restore.where != "table":
                atlas.show_restore(job)
            if restore.where != "Atlas":
                items.append(_item(restore, cluster, fleet.question.now))
    return items


def _said(cluster: Cluster) -> dict[str, Any]:
    said: dict[str, Any] = {
        "tags": [{"key": key, "value": value} for key, value in cluster.tags.items()]
    }
    if cluster.kind == "flex":
        return said | {"backupSettings": {"enabled": cluster.backups}}
    said |= {"backupEnabled": cluster.backups, "paused": cluster.is_paused}
    if cluster.is_sharded:
        said["clusterType"] = "SHARDED"
    if cluster.is_internal:
        said["internalClusterRole"] = "SYSTEM_CLUSTER"
    return said


_STEPS = {"CANCELLED": "CANCELED"}
_FLAGS = {"FAILED": "failed", "CANCELLED": "cancelled"}


def _job(restore: Restore, cluster: Cluster) -> EmulatedRestore:
    is_flags = restore.kind == "dedicated"
    of_kind: dict[str, type[EmulatedRestore]] = {
        "dedicated": FlagRestore,
        "collection": CollectionRestore,
    }
    steps = ["running" if is_flags else "RUNNING"]
    if restore.ended is not None:
        if not is_flags:
            word = _STEPS.get(restore.status, restore.status)
            steps.append(f"{word}+finished" if word in {"EXPIRED", "UNKNOWN"} else word)
        elif restore.delivery_type == "download" and restore.status in {"COMPLETED", "EXPIRED"}:
            steps.append("download-ready")
            steps += ["expired"] if restore.status == "EXPIRED" else []
        elif restore.status == "EXPIRED":
            steps.append("expired")
        else:
            steps.append(_FLAGS.get(restore.status, "finished"))
    job = of_kind.get(restore.kind, StatusRestore)(
        group_id=cluster.group,
        cluster=cluster.name,
        restore_id=restore.restore_id,
        delivery_type=restore.delivery_type,
        target_group=restore.target[0],
        target_cluster=restore.target[1],
        snapshot_id=object_id(restore.snapshot_at),
        snapshot_at=restore.snapshot_at,
        timeline=steps,
        clock=Clock(restore.scheduled),
        on_step=lambda _: None,
    )
    job.clock = Clock(restore.ended or restore.scheduled)
    job.run_to_end()
    return job


NEWS = {"validation", "measurement"}
"""What an entry of the history has beside the state."""


def _measurement(outcome: Outcome, at: datetime) -> dict[str, Any]:
    """What an entry of the history says of a measurement. Of none, only its record has a date."""
    if outcome == "not measured":
        why = "the figures of a sharded cluster cannot be added up"
        return {"observedAt": _text(at), "measurement": {"outcome": outcome, "why": why}}
    found = 2 if outcome == "matches" else 1
    counts = {"databases": {"found": found, "expected": 2}, "measuredAt": _text(at)}
    missing = {"name": "sales", "isMissing": True}
    differing = {} if outcome == "matches" else {"differing": [missing]}
    measurement = {"outcome": outcome, **counts, **differing}
    return {"observedAt": _text(at + timedelta(minutes=9)), "measurement": measurement}


def _item(restore: Restore, cluster: Cluster, now: datetime) -> dict[str, Any]:
    """An item as the table has it, in DynamoDB's types."""
    is_ended = restore.ended is not None and not restore.is_stale
    begun = _state_of(restore, cluster, "RUNNING") | {
        "observedAt": _text(restore.scheduled + timedelta(seconds=5))
    }
    history = [begun]
    if is_ended:
        assert restore.ended is not None
        ended = _state_of(restore, cluster, restore.status)
        history.append(ended | {"observedAt": _text(restore.ended + timedelta(seconds=9))})
        for verdict, at in restore.verdicts:
            validation = {
                "verdict": verdict, "validatedBy": "restore-drill", "validatedAt": _text(at),
            }  # fmt: skip
            history.append(ended | {"observedAt": _text(at), "validation": validation})
        if restore.measured is not None:
            history.append(ended | _measurement(*restore.measured))
    last = history[-1]
    item = {name: value for name, value in last.items() if name not in NEWS} | {
        "cluster": f"{cluster.group}/{cluster.name}",
        "firstObservedAt": history[0]["observedAt"],
        "history": history,
        "sequence": len(history),
        "publishedSequence": len(history),
    }
    if is_ended:
        item["expiresAt"] = int(now.timestamp()) + 400 * 86_400
    else:
        item["openShard"] = "0"
    write = TypeSerializer().serialize
    return {name: write(value) for name, value in item.items()}


def _state_of(restore: Restore, cluster: Cluster, status: str) -> dict[str, Any]:
    is_ended = status != "RUNNING"
    state: dict[str, Any] = {
        "groupId": cluster.group,
        "clusterName": cluster.name,
        "restoreId": restore.restore_id,
        "kind": restore.kind,
        "deliveryType": restore.delivery_type or None,
        "status": status,
        "snapshotId": object_id(restore.snapshot_at),
        "snapshotFinishedDate": date(restore.snapshot_at),
        "restoreScheduledDate": date(restore.scheduled),
        "targetProjectId": restore.target[0],
        "targetDeploymentItemName": restore.target[1],
        "downloadAvailable": False,
        "terminal": is_ended,
    }
    if is_ended:
        assert restore.ended is not None
        state["succeeded"] = status == "COMPLETED"
        has_date = restore.kind != "dedicated" or not (
            restore.delivery_type == "download" and status in {"COMPLETED", "EXPIRED"}
        )
        if has_date and not (restore.kind == "dedicated" and status == "EXPIRED"):
            state["restoreFinishedDate"] = date(restore.ended)
            state["durationSeconds"] = int((restore.ended - restore.scheduled).total_seconds())
    return {name: value for name, value in state.items() if value is not None}


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000000Z")
