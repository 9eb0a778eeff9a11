"""The lease that sweeps store, in moto and in another DynamoDB."""

from datetime import timedelta

from behaviour.stored import NOON, Stored, soon
from restore_watch.table.sweep_lease import SweepLease


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
