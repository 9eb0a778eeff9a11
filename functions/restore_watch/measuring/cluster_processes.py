"""
The processes of a cluster, and its primary, read from Atlas's answers. Pure.

A process has a `hostname` of its own. The cluster's connection string names the same host by
another name, which is the `userAlias` of the process.
"""

import re
from collections.abc import Iterable
from typing import Annotated, NamedTuple

from pydantic import PlainValidator

from foundation.json_text import as_map, read_object
from foundation.outside import FromOutside, IfReadable, unreadable
from restore_watch.atlas.pages import Page
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.model.forms_of_fields import AtlasText
from restore_watch.model.measurement import WhyNotMeasured

_HOST = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
_is_host = re.compile(_HOST).fullmatch
_is_address = re.compile(rf"{_HOST}:[0-9]{{1,5}}").fullmatch

_STANDARD = re.compile(r"mongodb://([^/?@]+)(?:[/?].*)?", re.DOTALL)
_MOST_HOSTS = 100
"""Hosts of a connection string. A replica set has 50 members at most."""

_PORT = 27017
"""The port of a host that is named without one."""

_IS_SHARDED = {"SHARDED", "GEOSHARDED"}
_IS_PRIMARY = "REPLICA_PRIMARY"


def _host(value: object) -> str:
    """Read the name of a host."""
    if isinstance(value, str) and _is_host(name := value.lower()):
        return name
    raise unreadable("expected the name of a host")


def _address(value: object) -> str:
    """Read a host with its port. It becomes a part of a path."""
    if isinstance(value, str) and _is_address(value.lower()):
        return value
    raise unreadable("expected a host with its port")


def _port(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 65535:
        return value
    raise unreadable("expected a port")


def _addresses(value: object) -> frozenset[str]:
    """Read the hosts of a connection string, each with its port. Nothing else of it is kept."""
    if isinstance(value, str) and (read := _STANDARD.fullmatch(value.lower())):
        named = [host if ":" in host else f"{host}:{_PORT}" for host in read[1].split(",")]
        if len(named) <= _MOST_HOSTS and all(map(_is_address, named)):
            return frozenset(named)
    raise unreadable("expected a connection string that names hosts")


class Process(FromOutside):
    """A mongod or mongos. What cannot be read counts as not said."""

    id: IfReadable[Annotated[str, PlainValidator(_address)]]
    type_name: IfReadable[AtlasText]
    replica_set_name: IfReadable[AtlasText]
    user_alias: IfReadable[Annotated[str, PlainValidator(_host)]]
    port: IfReadable[Annotated[int, PlainValidator(_port)]]

    @property
    def address(self) -> str:
        """Its host and port, as a connection string names them."""
        return f"{self.user_alias}:{self.port}"

    @property
    def is_of_shard(self) -> bool:
        """Whether it belongs to a sharded cluster."""
        return (self.type_name or "").startswith("SHARD_")


class _ConnectionStrings(FromOutside):
    standard: IfReadable[Annotated[frozenset[str], PlainValidator(_addresses)]]


class _Cluster(FromOutside):
    cluster_type: IfReadable[AtlasText]
    connection_strings: IfReadable[_ConnectionStrings]


class ClusterHosts(NamedTuple):
    """Whether a cluster `is_sharded`, and its hosts with their ports; None if not known."""

    is_sharded: bool
    addresses: frozenset[str] | None


def read_cluster_hosts(body: bytes) -> ClusterHosts:
    """Read the answer about a dedicated cluster. Raises UnexpectedAtlasResponseError."""
    answer = read_object(body)
    if answer is None:
        msg = "Atlas answered 200 for a dedicated cluster, but without a JSON object"
        raise UnexpectedAtlasResponseError(msg)
    cluster = _Cluster.read(answer)
    strings = cluster.connection_strings
    return ClusterHosts(
        is_sharded=cluster.cluster_type in _IS_SHARDED,
        addresses=strings.standard if strings else None,
    )


def read_processes(page: Page) -> list[Process]:
    """Read a page of the processes of a project. What is no object is left out."""
    return [Process.read(as_map(entry)) for entry in page.entries]


def primary_of(cluster: ClusterHosts, processes: Iterable[Process]) -> str | WhyNotMeasured:
    """Return the id of the primary among the processes of a project, or why there is none."""
    if cluster.is_sharded:
        return WhyNotMeasured.SHARDED
    if not cluster.addresses:
        return WhyNotMeasured.NO_HOSTS
    own = [process for process in processes if process.address in cluster.addresses]
    if any(process.is_of_shard for process in own):
        return WhyNotMeasured.SHARDED
    primaries = [process for process in own if process.type_name == _IS_PRIMARY]
    if len({process.replica_set_name for process in primaries}) > 1:
        return WhyNotMeasured.SHARDED
    ids = {process.id for process in primaries} - {None}
    # After an election, Atlas may show two primaries for a while.
    if len(ids) != 1:
        return WhyNotMeasured.NO_PRIMARY
    return ids.pop() or WhyNotMeasured.NO_PRIMARY
