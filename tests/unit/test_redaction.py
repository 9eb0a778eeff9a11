"""What may be quoted of a text that Atlas or AWS wrote."""

import secrets as random_secrets
from collections.abc import Callable

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from notify_people.plain_text import plain
from restore_watch.redaction import redact, redact_report, without_urls
from strategies import secrets, visible_ascii

QUOTE_LIMIT = 300
REDACTED = "[redacted]"
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
        (JWT, "sent "),
        (JWT[:30], "cut off: "),
        ("AKIAIOSFODNN7EXAMPLE", "key_"),
        ("ASIAIOSFODNN7EXAMPLE", ""),
        ("S3cr3tPw9@cluster0.abcde.mongodb.net", "admin:"),
        ("p@ss@localhost", "admin:"),
        ("mdb_sa_sk_" + "aB3" * 8, "sent "),
        ("mdb_sa_sk_*.\u2022\u2026abcd", "sent "),
        ("xoxb-" + "1-a" * 8, "sent "),
        ("xoxp-" + "1-a" * 8, ""),
        ("ghp_" + "aB3" * 8, ""),
        ("gho_" + "aB3" * 8, "sent "),
    ],
)
def test_a_secret_is_recognised_by_its_form(
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
        ("canary0123456789", 'access_token\\":\\"'),
        ("abcdefgh", "Authorization: Basic "),
        ("checks", 'basic="'),
    ],
)
def test_a_secret_that_is_assigned_or_follows_a_scheme_is_hidden(
    remove: Callable[[str], str], secret: str, before: str
) -> None:
    assert secret not in remove(f"refused: {before}{secret} at noon")


@given(st.sampled_from(["https", "HTTP", "mongodb+srv", "s3", "ftp"]), st.text(), secrets)
def test_no_url_is_quoted(scheme: str, before: str, path: str) -> None:
    assume(MARK not in before)

    quoted = redact(f"{before} {scheme}://{MARK}{path}{MARK} is gone")

    assert MARK not in quoted
    assert quoted.endswith((f"{REDACTED} is gone", "..."))


URLS = {
    "with a scheme": f"https://restore.example.net:27017/{MARK}/restore.tar.gz",
    "escaped slashes": f"https:\\/\\/restore.example.net:27017\\/{MARK}",
    "slashes escaped twice": f"https:\\\\/\\\\/restore.example.net\\\\/{MARK}",
    "percent encoding": f"https%3A%2F%2Frestore.example.net%3A27017%2F{MARK}",
    "without a scheme": f"//restore.example.net/{MARK}",
    "in brackets": f"(https://restore.example.net/{MARK}",
    "host and escaped port": f"host_a:27017\\/{MARK}",
    "host and encoded port": f"host%3A27017%2F{MARK}",
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


HARMLESS = "Cannot use non-flex cluster orders in the flex API."


@pytest.mark.parametrize(
    ("text", "hidden", "quoted"),
    [
        (HARMLESS, ["mdb_sa_sk_hidden"], HARMLESS),
        ("no such job", ["", ""], "no such job"),
        ("a" * 300, [], "a" * 300),
        ("a" * 301, [], "a" * 300 + "..."),
    ],
    ids=["harmless", "empty secrets", "as long as a quote", "longer"],
)
def test_a_harmless_text_is_quoted_unchanged_up_to_its_limit(
    text: str, hidden: list[str], quoted: str
) -> None:
    assert redact(text, hidden) == quoted


# What a pipeline wrote


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("12 of 12 collections: ok", "12 of 12 collections: ok"),
        ("Prüfung bestanden, 検証済み", "Prüfung bestanden, 検証済み"),
        ("read mongodb+srv://u:p@host.example.net/db", "read [redacted]"),
        ("see https://ci.example.net/1?sig=x now", "see [redacted] now"),
        ("Authorization: Bearer abc.def", "Authorization: [redacted]"),
        ("DB_PASSWORD=x1 failed", "DB_PASSWORD=[redacted] failed"),
        ("--password x1 --db a", "--password [redacted] --db a"),
        ('{"client_secret": "a b", "n": 1}', '{"client_secret": [redacted], "n": 1}'),
        (r"{\"apiKey\":\"a b\"}", r"{\"apiKey\":[redacted]}"),
        ("token:'a b' x", "token:[redacted] x"),
        ("the password is wrong", "the password is wrong"),
        (
            "key -----BEGIN PRIVATE KEY-----\nMI//x\n-----END PRIVATE KEY-----\nok",
            "key [redacted] ok",
        ),
        (
            r"a -----BEGIN RSA PRIVATE KEY-----\nMI+x=\n-----END RSA PRIVATE KEY----- b",
            "a [redacted] b",
        ),
        ('{"key": "-----BEGIN EC PRIVATE KEY-----\nMI x"}', '{"key": "[redacted]'),
        (
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nx\n-----END PGP PRIVATE KEY BLOCK-----",
            "[redacted]",
        ),
        ("-----BEGIN PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----"),
        ("one\ntwo\x1b[31m\ud800\u202ethree", "one two [31m  three"),
        (" \t\n", ""),
    ],
    ids=repr,
)
def test_urls_and_named_secrets_are_removed_and_words_stay(given: str, kept: str) -> None:
    assert redact_report(given, 1000) == kept


@given(
    st.sampled_from(["https://h.example.net/", "PASSWORD=", "--token ", '"secret": "', "bearer "]),
    st.text(visible_ascii, max_size=40).filter(lambda text: not {*text} & {'"', "'"}),
    st.text(max_size=40),
)
def test_a_secret_after_its_name_never_stays(name: str, around: str, rest: str) -> None:
    hidden = random_secrets.token_hex(8)

    assert hidden not in redact_report(f"{rest} {name}{around}{hidden} {rest}", 1000)


@given(st.text(max_size=1000), st.sampled_from([256, 1000]))
def test_a_text_becomes_one_line_within_its_limit(text: str, limit: int) -> None:
    kept = redact_report(text, limit)

    assert len(kept) <= limit
    assert kept.isprintable()
