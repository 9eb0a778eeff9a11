"""Restore jobs as Atlas describes them: Flex and tenant by a status, dedicated by flags."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from datetime import datetime, timedelta
from random import Random, SystemRandom
from typing import Any, Literal, Self

from local_stack.canaries import CANARY_DOWNLOAD_TOKEN

type Kind = Literal["flex", "dedicated", "tenant", "collection"]

FLEX_TIMELINE = ("PENDING", "QUEUED", "RUNNING", "COMPLETED")
AUTOMATED_TIMELINE = ("running", "finished")
DOWNLOAD_TIMELINE = ("running", "download-ready")
COLLECTION_TIMELINE = ("INITIALIZING", "IN_PROGRESS", "FINALIZING", "SUCCESSFUL")

# Six hours after the schedule, also if there is nothing to expire.
_FLEX_LINK_LIFE = timedelta(hours=6)
_DEDICATED_LINK_LIFE = timedelta(hours=1)

_FINISHED = "+finished"
_ENDS = {"COMPLETED", "SUCCESSFUL", "FAILED", "CANCELED"}


_numbers: list[Random] = [SystemRandom()]
"""What ids are made of; the last counts."""


def date(at: datetime) -> str:
    """Return a date in Atlas's form: whole seconds, UTC."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def object_id(at: datetime) -> str:
    """Return a new id. Its first eight digits are its time."""
    return f"{int(at.timestamp()):08x}{_numbers[-1].getrandbits(64):016x}"


@contextmanager
def same_ids() -> Iterator[None]:
    """Within the block, ids are the same in each process that makes them in the same order."""
    _numbers.append(Random(1))  # noqa: S311 - nothing is to be kept secret
    try:
        yield
    finally:
        _numbers.pop()


class EmulatedRestore(ABC):
    """One restore job, which goes through its timeline. It takes the first step when it is made."""

    def __init__(
        self,
        *,
        group_id: str,
        cluster: str,
        restore_id: str,
        delivery_type: str,
        target_group: str,
        target_cluster: str,
        snapshot_id: str,
        snapshot_at: datetime,
        timeline: Sequence[str],
        clock: Callable[[], datetime],
        on_step: Callable[["EmulatedRestore"], None],
    ) -> None:
        self.group_id = group_id
        self.cluster = cluster
        self.restore_id = restore_id
        self.delivery_type = delivery_type
        self.target_group = target_group
        self.target_cluster = target_cluster
        self.snapshot_id = snapshot_id
        self.snapshot_at = snapshot_at
        self.clock = clock
        self._on_step = on_step
        self.scheduled = clock()
        self.finished: datetime | None = None
        self._steps = iter(timeline)
        self._said: dict[str, Any] = {}
        self._unsaid: set[str] = set()
        self.step = ""
        self.advance()

    def advance(self) -> str:
        """Take the next step now and return its name. Raise LookupError after the last."""
        step = next(self._steps, None)
        if step is None:
            raise LookupError(f"restore {self.restore_id} has taken its last step, {self.step}")
        self._take(step)
        return step

    def run_to_end(self) -> str:
        """Take all remaining steps."""
        for step in list(self._steps):
            self._take(step)
        return self.step

    def run_to_end_at(self, moment: datetime) -> str:
        """Take all remaining steps at a moment, which may be past."""
        now, self.clock = self.clock, lambda: moment
        try:
            return self.run_to_end()
        finally:
            self.clock = now

    def set(self, **fields: Any) -> None:
        """From now on the body has these fields, regardless of the timeline."""
        self._said.update(fields)
        self._unsaid -= fields.keys()

    def drop(self, *fields: str) -> None:
        """From now on the body lacks these fields."""
        self._unsaid.update(fields)

    def frozen(self) -> Self:
        """Return a copy that stays as the job is now."""
        twin = copy(self)
        for name, value in vars(self).items():
            if isinstance(value, dict | set):
                setattr(twin, name, copy(value))
        return twin

    def body(self, kind: Kind | None = None, host: str = "http://127.0.0.1") -> dict[str, Any]:
        """Return Atlas's answer, in alphabetical order as Atlas sends it."""
        said = {**self._body(kind, host), **self._said}
        return {name: said[name] for name in sorted(said) if name not in self._unsaid}

    @property
    def event(self) -> dict[str, str]:
        """The event that asks for this restore without naming its kind."""
        return {"groupId": self.group_id, "clusterName": self.cluster, "restoreId": self.restore_id}

    @property
    def download_url(self) -> str:
        """The URL alone is enough to read the whole data set."""
        host = f"restore-{self.restore_id}.downloads.example.net:27017"
        return f"https://{host}/{CANARY_DOWNLOAD_TOKEN}/restore-{self.snapshot_id}.tar.gz"

    def _take(self, step: str) -> None:
        self._enter(step)
        self.step = step
        self._on_step(self)

    @abstractmethod
    def _enter(self, step: str) -> None: ...

    @abstractmethod
    def _body(self, kind: Kind | None, host: str, /) -> dict[str, Any]: ...


class StatusRestore(EmulatedRestore):
    """
    A Flex or tenant restore. Its steps are the statuses themselves; any word is allowed.

    `WORD+finished` is a word with a finish date.
    """

    def _enter(self, step: str) -> None:
        if step in _ENDS or step.endswith(_FINISHED):
            self.finished = self.clock()

    def _body(self, kind: Kind | None, _host: str, /) -> dict[str, Any]:
        body: dict[str, Any] = {
            "clusterName" if kind == "tenant" else "instanceName": self.cluster,
            "deliveryType": self.delivery_type,
            "expirationDate": date(self.scheduled + _FLEX_LINK_LIFE),
            "id": self.restore_id,
            "projectId": self.group_id,
            "restoreScheduledDate": date(self.scheduled),
            "snapshotFinishedDate": date(self.snapshot_at),
            "snapshotId": self.snapshot_id,
            "status": self.step.removesuffix(_FINISHED),
            "targetDeploymentItemName": self.target_cluster,
            "targetProjectId": self.target_group,
        }
        if self.finished is not None:
            body["restoreFinishedDate"] = date(self.finished)
        if self.delivery_type == "DOWNLOAD" and self.step == "COMPLETED":
            body["snapshotUrl"] = self.download_url
        return body


class FlagRestore(EmulatedRestore):
    """
    A dedicated restore. It has no status and no start date; its steps set flags.

    `finished+expired` sets both at once.
    """

    def __init__(self, **facts: Any) -> None:
        self._flags = {"cancelled": False, "expired": False, "failed": False}
        self._ready: datetime | None = None
        super().__init__(**facts)

    def _enter(self, step: str) -> None:
        match step:
            case "running":
                return
            case "download-ready":
                self._ready = self.clock()
                return
            case "expired":
                self._flags["expired"] = True
                return
            case "finished+expired":
                self._flags["expired"] = True
            case "failed":
                self._flags["failed"] = True
            case "cancelled":
                # Atlas sets both.
                self._flags.update(cancelled=True, failed=True)
            case "finished":
                pass
            case _:
                raise ValueError(f"a dedicated restore has no step {step!r}")
        self.finished = self.clock()

    def _body(self, _kind: Kind | None, host: str, /) -> dict[str, Any]:
        body: dict[str, Any] = {
            **self._flags,
            "deliveryType": self.delivery_type,
            "deliveryUrl": [],
            "desiredTimestamp": {"increment": None, "time": None, "date": None},
            "id": self.restore_id,
            "links": self._links(host),
            "snapshotId": self.snapshot_id,
            "timestamp": date(self.snapshot_at),
        }
        if self.delivery_type != "download":
            body["targetClusterName"] = self.target_cluster
            body["targetDeploymentItemName"] = f"atlas-{self.restore_id[-6:]}"
            body["targetGroupId"] = self.target_group
        if self.finished is not None:
            body["finishedAt"] = date(self.finished)
        if self._ready is not None:
            body["expiresAt"] = date(self._ready + _DEDICATED_LINK_LIFE)
            if not self._flags["expired"]:
                body.update(self._urls())
        return body

    def _urls(self) -> dict[str, Any]:
        """Recorded downloads have only `deliveryUrl`; private endpoints and shards have more."""
        private = [{"deliveryUrl": self.download_url, "endpointId": "vpce-0123456789abcdef0"}]
        shard = {
            "downloadUrl": self.download_url,
            "privateDownloadDeliveryUrls": private,
            "replicaSetName": "shard-0",
        }
        return {
            "components": [shard],
            "deliveryUrl": [self.download_url],
            "privateDownloadDeliveryUrls": private,
        }

    def _links(self, host: str) -> list[dict[str, str]]:
        group = f"{host}/api/atlas/v2/groups/{self.group_id}"
        backup = f"{group}/clusters/{self.cluster}/backup"
        words = "https://cloud.mongodb.com"
        return [
            {"href": f"{backup}/restoreJobs/{self.restore_id}", "rel": "self"},
            {"href": f"{backup}/snapshots/{self.snapshot_id}", "rel": f"{words}/snapshot"},
            {"href": f"{group}/clusters/{self.cluster}", "rel": f"{words}/cluster"},
            {"href": group, "rel": f"{words}/group"},
        ]


class CollectionRestore(StatusRestore):
    """A restore of some collections, as Atlas's specification has it; none was ever recorded."""

    lost = 0
    """Documents that are not restored although the job succeeds."""

    def restored(self) -> list[dict[str, Any]]:
        """Return what became of each collection; nothing before the job has begun."""
        if self.step == "INITIALIZING":
            return []
        is_done = self.step == "SUCCESSFUL"
        return [
            {
                "effectiveTargetNamespace": "sales.orders_restored",
                "indexStatus": {"errorMessage": None, "failedIndexes": [], "state": "SUCCESSFUL"},
                "restoredDocuments": 20_000 - self.lost if is_done else 15_500,
                "sourceNamespace": "sales.orders",
                "state": "SUCCESSFUL" if is_done else "IN_PROGRESS",
                "targetNamespace": "sales.orders_restored",
                "totalDocuments": 20_000,
            }
        ]

    def _body(self, _kind: Kind | None, _host: str, /) -> dict[str, Any]:
        is_done = self.step == "SUCCESSFUL"
        body: dict[str, Any] = {
            "collectionSuffix": "_restored",
            "collections": [
                {"sourceNamespace": "sales.orders", "targetNamespace": "sales.orders_restored"}
            ],
            "createdAt": date(self.scheduled),
            "databaseSuffix": "",
            "databases": [],
            "id": self.restore_id,
            "indexStatus": {
                "failedCollectionCount": 0,
                "state": "SUCCESSFUL" if is_done else "IN_PROGRESS",
            },
            "indexStrategy": "ALL",
            "restoredDocuments": 20_000 if is_done else 15_500,
            "snapshotId": self.snapshot_id,
            "state": self.step.removesuffix(_FINISHED),
            "targetClusterName": self.target_cluster,
            "targetGroupId": self.target_group,
            "totalDocuments": 20_000,
            "writeStrategy": "CREATE_NEW",
        }
        if self.finished is not None:
            body["finishedAt"] = date(self.finished)
            if not is_done:
                # Free text: nobody says what Atlas writes into it.
                body["errorMessage"] = f"Stopped while reading {self.download_url}"
        return body


CLASSES: Mapping[Kind, type[EmulatedRestore]] = {
    "flex": StatusRestore,
    "tenant": StatusRestore,
    "dedicated": FlagRestore,
    "collection": CollectionRestore,
}


def defaults_of(kind: Kind, delivery_type: str | None) -> tuple[str, Sequence[str]]:
    """Return the default delivery type of a kind, and the default steps of such a restore."""
    match kind:
        case "dedicated":
            is_download = delivery_type == "download"
            return "automated", DOWNLOAD_TIMELINE if is_download else AUTOMATED_TIMELINE
        case "collection":
            return "", COLLECTION_TIMELINE  # it has none
        case _:
            return "RESTORE", FLEX_TIMELINE
