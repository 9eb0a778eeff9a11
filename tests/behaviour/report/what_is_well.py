"""
The lines that must hold before anything may say *All is well*, and how each is broken alone.

Written from the promise. The order of ROWS is the order in which a headline names what is wrong.
`WORDS` is what a headline, a subject and a notice must say.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from copy import replace
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any, override

from behaviour.report.conftest import DAY, QUARTER_HOUR, Reports
from local_stack import loopback
from local_stack.atlas import EmulatedCluster, EmulatedRestore, Kind, in_group
from local_stack.clock import Clock
from local_stack.environment import target_of
from local_stack.faults import Ask
from local_stack.restores import date
from local_stack.snapshots import EmulatedSnapshot
from local_stack.steps import DEDICATED_LIST, MISSING_ROLE, QUESTION
from local_stack.wire import Answer, Selection
from local_stack.world import World, within
from notify_people.message import read_message
from notify_people.words.notices import notice_of
from restore_watch.measuring.record_measurement import record_measurement
from restore_watch.model.measurement import Count, DifferingDatabase, Measurement, Outcome

ROWS = ("watched", "states", "restorable", "read", "objectives", "restores")

WORDS: Mapping[str, str] = {
    "nobody watched": r"no project is watched",
    "nobody needs": r"no cluster needs a test",
    "nobody tested": r"no cluster\b.* tested|none\b.* tested|clusters? needs? a look",
    "look": r"clusters? needs? a look",
    "restorable": r"could not be restored as (you )?expect",
    "read": r"could not be read",
    "time": r"could not be read|clusters? needs? a look",
    "missed": r"missed (its|their) RTO or RPO",
    "failed": r"restores?\b.* failed",
    "open": r"\bopen\b|\bruns?\b|\brunning\b",
    "differ": r"data of \d+ restores? (outside \S+ )?differ",
    "verdict": r"verdict|validation|\btested\b.* failed|failed .*\btests?\b",
    "degraded": r"degraded|cannot see|does not see",
    "not swept": r"no sweep",
    "expiring": r"\bexpires?\b",
}
"""By name: the words, ignoring case."""

WINDOW, HOUR, MINUTE = 90, timedelta(hours=1), timedelta(minutes=1)

OPEN = "open"
"""The end of a restore that has none yet."""


class Furnished:
    """A fleet of which all is well, until somebody breaks a line. The schedule is daily."""

    def __init__(self, reports: Reports) -> None:
        self.reports, self.world = reports, reports.world
        self.group, self.atlas = reports.world.group, reports.world.atlas
        self.seconds = QUARTER_HOUR
        """The time of the report's invocation."""
        self.restored: list[tuple[EmulatedRestore, Kind]] = []
        """What the table knows."""
        self.finish: list[Callable[[], object]] = []
        """What is done last, because it is about all that is there."""
        self.tested("orders")
        self.tested("shop", "flex")
        self.tested("metrics").said["clusterType"] = "SHARDED"
        # None of these is a reason to say less.
        self.reports.cluster("new", "flex", days=10)
        self.snapshot("new", "flex")
        self.reports.cluster("free").provider_name = "TENANT"
        self.reports.cluster("internal", internalClusterRole="SYSTEM_CLUSTER")
        self.reports.cluster("sandbox", tags=[{"key": "restore-test", "value": "exempt:a sandbox"}])

    # What there is

    def tested(self, name: str, kind: Kind = "dedicated", *, days: float = 5) -> EmulatedCluster:
        """A cluster with a good test that the table knows too, and a snapshot of today."""
        made = self.reports.cluster(name, kind)
        self.restore(name, kind, days=days)
        self.snapshot(name, kind)
        return made

    def restore(
        self,
        name: str,
        kind: Kind = "dedicated",
        *,
        days: float,
        took: timedelta = timedelta(minutes=4),
        snapshot_age: timedelta = HOUR,
        end: str | None = None,
        delivery_type: str | None = None,
    ) -> EmulatedRestore:
        """A restore that the table knows, scheduled so many days before the period's end."""
        began = self.reports.at - days * DAY
        job = self.atlas.start_restore(
            self.group,
            name,
            kind,
            at=began,
            snapshot_age=snapshot_age,
            delivery_type=delivery_type,
            timeline=["RUNNING", end or "COMPLETED"]
            if kind == "flex"
            else ["running", end or "finished"],
        )
        job.clock = Clock(began + took)
        if end != OPEN:
            job.run_to_end()
        job.clock = self.atlas.now
        self.world.check(target_of(job, kind))
        self.restored.append((job, kind))
        return job

    def snapshot(
        self,
        name: str,
        kind: Kind = "dedicated",
        *,
        age: timedelta = HOUR,
        snapshot_type: str = "scheduled",
        **how: Any,
    ) -> None:
        made = self.atlas.add_snapshot(self.group, name, age=age, kind=kind, **how)
        listed = self.atlas.snapshots_of(self.group, name, kind)
        listed[:] = [one for one in listed if one is not made]
        # A list shows the newest first.
        listed.insert(0, _Typed(**vars(made), snapshot_type=snapshot_type))

    def without_snapshots(self, name: str, kind: Kind = "dedicated") -> None:
        self.atlas.snapshots_of(self.group, name, kind).clear()

    def verdict(self, job: EmulatedRestore, verdict: str, at: datetime) -> None:
        event = {"action": "record-validation", **job.event, "verdict": verdict}
        said = {"validatedBy": "restore-drill", "validatedAt": date(at)}
        self.world.environment().answer(event | said)

    def measure(self, job: EmulatedRestore, measurement: Measurement) -> None:
        """Record the measurement of a restore that the table knows, by figures of the period."""
        environment = self.world.environment()
        counted = replace(measurement, measured_at=self.reports.at - MINUTE)
        record_measurement(
            environment.wires.outbox,
            target_of(job, "dedicated"),
            lambda _: counted,
            environment.deadline(),
            is_last=True,
        )

    def refuse(self, step: Selection, answer: Answer) -> None:
        """From now on."""
        self.world.inject(step, answer, times=None)

    # What is said

    def said(self) -> "Said":
        """Make the report, and collect everything that it says."""
        for step in self.finish:
            step()
        self.world.received()
        self.reports.make(seconds=self.seconds)
        (message,) = self.reports.messages()
        files = {key.rpartition("/")[2]: value.decode() for key, value in self._files().items()}
        text = json.dumps(message.event)
        notice = notice_of(read_message(text), "https://cloud.mongodb.com", "restore-watch")
        steps = [f"{one.text} {one.label}" for one in notice.steps]
        facts = [f"{name}: {value}" for name, value in notice.facts.items()]
        return Said(
            report=json.loads(files["report.json"]),
            page=Page.of(files["report.html"]),
            files=files,
            subject=message.subject or "",
            attributes=message.attributes,
            data=message.event["data"],
            title=notice.title,
            notice=" ".join([notice.title, notice.detail, *facts, *steps]),
        )

    def _files(self) -> Mapping[str, bytes]:
        return self.reports.files("reports/")


@dataclass
class _Typed(EmulatedSnapshot):
    snapshot_type: str = "scheduled"

    @override
    def body(self, host: str) -> dict[str, Any]:
        body = super().body(host)
        return body if self.is_flex else body | {"snapshotType": self.snapshot_type}


@dataclass(frozen=True)
class _Slow:
    world: World
    seconds: float

    def play(self, _line: loopback.Line, ask: Ask, /) -> Answer:
        self.world.pass_time(self.seconds)
        return ask()


class Page(HTMLParser):
    """The text that a page shows, and that part of it which is not folded."""

    def __init__(self) -> None:
        super().__init__()
        self._hidden = self._folded = 0
        self._all: list[str] = []
        self._unfolded: list[str] = []

    @classmethod
    def of(cls, html: str) -> "Page":
        page = cls()
        page.feed(html)
        page.close()
        return page

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._all).split())

    @property
    def unfolded(self) -> str:
        return " ".join(" ".join(self._unfolded).split())

    @override
    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._hidden += tag in {"style", "script"}
        self._folded += tag == "details"

    @override
    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"style", "script"}
        self._folded -= tag == "details"

    @override
    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        self._all.append(data)
        if not self._folded:
            self._unfolded.append(data)


@dataclass(frozen=True)
class Said:
    """What a report said everywhere."""

    report: Mapping[str, Any]
    page: Page
    files: Mapping[str, str]
    subject: str
    attributes: Mapping[str, str]
    data: Mapping[str, Any]
    title: str
    notice: str

    @property
    def headline(self) -> str:
        headline: str = self.report["headline"]
        return headline

    @property
    def everything(self) -> Mapping[str, str]:
        """By place: each text that people or machines read."""
        return {
            "headline": self.headline,
            "page": self.page.text,
            "report.json": self.files["report.json"],
            "coverage.csv": self.files["coverage.csv"],
            "restores.csv": self.files["restores.csv"],
            "subject": self.subject,
            "message": json.dumps(self.data),
            "notice": self.notice,
        }

    @property
    def leading(self) -> Mapping[str, str]:
        """By place: what is read first."""
        return {"headline": self.headline, "subject": self.subject, "notice": self.title}


@dataclass(frozen=True)
class Line:
    """A way to break one line. `doctor`: whether a diagnosis can see it."""

    row: str
    words: str
    break_it: Callable[[Furnished], object]
    number: int | None = None
    """How many clusters or tests the headline counts, where it counts them."""
    doctor: bool = field(default=False, kw_only=True)
    of: int | None = field(default=None, kw_only=True)
    """Of how many, where it says so."""


# No project, no cluster


def _watch_nothing(fleet: Furnished) -> None:
    def watch() -> None:
        fleet.reports.projects = ()

    fleet.finish.append(watch)


def _list_no_project(fleet: Furnished) -> None:
    def hide() -> None:
        for project in fleet.atlas.listed_projects():
            fleet.atlas.hide_project(project.group_id)
        fleet.reports.projects = ("all",)

    fleet.finish.append(hide)


def _list_no_cluster(fleet: Furnished) -> None:
    def remove() -> None:
        for name in list(fleet.atlas.project(fleet.group).clusters):
            fleet.atlas.remove_cluster(fleet.group, name)

    fleet.finish.append(remove)


def _exempt_everything(fleet: Furnished) -> None:
    def exempt() -> None:
        for cluster in fleet.atlas.project(fleet.group).clusters.values():
            cluster.said["tags"] = [{"key": "restore-test", "value": "exempt"}]

    fleet.finish.append(exempt)


def _mistype_the_tag(fleet: Furnished) -> None:
    fleet.reports.settings["RESTORE_TEST_TAG"] = "tier=production"


# States


def _fail(fleet: Furnished) -> None:
    fleet.tested("broken")
    fleet.restore("broken", days=3, end="failed")


def _overdue(fleet: Furnished) -> None:
    fleet.tested("late", days=WINDOW + 1)


def _never(fleet: Furnished) -> None:
    fleet.reports.cluster("forgotten")
    fleet.snapshot("forgotten")


def _cannot_tell(fleet: Furnished) -> None:
    fleet.reports.cluster("dark")
    fleet.snapshot("dark")
    fleet.refuse(_about(DEDICATED_LIST, "dark"), MISSING_ROLE)


def _only_new(fleet: Furnished) -> None:
    def renew() -> None:
        for name in ("orders", "shop", "metrics"):
            fleet.atlas.remove_cluster(fleet.group, name)
        for item in fleet.world.items():
            key = {name: {"S": item[name]} for name in ("cluster", "restoreId")}
            client = fleet.world.aws.client("dynamodb")
            client.delete_item(TableName=fleet.world.stack.table_name, Key=key)

    fleet.finish.append(renew)


# Can be restored


def _backups_off(fleet: Furnished) -> None:
    fleet.tested("unsaved").said["backupEnabled"] = False


def _flex_backups_off(fleet: Furnished) -> None:
    fleet.tested("unsaved-flex", "flex").said["backupSettings"] = {"enabled": False}


def _no_snapshot(fleet: Furnished) -> None:
    fleet.tested("bare")
    fleet.without_snapshots("bare")


def _old_snapshot(fleet: Furnished) -> None:
    fleet.tested("stale")
    fleet.without_snapshots("stale")
    fleet.snapshot("stale", age=timedelta(hours=49))


def _old_flex_snapshot(fleet: Furnished) -> None:
    fleet.tested("stale-flex", "flex")
    fleet.without_snapshots("stale-flex", "flex")
    fleet.snapshot("stale-flex", "flex", age=timedelta(hours=49))


def _snapshot_older_than_rpo(fleet: Furnished) -> None:
    fleet.reports.settings["RPO_MINUTES"] = "180"
    fleet.tested("lagging")
    fleet.without_snapshots("lagging")
    fleet.snapshot("lagging", age=timedelta(hours=4))


def _fallback_snapshot(fleet: Furnished) -> None:
    fleet.tested("fallen")
    fleet.without_snapshots("fallen")
    fleet.snapshot("fallen", snapshot_type="fallback")


def _failed_snapshot(fleet: Furnished) -> None:
    fleet.tested("half")
    fleet.without_snapshots("half")
    fleet.snapshot("half", age=timedelta(hours=50))
    fleet.snapshot("half", status="failed")


# Was read


def _unread_restores(fleet: Furnished) -> None:
    fleet.tested("hidden")
    fleet.refuse(_about(DEDICATED_LIST, "hidden"), MISSING_ROLE)


def _role_is_missing(fleet: Furnished) -> None:
    fleet.finish.append(lambda: fleet.refuse(DEDICATED_LIST, MISSING_ROLE))


def _unread_snapshots(fleet: Furnished) -> None:
    fleet.tested("blurred")
    fleet.refuse(_about(Selection("atlas", "snapshots"), "blurred"), Answer(500))


def _unread_project(fleet: Furnished) -> None:
    other = secrets.token_hex(12)
    fleet.atlas.add_cluster(other, "elsewhere", "dedicated")
    fleet.atlas.lock_out(other)
    fleet.reports.projects += (other,)


def _unread_list_of_flex(fleet: Furnished) -> None:
    other = secrets.token_hex(12)
    fleet.atlas.add_cluster(other, "elsewhere", "flex")
    fleet.reports.projects += (other,)
    step = Selection("atlas", "flex_clusters", in_group(other))
    fleet.refuse(step, Answer(503))


def _unread_item(fleet: Furnished) -> None:
    fleet.tested("future")
    job = fleet.restore("future", days=4)
    fleet.finish.append(lambda: fleet.world.rewrite(job, history="of a newer version"))


def _too_little_time(fleet: Furnished) -> None:
    """It is over when the second list of clusters has come, but for a third to write in."""
    fleet.seconds = 98
    slow = Selection("atlas", when=lambda call: call.operation.endswith("_clusters"))
    fleet.finish.append(lambda: fleet.world.inject(slow, _Slow(fleet.world, 40), times=None))


# Objectives


def _missed_rto(fleet: Furnished) -> None:
    fleet.reports.settings["RTO_MINUTES"] = "60"
    fleet.tested("slow", days=10)
    fleet.restore("slow", days=5, took=timedelta(hours=10))


def _missed_rpo(fleet: Furnished) -> None:
    fleet.reports.settings["RPO_MINUTES"] = "180"
    fleet.tested("aged", days=10)
    fleet.restore("aged", days=5, snapshot_age=timedelta(days=40))


# Restores, the watch, the credentials


def _failed_then_good(fleet: Furnished) -> None:
    fleet.tested("repaired")
    fleet.restore("repaired", days=0.8, end="failed")
    fleet.restore("repaired", days=0.4)


def _failed_download(fleet: Furnished) -> None:
    fleet.tested("fetched")
    fleet.restore("fetched", days=0.8, end="failed", delivery_type="download")


def _open_for_days(fleet: Furnished) -> None:
    fleet.tested("hanging", days=10)
    fleet.restore("hanging", days=3, end=OPEN)


def _open_longer_than_rto(fleet: Furnished) -> None:
    fleet.reports.settings["RTO_MINUTES"] = "60"
    fleet.tested("hanging-too", days=10)
    fleet.restore("hanging-too", days=0.5, end=OPEN)


def _failed_verdict(fleet: Furnished) -> None:
    """On a download, so that no state follows from it."""
    fleet.tested("doubted")
    job = fleet.restore("doubted", days=0.8, end="download-ready", delivery_type="download")
    fleet.verdict(job, "FAILED", fleet.reports.at - 0.7 * DAY)


def _older_download_failed(fleet: Furnished) -> None:
    """It began before the period, and failed within it."""
    fleet.tested("fetched-late")
    fleet.restore("fetched-late", days=1.2, took=20 * HOUR, end="failed", delivery_type="download")


def _older_restore_failed(fleet: Furnished) -> None:
    """It began before the period, and failed within it; a good test followed."""
    fleet.tested("repaired-late", days=9)
    fleet.restore("repaired-late", days=1.2, took=20 * HOUR, end="failed")
    fleet.restore("repaired-late", days=0.2)


def _verdict_on_older_download(fleet: Furnished) -> None:
    """The restore began before the period, and its data were judged within it."""
    fleet.tested("doubted-late")
    job = fleet.restore("doubted-late", days=1.2, end="download-ready", delivery_type="download")
    fleet.verdict(job, "FAILED", fleet.reports.at - 0.5 * DAY)


def _verdict_on_older_restore(fleet: Furnished) -> None:
    """The restore began before the period, its data were judged within it; a good test followed."""
    fleet.tested("doubted-then", days=9)
    job = fleet.restore("doubted-then", days=1.2)
    fleet.verdict(job, "FAILED", fleet.reports.at - 0.5 * DAY)
    fleet.restore("doubted-then", days=0.2)


DIFFERS = Measurement(
    outcome=Outcome.DIFFERS,
    databases=Count(found=1, expected=2),
    differing=(DifferingDatabase(name="sales", is_missing=True),),
)
MATCHES = Measurement(outcome=Outcome.MATCHES, databases=Count(found=2, expected=2))


def _differs(fleet: Furnished) -> None:
    """A good test came before it."""
    _let_measurements_count(fleet)
    fleet.tested("changed", days=6)
    fleet.measure(fleet.restore("changed", days=0.5), DIFFERS)


def _let_measurements_count(fleet: Furnished) -> None:
    """Each other restore that completed matches, or has a verdict PASSED."""
    fleet.reports.settings["RESTORE_TEST_COUNTS"] = "measured"

    def prove() -> None:
        for job, kind in fleet.restored:
            item = fleet.world.known_item(job)
            if item["status"] != "COMPLETED" or not isinstance(item["history"], list):
                continue
            if kind == "dedicated":
                fleet.measure(job, MATCHES)
            else:
                fleet.verdict(job, "PASSED", fleet.reports.at - MINUTE)

    fleet.finish.append(prove)


def _degraded(fleet: Furnished) -> None:
    watch = fleet.world.watching()
    watch.tick()
    with fleet.world.inject(
        within(QUESTION, Selection(when=in_group(fleet.group))), Answer(500), times=None
    ):
        watch.ticks(6)
    assert fleet.world.watch_said() == [("degraded", fleet.group)]


def _sweep_no_more(fleet: Furnished) -> None:
    fleet.reports.is_swept = False


def _expiring(fleet: Furnished) -> None:
    account = fleet.world.own_credentials()
    (secret,) = fleet.atlas.secrets_of(account["client_id"])
    secret.expires_at = fleet.world.clock() + timedelta(hours=12)
    fleet.world.rewrite_stack(credentials=None)
    fleet.reports.environment().tick()


# What takes nothing away


def _differs_by_itself(fleet: Furnished) -> None:
    """An index may have expired documents."""
    fleet.tested("changed", days=6)
    fleet.measure(fleet.restore("changed", days=0.5), DIFFERS)


def _cancelled(fleet: Furnished) -> None:
    fleet.tested("stopped")
    fleet.restore("stopped", days=0.5, end="cancelled")


def _failed_before_the_period(fleet: Furnished) -> None:
    fleet.tested("repaired", days=3)
    fleet.restore("repaired", days=4, end="failed")


def _verdict_of_long_ago(fleet: Furnished) -> None:
    fleet.tested("doubted", days=3)
    job = fleet.restore("doubted", days=30)
    fleet.verdict(job, "FAILED", fleet.reports.at - 29 * DAY)


def _open_for_minutes(fleet: Furnished) -> None:
    fleet.reports.settings["RTO_MINUTES"] = "600"
    fleet.tested("busy")
    fleet.restore("busy", days=0.1, end=OPEN)


def _ready_download(fleet: Furnished) -> None:
    fleet.tested("fetched")
    fleet.restore("fetched", days=0.5, end="download-ready", delivery_type="download")


def _point_in_time(fleet: Furnished) -> None:
    """The data are newer than the snapshot."""
    fleet.reports.settings["RPO_MINUTES"] = "120"
    fleet.reports.cluster("exact")
    fleet.snapshot("exact")
    fleet.restore("exact", days=2, snapshot_age=30 * HOUR, delivery_type="pointInTime")


def _objectives_met(fleet: Furnished) -> None:
    fleet.reports.settings |= {"RTO_MINUTES": "60", "RPO_MINUTES": "120"}


def _unneeded_is_unsaved(fleet: Furnished) -> None:
    """Who needs no test needs no backups either."""
    tags = [{"key": "restore-test", "value": "exempt"}]
    fleet.reports.cluster("scratch", tags=tags, backupEnabled=False)


def _snapshot_under_way(fleet: Furnished) -> None:
    fleet.tested("snapping")
    fleet.snapshot("snapping", age=timedelta(minutes=1), status="inProgress")


def _credentials_last(fleet: Furnished) -> None:
    account = fleet.world.own_credentials()
    (secret,) = fleet.atlas.secrets_of(account["client_id"])
    secret.expires_at = fleet.world.clock() + timedelta(days=100)
    fleet.world.rewrite_stack(credentials=None)
    fleet.reports.environment().tick()


def _recovered(fleet: Furnished) -> None:
    _degraded(fleet)
    fleet.world.watching().ticks(6)
    assert [kind for kind, _ in fleet.world.watch_said()] == ["degraded", "recovered"]


def _about(step: Selection, name: str) -> Selection:
    return within(step, Selection(when=lambda call: f"/{name}/" in call.path))


ALONE = {"only new", "time is over"}
"""With another line, some cluster is tested; and who had no time cannot know the other line."""

SWEEPS = {"degraded", "credentials expire"}
"""The watch knows its projects then: an empty list of all has left them out."""

HIDES_CLUSTERS = {"project unread", "list of Flex clusters unread"}
"""Then nobody knows whether a cluster needs a test, so that is not said."""

LINES: Mapping[str, Line] = {
    "nothing is watched": Line("watched", "nobody watched", _watch_nothing, doctor=True),
    "no project is listed": Line("watched", "nobody watched", _list_no_project),
    "no cluster": Line("watched", "nobody needs", _list_no_cluster),
    "all are exempt": Line("watched", "nobody needs", _exempt_everything),
    "none has the tag": Line("watched", "nobody needs", _mistype_the_tag),
    "failed": Line("states", "look", _fail, 1, of=5),
    "overdue": Line("states", "look", _overdue, 1, of=5),
    "never": Line("states", "look", _never, 1, of=5),
    "cannot tell": Line("states", "look", _cannot_tell, 1, of=5),
    "only new": Line("states", "nobody tested", _only_new),
    "backups off": Line("restorable", "restorable", _backups_off, 1),
    "backups off, Flex": Line("restorable", "restorable", _flex_backups_off, 1),
    "no snapshot": Line("restorable", "restorable", _no_snapshot, 1),
    "old snapshot": Line("restorable", "restorable", _old_snapshot, 1),
    "old snapshot, Flex": Line("restorable", "restorable", _old_flex_snapshot, 1),
    "snapshot over the RPO": Line("restorable", "restorable", _snapshot_older_than_rpo, 1),
    "fallback snapshot": Line("restorable", "restorable", _fallback_snapshot, 1),
    "the newest snapshot failed": Line("restorable", "restorable", _failed_snapshot, 1),
    "restores unread": Line("read", "read", _unread_restores, 1),
    "role is missing": Line("read", "read", _role_is_missing, doctor=True),
    "snapshots unread": Line("read", "read", _unread_snapshots, 1),
    "project unread": Line("read", "read", _unread_project, doctor=True),
    "list of Flex clusters unread": Line("read", "read", _unread_list_of_flex),
    "item unread": Line("read", "read", _unread_item),
    "time is over": Line("read", "time", _too_little_time),
    "RTO missed": Line("objectives", "missed", _missed_rto, 1),
    "RPO missed": Line("objectives", "missed", _missed_rpo, 1),
    "a restore failed": Line("restores", "failed", _failed_then_good, 1),
    "a download failed": Line("restores", "failed", _failed_download, 1),
    "open for days": Line("restores", "open", _open_for_days, 1),
    "open over the RTO": Line("restores", "open", _open_longer_than_rto, 1),
    "a verdict failed": Line("restores", "verdict", _failed_verdict, 1),
    "an older download failed": Line("restores", "failed", _older_download_failed, 1),
    "an older restore failed": Line("restores", "failed", _older_restore_failed, 1),
    "a verdict on an older download": Line("restores", "verdict", _verdict_on_older_download, 1),
    "a verdict on an older restore": Line("restores", "verdict", _verdict_on_older_restore, 1),
    "data differ": Line("restores", "differ", _differs, 1),
    "degraded": Line("restores", "degraded", _degraded, doctor=True),
    "no sweep": Line("restores", "not swept", _sweep_no_more),
    "credentials expire": Line("restores", "expiring", _expiring, doctor=True),
}

HARMLESS: Mapping[str, Callable[[Furnished], object]] = {
    "nothing": lambda _: None,
    "a cancelled restore": _cancelled,
    "a failure before the period": _failed_before_the_period,
    "a verdict before the period": _verdict_of_long_ago,
    "open for minutes": _open_for_minutes,
    "a ready download": _ready_download,
    "point in time": _point_in_time,
    "objectives are met": _objectives_met,
    "exempt, without backups": _unneeded_is_unsaved,
    "a snapshot under way": _snapshot_under_way,
    "credentials last": _credentials_last,
    "recovered": _recovered,
    "data differ by themselves": _differs_by_itself,
    "data match": _let_measurements_count,
}
