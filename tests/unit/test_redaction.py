"""What may be quoted of a text that somebody else wrote."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from restore_watch.redaction import QUOTE_LIMIT, REDACTED, redact
from strategies import secrets

MARK = "~|~"
"""Stands in nothing but what must not be seen."""


@given(st.text(), st.text(min_size=1), st.text())
@example(before="", secret="]0", after="00")
@example(before="a" * (QUOTE_LIMIT - 1), secret="b...", after="b" + "." * QUOTE_LIMIT)
@example(before="hid\N{SNOWMAN}", secret="hid den", after="den")
def test_a_secret_is_never_quoted_whatever_stands_around_it(
    before: str, secret: str, after: str
) -> None:
    assume(secret not in REDACTED)

    assert secret not in redact(before + secret + after, [secret])


@given(st.lists(secrets, min_size=1, max_size=4), st.text())
def test_of_several_secrets_none_is_quoted(several: list[str], between: str) -> None:
    assume(not any(secret in REDACTED for secret in several))

    said = redact(between.join(several), several)

    assert not [secret for secret in several if secret in said]


def test_no_part_of_a_secret_is_left_because_another_is_a_piece_of_it() -> None:
    assert redact("abcdef", ["abc", "abcdef"]) == REDACTED


def test_an_empty_secret_hides_nothing() -> None:
    assert redact("no such job", ["", ""]) == "no such job"


@given(st.sampled_from(["https", "HTTP", "mongodb+srv", "s3", "ftp"]), st.text(), secrets)
def test_no_url_is_quoted(scheme: str, before: str, path: str) -> None:
    assume(MARK not in before)

    said = redact(f"{before} {scheme}://{MARK}{path}{MARK} is gone")

    assert MARK not in said
    assert said.endswith((f"{REDACTED} is gone", "..."))


@pytest.mark.parametrize(
    "url",
    [
        f"https://restore.example.net:27017/\u00fc{MARK}/a.tar.gz",
        f"https://restore.example.net:27017/\u200b{MARK}/a.tar.gz",
        f"https://restore.example.net:27017/\0{MARK}/a.tar.gz",
        f"https://restore.example.net:27017/{MARK}\u00fc{MARK}",
    ],
    ids=["umlaut", "invisible", "null character", "umlaut in the token"],
)
def test_a_url_is_removed_whole_where_it_holds_what_cannot_be_printed(url: str) -> None:
    assert MARK not in redact(f"see {url} for more")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BASIC", "Digest"])
@pytest.mark.parametrize("space", [" ", "  ", "\t", "\r\n", "\N{NO-BREAK SPACE}"], ids=repr)
def test_no_authorization_is_quoted(scheme: str, space: str) -> None:
    assert redact(f"refused {scheme}{space}{MARK} at noon") == f"refused {REDACTED} at noon"


@given(st.text())
def test_what_is_quoted_is_one_short_printable_line(text: str) -> None:
    said = redact(text)

    assert said.isprintable()
    assert said.isascii()
    assert len(said) <= QUOTE_LIMIT + len("...")


def test_a_harmless_text_is_quoted_as_it_is() -> None:
    text = "Cannot use non-flex cluster orders in the flex API."

    assert redact(text, ["mdb_sa_sk_hidden"]) == text


def test_a_text_that_was_cut_shows_it() -> None:
    assert redact("a" * QUOTE_LIMIT) == "a" * QUOTE_LIMIT
    assert redact("a" * (QUOTE_LIMIT + 1)) == "a" * QUOTE_LIMIT + "..."


def test_a_secret_is_found_before_the_text_is_cut() -> None:
    text = "a" * (QUOTE_LIMIT - 4) + MARK + "b" * 20

    assert MARK[:2] not in redact(text, [MARK + "b" * 20])
