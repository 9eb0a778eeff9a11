"""
Every recorded answer about processes, databases and their figures is read.

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
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.measuring.atlas_calls import (
    ProcessKey,
    Window,
    databases_call,
    processes_call,
    series_call,
)
from restore_watch.measuring.cluster_processes import ClusterHosts, primary_of, read_processes
from restore_watch.measuring.database_series import MEASURES
from restore_watch.measuring.databases_to_measure import choose_databases, read_database_names
from restore_watch.model.measurement import WhyNotMeasured

SHARED = Path(os.environ.get("ATLAS_SHARED") or Path(__file__).parents[3] / "shared")
FOLDER = SHARED / "atlas" / "recordings" / "measurements"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the recordings are not there: ATLAS_SHARED names their folder"
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
PROCESSES = [one for one in RECORDINGS if not one.asked["process"]]
DATABASES = [one for one in RECORDINGS if one.asked["databases"] and not one.asked["database"]]
FIGURES = [one for one in RECORDINGS if one.asked["database"]]
OF_PROCESS = [one for one in RECORDINGS if one.asked["figures"] and not one.asked["database"]]


def named(recording: Recording) -> str:
    return recording.name


def test_every_recording_is_tested() -> None:
    assert len(RECORDINGS) == 9
    assert [len(some) for some in (PROCESSES, DATABASES, FIGURES, OF_PROCESS)] == [3, 1, 3, 2]


@pytest.mark.parametrize("recording", PROCESSES, ids=named)
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
