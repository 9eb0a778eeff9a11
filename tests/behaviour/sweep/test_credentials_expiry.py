"""When the credentials expire: each threshold once, a question and a write a day, and no more."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from secrets import token_hex
from typing import Any
from unittest.mock import patch

import pytest

from behaviour.failing_clients import failing
from behaviour.rows import rows
from foundation.errors import ApplicationError
from local_stack.aws import aws_error
from local_stack.environment import Environment
from local_stack.faults import Action, Answer, Close, Hang
from local_stack.refusal import atlas_error
from local_stack.service_accounts import AccountSecret
from local_stack.steps import (
    EVENTS,
    NOTE_EXPIRY,
    PUBLISH,
    QUESTION,
    SECRET,
    SERVICE_ACCOUNT,
    TOKEN,
)
from local_stack.wire import Call, Phase, Selection
from local_stack.world import World, within
from restore_watch.sweep import expiry_watch

DAY = 24 * 60
"""Minutes."""

JUMPS = (3, 16, 7, 4, 2)
"""Days from one threshold to the next, of a secret that lives for 33."""

ENDINGS = ("zZ9q", "yY8w")
"""Of the secrets of these tests. Atlas's masks show them, and nothing else may."""


class Account:
    """The service account of a test. Nobody has looked when its secret expires."""

    def __init__(self, world: World) -> None:
        self.world = world
        made = world.own_credentials()
        self.client_id = made["client_id"]
        self.rotate(365)
        world.rewrite_stack(credentials=None)

    @property
    def secrets(self) -> list[AccountSecret]:
        return self.world.atlas.secrets_of(self.client_id)

    def rotate(self, days: float) -> None:
        """A new secret, which the stack uses from now on; the old one is deleted."""
        text = f"mdb_sa_sk_{self.world.now().timestamp()}{ENDINGS[0]}"
        # In this order: a thread that the old secret fails meanwhile reads the new one.
        self.world.put_secret({"client_id": self.client_id, "client_secret": text})
        self.world.atlas.rotate_service_account(self.client_id, text, timedelta(days=days))

    def add(self, days: float) -> None:
        """A secret that the stack does not use."""
        text = f"mdb_sa_sk_other{ENDINGS[1]}"
        self.world.atlas.add_secret(self.client_id, text, timedelta(days=days))
        self.lasts(days, -1)

    def lasts(self, days: float, which: int = 0) -> None:
        """The secret in use, or another one, was made for a year, and expires in so many days."""
        one = self.secrets[which]
        one.expires_at = self.world.clock() + timedelta(days=days)
        one.created_at = one.expires_at - timedelta(days=365)

    def make_known(self) -> None:
        """The table knows when the secret expires, and nobody has asked for a day."""
        secret = {"clientId": self.client_id, "isCertain": True}
        expires_at = self.secrets[0].expires_at.isoformat()
        asked_at = (self.world.clock() - timedelta(days=1)).isoformat()
        known = {"askedAt": asked_at, "secret": secret | {"expiresAt": expires_at}}
        self.world.rewrite_stack(credentials=known)

    def events(self) -> list[dict[str, Any]]:
        """The messages so far, each with the ids of this account; none twice."""
        name = self.world.stack.environment["POWERTOOLS_SERVICE_NAME"]
        events = [one.event for one in self.world.messages(name)]
        unique = {one["id"]: one for one in events if "clientId" in one["data"]}
        for event in unique.values():
            assert event["source"] == f"/stacks/{name}"
            assert event["data"]["clientId"] == self.client_id
        return list(unique.values())

    def said(self) -> list[str]:
        """What each message says: the days left, or that the secret was renewed."""
        return [event["id"].rpartition(":")[2] for event in self.events()]


@pytest.fixture
def account(world: World) -> Account:
    return Account(world)


def test_each_threshold_is_said_once_and_then_that_it_was_renewed(
    world: World, account: Account
) -> None:
    account.lasts(33)
    watching = world.watching()
    for days in (0, *JUMPS):
        watching.tick(days * DAY)
    assert account.said() == ["30", "14", "7", "3", "1"]

    old = account.secrets[0].expires_at
    account.rotate(365)
    watching.ticks(3, minutes=DAY)
    *_, renewed = account.events()
    assert account.said() == ["30", "14", "7", "3", "1", "renewed"]
    assert renewed["data"] | {"expiresAt": ""} == {
        "stack": renewed["subject"],
        "clientId": account.client_id,
        "expiresAt": "",
        "daysLeft": None,
        "isCertain": True,
        "fix": "",
    }
    assert renewed["data"]["expiresAt"] > old.isoformat()
    subjects = [str(one.subject) for one in world.messages(renewed["subject"])]
    assert subjects[-2].startswith("Atlas credentials expire within 1 day: ")
    assert subjects[-1].startswith("Atlas credentials renewed: ")
    assert world.watch_said() == []


# What it costs


def test_one_question_and_one_write_a_day_and_other_sweeps_are_as_before(
    world: World, account: Account
) -> None:
    world.rewrite_stack(credentials={"askedAt": world.clock().isoformat()})
    watching = world.watching()
    watching.ticks(2)
    idle = world.operations()
    world.rewrite_stack(credentials=None)

    watching.tick()
    *before, give_back = idle
    assert world.operations() == [*before, "service_account", "UpdateItem", give_back]
    (asked,) = world.calls(SERVICE_ACCOUNT)
    assert asked.path.endswith(f"/groups/{world.group}/serviceAccounts/{account.client_id}")
    watching.tick()
    assert world.operations() == idle

    counts = []
    for _ in range(2 * 4):
        watching.tick(minutes=DAY / 4)
        counts.append((world.count(SERVICE_ACCOUNT), world.count(NOTE_EXPIRY)))
    assert counts == [(0, 0), (0, 0), (0, 0), (1, 1)] * 2


def test_it_is_asked_in_the_project_of_an_open_job_if_none_is_watched(
    world: World, account: Account, environment: Environment
) -> None:
    environment.tick()
    assert world.count(SERVICE_ACCOUNT) == 0

    job = world.recorded_job()
    account.lasts(2)
    environment.tick()
    (asked,) = world.calls(SERVICE_ACCOUNT)
    assert job.group_id in asked.path
    assert account.said() == ["3"]


def test_an_api_key_is_not_asked_for_and_the_date_of_the_account_before_it_is_forgotten(
    world: World, account: Account
) -> None:
    account.lasts(5)
    account.make_known()
    world.own_credentials("api_key")
    watching = world.watching()
    costs = [(watching.tick(), world.count(SERVICE_ACCOUNT), world.count(NOTE_EXPIRY))[1:]]
    costs += [(watching.tick(DAY), world.count(SERVICE_ACCOUNT), world.count(NOTE_EXPIRY))[1:]]

    assert costs == [(0, 1), (0, 0)]
    assert account.said() == []


# What goes wrong

BUGS: dict[str, Callable[[World], AbstractContextManager[object]]] = {
    "question": lambda _: patch.object(expiry_watch, "read_own_account", side_effect=RuntimeError),
    "table": lambda world: failing(world.connections.dynamodb, "SET #credentials"),
    "topic": lambda world: failing(world.connections.sns, "credentials-expiring"),
}


@pytest.mark.fault("F116")
@pytest.mark.parametrize("bug", rows(BUGS, "table"))
def test_an_unforeseen_error_about_the_credentials_fails_no_sweep(
    world: World, account: Account, bug: Callable[[World], AbstractContextManager[object]]
) -> None:
    account.lasts(20)
    watching = world.watching()
    with bug(world):
        watching.tick()
    assert "An error that nobody foresaw" in watching.log.getvalue()
    assert watching.lines("swept")
    assert account.said() == []

    watching.tick(61)
    assert account.said() == ["30"]


REFUSED = atlas_error(401, "USER_UNAUTHORIZED", "No.")
UNKNOWN = Answer.json(200, {"clientId": "another", "secrets": []})
FAULTS: dict[str, tuple[Action, int]] = {
    "401": (REFUSED, DAY),
    "403": (atlas_error(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", "No.", ["203.0.113.7"]), DAY),
    "404": (atlas_error(404, "SERVICE_ACCOUNT_NOT_FOUND", "No."), DAY),
    "unknown shape": (UNKNOWN, DAY),
    "503": (Answer(503), 60),
    "429": (atlas_error(429, "RATE_LIMITED", "No."), 60),
}


@pytest.mark.campaign
@pytest.mark.fault("E1")
@pytest.mark.parametrize(("fault", "minutes"), rows(FAULTS, "503"))
def test_a_question_that_fails_is_repeated_later_and_nothing_else_happens(
    world: World, account: Account, fault: Action, minutes: int
) -> None:
    """Of a refusal a day later; of no answer an hour later, and nothing is stored."""
    account.lasts(20)
    job = world.job(timeline=["RUNNING", "COMPLETED"])
    watching = world.watching()
    watching.tick()
    account.rotate(365)
    account.lasts(10)
    world.rewrite_stack(credentials=None)
    job.run_to_end()
    with world.inject(SERVICE_ACCOUNT, fault, times=None):
        result = watching.tick()
        assert (world.count(SERVICE_ACCOUNT), world.count(NOTE_EXPIRY)) == (1, minutes == DAY)
        assert result["failures"] == []
        assert (world.operations().count("token"), watching.lines(level="ERROR")) == (0, [])
        watching.tick(minutes - 3)
        assert world.count(SERVICE_ACCOUNT) == 0
    watching.ticks(2, minutes=2)

    assert account.said()[-1:] == ["14"]
    assert world.published(job) == ["RUNNING", "COMPLETED"]
    assert world.watch_said() == []


UNANSWERED: dict[str, tuple[Selection, Action]] = {
    **{name: (SERVICE_ACCOUNT, fault) for name, (fault, _) in FAULTS.items()},
    "500": (SERVICE_ACCOUNT, Answer(500)),
    "no answer": (SERVICE_ACCOUNT, Close()),
    "no project answers": (QUESTION, Answer(503)),
    "credentials refused": (TOKEN, REFUSED),
    "credentials unreadable": (SECRET, aws_error("secretsmanager", "AccessDeniedException")),
}


@pytest.mark.campaign
@pytest.mark.fault("E1", "F100")
@pytest.mark.parametrize(("step", "fault"), rows(UNANSWERED, "credentials refused"))
def test_a_date_that_is_known_is_said_whatever_atlas_answers(
    world: World,
    account: Account,
    capsys: pytest.CaptureFixture[str],
    step: Selection,
    fault: Action,
) -> None:
    account.lasts(33)
    world.watching().tick()
    capsys.readouterr()
    with world.inject(step, fault, times=None):
        for days in JUMPS:
            # A sweep fails if its credentials are refused.
            with suppress(ApplicationError):
                world.watching().tick(days * DAY)

    assert account.said() == ["30", "14", "7", "3", "1"]
    assert [event["data"]["isCertain"] for event in account.events()] == 5 * [False]
    assert days_left(capsys) == [29, 13, 6, 2, 0]


def days_left(capsys: pytest.CaptureFixture[str]) -> list[float]:
    """The values of the metric that were written since it was last read."""
    lines = capsys.readouterr().out.splitlines()
    return [json.loads(one)["CredentialDaysLeft"][0] for one in lines if "CredentialDays" in one]


@pytest.mark.fault("F100")
def test_without_a_project_the_one_that_showed_the_account_is_asked_before_a_date_is_said(
    world: World, account: Account, environment: Environment
) -> None:
    account.lasts(31)
    world.watching().tick()
    account.rotate(365)
    environment.ticks(2, minutes=DAY)

    assert account.said() == []
    assert world.count(SERVICE_ACCOUNT) == 1


@pytest.mark.campaign
@pytest.mark.fault("F101")
def test_a_secret_whose_date_moves_and_whose_mask_comes_and_goes_is_one_secret(
    world: World, account: Account
) -> None:
    account.lasts(33)
    account.add(34)
    masks = [one.mask for one in account.secrets]
    watching = world.watching()
    for day, days in enumerate((0, *JUMPS)):
        account.secrets[0].expires_at += timedelta(seconds=40)
        account.lasts(5, which=1)
        for one, mask in zip(account.secrets, masks, strict=True):
            one.mask = "mdb_sa_sk_...****" if day % 2 else mask
        watching.tick(days * DAY)
        watching.tick()

    assert account.said() == ["30", "14", "7", "3", "1"]
    certain = [event["data"]["isCertain"] for event in account.events()]
    assert certain == [False, True, False, True, False]


@pytest.mark.campaign
@pytest.mark.fault("E2")
def test_a_project_that_does_not_show_the_account_hides_nothing(
    world: World, account: Account
) -> None:
    account.lasts(5)
    world.atlas.make_account_of_project(account.client_id, world.group)
    # The other project is the first one by its id.
    world.watching(world.group, f"{'0' * 12}{token_hex(6)}").ticks(4, minutes=DAY)

    # Which project is asked first depends on the day.
    assert account.said()[-2:] == ["3", "1"]


@pytest.mark.fault("E3")
@pytest.mark.usefixtures("account")
def test_a_write_that_is_refused_is_no_reason_to_ask_in_each_sweep(world: World) -> None:
    watching = world.watching()
    refusal = aws_error("dynamodb", "ProvisionedThroughputExceededException")
    with world.inject(NOTE_EXPIRY, refusal, times=None):
        asked = [(watching.tick(), world.count(SERVICE_ACCOUNT))[1] for _ in range(4)]

    assert asked == [1, 0, 0, 0]


@pytest.mark.fault("E1", "F100")
def test_a_question_that_hangs_ends_within_three_seconds(world: World, account: Account) -> None:
    account.lasts(31)
    watching = world.watching()
    watching.tick()
    world.pass_time(DAY * 60)
    world.clock.go_on()
    with world.inject(SERVICE_ACCOUNT, Hang(60)):
        begun = world.uptime()
        result = watching.tick(minutes=0)
        assert world.uptime() - begun < 10
    world.clock.stand_still()

    assert (result["failures"], account.said(), "owner" in world.lease) == ([], ["30"], False)


def records(call: Call) -> bool:
    """The write has a message that is not out yet; the one that acknowledges it has none."""
    values = json.loads(call.body)["ExpressionAttributeValues"]
    return "unsent" in values[":credentials"]["M"]


RECORD_EXPIRY = within(NOTE_EXPIRY, Selection(when=records))
ACKNOWLEDGE_EXPIRY = within(NOTE_EXPIRY, Selection(when=lambda call: not records(call)))
STEPS: dict[str, tuple[Selection, Phase]] = {
    "before-question": (SERVICE_ACCOUNT, "before"),
    "before-record": (RECORD_EXPIRY, "before"),
    "after-record": (RECORD_EXPIRY, "after"),
    "before-publish": (PUBLISH, "before"),
    "after-publish": (PUBLISH, "after"),
    "before-acknowledge": (ACKNOWLEDGE_EXPIRY, "before"),
    "after-acknowledge": (ACKNOWLEDGE_EXPIRY, "after"),
}


@pytest.mark.fault("E3")
@pytest.mark.parametrize(("step", "phase"), rows(STEPS, "after-publish"))
def test_no_threshold_is_lost_when_an_environment_dies(
    world: World, account: Account, step: Selection, phase: Phase
) -> None:
    account.lasts(8)
    world.watching().ticks(1)
    world.pass_time(DAY * 60)
    watching = world.watching()
    with world.death(watching, step, phase), suppress(ApplicationError):
        watching.sweep(world.clock())

    world.pass_time(66)
    world.watching().ticks(2)
    assert account.said() == ["14", "7"]


def test_a_sweep_that_outlives_its_lease_stores_nothing_over_its_successor(
    world: World, account: Account
) -> None:
    account.lasts(5)
    slow = world.watching()
    with world.hold(NOTE_EXPIRY) as gate:
        sweep = world.begin(slow.tick)
        gate.wait_for(1)
        world.rewrite_stack(credentials={"askedAt": world.clock().isoformat(), "said": 1})
        gate.open()
        sweep.end()

    assert account.said() == []
    assert world.stack.get("sweeps", "stack")["credentials"]["said"] == 1  # type: ignore[index]


# Rotation

ROTATIONS = {
    "first-call-revoked": (EVENTS, False),
    "first-call": (EVENTS, True),
    "question-revoked": (SERVICE_ACCOUNT, False),
    "question": (SERVICE_ACCOUNT, True),
}
"""The call of a sweep before which it happens, and whether the tokens of the old secret live on."""


@pytest.mark.fault("E4")
@pytest.mark.parametrize(("step", "lives_on"), rows(ROTATIONS, "first-call-revoked"))
def test_a_rotation_in_the_middle_of_a_sweep_loses_and_degrades_nothing(
    world: World, account: Account, step: Selection, *, lives_on: bool
) -> None:
    world.atlas.behaviour.tokens_outlive_secrets = lives_on
    account.lasts(20)
    job = world.job(timeline=["RUNNING", "COMPLETED"])
    watching = world.watching()
    watching.tick()
    assert account.said() == ["30"]
    world.pass_time((DAY - 1) * 60)
    job.run_to_end()
    rotated: list[bool] = []

    def rotate() -> None:
        if not rotated:
            rotated.append(True)
            account.rotate(365)

    with world.whenever(step, rotate):
        assert watching.tick()["failures"] == []
    watching.ticks(4, minutes=2)
    watching.ticks(2, minutes=DAY)

    assert rotated
    assert account.said() == ["30", "renewed"]
    assert world.published(job) == ["RUNNING", "COMPLETED"]
    assert world.watch_said() == []


def test_no_part_of_a_secret_or_of_a_mask_is_kept_or_told(world: World, account: Account) -> None:
    """The refusal and the odd answer quote the masks."""
    account.lasts(2)
    account.add(1)
    masks = " ".join(one.mask for one in account.secrets)
    watching = world.watching()
    watching.tick()
    quoting = (
        atlas_error(403, "REFUSED", f"Not {masks}"),
        Answer.json(200, {"clientId": account.client_id, "secrets": [masks]}),
    )
    for answer in quoting:
        world.rewrite_stack(credentials=None)
        with world.inject(SERVICE_ACCOUNT, answer):
            watching.tick()
            assert world.count(SERVICE_ACCOUNT) == 1
    sent = b"".join(call.body for call in world.calls(PUBLISH) + world.calls(NOTE_EXPIRY)).decode()
    told = "".join(
        (
            *(str(world.stack.get("sweeps", "stack")), sent, watching.log.getvalue()),
            *(world.said + [str(one) for one in account.events()]),
        )
    )

    assert account.said()[0] == "3"
    assert [ending for ending in ENDINGS if ending in told] == []
