"""The error texts of sweeps, made by the real Sweeper: of projects that it cannot see whole."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from contract.error_text_cases import logged
from contract.error_texts import ANY, ErrorText
from restore_watch.event.actions import Sweep
from restore_watch.model.marks import Marks
from restore_watch.sweep.find.watched_projects import ProjectIds
from restore_watch.sweep.parts import SweepOptions
from restore_watch.sweep.sweep import Sweeper
from restore_watch.table.bookkeeping import Bookkeeping
from restore_watch.table.lease import SweepLease
from restore_watch.table.open_jobs import OpenJobs
from restore_watch.table.project_item import marks_as_values, project_key
from restore_watch.table.stored_fields import PARTITION
from restore_watch.telemetry.telemetry import Telemetry
from restore_watch.threads.workers import Workers
from unit.checking import Checking
from unit.scripted_atlas import GROUP, RESTORE, Clock, ScriptedAtlas
from unit.stubbed_aws import dynamodb

OTHER, THIRD = "5f0000000000000000000a02", "5f0000000000000000000a03"

SLOW = 58.7
"""After so many seconds, little more than one of an invocation is left: nothing is asked."""

_OF_SEVERAL = re.compile(r"Each of the \d+ projects|\d+ of \d+ projects")

type Lists = Mapping[str, list[Any]]
"""Atlas's lists, by a pattern of their paths. Others are empty."""

_serialize, _deserialize = TypeSerializer().serialize, TypeDeserializer().deserialize


def sweep_error_texts() -> Iterator[ErrorText]:
    odd: Lists = {
        "/groups$": [{"id": GROUP}, {"id": OTHER}, {"id": THIRD}, {"id": 5}],
        f"{GROUP}/flexClusters$": [{"name": 5}],
        "/flexClusters$": [{"name": "orders"}],
        f"{OTHER}/.*/restoreJobs$": [{"id": 5}],
        f"{THIRD}/.*/restoreJobs$": [{"id": RESTORE, "status": 5}],
    }
    refusing = ListedAtlas({"/clusters$": [{"name": "orders"}]}, refuses="/restoreJobs$")
    two: Lists = {"/flexClusters$": [{"name": "orders"}, {"name": "carts"}]}
    limits = {"RateLimit-Limit": "100", "RateLimit-Remaining": "1"}
    yield from _sweep("all", ListedAtlas(odd))
    for project in (GROUP, OTHER, THIRD):
        yield from _sweep((project,), ListedAtlas(odd))
    yield from _sweep((GROUP,), refusing)
    yield from _sweep("all", ListedAtlas({"/groups$": [{"id": OTHER}]}), known=GROUP)
    yield from _sweep("all", ListedAtlas(unending="/groups$"))
    yield from _sweep((GROUP,), ListedAtlas(unending="/flexClusters$"))
    yield from _sweep("all", ListedAtlas(), slow=SLOW)
    yield from _sweep((GROUP,), ListedAtlas(), slow=SLOW)
    yield from _sweep((GROUP,), ListedAtlas(two, headers=limits))
    yield from _sweep((GROUP, OTHER), ListedAtlas(status=503), sweeps=5)
    yield from _sweep((GROUP, OTHER, THIRD), ListedAtlas(status=503), sweeps=5)


class ListedAtlas(ScriptedAtlas):
    """An Atlas that has lists only. Patterns of paths say what it `refuses` and what never ends."""

    def __init__(
        self,
        lists: Lists | None = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        refuses: str = "^$",
        unending: str = "^$",
    ) -> None:
        super().__init__()
        self._unending = unending
        self._refuses = refuses
        self._lists = lists or {}
        self._status = status
        self._headers = headers or {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if re.search(self._refuses, path):
            return httpx.Response(400, stream=httpx.ByteStream(b'{"errorCode": "SOMETHING_NEW"}'))
        found = (entries for name, entries in self._lists.items() if re.search(name, path))
        next_page = [{"rel": "next"}] if re.search(self._unending, path) else []
        page = {"results": next(found, []), "links": next_page}
        return httpx.Response(
            self._status,
            headers=self._headers,
            stream=httpx.ByteStream(httpx.Response(200, json=page).content),
        )


class SweepsTable:
    """The bookkeeping of one environment. Reading it takes so many seconds; nothing is refused."""

    def __init__(self, clock: Clock, seconds: float, known: str | None) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self._clock = clock
        self._seconds = seconds
        if known:
            marks = marks_as_values(Marks.at_first(Checking(ScriptedAtlas(), clock).utc_now()))
            name = project_key(known)["restoreId"]["S"]
            self.items[name] = {key: _serialize(value) for key, value in marks.items()}

    def __call__(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        values = parameters["ExpressionAttributeValues"]
        if "KeyConditionExpression" in parameters:
            if values[":value"]["S"] != PARTITION:
                return {"Items": []}
            self._clock.now += self._seconds
            return {
                "Items": [{"restoreId": {"S": name}, **item} for name, item in self.items.items()]
            }
        item = self.items.setdefault(parameters["Key"]["restoreId"]["S"], {})
        sets, _, removes = parameters["UpdateExpression"].partition("REMOVE ")
        item |= {name: values[value] for name, value in re.findall(r"#(\w+) = (:\w+)", sets)}
        for name in re.findall(r"#(\w+)", removes):
            item.pop(name, None)
        return {"Attributes": dict(item)}

    def troubles(self) -> Iterator[ErrorText]:
        """The errors that it keeps, of projects and of the stack."""
        for item in self.items.values():
            for trouble in _deserialize(item.get("troubles", {"M": {}})).values():
                text = trouble["message"]
                yield ErrorText(ANY if _OF_SEVERAL.match(text) else trouble["error"], text)


def _sweep(
    projects: ProjectIds,
    atlas: ScriptedAtlas,
    *,
    slow: float = 0.0,
    known: str | None = None,
    sweeps: int = 1,
) -> Iterator[ErrorText]:
    clock = Clock()
    table = SweepsTable(clock, slow, known)
    client = dynamodb(table)
    checker = Checking(atlas, clock).checker
    checker.atlas.credentials(clock.deadline())

    def sweep(telemetry: Telemetry) -> None:
        sweeper = Sweeper(
            checker.atlas,
            checker.outbox,
            OpenJobs(client, "restore-jobs"),
            Bookkeeping(client, "restore-jobs"),
            SweepLease(client, "restore-jobs", now=clock, sleep=clock.sleep),
            Workers(),
            telemetry,
            options=SweepOptions(hot_seconds=0, rate_limit_reserve=0.5, project_ids=projects),
        )
        for _ in range(sweeps):
            sweeper.sweep(Sweep(), clock.deadline())
            clock.now += 60

    yield from logged(lambda logger: sweep(Telemetry(logger)))
    yield from table.troubles()
