"""How far a list is read."""

import pytest

from restore_watch.asking.list_pages import ListPages, Stop
from restore_watch.atlas.pages import Page, PageAt


def page(number: int = 1, size: int = 500, *, has_next: bool = True) -> Page:
    return Page([], has_next, at=PageAt(number, size))


@pytest.mark.parametrize(
    ("ids", "has_next", "stop"),
    [
        ("ab", False, Stop.END),
        ("", False, Stop.END),
        ("a", False, Stop.END),
        ("b", True, None),
        ("ab", True, None),
        ("a", True, Stop.NOTHING_NEW),
        ("", True, Stop.NOTHING_NEW),
    ],
)
def test_a_list_is_read_until_there_is_no_next_page_or_a_page_shows_nothing_new(
    ids: str, stop: Stop | None, *, has_next: bool
) -> None:
    first = ListPages().after(page(), "a")
    assert (first.stop, first.at) == (None, PageAt(2))

    read = first.after(page(2, has_next=has_next), ids)

    assert read.stop is stop
    assert read.ids == {"a", *ids}


def test_the_next_page_has_the_size_of_the_last_one() -> None:
    """A page that was too large was read in part."""
    assert ListPages().after(page(3, 100), "a").at == PageAt(4, 100)


@pytest.mark.parametrize(
    ("has_next", "stop"), [(True, Stop.ENOUGH), (False, Stop.END)], ids=["more", "end"]
)
def test_a_reader_may_have_enough_before_the_end(stop: Stop, *, has_next: bool) -> None:
    assert ListPages().after(page(has_next=has_next), "a").enough().stop is stop
