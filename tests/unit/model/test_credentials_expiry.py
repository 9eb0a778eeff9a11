"""When credentials expire: which secret is in use, and which thresholds are said."""

from collections.abc import Callable
from copy import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.atlas.credentials import Credentials
from restore_watch.atlas.own_account import OwnAccount, read_own_account
from restore_watch.aws.watch_messages import message_of_credentials
from restore_watch.errors import AtlasUnauthorizedError, UnexpectedAtlasResponseError
from restore_watch.model.credentials_expiry import (
    NOT_ASKED,
    CredentialsChange,
    CredentialsExpiry,
    ExpiringSecret,
)
from restore_watch.model.fixes_of_errors import fix_of_expiry
from restore_watch.table.project_item import expiry_as_value, read_expiry
from strategies import values_of
from unit.open_jobs import NOON
from unit.records import OTHER_GROUP
from unit.scripted_atlas import ACCOUNT, GROUP, Clock, ScriptedAtlas, answer

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
MADE = NOON - 335 * DAY
DATE = {"Date": NOON.strftime("%a, %d %b %Y %H:%M:%S GMT")}


def secret(days: float, *, is_certain: bool = True, made: datetime | None = None) -> ExpiringSecret:
    return ExpiringSecret(
        client_id=ACCOUNT.client_id,
        expires_at=NOON + days * DAY,
        is_certain=is_certain,
        created_at=made,
    )


def said(expiry: CredentialsExpiry) -> list[int | None]:
    return [one.threshold for one in expiry.unsent]


# What is said

FIRST_LOOKS: dict[float, list[int | None]] = {
    300: [],
    30.01: [],
    30: [30],
    29.9: [30],
    14.01: [30],
    14: [14],
    5: [7],
    3: [3],
    1.5: [3],
    1: [1],
    0.1: [1],
    -2: [1],
}


@pytest.mark.parametrize(("days", "thresholds"), FIRST_LOOKS.items(), ids=str)
def test_a_first_look_says_the_smallest_threshold_that_is_reached(
    days: float, thresholds: list[int | None]
) -> None:
    after = CredentialsExpiry().after_answer(secret(days), GROUP, NOON)

    assert said(after) == thresholds
    assert said(after.after_answer(secret(days), GROUP, NOON + DAY / 1000)) == thresholds


# A year, day by day

type Year = Callable[[CredentialsExpiry, datetime, int], CredentialsExpiry]
"""What a day makes of the memory."""


def answered(life: float, *, seconds: float = 0, masks_hide: bool = False) -> Year:
    """Each day. The date moves by so many seconds, and every other day the masks are hidden."""

    def day_of(known: CredentialsExpiry, now: datetime, day: int) -> CredentialsExpiry:
        own = secret(life + day % 3 * seconds / 86_400, made=NOON)
        if not masks_hide or day % 2 == 0:
            return known.after_answer(own, GROUP, now)
        # Beside the one in use, Atlas shows one that expires sooner.
        sooner, *later = (replace(one, is_certain=False) for one in (secret(day + 5), own))
        return known.after_answer(sooner, GROUP, now, later)

    return day_of


def unanswered(life: float, *, refused: bool = False, days: int = 1) -> Year:
    """Once learnt, the date is answered only every so many days."""

    def day_of(known: CredentialsExpiry, now: datetime, day: int) -> CredentialsExpiry:
        if day == 0 or (days > 1 and day % days == 0):
            return known.after_answer(secret(life, made=NOON), GROUP, now)
        return known.after_refusal(now) if refused else known.saying(now)

    return day_of


def rotated(life: int) -> Year:
    """A secret lives so many days. On the last one, a new one is in use."""

    def day_of(known: CredentialsExpiry, now: datetime, day: int) -> CredentialsExpiry:
        made = day - day % life
        return known.after_answer(secret(made + life, made=NOON + made * DAY), GROUP, now)

    return day_of


def replaced(days: int, following: Year) -> Year:
    """On the first day, a secret is in use that lives for so many days more."""
    first = secret(days)

    def day_of(known: CredentialsExpiry, now: datetime, day: int) -> CredentialsExpiry:
        return following(known, now, day) if day else known.after_answer(first, GROUP, now)

    return day_of


def beside(days: int) -> Year:
    """Atlas hides the masks, and goes on to show an old secret after these days, its last."""
    old, own = (secret(life, is_certain=False) for life in (days, 365))

    def day_of(known: CredentialsExpiry, now: datetime, day: int) -> CredentialsExpiry:
        first, second = (old, own) if day < days else (own, old)
        return known.after_answer(first, GROUP, now, [second])

    return day_of


ALL: list[int | None] = [30, 14, 7, 3, 1]
YEARS: dict[str, tuple[Year, list[int | None], set[bool]]] = {
    "answered": (answered(365), ALL, {True}),
    "it lives for 21 days": (answered(21), [14, 7, 3, 1], {True}),
    "it lives for a week": (answered(7.0001), [3, 1], {True}),
    "unanswered for good": (unanswered(365), ALL, {False}),
    "unanswered now and then": (unanswered(365, days=5), ALL, {True, False}),
    "refused for good": (unanswered(365, refused=True), ALL, {False}),
    "refused now and then": (unanswered(365, refused=True, days=5), ALL, {True, False}),
    "its date moves by seconds": (answered(365, seconds=40), ALL, {True}),
    "its date moves by hours": (answered(365, seconds=40_000), ALL, {True}),
    "masks come and go": (answered(365, masks_hide=True), ALL, {True, False}),
    "secrets live for 8 days": (rotated(8), [7, 3, 1, None] * 45 + [7, 3], {True}),
    "secrets live for 2 days": (rotated(2), [1, None] * 182 + [1], {True}),
    "secrets live for a day": (rotated(1), [], set()),
    "secrets live for a day after one": (replaced(5, rotated(1)), [7, None], {True}),
    "an old one is shown on": (
        replaced(10, beside(10)),
        [14, 7, 3, 1, None, *ALL],
        {True, False},
    ),
}


@pytest.mark.fault("F100", "F101")
@pytest.mark.parametrize(("day_of", "thresholds", "certain"), YEARS.values(), ids=YEARS)
def test_in_a_year_each_threshold_is_said_once_for_each_secret(
    day_of: Year, thresholds: list[int | None], certain: set[bool]
) -> None:
    known = CredentialsExpiry()
    for day in range(366):
        known = day_of(known, NOON + day * DAY, day)

    assert said(known) == thresholds
    assert {one.secret.is_certain for one in known.unsent} == certain


RENEWALS: dict[str, tuple[float, float, list[int | None]]] = {
    "nothing was said": (100, 465, []),
    "something was said": (10, 375, [14, None]),
    "the new one lives for two days": (0.2, 2, [1, None, 3]),
    "the date moves by less than a day": (0.2, 1, [1]),
    "an earlier date": (10, 6, [14, 7]),
    "the same date": (10, 10, [14]),
}


@pytest.mark.parametrize(("old", "new", "thresholds"), RENEWALS.values(), ids=RENEWALS)
def test_another_date_begins_anew_and_a_later_one_is_a_renewal(
    old: float, new: float, thresholds: list[int | None]
) -> None:
    after = (
        CredentialsExpiry()
        .after_answer(secret(old), GROUP, NOON)
        .after_answer(secret(new), GROUP, NOON)
    )

    assert said(after) == thresholds


SAME_OR_ANOTHER: dict[str, tuple[datetime | None, datetime | None, float, list[int | None]]] = {
    "made within the hour": (MADE, MADE + HOUR - SECOND, 10.5, [14]),
    "made an hour later": (MADE, MADE + HOUR, 10.5, [14, None, 14]),
    "made an hour later, for as long": (MADE, MADE + HOUR, 10, [14, 14]),
    "version 1.1.0 stored no creation": (None, MADE, 10.5, [14]),
    "Atlas says no creation any more": (MADE, None, 10.5, [14]),
    "a day later": (None, None, 11, [14, None, 14]),
}


@pytest.mark.parametrize(
    ("made", "then_made", "days", "thresholds"), SAME_OR_ANOTHER.values(), ids=SAME_OR_ANOTHER
)
def test_a_secret_is_another_one_if_it_was_made_or_ends_at_another_time(
    made: datetime | None, then_made: datetime | None, days: float, thresholds: list[int | None]
) -> None:
    after = (
        CredentialsExpiry()
        .after_answer(secret(10, made=made), GROUP, NOON)
        .after_answer(secret(days, made=then_made), GROUP, NOON)
    )

    assert said(after) == thresholds


IN_USE: dict[str, tuple[float | None, bool, bool, bool]] = {
    # Days left of the certain secret of before, whether Atlas shows it still, whether the other
    # secret that Atlas shows is certain; and whether the secret of before counts on.
    "none was known": (None, False, False, False),
    "none was known, a certain one is shown": (None, False, True, False),
    "it is shown beside another": (20, True, False, True),
    "it is shown no more": (20, False, False, False),
    "it is shown beside a certain one": (20, True, True, False),
    "it ended less than an hour ago": (-1 / 24 + 1 / 86_400, True, False, True),
    "it ended an hour ago": (-1 / 24, True, False, False),
}


@pytest.mark.parametrize(
    ("days", "is_shown", "is_certain", "counts_on"), IN_USE.values(), ids=IN_USE
)
def test_a_certain_secret_counts_on_while_none_of_those_that_are_shown_is_certain(
    days: float | None, *, is_shown: bool, is_certain: bool, counts_on: bool
) -> None:
    before = None if days is None else secret(days)
    shown = secret(90, is_certain=is_certain)
    others = [replace(before, is_certain=False)] if before and is_shown else []

    after = CredentialsExpiry(secret=before).after_answer(shown, GROUP, NOON, others)

    assert after.secret == (before if counts_on else shown)


def test_the_project_that_answered_last_is_remembered() -> None:
    known = CredentialsExpiry().after_answer(secret(90), OTHER_GROUP, NOON)

    assert known.seen_in == OTHER_GROUP
    assert known.after_answer(secret(90), GROUP, NOON).seen_in == GROUP


def test_a_refusal_counts_for_a_day_and_the_date_that_is_known_counts_on() -> None:
    known = CredentialsExpiry().after_answer(secret(8), GROUP, NOON - DAY)
    after = known.after_refusal(NOON)

    assert after == replace(known, asked_at=NOON, seen_in=None)
    assert (after.is_due(NOON + DAY * 0.9), after.is_due(NOON + DAY)) == (False, True)
    assert said(after.after_refusal(NOON + DAY)) == [14, 7]
    assert said(after.after_answer(secret(8), GROUP, NOON + DAY)) == [14, 7]
    never_learnt = CredentialsExpiry().after_refusal(NOON)
    assert never_learnt == CredentialsExpiry(asked_at=NOON)
    assert [never_learnt.is_due(NOON + part * DAY) for part in (0.9, 1)] == [False, True]


def test_a_threshold_is_due_before_the_day_is_over() -> None:
    """A day between two sweeps is a minute longer than 24 hours at times."""
    expiry = CredentialsExpiry().after_answer(secret(1.3), GROUP, NOON)

    assert [expiry.is_due(NOON + part * DAY) for part in (0.29, 0.3)] == [False, True]
    assert not expiry.after_answer(secret(1.3), GROUP, NOON + 0.3 * DAY).is_due(NOON + 0.31 * DAY)


def test_a_secret_that_is_used_again_is_said_again() -> None:
    expiry = CredentialsExpiry()
    for hour, days in enumerate((6.5, 300, 6.5)):
        expiry = expiry.after_answer(secret(days), GROUP, NOON + hour * DAY / 24)

    assert said(expiry) == [7, None, 7]
    assert len({message_of_credentials(one, "stack").event["id"] for one in expiry.unsent}) == 3


def test_a_secret_that_has_expired_when_it_is_noticed_is_not_said_to_expire() -> None:
    (change,) = CredentialsExpiry().after_answer(secret(-0.1), GROUP, NOON).unsent

    assert (
        message_of_credentials(change, "nightly").subject
        == "Atlas credentials have expired: nightly"
    )
    assert "secret now." in message_of_credentials(change, "nightly").event["data"]["fix"]


def test_the_days_left_are_whole_and_the_advice_names_the_account_and_the_day() -> None:
    assert [secret(days).days_left(NOON) for days in (7, 6.9, 0.5, -3)] == [7, 6, 0, 0]
    certain, uncertain = (fix_of_expiry(secret(5, is_certain=one), NOON) for one in (True, False))

    assert all(f"{NOON + 5 * DAY:%Y-%m-%d}" in one for one in (certain, uncertain))
    assert all(ACCOUNT.client_id in one for one in (certain, uncertain))
    assert "earliest known date" in uncertain
    assert "earliest known date" not in certain


# Which secret is in use: the one of ACCOUNT ends in "+ %"


def account(*secrets: tuple[float, str | None], **fields: Any) -> dict[str, Any]:
    """Atlas's answer: for each secret the days left, and its mask."""
    said = [
        {
            "id": "6a" * 12,
            "createdAt": MADE.isoformat(),
            "expiresAt": (NOON + days * DAY).isoformat(),
            "lastUsedAt": None,
            "maskedSecretValue": mask,
        }
        for days, mask in secrets
    ]
    roles = ["GROUP_READ_ONLY"]
    return {"clientId": ACCOUNT.client_id, "name": "w", "roles": roles, "secrets": said} | fields


class Asked:
    """Asks a scripted Atlas for the account."""

    def __init__(self, atlas: ScriptedAtlas, clock: Clock) -> None:
        self.atlas = atlas
        self._clock = clock
        self._credentials: Credentials = ACCOUNT
        self._session = atlas.session(clock, lambda: self._credentials)

    def own(self, credentials: Credentials = ACCOUNT) -> OwnAccount | None:
        self._credentials = credentials
        return read_own_account(self._session, GROUP, self._clock.deadline())


@pytest.fixture
def asked(atlas: ScriptedAtlas, clock: Clock) -> Asked:
    return Asked(atlas, clock)


OURS, OTHER, HIDDEN = "mdb_sa_sk_...+ %", "mdb_sa_sk_...abcd", "mdb_sa_sk_********"
CHOICES: dict[str, tuple[list[tuple[float, str | None]], float, bool]] = {
    "the only one": ([(50, OURS)], 50, True),
    "the only one, hidden": ([(50, HIDDEN)], 50, True),
    "the only one, without a mask": ([(50, None)], 50, True),
    "the only one, with another ending": ([(50, OTHER)], 50, False),
    "ours of two": ([(90, OURS), (5, OTHER)], 90, True),
    "ours has expired": ([(90, OTHER), (-1, OURS)], -1, True),
    "two with our ending": ([(90, OURS), (60, OURS), (5, OTHER)], 60, False),
    "none with our ending": ([(90, OTHER), (60, OTHER)], 60, False),
    "two hidden": ([(90, HIDDEN), (60, HIDDEN)], 60, False),
    "two hidden, one has expired": ([(90, HIDDEN), (-60, HIDDEN)], 90, False),
    "all hidden and expired": ([(-9, HIDDEN), (-60, HIDDEN)], -60, False),
    "one hidden, one of another ending": ([(90, HIDDEN), (60, OTHER)], 90, True),
}


@pytest.mark.fault("E5")
@pytest.mark.parametrize(("secrets", "days", "is_certain"), CHOICES.values(), ids=CHOICES)
def test_the_secret_in_use_is_told_by_its_ending(
    asked: Asked, secrets: list[tuple[float, str | None]], days: float, *, is_certain: bool
) -> None:
    asked.atlas.job_replies.append(answer(200, account(*secrets), **DATE))

    own = asked.own()
    assert own is not None
    assert own[:2] == (secret(days, is_certain=is_certain, made=MADE), ("GROUP_READ_ONLY",))
    assert not any(mask in repr(own) for mask in (OURS, OTHER, HIDDEN))


SHAPES: dict[str, Any] = {
    "no secrets": account(),
    "another account": account((5, OURS), clientId="mdb_sa_id_2"),
    "no date": account((5, OURS)) | {"secrets": [{"maskedSecretValue": OURS}]},
    "a number": account((5, OURS)) | {"secrets": [{"expiresAt": 5, "maskedSecretValue": OURS}]},
    "a list": [account((5, OURS))],
    "no JSON": b"<html>mdb_sa_sk_...+ %",
}


@pytest.mark.parametrize("body", SHAPES.values(), ids=SHAPES)
def test_an_unknown_shape_is_an_error_that_quotes_nothing(asked: Asked, body: Any) -> None:
    asked.atlas.job_replies.append(answer(200, body))

    with pytest.raises(UnexpectedAtlasResponseError, match="unknown shape") as caught:
        asked.own()
    assert "mdb_sa_sk" not in repr((caught.value, caught.value.__cause__))


def test_a_refusal_costs_no_further_token(asked: Asked) -> None:
    asked.atlas.job_replies.append(answer(401))

    with pytest.raises(AtlasUnauthorizedError):
        asked.own()
    assert (len(asked.atlas.token_requests), len(asked.atlas.job_requests)) == (1, 1)


def test_an_odd_client_id_is_not_asked_for(asked: Asked) -> None:
    assert asked.own(replace(ACCOUNT, client_id="../../orgs")) is None
    assert asked.atlas.job_requests == []


# What is stored

moments = st.timedeltas(timedelta(), timedelta(days=400)).map(lambda age: NOON - age)
secrets_in_use = values_of(
    ExpiringSecret,
    client_id=st.just(ACCOUNT.client_id),
    expires_at=moments.map(lambda at: at + 300 * DAY),
    is_certain=st.booleans(),
    created_at=st.none() | moments,
)
thresholds = st.none() | st.sampled_from([1, 3, 7, 14, 30])
changes = values_of(CredentialsChange, secret=secrets_in_use, at=moments, threshold=thresholds)
_serialize, _deserialize = TypeSerializer().serialize, TypeDeserializer().deserialize


@given(
    values_of(
        CredentialsExpiry,
        asked_at=moments,
        secret=secrets_in_use,
        seen_in=st.none() | st.just(GROUP),
        said=thresholds,
        unsent=st.tuples(changes),
    )
)
def test_what_is_stored_is_read(expiry: CredentialsExpiry) -> None:
    stored = _deserialize(_serialize(expiry_as_value(expiry)))

    assert read_expiry(stored) == replace(expiry, stored=stored)


ODD: list[Any] = [
    None,
    7,
    [],
    "x",
    {},
    {"askedAt": 7},
    {"said": 5},
    {"secret": {"clientId": "a/b", "expiresAt": "2026-01-01", "isCertain": True}},
    {"secret": {"clientId": "a", "expiresAt": "soon", "isCertain": True}},
    {"unsent": [7]},
]


@pytest.mark.parametrize("stored", ODD, ids=str)
def test_of_a_value_that_cannot_be_read_nothing_is_known(stored: Any) -> None:
    assert read_expiry(stored) == replace(NOT_ASKED, stored=stored)


def test_a_secret_of_an_older_or_a_newer_version_is_read() -> None:
    """1.1.0 stored no creation, and reads over it: nobody minds a field that is not known."""
    fields = {"clientId": "a", "expiresAt": "2026-01-01T00:00:00Z", "isCertain": True}
    older, newer, odd = (
        read_expiry({"secret": fields | more}).secret
        for more in ({}, {"later": 1}, {"createdAt": "soon"})
    )

    assert older == newer == odd
    assert older is not None
    assert older.thresholds == [1, 3, 7, 14, 30]


def test_a_date_of_the_future_is_no_reason_not_to_ask() -> None:
    assert read_expiry({"askedAt": "2999-01-01T00:00:00Z"}).is_due(NOON)
