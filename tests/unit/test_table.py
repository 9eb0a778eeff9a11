"""What of a job's recorded changes has still to be published."""

from hypothesis import given
from hypothesis import strategies as st

from restore_watch.item import Recorded
from restore_watch.status_change import StatusChange
from strategies import changes, plain_change, plain_job

histories = st.lists(changes(), max_size=6).map(tuple)


@given(histories, st.data())
def test_every_change_is_either_published_or_pending(
    history: tuple[StatusChange, ...], data: st.DataObject
) -> None:
    published = data.draw(st.integers(0, len(history)))

    pending = Recorded(plain_job(), history, published, change=None).pending

    assert history[:published] + pending == history


def test_nothing_is_pending_once_all_is_published() -> None:
    history = (plain_change(sequence=1, previous_status=None), plain_change())

    assert Recorded(plain_job(), history, published=2, change=None).pending == ()
    assert Recorded(plain_job(), history, published=0, change=None).pending == history
