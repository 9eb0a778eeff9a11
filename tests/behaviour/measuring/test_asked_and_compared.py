"""The questions of the plan, put to Atlas, lead to a measurement of a restore."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from foundation.clock import Clock as ClockOfProduct
from foundation.deadline import Deadline
from local_stack.atlas import AtlasEmulator, Clock
from local_stack.cluster_data import ClusterData, Held
from restore_watch.atlas.credentials import ServiceAccount
from restore_watch.atlas.session import AtlasSession, only
from restore_watch.atlas.transport.http_client import http_client
from restore_watch.measuring.figures_reader import FiguresReader
from restore_watch.measuring.measure_restore import measure_restore
from restore_watch.measuring.unmeasured import UnmeasuredError
from restore_watch.model.measurement import Measurement, Outcome, WhyNotMeasured
from restore_watch.model.restore_target import RestoreTarget

GROUP = "5f0000000000000000000a01"
OTHER_GROUP = "5f0000000000000000000a02"
ACCOUNT = ("mdb_sa_id_emulated", "mdb_sa_sk_emulated")
MIDNIGHT = datetime(2026, 5, 4, tzinfo=UTC)
DAY = timedelta(days=1)
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
        self.job_id = job.restore_id
        account = only(ServiceAccount(*ACCOUNT))
        self._session = AtlasSession(atlas.url, account, http, now=self._unix)

    def _unix(self) -> float:
        return self.clock().timestamp()

    def measure(self) -> Measurement:
        """Ask as the function does, and compare."""
        target = RestoreTarget(GROUP, "orders", self.job_id)
        job = self._session.restore_job(target, Deadline.after(30))
        reader = FiguresReader(Deadline.after(30), self._session, ClockOfProduct(self.clock))
        try:
            return measure_restore(job, reader, self.clock())
        except UnmeasuredError as error:
            return error.measurement


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
@pytest.mark.parametrize("later", [45 * MINUTE, 50 * HOUR, timedelta(days=100)], ids=str)
def test_a_copy_that_lacks_something_differs_whenever_it_is_measured(
    restored: Restored, lose: object, names: list[str], later: timedelta
) -> None:
    assert callable(lose)
    lose(restored.target, restored.clock())
    pass_time(restored, later)

    measurement = restored.measure()

    assert measurement.outcome is Outcome.DIFFERS
    assert [database.name for database in measurement.differing] == names


@pytest.mark.fault("F134")
def test_a_copy_that_lacks_something_is_counted_twice_before_it_is_said(
    restored: Restored,
) -> None:
    lose_index(restored.target, restored.clock())
    pass_time(restored, 25 * MINUTE)

    assert restored.measure().why is WhyNotMeasured.COUNTED_ONCE
    pass_time(restored, 20 * MINUTE)
    assert restored.measure().outcome is Outcome.DIFFERS


@pytest.mark.fault("F134")
def test_a_first_count_that_was_too_early_makes_no_difference(restored: Restored) -> None:
    ended_at = restored.clock()
    lose_half(restored.target, ended_at)
    restored.target.hold("stock", DATABASES["stock"], ended_at + 25 * MINUTE)
    pass_time(restored, 45 * MINUTE)

    assert restored.measure().outcome is Outcome.MATCHES


@pytest.mark.fault("F135")
def test_a_database_that_is_newer_than_its_snapshot_is_not_compared(restored: Restored) -> None:
    restored.source.hold("later", Held(7), restored.clock())
    pass_time(restored, 25 * MINUTE)

    measurement = restored.measure()

    assert measurement.outcome is Outcome.MATCHES
    assert (measurement.databases.expected, measurement.not_there) == (3, 1)


@pytest.mark.fault("F135")
def test_a_database_that_atlas_never_counts_leaves_the_restore_unmeasured(
    restored: Restored,
) -> None:
    restored.source.do_not_count(MIDNIGHT, MIDNIGHT + timedelta(days=9), "stock")
    restored.target.drop("stock", restored.clock())
    pass_time(restored, 25 * MINUTE)

    assert restored.measure().why is WhyNotMeasured.NOT_ALL_AFTER


@pytest.mark.fault("F135")
def test_a_database_that_atlas_did_not_count_for_a_while_is_not_newer(restored: Restored) -> None:
    """Atlas has figures of it from before the window around the snapshot, and from after it."""
    snapshot_at = MIDNIGHT + 6 * HOUR
    restored.source.hold("stock", DATABASES["stock"], MIDNIGHT - 9 * DAY)
    gap = 4 * HOUR
    restored.source.do_not_count(snapshot_at - gap, snapshot_at + gap, "stock")
    restored.target.drop("stock", restored.clock())
    pass_time(restored, 25 * MINUTE)

    assert restored.measure().why is WhyNotMeasured.NOT_ALL_AFTER


@pytest.mark.fault("F136")
def test_another_restore_into_the_target_leaves_this_one_unmeasured(restored: Restored) -> None:
    restored.atlas.behaviour.figures_late = 1800
    pass_time(restored, 10 * MINUTE)
    other = restored.atlas.start_restore(
        GROUP, "orders", "dedicated", target_group=OTHER_GROUP, target_cluster="copy"
    )
    pass_time(restored, 5 * MINUTE)
    other.run_to_end()
    pass_time(restored, 45 * MINUTE)

    assert restored.measure().why is WhyNotMeasured.WRITTEN_OVER


def test_a_later_restore_that_begins_after_the_count_changes_nothing(restored: Restored) -> None:
    pass_time(restored, 45 * MINUTE)
    restored.atlas.start_restore(
        GROUP, "orders", "dedicated", target_group=OTHER_GROUP, target_cluster="copy"
    )
    pass_time(restored, 5 * MINUTE)

    assert restored.measure().outcome is Outcome.MATCHES


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
