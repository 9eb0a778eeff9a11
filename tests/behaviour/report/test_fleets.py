"""Random fleets around both ends of the period and of the window, against an oracle."""

import csv
import hashlib
import io
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from random import Random
from typing import Any

import pytest

from behaviour.report.conftest import Reports
from behaviour.report.fleets import LEFT_OUT, Fleet, build, draw
from local_stack.refusal import atlas_error
from local_stack.wire import Call, Selection
from local_stack.world import World

AT_A_TIME = 20
FLEETS = int(os.environ.get("FLEETS", "60"))
"""How many are played, by the seeds from 1 on; a seed that SEED names is played alone."""

NOT_FOUND = atlas_error(404, "CLUSTER_NOT_FOUND", "No such cluster.")

CAMEL = {"cannot tell": "cannotTell", "not required": "notRequired"}


@pytest.fixture(autouse=True)
def morning(world: World) -> None:
    """Six o'clock in UTC."""
    world.pass_time_to(6)


def test_a_fleet_has_the_states_that_its_restores_prove(reports: Reports) -> None:
    assert differences(reports, 0) == []


@pytest.mark.campaign
@pytest.mark.timeout(900)
@pytest.mark.fault("F115")
@pytest.mark.parametrize("turn", range(FLEETS // AT_A_TIME))
def test_many_fleets(reports: Reports, turn: int) -> None:
    seeds = range(1 + turn * AT_A_TIME, 1 + (turn + 1) * AT_A_TIME)
    for seed in [int(os.environ["SEED"])] if "SEED" in os.environ else seeds:
        found = differences(reports, seed)
        assert found == [], f"SEED={seed}: {found}"


def differences(reports: Reports, seed: int) -> list[str]:
    """Play a fleet, and return where the report and the oracle differ."""
    print("seed", seed)
    world = reports.world
    world.heal()
    world.stack.empty_table()
    world.atlas.empty()
    now = world.clock().replace(microsecond=0)
    fleet = draw(Random(seed), now)  # noqa: S311 - the seed makes the same fleet again
    world.stack.put_items(build(fleet, world.atlas))
    reports.projects = tuple(fleet.projects)
    reports.settings = fleet.question.settings
    _refuse_unreadable(world, fleet)
    reports.delete_files()
    reports.make(fleet.question.event)
    files = {key.rpartition("/")[2]: text for key, text in reports.files("reports/").items()}
    messages = reports.messages()
    report = json.loads(files["report.json"])
    return [
        *_of_states(fleet, report, _rows(files["coverage.csv"])),
        *_of_restores(fleet, report, _rows(files["restores.csv"])),
        *_of_sums(report, files),
        *_of_message(fleet, report, [one.event["data"] for one in messages]),
    ]


def _refuse_unreadable(world: World, fleet: Fleet) -> None:
    hidden = {(one.group, one.name) for one in fleet.clusters if not one.is_readable}

    def is_hidden(call: Call) -> bool:
        parts = call.path.split("/")
        return (
            call.operation in {"flex_list", "dedicated_list"}
            and (parts[parts.index("groups") + 1], parts[parts.index("backup") - 1]) in hidden
        )

    # A role holds for a whole project, so a single cluster is refused with another answer.
    world.inject(Selection("atlas", when=is_hidden), NOT_FOUND, times=None)


def _of_states(
    fleet: Fleet, report: Mapping[str, Any], rows: Iterable[Mapping[str, str]]
) -> list[str]:
    judged = fleet.judged()
    named = {one.cluster_id: one for one in fleet.clusters}
    found = []
    of_json = {one["clusterId"]: one for one in report["clusters"]}
    of_csv = {row["clusterId"]: row for row in rows}
    for where, listed in (("report.json", of_json), ("coverage.csv", of_csv)):
        found += [f"{where}: {named[one].name} is missing" for one in judged.keys() - listed.keys()]
        found += [
            f"{where}: {named[one].name}, made {named[one].created}, should not be there"
            for one in listed.keys() - judged.keys()
        ]
        for cluster_id in judged.keys() & listed.keys():
            must, has = judged[cluster_id], listed[cluster_id]
            days = has["days"] if has["days"] in {None, ""} else int(has["days"])
            is_same = (must.state, must.last_test_at, must.days) == (
                has["state"],
                _moment(has["lastTestAt"]),
                None if days == "" else days,
            )
            if not is_same and must.state not in LEFT_OUT:
                found.append(f"{where}: {must} is {has}: {named[cluster_id]}")
            if must.decides and where == "coverage.csv" and not must.decides & {*has.values()}:
                found.append(f"{where}: {must.state} by {must.decides}: {has}")
            if must.state != has["state"]:
                found.append(f"{where}: state {must.state} is {has['state']}")
    counts = Counter(one.state for one in judged.values())
    if counts != +Counter(report["counts"]["clusters"]):
        found.append(f"counts of clusters: {counts}, {report['counts']['clusters']}")
    return found


def _of_restores(
    fleet: Fleet, report: Mapping[str, Any], rows: Iterable[Mapping[str, str]]
) -> list[str]:
    must = fleet.of_period()
    found = []
    of_csv = {row["restoreId"]: row["outcome"] for row in rows}
    of_json = {one["restoreId"]: one["outcome"] for one in report["restores"]}
    if of_csv != must:
        found.append(f"restores.csv: {sorted(must.items() ^ of_csv.items())}")
    if of_json != must:
        found.append(f"restores of report.json: {sorted(must.items() ^ of_json.items())}")
    if Counter(must.values()) != +Counter(report["counts"]["restores"]):
        found.append(f"counts of restores: {report['counts']['restores']}")
    return found


def _of_sums(report: Mapping[str, Any], files: Mapping[str, bytes]) -> list[str]:
    sums = {name: one["sha256"] for name, one in report["files"].items()}
    real = {
        name: hashlib.sha256(text).hexdigest()
        for name, text in files.items()
        if name != "report.json"
    }
    return [] if sums == real else [f"sums: {sums}, {real}"]


def _of_message(
    fleet: Fleet, report: Mapping[str, Any], messages: list[Mapping[str, Any]]
) -> list[str]:
    if len(messages) != fleet.question.is_scheduled:
        return [f"{len(messages)} messages"]
    found = []
    to_look_at = fleet.to_look_at()
    for data in messages:
        for name, of_report in report["counts"].items():
            camel = {CAMEL.get(key, key.lower()): count for key, count in of_report.items()}
            if camel != data[name]:
                found.append(f"message: {name} {data[name]}")
        listed = {
            (one["groupId"], one["clusterName"], one["state"]) for one in data["needAttention"]
        }
        if not listed <= to_look_at or len(listed) != min(20, len(to_look_at)):
            found.append(f"needAttention: {sorted(listed - to_look_at)}, {len(listed)}")
        if to_look_at and data["attention"] is not True:
            found.append("no attention")
    return found


def _rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
