"""What may be quoted of a text that Atlas or AWS wrote."""

from collections.abc import Callable

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from notify_people.plain_text import plain
from restore_watch.redaction import QUOTE_LIMIT, REDACTED, redact, redact_report, without_urls
from strategies import secrets

MARK = "~|~"
"""Only texts that must stay hidden contain it."""


@given(st.text(), st.text(min_size=1), st.text())
@example(before="", secret="]0", after="00")
@example(before="a" * (QUOTE_LIMIT - 1), secret="b...", after="b" + "." * QUOTE_LIMIT)
@example(before="hid\N{SNOWMAN}", secret="hid den", after="den")
@example(before="a" * (QUOTE_LIMIT - 4), secret=MARK + "b" * 20, after="")
def test_a_secret_is_hidden_in_any_text(before: str, secret: str, after: str) -> None:
    assume(secret not in REDACTED)

    assert secret not in redact(before + secret + after, [secret])


@given(st.lists(secrets, min_size=1, max_size=4), st.text())
@example(["abc", "abcdef"], "")
def test_several_secrets_are_all_hidden(several: list[str], between: str) -> None:
    assume(not any(secret in REDACTED for secret in several))

    quoted = redact(between.join(several), several)

    assert not [secret for secret in several if secret in quoted]


@pytest.mark.parametrize("order", [1, -1])
def test_no_tail_of_a_secret_stays_that_begins_with_another(order: int) -> None:
    several = ["mdb_sa_sk_1", "mdb_sa_sk_1-and-more"][::order]

    assert redact("the secret mdb_sa_sk_1-and-more lapsed", several) == (
        f"the secret {REDACTED} lapsed"
    )


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize("remove", [redact, lambda text: redact_report(text, 600), plain])
@pytest.mark.parametrize(
    ("secret", "before"),
    [
        ("hunter3", "password "),
        ("hunter3", "the Password is "),
        ("hunter3", "client_secret '"),
        ("p@ssword", "passwd  "),
        ("0123456789", "TOKEN\t"),
        ("3f5e9c7a-1b2d", "private key "),
        (JWT, "sent "),
        (JWT[:30], "cut off: "),
        ("AKIAIOSFODNN7EXAMPLE", "key_"),
        ("ASIAIOSFODNN7EXAMPLE", ""),
        ("hunter22!", "password is: "),
        ("12345678", "password is "),
        ("S3cr3tPw9@cluster0.abcde.mongodb.net", "admin:"),
        ("p@ss@localhost", "admin:"),
        ("secrettail", "password hunter22'"),
        ('battery"', 'passphrase "correct horse 1 '),
        ("mdb_sa_sk_" + "aB3" * 8, "sent "),
        ("xoxb-" + "1-a" * 8, "sent "),
        ("xoxp-" + "1-a" * 8, ""),
        ("ghp_" + "aB3" * 8, ""),
        ("gho_" + "aB3" * 8, "sent "),
    ],
)
def test_a_secret_is_recognised_by_its_form_or_the_word_before_it(
    remove: Callable[[str], str], secret: str, before: str
) -> None:
    made = remove(f"refused: {before}{secret} at noon")

    assert secret not in made
    assert made.startswith("refused: ")
    assert made.endswith(" at noon")


@pytest.mark.parametrize("remove", [redact, lambda text: redact_report(text, 600), plain])
@pytest.mark.parametrize(
    "text",
    [
        "the password is wrong, and the token expired",
        "Atlas answered 401: token 401 was refused at 12:30",
        "the token arn:aws:iam::123456789012:mfa-of-ops is gone",
        "Renew the secret of the service account before 2026-11-26",
        "Give the API key the role Project Read Only in 6a1f3c9e5b7d204e8c61f0a3",
        "eyJ is how a token begins, ASIA is a continent, AKIA a name",
        "basic checks passed, Basic smoke tests ok: digest matches",
        "bearer of 5 orders",
        "collection user-tokens: 1200345 documents",
        "token 2026-11-26T10:00:00Z expired",
        "passwords 99.95% migrated, api keys 1200345 renewed",
        "invalid client: the job 12:30 of ops@example.net",
    ],
)
def test_a_sentence_about_secrets_stays_readable(remove: Callable[[str], str], text: str) -> None:
    assert remove(text) == text


@pytest.mark.parametrize("remove", [redact, lambda text: redact_report(text, 600)])
@pytest.mark.parametrize(
    ("secret", "before"),
    [
        ("hunter2;user=x", "pwd="),
        ('def123"', 'password = "abc\\"'),
        ("HunTerab", "basic "),
        ("abcdefghabcdefghi", "bearer "),
        ("abcdefgh", "Authorization: Basic "),
        ("checks", 'basic="'),
    ],
)
def test_a_secret_that_is_assigned_or_follows_a_scheme_is_hidden(
    remove: Callable[[str], str], secret: str, before: str
) -> None:
    assert secret not in remove(f"refused: {before}{secret} at noon")


def test_an_empty_secret_hides_nothing() -> None:
    assert redact("no such job", ["", ""]) == "no such job"


@given(st.sampled_from(["https", "HTTP", "mongodb+srv", "s3", "ftp"]), st.text(), secrets)
def test_no_url_is_quoted(scheme: str, before: str, path: str) -> None:
    assume(MARK not in before)

    quoted = redact(f"{before} {scheme}://{MARK}{path}{MARK} is gone")

    assert MARK not in quoted
    assert quoted.endswith((f"{REDACTED} is gone", "..."))


URLS = {
    "with a scheme": f"https://restore.example.net:27017/{MARK}/restore.tar.gz",
    "escaped slashes": f"https:\\/\\/restore.example.net:27017\\/{MARK}",
    "percent encoding": f"https%3A%2F%2Frestore.example.net%3A27017%2F{MARK}",
    "without a scheme": f"//restore.example.net/{MARK}",
    "host and port": f"restore-1:27017/{MARK}",
    "host and path": f"restore.example.net/{MARK}",
    "archive": f"{MARK}/restore-1.tar.gz",
    "archive with a query": f"restore-1.tar.gz?token={MARK}",
    "umlaut": f"https://restore.example.net/\u00fc{MARK}\u00fc{MARK}",
    "invisible character": f"https://restore.example.net/\u200b{MARK}/a.tar.gz",
    "null character": f"https://restore.example.net/\0{MARK}/a.tar.gz",
}


@pytest.mark.parametrize("url", URLS.values(), ids=URLS)
def test_a_url_is_removed_in_every_form(url: str) -> None:
    for remove in (redact, without_urls):
        text = remove(f"see {url} for more")
        assert MARK not in text
        assert text.endswith(f"{REDACTED} for more")


@pytest.mark.parametrize(
    "text",
    ["pointInTime", "atlas-abc123", "orders/carts", "5 %", "a.b", "v1.2", "12:30", "\N{SNOWMAN}."],
)
def test_a_text_without_a_url_stays_as_it_is(text: str) -> None:
    assert without_urls(text) == text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BASIC", "Digest"])
@pytest.mark.parametrize("space", [" ", "  ", "\t", "\r\n", "\N{NO-BREAK SPACE}"], ids=repr)
def test_no_authorization_header_is_quoted(scheme: str, space: str) -> None:
    assert redact(f"refused {scheme}{space}{MARK} at noon") == f"refused {REDACTED} at noon"


@given(st.text())
def test_quoted_text_is_one_short_printable_line(text: str) -> None:
    quoted = redact(text)

    assert quoted.isprintable()
    assert quoted.isascii()
    assert len(quoted) <= QUOTE_LIMIT + len("...")


def test_a_harmless_text_is_quoted_unchanged() -> None:
    text = "Cannot use non-flex cluster orders in the flex API."

    assert redact(text, ["mdb_sa_sk_hidden"]) == text


def test_a_shortened_text_ends_in_dots() -> None:
    assert redact("a" * QUOTE_LIMIT) == "a" * QUOTE_LIMIT
    assert redact("a" * (QUOTE_LIMIT + 1)) == "a" * QUOTE_LIMIT + "..."
