"""The questions of the plan, put to Atlas, lead to a measurement of a restore."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import pytest

from foundation.deadline import Deadline
from local_stack.atlas import AtlasEmulator, Clock
from local_stack.cluster_data import ClusterData, Held
from restore_watch.atlas.credentials import ServiceAccount
from restore_watch.atlas.session import AtlasSession, Get, only
from restore_watch.atlas.transport.http_client import http_client
from restore_watch.measuring.atlas_calls import (
    ProcessKey,
    Window,
    databases_call,
    hosts_call,
    processes_call,
    series_call,
    source_window,
    target_window,
)
from restore_watch.measuring.cluster_processes import primary_of, read_processes
from restore_watch.measuring.compare_databases import compare_databases
from restore_watch.measuring.database_series import DatabaseSeries
from restore_watch.measuring.databases_to_measure import (
    choose_databases,
    choose_of_target,
    read_database_names,
)
from restore_watch.measuring.restore_to_measure import (
    RestoreToMeasure,
    restore_to_measure,
)
from restore_watch.model.measurement import Measurement, Outcome, WhyNotMeasured, not_measured
from restore_watch.model.restore_target import ClusterKey, RestoreTarget

GROUP = "5f0000000000000000000a01"
OTHER_GROUP = "5f0000000000000000000a02"
ACCOUNT = ("mdb_sa_id_emulated", "mdb_sa_sk_emulated")
MIDNIGHT = datetime(2026, 5, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

DATABASES = {"sales": Held(1_200_000, 12, 31), "stock": Held(150, 2, 3), "käufe": Held(9)}


class Restored:
    """
    A restore of `orders` into a cluster of another project, which held other data before.

    The snapshot is of six in the morning. The restore took twenty minutes from noon on.
    """

    def __init__(self, atlas: AtlasEmulator, clock: Clock, http: httpx.Client) -> None:
        self.atlas, self.clock = atlas, clock
        self.source = atlas.hold(GROUP, "orders", DATABASES)
        self.target = atlas.hold(OTHER_GROUP, "copy", {"sales": Held(7), "its-own": Held(8)})
        clock.advance(12 * HOUR.total_seconds())
        job = atlas.start_restore(
            GROUP,
            "orders",
            "dedicated",
            target_group=OTHER_GROUP,
            target_cluster="copy",
            snapshot_age=6 * HOUR,
        )
        clock.advance(20 * 60)
        job.run_to_end()
        self.target.become(self.source, job.snapshot_at, self.clock())
        self._job_id = job.restore_id
        account = only(ServiceAccount(*ACCOUNT))
        self._session = AtlasSession(atlas.url, account, http, now=self._unix)

    def _unix(self) -> float:
        return self.clock().timestamp()

    def measure(self) -> Measurement:
        """Ask as the plan says, in its order."""
        target = RestoreTarget(GROUP, "orders", self._job_id)
        job = self._session.restore_job(target, Deadline.after(30))
        restore = restore_to_measure(job)
        if isinstance(restore, WhyNotMeasured):
            return not_measured(restore)
        source = self._primary(restore.source)
        copy = self._primary(restore.target)
        if isinstance(source, WhyNotMeasured) or isinstance(copy, WhyNotMeasured):
            return not_measured(WhyNotMeasured.NO_PRIMARY)
        return self._compare(restore, source, copy)

    def _compare(
        self, restore: RestoreToMeasure, source: ProcessKey, target: ProcessKey
    ) -> Measurement:
        chosen = choose_databases(read_database_names(self._ask(databases_call(source))))
        of_target = read_database_names(self._ask(databases_call(target)))
        now = self.clock()
        figures_of = partial(self._ask_series, source, source_window(restore, now))
        found_of = partial(self._ask_series, target, target_window(restore, now))
        return compare_databases(
            restore,
            {name: figures_of(name) for name in chosen.names},
            {name: found_of(name) for name in choose_of_target(chosen.names, of_target)},
            beyond_limit=chosen.beyond_limit,
        )

    def _primary(self, cluster: ClusterKey) -> ProcessKey | WhyNotMeasured:
        hosts = self._ask(hosts_call(cluster))
        processes = read_processes(self._ask(processes_call(cluster[0])))
        primary = primary_of(hosts, processes)
        return primary if isinstance(primary, WhyNotMeasured) else ProcessKey(cluster[0], primary)

    def _ask_series(self, process: ProcessKey, window: Window, name: str) -> DatabaseSeries:
        return self._ask(series_call(process, name, window))

    def _ask[Read](self, get: Get[Read]) -> Read:
        return self._session.ask(get, Deadline.after(30))


@pytest.fixture
def restored() -> Iterator[Restored]:
    clock = Clock(MIDNIGHT)
    with AtlasEmulator(clock) as atlas, http_client() as http:
        atlas.add_service_account(*ACCOUNT)
        yield Restored(atlas, clock, http)


def pass_time(restored: Restored, time: timedelta) -> None:
    restored.clock.advance(time.total_seconds())


@pytest.mark.parametrize("later", [25 * MINUTE, 10 * HOUR, 50 * HOUR, timedelta(days=100)], ids=str)
@pytest.mark.parametrize("shows_null", [False, True], ids=["gaps", "nulls"])
def test_a_faithful_copy_matches_whenever_it_is_measured(
    restored: Restored, later: timedelta, *, shows_null: bool
) -> None:
    restored.atlas.behaviour.shows_null = shows_null
    pass_time(restored, later)

    measurement = restored.measure()

    assert measurement.outcome is Outcome.MATCHES, measurement
    assert measurement.databases.expected == 3
    assert measurement.documents.found == measurement.documents.expected == 1_200_159
    assert measurement.indexes is not None
    assert measurement.indexes.expected == 35


def lose_database(target: ClusterData, since: datetime) -> None:
    target.drop("sales", since)


def lose_half(target: ClusterData, since: datetime) -> None:
    target.hold("stock", Held(75, 2, 3), since)


def lose_index(target: ClusterData, since: datetime) -> None:
    target.hold("sales", Held(1_200_000, 12, 30), since)


def lose_all(target: ClusterData, since: datetime) -> None:
    for name in DATABASES:
        target.drop(name, since)


@pytest.mark.parametrize(
    ("lose", "names"),
    [
        (lose_database, ["sales"]),
        (lose_half, ["stock"]),
        (lose_index, ["sales"]),
        (lose_all, ["käufe", "sales", "stock"]),
    ],
    ids=["a database", "half of the documents", "an index", "everything"],
)
@pytest.mark.parametrize("later", [25 * MINUTE, 50 * HOUR, timedelta(days=100)], ids=str)
def test_a_copy_that_lacks_something_differs_whenever_it_is_measured(
    restored: Restored, lose: object, names: list[str], later: timedelta
) -> None:
    assert callable(lose)
    lose(restored.target, restored.clock())
    pass_time(restored, later)

    measurement = restored.measure()

    assert measurement.outcome is Outcome.DIFFERS
    assert [database.name for database in measurement.differing] == names


def test_late_figures_are_measured_once_they_are_there(restored: Restored) -> None:
    restored.atlas.behaviour.figures_late = 1800
    pass_time(restored, 25 * MINUTE)

    assert restored.measure().why is WhyNotMeasured.NO_FIGURES_OF_TARGET
    pass_time(restored, 30 * MINUTE)
    assert restored.measure().outcome is Outcome.MATCHES


def test_during_an_election_nothing_is_measured(restored: Restored) -> None:
    pass_time(restored, 25 * MINUTE)
    restored.target.primary = None

    assert restored.measure().why is WhyNotMeasured.NO_PRIMARY
    restored.target.primary = 0
    assert restored.measure().outcome is Outcome.MATCHES
