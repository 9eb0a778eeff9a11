"""
Every recorded answer that a measurement asks for is read, and those that refuse it.

The recordings are kept beside the checkout, and nothing of them is copied into it.
"""

import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from restore_watch.atlas.exchange import Answer
from restore_watch.atlas.families import COLLECTION_JOBS, DEDICATED_CLUSTERS, PROCESSES, Family
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.atlas.read_restore_job import restore_job
from restore_watch.atlas.refusals import family_refusal
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.measuring.atlas_calls import (
    ProcessKey,
    Window,
    databases_call,
    processes_call,
    series_call,
)
from restore_watch.measuring.cluster_processes import (
    ClusterHosts,
    primary_of,
    read_cluster_hosts,
    read_processes,
)
from restore_watch.measuring.database_series import MEASURES
from restore_watch.measuring.databases_to_measure import choose_databases, read_database_names
from restore_watch.measuring.restore_to_measure import RestoreToMeasure, restore_to_measure
from restore_watch.measuring.unmeasured import UnmeasuredError
from restore_watch.model.measurement import WhyNotMeasured
from restore_watch.model.restore_target import RestoreKind, RestoreTarget

SHARED = Path(os.environ.get("ATLAS_SHARED") or Path(__file__).parents[3] / "shared")
RECORDED = SHARED / "atlas" / "recordings"
FOLDER = RECORDED / "measurements"
OF_JOBS_AND_CLUSTERS = RECORDED / "real"

pytestmark = pytest.mark.skipif(
    not (FOLDER.is_dir() and OF_JOBS_AND_CLUSTERS.is_dir()),
    reason="the recordings are not there: ATLAS_SHARED names their folder",
)

_PATH = re.compile(
    r"/api/atlas/v2/groups/(?P<group>[a-f0-9]{24})/processes"
    r"(/(?P<process>[^/]+)(?P<databases>/databases(/(?P<database>[^/]+))?)?"
    r"(?P<figures>/measurements)?)?"
)
WINDOW = Window("PT30M", datetime(2026, 5, 4, tzinfo=UTC), datetime(2026, 5, 5, tzinfo=UTC))


@dataclass(frozen=True)
class Recording:
    name: str
    path: str
    body: dict[str, Any]

    @property
    def asked(self) -> re.Match[str]:
        asked = _PATH.fullmatch(self.path)
        assert asked is not None
        return asked

    @property
    def process(self) -> ProcessKey:
        return ProcessKey(self.asked["group"], self.asked["process"])

    @property
    def answer(self) -> Answer:
        return Answer(200, httpx.Headers(), json.dumps(self.body).encode())


RECORDINGS = [
    Recording(path.stem, file["request"]["path"], file["response"]["body"])
    for path in sorted(FOLDER.glob("*.json"))
    if (file := json.loads(path.read_text()))
]
LISTS = [one for one in RECORDINGS if not one.asked["process"]]
DATABASES = [one for one in RECORDINGS if one.asked["databases"] and not one.asked["database"]]
FIGURES = [one for one in RECORDINGS if one.asked["database"]]
OF_PROCESS = [one for one in RECORDINGS if one.asked["figures"] and not one.asked["database"]]


def named(recording: Recording) -> str:
    return recording.name


def test_every_recording_is_tested() -> None:
    assert len(RECORDINGS) == 9
    assert [len(some) for some in (LISTS, DATABASES, FIGURES, OF_PROCESS)] == [3, 1, 3, 2]


@pytest.mark.parametrize("recording", LISTS, ids=named)
def test_the_primary_is_found_unless_atlas_has_no_data_yet(recording: Recording) -> None:
    call = processes_call(recording.asked["group"])
    page = call.read(recording.answer)
    entries = recording.body["results"]
    aliases = frozenset(f"{entry['userAlias']}:{entry['port']}" for entry in entries)
    primaries = [one["id"] for one in entries if one["typeName"] == "REPLICA_PRIMARY"]

    found = primary_of(ClusterHosts(is_sharded=False, addresses=aliases), read_processes(page))

    assert call.path == recording.path
    assert not page.has_next
    assert found == (primaries[0] if primaries else WhyNotMeasured.NO_PRIMARY)
    other = ClusterHosts(is_sharded=False, addresses=frozenset({"other.example.net:27017"}))
    assert primary_of(other, read_processes(page)) is WhyNotMeasured.NO_PRIMARY


@pytest.mark.parametrize("recording", DATABASES, ids=named)
def test_an_empty_cluster_has_system_databases_only(recording: Recording) -> None:
    call = databases_call(recording.process)
    page = call.read(recording.answer)

    assert call.path == recording.path
    assert not page.has_next
    assert read_database_names(page) == {"config", "local"}
    assert choose_databases(read_database_names(page)) == ((), 0)


@pytest.mark.parametrize("recording", FIGURES, ids=named)
def test_the_figures_are_those_of_the_recording(recording: Recording) -> None:
    moment = datetime.fromisoformat(recording.body["end"])
    call = series_call(recording.process, recording.asked["database"], WINDOW)
    values = {
        MEASURES[one["name"]]: one["dataPoints"][0]["value"]
        for one in recording.body["measurements"]
        if one["name"] in MEASURES
    }

    series = call.read(recording.answer)

    assert call.path == recording.path
    assert series.granularity == timedelta(minutes=30)
    (point,) = series.points
    assert point.at == moment
    assert point.figures is not None
    assert point.figures._asdict() == values


@pytest.mark.parametrize("recording", OF_PROCESS, ids=named)
def test_the_figures_of_a_process_are_no_figures_of_a_database(recording: Recording) -> None:
    call = series_call(recording.process, "config", WINDOW)

    assert call.read(recording.answer).points == ()


@pytest.mark.parametrize("recording", RECORDINGS, ids=named)
def test_an_answer_to_another_question_is_refused(recording: Recording) -> None:
    wrong = series_call(ProcessKey("0" * 24, "other.example.net:27017"), "sales", WINDOW)

    with pytest.raises(UnexpectedAtlasResponseError):
        wrong.read(recording.answer)


# Clusters, restore jobs and refusals, which were recorded for checks too


def responses(pattern: str) -> dict[str, dict[str, Any]]:
    """The request's path and the response of each of these recordings, by its name."""
    files = {path.stem: json.loads(path.read_text()) for path in RECORDED.glob(pattern)}
    return {
        name: file["response"] | {"path": file["request"]["path"]}
        for name, file in sorted(files.items())
    }


REPLICA_SETS = responses("real/cluster_dedicated_get.json") | responses(
    "real/headers_deprecation_sunset_get_cluster.json"
)
FINISHED = responses("real/dedicated_*_get_automated-finished.json")
REFUSALS = responses("real/error_*.json") | responses("documented/error_*.json")


@pytest.mark.parametrize("recorded", REPLICA_SETS.values(), ids=REPLICA_SETS)
def test_the_hosts_of_a_replica_set_are_those_of_its_connection_string(
    recorded: dict[str, Any],
) -> None:
    body = recorded["body"]

    hosts = read_cluster_hosts(json.dumps(body).encode())

    first_labels = sorted(address.partition(".")[0] for address in hosts.addresses or ())
    assert not hosts.is_sharded
    assert first_labels == [f"{body['name'].lower()}-shard-00-0{number}" for number in range(3)]


def test_a_sharded_cluster_is_not_measured() -> None:
    (listed,) = responses("real/clusters_list.json").values()
    (body,) = listed["body"]["results"]

    hosts = read_cluster_hosts(json.dumps(body).encode())

    assert body["clusterType"] == "SHARDED"
    assert primary_of(hosts, []) is WhyNotMeasured.SHARDED


@pytest.mark.parametrize("recorded", FINISHED.values(), ids=FINISHED)
def test_a_finished_restore_says_what_is_compared_and_of_which_moments(
    recorded: dict[str, Any],
) -> None:
    body = recorded["body"]
    asked = re.search(r"/groups/([^/]+)/clusters/([^/]+)/", recorded["path"])
    assert asked is not None
    group, cluster = asked.groups()
    target = RestoreTarget(group, cluster, body["id"])

    restore = restore_to_measure(
        restore_job(json.dumps(body).encode(), target, RestoreKind.DEDICATED)
    )

    assert restore == RestoreToMeasure(
        source=(group, cluster),
        target=(body["targetGroupId"], body["targetClusterName"]),
        snapshot_at=datetime.fromisoformat(body["timestamp"]),
        ended_at=datetime.fromisoformat(body["finishedAt"]),
    )


LASTING: dict[str | None, WhyNotMeasured] = {
    "CLUSTER_NOT_FOUND": WhyNotMeasured.GONE,
    "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API": WhyNotMeasured.FLEX,
}
BY_STATUS = {
    400: WhyNotMeasured.ODD,
    401: WhyNotMeasured.REFUSED,
    403: WhyNotMeasured.REFUSED,
    404: WhyNotMeasured.NOT_FOUND,
    410: WhyNotMeasured.ODD,
    429: WhyNotMeasured.LIMITED,
    500: WhyNotMeasured.SILENT,
    502: WhyNotMeasured.SILENT,
    503: WhyNotMeasured.SILENT,
}


@pytest.mark.parametrize("recorded", REFUSALS.values(), ids=REFUSALS)
@pytest.mark.parametrize(
    "family", [DEDICATED_CLUSTERS, PROCESSES, COLLECTION_JOBS], ids=lambda family: family.name
)
def test_a_refusal_says_why_nothing_is_measured_and_whether_to_try_again(
    recorded: dict[str, Any], family: Family
) -> None:
    body = recorded["body"]
    content = body if isinstance(body, str) else json.dumps(body)
    answer = Answer(recorded["status"], httpx.Headers(recorded["headers"]), content.encode())
    refusal = family_refusal(Bucket("0" * 24, family), answer, secrets=())

    measurement = UnmeasuredError.because_of(refusal).measurement

    code = body.get("errorCode") if isinstance(body, dict) else None
    assert measurement.why is LASTING.get(code, BY_STATUS[recorded["status"]])
    assert measurement.may_pass is (code not in LASTING)
    assert measurement.error_code == code
