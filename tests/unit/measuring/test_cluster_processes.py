"""The hosts of a cluster, and its primary among the processes of a project."""

import json
from typing import Any

import pytest
from hypothesis import given

from restore_watch.atlas.pages import Page
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.measuring.cluster_processes import (
    ClusterHosts,
    Process,
    primary_of,
    read_cluster_hosts,
    read_processes,
)
from restore_watch.model.measurement import WhyNotMeasured
from strategies import json_values

PORT = 27017
HOSTS = tuple(f"orders-shard-00-0{number}.abc12.example.net" for number in range(3))
ADDRESSES = frozenset(f"{host}:{PORT}" for host in HOSTS)
STANDARD = f"mongodb://{','.join(sorted(ADDRESSES))}/?ssl=true&replicaSet=atlas-abc123-shard-0"
CLUSTER = ClusterHosts(is_sharded=False, addresses=ADDRESSES)
PRIMARY = f"atlas-abc123-shard-00-02.abc12.example.net:{PORT}"


def process(number: int, **fields: Any) -> dict[str, Any]:
    """A process in the recorded shape; the last of three is the primary."""
    host = f"atlas-abc123-shard-00-0{number}.abc12.example.net"
    return {
        "created": "2026-05-04T11:00:00Z",
        "groupId": "5f0000000000000000000a01",
        "hostname": host,
        "id": f"{host}:{PORT}",
        "lastPing": "2026-05-04T12:00:00Z",
        "links": [],
        "port": PORT,
        "replicaSetName": "atlas-abc123-shard-0",
        "typeName": "REPLICA_PRIMARY" if number == 2 else "REPLICA_SECONDARY",
        "userAlias": HOSTS[number],
        "version": "8.0.29",
    } | fields


def processes(*entries: Any) -> list[Process]:
    return read_processes(Page(list(entries), has_next=False))


THREE = [process(number) for number in range(3)]
OTHER = process(2, id="other:27017", userAlias="other-shard-00-02.abc12.example.net")


@pytest.mark.parametrize(
    "entries",
    [
        THREE,
        [OTHER, *THREE],
        [None, 7, [], {}, *THREE],
        [*THREE, THREE[2]],
        [process(2, userAlias=HOSTS[2].upper())],
        [process(2, addedLater={}, version=7, created="never")],
        [process(0, typeName="ADDED_LATER"), process(1, typeName=None), THREE[2]],
    ],
    ids=[
        "three",
        "among others",
        "among odd ones",
        "listed twice",
        "in capitals",
        "with other fields",
        "others of unknown types",
    ],
)
def test_the_primary_is_found_by_the_name_in_the_connection_string(entries: list[Any]) -> None:
    assert primary_of(CLUSTER, processes(*entries)) == PRIMARY


def test_the_id_of_a_process_is_kept_as_atlas_writes_it() -> None:
    found = primary_of(CLUSTER, processes(process(2, id=PRIMARY.upper())))

    assert found == PRIMARY.upper()


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([], WhyNotMeasured.NO_PRIMARY),
        ([OTHER], WhyNotMeasured.NO_PRIMARY),
        (THREE[:2], WhyNotMeasured.NO_PRIMARY),
        ([process(2, typeName="NO_DATA")], WhyNotMeasured.NO_PRIMARY),
        ([process(2, typeName=["REPLICA_PRIMARY"])], WhyNotMeasured.NO_PRIMARY),
        ([process(2, port=27016)], WhyNotMeasured.NO_PRIMARY),
        ([process(2, port="27017")], WhyNotMeasured.NO_PRIMARY),
        ([process(2, port=True)], WhyNotMeasured.NO_PRIMARY),
        ([process(2, userAlias=None)], WhyNotMeasured.NO_PRIMARY),
        ([process(2, id=None)], WhyNotMeasured.NO_PRIMARY),
        ([process(2, id="a/../b:27017")], WhyNotMeasured.NO_PRIMARY),
        ([process(2, id=f"{PRIMARY}?a=b")], WhyNotMeasured.NO_PRIMARY),
        ([process(2, id="no port")], WhyNotMeasured.NO_PRIMARY),
        ([process(1, typeName="REPLICA_PRIMARY"), THREE[2]], WhyNotMeasured.NO_PRIMARY),
        (
            [process(1, typeName="REPLICA_PRIMARY", replicaSetName="shard-1"), THREE[2]],
            WhyNotMeasured.SHARDED,
        ),
        ([process(0, typeName="SHARD_MONGOS"), THREE[2]], WhyNotMeasured.SHARDED),
        ([process(2, typeName="SHARD_PRIMARY")], WhyNotMeasured.SHARDED),
    ],
    ids=[
        "no process",
        "another cluster's",
        "secondaries only",
        "new",
        "a type of another form",
        "another port",
        "a port of another form",
        "a port that is a flag",
        "no alias",
        "no id",
        "an id that is a path",
        "an id with a query",
        "an id without a port",
        "two primaries",
        "two replica sets",
        "a mongos",
        "a shard",
    ],
)
def test_without_one_primary_there_is_a_reason(entries: list[Any], why: WhyNotMeasured) -> None:
    assert primary_of(CLUSTER, processes(*entries)) is why


@pytest.mark.parametrize(
    ("cluster", "why"),
    [
        (CLUSTER._replace(is_sharded=True), WhyNotMeasured.SHARDED),
        (CLUSTER._replace(addresses=None), WhyNotMeasured.NO_HOSTS),
        (ClusterHosts(is_sharded=True, addresses=None), WhyNotMeasured.SHARDED),
    ],
    ids=["sharded", "no hosts", "sharded without hosts"],
)
def test_a_cluster_without_hosts_or_with_shards_has_no_primary(
    cluster: ClusterHosts, why: WhyNotMeasured
) -> None:
    assert primary_of(cluster, processes(*THREE)) is why


def read_hosts(**fields: Any) -> ClusterHosts:
    return read_cluster_hosts(json.dumps(fields).encode())


ODD_STRINGS: list[Any] = [
    "",
    "mongodb://",
    "mongodb+srv://one.example.net",
    "one:27017",
    None,
    7,
    [STANDARD],
    "mongodb://user:word@one.example.net",
    "mongodb://a:1:2",
    "mongodb://a,,b",
    "mongodb://a b",
    "mongodb://" + ",".join(["a"] * 101),
]


@pytest.mark.parametrize(
    ("standard", "addresses"),
    [
        (STANDARD, ADDRESSES),
        (STANDARD.upper().replace("MONGODB", "mongodb"), ADDRESSES),
        ("mongodb://one.example.net", frozenset({"one.example.net:27017"})),
        ("mongodb://one.example.net:27016/", frozenset({"one.example.net:27016"})),
        *((odd, None) for odd in ODD_STRINGS),
    ],
    ids=[
        "three hosts",
        "in capitals",
        "without a port",
        "with another port",
        *(repr(odd)[:30] for odd in ODD_STRINGS),
    ],
)
def test_the_hosts_are_those_of_the_connection_string(
    standard: Any, addresses: frozenset[str] | None
) -> None:
    strings = {"standard": standard, "standardSrv": "mongodb+srv://orders.abc12.example.net"}

    hosts = read_hosts(connectionStrings=strings, clusterType="REPLICASET")

    assert hosts == ClusterHosts(is_sharded=False, addresses=addresses)


@pytest.mark.parametrize(
    ("cluster_type", "is_sharded"),
    [("REPLICASET", False), ("SHARDED", True), ("GEOSHARDED", True), ("ADDED_LATER", False)],
)
def test_the_type_of_a_cluster_says_whether_it_is_sharded(
    cluster_type: str, *, is_sharded: bool
) -> None:
    assert read_hosts(clusterType=cluster_type) == ClusterHosts(is_sharded, None)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"<html>"], ids=repr)
def test_an_answer_about_a_cluster_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(UnexpectedAtlasResponseError, match="without a JSON object"):
        read_cluster_hosts(body)


@given(json_values(), json_values(), json_values())
def test_odd_values_count_as_not_said(entry: Any, strings: Any, cluster_type: Any) -> None:
    odd = process(2, typeName=entry, userAlias=entry, id=entry, port=entry, replicaSetName=entry)

    assert primary_of(CLUSTER, processes(entry, odd, *THREE)) == PRIMARY
    hosts = read_hosts(connectionStrings=strings, clusterType=cluster_type)
    assert hosts.addresses is None
