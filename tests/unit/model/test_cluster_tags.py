"""What the tags of a cluster ask for, by a table of forms."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.model.cluster_tags import (
    ClusterTags,
    MisspelledTag,
    read_cluster_tags,
)
from restore_watch.model.duration import read_duration
from restore_watch.model.objectives import Objectives

HOUR, DAY = timedelta(hours=1), timedelta(days=1)

DURATIONS = {
    "4h": 4 * HOUR,
    "240m": 4 * HOUR,
    "1d12h": 36 * HOUR,
    "1d12h30m": 36.5 * HOUR,
    " 4H ": 4 * HOUR,
    "2d": 2 * DAY,
    "90m": 1.5 * HOUR,
    "3650d": 3650 * DAY,
    "87600h": 3650 * DAY,
}

NO_OBJECTIVES = [
    *("0h", "-1h", "4 hours", "", "4", "h", "1.5h", "4h1d", "4h4h"),
    *("3650d1m", "9999d", "87601h"),
    *("९h", "9" * 9 + "h", "x" * 200),
]


@pytest.mark.parametrize(("value", "duration"), DURATIONS.items(), ids=list(DURATIONS))
@pytest.mark.parametrize("key", ["rto", "rpo"])
def test_an_objective_is_days_hours_and_minutes(key: str, value: str, duration: timedelta) -> None:
    assert getattr(read_cluster_tags({key: value}), key) == duration
    assert read_cluster_tags({key: value}).unreadable == ()


@pytest.mark.parametrize("value", NO_OBJECTIVES, ids=lambda value: repr(value[:12]))
@pytest.mark.parametrize("key", ["rto", "rpo"])
def test_any_other_text_is_named_and_leaves_the_objective_of_the_stack(
    key: str, value: str
) -> None:
    of_stack = Objectives(HOUR, DAY)
    tags = read_cluster_tags({key: value})

    assert tags.objectives(of_stack) == of_stack
    assert [(tag.key, tag.value) for tag in tags.unreadable] == [(key, value)]


def test_zero_asks_for_no_objective() -> None:
    tags = read_cluster_tags({"rto": "0"})

    assert tags.objectives(Objectives(HOUR, DAY)) == Objectives(None, DAY)
    assert tags.unreadable == ()


WINDOWS = {"30d": 30 * DAY, "1d": DAY, "400d": 400 * DAY, "720h": 30 * DAY}


@pytest.mark.parametrize(("value", "window"), WINDOWS.items(), ids=list(WINDOWS))
def test_a_test_holds_for_the_days_that_its_tag_says(value: str, window: timedelta) -> None:
    assert read_cluster_tags({"restore-test": value}) == ClusterTags(window=window)


@pytest.mark.parametrize(
    "value",
    ["0", "0d", "12h", "1d12h", "401d", "-30d", "30 days", "", "exempted", "Exempt ", "x" * 200],
    ids=lambda value: repr(value[:12]),
)
def test_another_window_is_named(value: str) -> None:
    (tag,) = read_cluster_tags({"restore-test": value}).unreadable

    assert (tag.key, tag.value) == ("restore-test", value)


MISSPELLED = {
    "RTO": "rto",
    "Rto": "rto",
    " rpo ": "rpo",
    "rpo\n": "rpo",
    "Restore-Test": "restore-test",
}


@pytest.mark.parametrize(("key", "meant"), MISSPELLED.items(), ids=repr)
def test_a_key_in_another_case_or_with_blanks_is_named_and_not_read(key: str, meant: str) -> None:
    assert read_cluster_tags({key: "4h"}) == ClusterTags(misspelled=(MisspelledTag(key, meant),))


@pytest.mark.parametrize("key", ["rtos", "r-to", "restore test", "target"])
def test_any_other_key_is_nobodys_mistake(key: str) -> None:
    assert read_cluster_tags({key: "4h"}) == ClusterTags()


@pytest.mark.parametrize("value", ["4h", "exempt", "30d"])
@pytest.mark.parametrize("key", ["rto", "rpo", "restore-test"])
def test_a_key_that_is_there_twice_is_named_and_not_read(key: str, value: str) -> None:
    tags = read_cluster_tags({key: value, "tier": "gold"}, {key, "tier"})

    assert tags == ClusterTags(repeated=(key,))


@pytest.mark.parametrize(
    ("value", "reason"), [("exempt", ""), ("exempt:", ""), ("exempt: scratch ", "scratch")]
)
def test_an_exemption_may_have_a_reason(value: str, reason: str) -> None:
    assert read_cluster_tags({"restore-test": value}) == ClusterTags(exemption=reason)


@given(st.text())
def test_any_text_is_a_duration_or_is_not(text: str) -> None:
    duration = read_duration(text)

    assert duration is None or timedelta() <= duration
