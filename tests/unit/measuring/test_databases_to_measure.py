"""The databases of a process, and which of them are measured."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.atlas.pages import Page
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.measuring.databases_to_measure import (
    DATABASES_LIMIT,
    choose_databases,
    choose_of_target,
    read_database_names,
)
from strategies import json_values


def page(*names: Any) -> Page:
    return Page([{"databaseName": name, "links": []} for name in names], has_next=False)


@pytest.mark.parametrize(
    "name", ["sales", "Sales", "a" * 63, "sales-2026_eu", "käufe", "日本", "%2e#;&"]
)
def test_a_name_is_kept_as_it_is(name: str) -> None:
    assert read_database_names(page(name, "config", name)) == {name, "config"}


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a/b",
        "a\\b",
        "a.b",
        "..",
        "a b",
        "a$b",
        'a"b',
        "a\x00",
        "a\n",
        "\x85",
        "\ud800",
        "a" * 64,
    ],
    ids=ascii,
)
def test_a_name_that_mongodb_does_not_allow_is_refused_with_the_page(name: str) -> None:
    with pytest.raises(UnexpectedAtlasResponseError, match=r"has no usable name$"):
        read_database_names(page("sales", name))


@given(st.lists(json_values(), min_size=1, max_size=3))
def test_an_entry_of_another_form_is_refused_with_the_page(entries: list[Any]) -> None:
    with pytest.raises(UnexpectedAtlasResponseError, match=r"has no usable name$"):
        read_database_names(Page([{"databaseName": "sales"}, *entries], has_next=False))


def test_system_databases_are_left_out() -> None:
    assert choose_databases(["stock", "admin", "config", "local", "sales"]) == (
        ("sales", "stock"),
        0,
    )
    assert choose_databases(["admin", "config", "local"]) == ((), 0)


def test_of_too_many_databases_the_first_are_measured_and_the_others_counted() -> None:
    names = [f"tenant-{number:03}" for number in range(DATABASES_LIMIT + 7)]

    chosen = choose_databases(["config", *reversed(names)])

    assert chosen == (tuple(names[:DATABASES_LIMIT]), 7)


@pytest.mark.parametrize(
    ("of_target", "asked"),
    [
        (["config", "later", "local", "sales", "stock"], ("sales", "stock")),
        (["config", "local", "stock"], ("stock",)),
        (["local", "config", "later"], ("config",)),
        (["later"], ()),
        ([], ()),
    ],
    ids=["both", "one is missing", "none, but a system database", "another only", "none at all"],
)
def test_of_the_target_the_same_are_asked_for_or_one_that_shows_that_atlas_looked(
    of_target: list[str], asked: tuple[str, ...]
) -> None:
    assert choose_of_target(("sales", "stock"), of_target) == asked
