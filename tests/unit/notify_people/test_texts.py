"""Texts stay plain, short and literal, whatever is in them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify_people.forms.mail import mail
from notify_people.forms.slack import literal
from notify_people.plain_text import cut, lines_within, plain
from notify_people.words.durations_and_moments import duration
from unit.notify_people.messages import notice

SIGNS = st.text(alphabet="_*~`|<>&@#[]{}:ab1 \n", max_size=80)
LIMITS = st.integers(min_value=10, max_value=100)


@given(st.text() | SIGNS)
def test_a_plain_text_is_one_printable_line_within_its_limit(text: str) -> None:
    made = plain(text)

    assert len(made) <= 256
    assert made.isprintable()
    assert plain(made) == made


@pytest.mark.parametrize(
    "url", ["//host/token", "https://restore.example.net/\u200btoken", "restore-token.tar.gz?x=1"]
)
def test_a_plain_text_has_no_url(url: str) -> None:
    made = plain(f"before {url} after")

    assert "token" not in made
    assert made.startswith("before ")
    assert made.endswith("[removed] after")


@given(st.text(), LIMITS)
def test_a_cut_text_shows_that_it_was_cut(text: str, limit: int) -> None:
    made = cut(text, limit)

    assert len(made) <= limit
    assert made == text or made.endswith("…")


@pytest.mark.parametrize(("limit", "kept"), [(7, "one\ntwo"), (6, "one"), (2, "")])
def test_only_whole_lines_are_kept_and_a_long_one_does_not_cost_the_others(
    limit: int, kept: str
) -> None:
    assert lines_within(["x" * 20, "one", "two"], limit) == kept


@given(st.text() | SIGNS, LIMITS)
def test_a_literal_text_has_no_sign_that_formats_links_or_notifies(text: str, limit: int) -> None:
    made = literal(text, limit)

    assert len(made) <= limit
    assert not re.search(r"[*~`|<>@#\[\]]|\{\{", made)
    assert not re.search(r"&(?!(amp|lt|gt);)", made)
    assert not re.search(r":[\w+'-]*[a-z][\w+'-]*:", made)
    assert not re.search(r"(?<!\w)_|_(?!\w)", made)


@pytest.mark.parametrize(
    "text", ["orders_copy_2", "orders__copy", "2026-11-26 09:14:00 UTC", "it's (a, b): c."]
)
def test_usual_names_and_times_stay_as_they_are(text: str) -> None:
    assert literal(text) == text


@pytest.mark.parametrize("text", ["_x_", "__x__", "___x___", "a __x__ b", "(_x)", "x_"])
def test_underscores_at_the_edge_of_a_word_format_nothing(text: str) -> None:
    assert "_" not in literal(text)
    assert literal(text).replace("\N{FULLWIDTH LOW LINE}", "_") == text


@given(st.text() | SIGNS)
def test_a_subject_is_ascii_within_the_limit_of_sns(text: str) -> None:
    subject, _ = mail([notice(targetDeploymentItemName=text, projectName=text)])

    assert re.fullmatch(r"[\x20-\x7e]{1,99}", subject)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"),
        (61, "61 s"),
        (119, "119 s"),
        (120, "2 min"),
        (42 * 60 + 59, "42 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (22_320, "6 h 12 min"),
        (2 * 86_400, "2 days"),
        (3 * 86_400 + 4 * 3600, "3 days 4 h"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text
