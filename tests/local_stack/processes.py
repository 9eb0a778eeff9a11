"""The processes of the emulated Atlas's dedicated clusters, and the figures of their databases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from werkzeug.wrappers import Request

from local_stack.behaviour import Behaviour
from local_stack.cluster_data import Held
from local_stack.lists import invalid
from local_stack.projects import HOSTS, PORT, EmulatedCluster
from local_stack.restores import date

_GRANULARITIES = {
    "PT1M": timedelta(minutes=1),
    "PT5M": timedelta(minutes=5),
    "PT30M": timedelta(minutes=30),
    "PT1H": timedelta(hours=1),
    "P1D": timedelta(days=1),
}
"""Those that the CLI documents and those that were recorded."""

_KEPT = {
    "PT1M": timedelta(hours=48),
    "PT5M": timedelta(hours=48),
    "PT30M": timedelta(days=63),
    "PT1H": timedelta(days=63),
}

_SIZE = 100
"""Bytes of a document."""

_MEASURES = {
    "DATABASE_AVERAGE_OBJECT_SIZE": "BYTES",
    "DATABASE_COLLECTION_COUNT": "SCALAR",
    "DATABASE_DATA_SIZE": "BYTES",
    "DATABASE_STORAGE_SIZE": "BYTES",
    "DATABASE_INDEX_SIZE": "BYTES",
    "DATABASE_INDEX_COUNT": "SCALAR",
    "DATABASE_EXTENT_COUNT": "SCALAR",
    "DATABASE_OBJECT_COUNT": "SCALAR",
    "DATABASE_VIEW_COUNT": "SCALAR",
}
"""The series of a database and their units, in the recorded order."""


def _values(held: Held) -> Mapping[str, float]:
    """Return the value of each series. Some, which nobody compares, are always 0."""
    return dict.fromkeys(_MEASURES, 0) | {
        "DATABASE_AVERAGE_OBJECT_SIZE": _SIZE,
        "DATABASE_COLLECTION_COUNT": held.collections,
        "DATABASE_DATA_SIZE": held.documents * _SIZE,
        "DATABASE_INDEX_COUNT": held.indexes,
        "DATABASE_OBJECT_COUNT": held.documents,
    }


@dataclass(frozen=True)
class EmulatedProcess:
    """One of the three members of a dedicated cluster."""

    cluster: EmulatedCluster
    number: int

    @property
    def process_id(self) -> str:
        return f"{self._host}:{PORT}"

    @property
    def _host(self) -> str:
        return f"{self._replica_set}-0{self.number}.{HOSTS}"

    @property
    def _replica_set(self) -> str:
        return f"atlas-{self.cluster.cluster_id[-6:]}-shard-0"

    def body(self, host: str) -> dict[str, Any]:
        """Return a process as recorded."""
        data = self.cluster.data
        path = f"{host}/api/atlas/v2/groups/{self.cluster.group_id}/processes/{self.process_id}"
        new = {
            "created": date(self.cluster.created),
            "groupId": self.cluster.group_id,
            "hostname": self._host,
            "id": self.process_id,
            "links": [{"href": path, "rel": "self"}],
            "port": PORT,
            "typeName": "NO_DATA",
            "userAlias": self.cluster.host(self.number),
        }
        if not data.has_data:
            return new
        is_primary = data.primary == self.number
        return new | {
            "lastPing": date(self.cluster.created),
            "replicaSetName": self._replica_set,
            "typeName": "REPLICA_PRIMARY" if is_primary else "REPLICA_SECONDARY",
            "version": "8.0.29",
        }

    def database(self, name: str, host: str) -> dict[str, Any]:
        """Return the entry of a database in the list, as recorded."""
        path = f"{host}/api/atlas/v2/groups/{self.cluster.group_id}/processes/{self.process_id}"
        href = f"{path}/databases/{name}"
        return {"databaseName": name, "links": [{"href": href, "rel": "self"}]}


@dataclass(frozen=True)
class Asked:
    """What a request for figures asks for."""

    granularity: str
    start: datetime
    end: datetime
    measures: Sequence[str]

    @classmethod
    def of(cls, request: Request) -> "Asked":
        """Raise Refusal if it is not one. Atlas's own words for that were never recorded."""
        granularity = request.args.get("granularity", "")
        if granularity not in _GRANULARITIES:
            raise invalid("granularity")
        if "period" in request.args:
            # The product asks for a start and an end.
            raise invalid("period")
        start, end = (_moment(request, name) for name in ("start", "end"))
        if start >= end:
            raise invalid("start")
        measures = request.args.getlist("m") or list(_MEASURES)
        if set(measures) - set(_MEASURES):
            raise invalid("m")
        return cls(granularity, start, end, [one for one in _MEASURES if one in measures])

    @property
    def each(self) -> timedelta:
        return _GRANULARITIES[self.granularity]

    def periods(self, now: datetime) -> list[datetime]:
        """Return the ends of the periods that Atlas still keeps."""
        epoch = datetime.fromtimestamp(0, UTC)
        kept = _KEPT.get(self.granularity)
        first = max(self.start, now - kept) if kept else self.start
        end = epoch - (epoch - first) // self.each * self.each
        periods: list[datetime] = []
        while end <= min(self.end, now):
            periods.append(end)
            end += self.each
        return periods


def _moment(request: Request, name: str) -> datetime:
    try:
        return datetime.strptime(request.args[name], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except (KeyError, ValueError):
        raise invalid(name) from None


def figures(
    process: EmulatedProcess,
    name: str,
    asked: Asked,
    now: datetime,
    behaviour: Behaviour,
) -> dict[str, Any]:
    """Return the figures of a database as recorded: means over the period before each moment."""
    every = timedelta(seconds=behaviour.counts_every)
    seen_until = now - timedelta(seconds=behaviour.figures_late)
    means: dict[str, list[float] | None] = {}
    for end in asked.periods(seen_until):
        found = process.cluster.data.counted(name, end - asked.each, end, every)
        if found:
            sums = (sum(_values(held)[one] for held in found) for one in asked.measures)
            means[date(end)] = [total / len(found) for total in sums]
        elif behaviour.shows_null:
            means[date(end)] = None
    moments = list(means) or [date(asked.start), date(asked.end)]
    cluster = process.cluster
    return {
        "databaseName": name,
        "end": moments[-1],
        "granularity": asked.granularity,
        "groupId": cluster.group_id,
        "hostId": process.process_id,
        "links": [
            {"href": process.process_id, "rel": "self"},
            {"href": process.process_id, "rel": "https://cloud.mongodb.com/host"},
        ],
        "measurements": [
            {
                "dataPoints": [
                    {"timestamp": moment, "value": values[place] if values else None}
                    for moment, values in means.items()
                ],
                "name": measure,
                "units": _MEASURES[measure],
            }
            for place, measure in enumerate(asked.measures)
        ],
        "processId": process.process_id,
        "start": moments[0],
    }
