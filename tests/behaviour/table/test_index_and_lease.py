"""What sweeps store: the index of open jobs, and their lease, in moto and in another DynamoDB."""

from datetime import timedelta

from behaviour.stored import NOON, Stored, soon
from restore_watch.table.lease import SweepLease


def test_every_shard_is_read_and_what_names_no_job_is_passed_over(stored: Stored) -> None:
    ids = [f"6b4a0f80000000000000{number:04x}" for number in range(9)]
    for one in ids:
        stored.record("RUNNING", restore_id=one)
    odd = {"cluster": {"S": "no job"}, "restoreId": {"S": "at all"}, "openShard": {"S": "0"}}
    stored.client.put_item(TableName=stored.table_name, Item=odd)

    assert sorted(entry.target.restore_id for entry in stored.entries()) == ids

    del odd["openShard"]
    stored.client.delete_item(TableName=stored.table_name, Key=odd)


def test_the_moment_since_which_a_job_is_missed_is_stored_once(stored: Stored) -> None:
    stored.acknowledge(stored.record("RUNNING"))
    known = stored.entry()
    for hours in range(3):
        stored.index.note_missing(known, NOON + timedelta(hours=hours), soon())
    assert stored.entry().missing_since == NOON

    for _ in range(2):
        stored.index.clear_missing(known, soon())
    assert stored.entry().missing_since is None

    stored.index.note_missing(known, NOON + timedelta(hours=5), soon())
    assert stored.entry().missing_since == NOON + timedelta(hours=5)
    stored.record("COMPLETED", minute=1)
    assert stored.entry().missing_since is None


def lease_at(stored: Stored, second: float) -> SweepLease:
    """The lease as an environment sees it so many seconds after noon."""
    now = NOON + timedelta(seconds=second)
    return SweepLease(stored.client, stored.table_name, now=now.timestamp, sleep=lambda _: None)


def test_a_lease_that_is_valid_for_longer_than_a_sweep_takes_is_of_a_wrong_clock(
    stored: Stored,
) -> None:
    """Clocks may differ by a minute."""
    assert lease_at(stored, 191).acquire(None, soon())

    assert lease_at(stored, 67).acquire(None, soon()) is None
    assert lease_at(stored, 65).acquire(None, soon())


def test_the_holder_is_awaited_as_long_as_another_sweep_goes_on_to_wait(stored: Stored) -> None:
    owner = lease_at(stored, 0).acquire(NOON, soon())
    assert owner is not None
    second, seen = 0.0, list[bool]()

    def sleep(seconds: float) -> None:
        nonlocal second
        second += seconds
        seen.append(lease_at(stored, second).is_awaited(owner, soon()))

    waiting = SweepLease(
        stored.client,
        stored.table_name,
        now=lambda: NOON.timestamp() + second,
        sleep=sleep,
    )
    assert waiting.acquire(NOON + timedelta(minutes=1), soon()) is None
    assert seen == [True] * 12 + [False] * 3
    # A table that does not answer names nobody.
    assert not SweepLease(stored.client, "elsewhere").is_awaited(owner, soon())
