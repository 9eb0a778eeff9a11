"""The service account of an example: its secrets expire and are rotated, and messages say so."""

import itertools
from datetime import datetime, timedelta
from typing import Any

from local_stack.canaries import CANARY_CLIENT_SECRET
from local_stack.template import STACK_NAME
from local_stack.world import World

LIVES = (0.5, 1.5, 3.5, 7.5, 14.5, 30.5, 300.0)
"""Days that a secret lives from its rotation on. A day later most of them reach a threshold."""

YEAR = (364.5, 200, 31, 29.9, 20, 13.9, 8, 6.9, 4, 2.9, 2, 0.9, 0.4)
"""Days that are left of a secret at each look of its year."""

THRESHOLDS = (1, 3, 7, 14, 30)


class Account:
    """What is said of each secret: each threshold once, none lost, none after a rotation."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._numbers = itertools.count()
        self._lives: dict[datetime, float] = {}
        self.client_id = world.own_credentials()["client_id"]

    def rotate(self, days: float) -> None:
        """Make a new secret, which the stack has from now on, and delete the old one."""
        text = f"{CANARY_CLIENT_SECRET}-{next(self._numbers)}"
        self._world.atlas.rotate_service_account(self.client_id, text, timedelta(days=days))
        self._world.put_secret({"client_id": self.client_id, "client_secret": text})
        self._lives[self._world.clock() + self._left()] = days

    def outlasts_the_example(self) -> None:
        """Replace a secret that would expire before all is judged."""
        if self._left() < timedelta(days=2):
            self.rotate(LIVES[-1])

    def judge(self) -> None:
        """At any moment: what was said is true, each time of the newest secret."""
        said: dict[datetime, int | None] = {}
        for expires_at, days, at, _ in self._messages():
            is_new = expires_at not in said
            assert is_new or expires_at == next(reversed(said)), "an old secret after a rotation"
            if days is None:
                assert said, "renewed, but nothing was said of another secret"
                assert is_new, "renewed once more"
            else:
                before = said.get(expires_at)
                assert before is None or days < before, "a threshold is said twice, or too late"
                reached = self._reached(expires_at, at)
                assert days == reached, "a threshold that is not reached, or longer than its life"
            said[expires_at] = days

    def judge_end(self, *, is_asked: bool) -> None:
        """A day after everything works again: the last word is of the secret in use."""
        self.judge()
        if not is_asked:
            return
        now = self._world.clock()
        messages, reached = self._messages(), self._reached(now + self._left(), now)
        assert messages or reached is None, "a threshold is lost"
        if messages:
            expires_at, days, *_ = messages[-1]
            assert days == reached, "a threshold is lost, or a rotation"
            is_of_it = abs(now + self._left() - expires_at) < timedelta(seconds=1)
            assert days is None or is_of_it, "the last word is of an old secret"

    def judge_year(self, answered: set[datetime]) -> None:
        """F100: each threshold of the secret in use once, and certain only if Atlas answered."""
        self.judge()
        expires_at = self._world.clock() + self._left()
        said = [
            (days, is_certain, at)
            for date, days, at, is_certain in self._messages()
            if days and abs(date - expires_at) < timedelta(seconds=1)
        ]
        assert [days for days, *_ in said] == [30, 14, 7, 3, 1], "F100: a year is not said"
        for _, is_certain, at in said:
            was_answered = any(abs(at - one) < timedelta(minutes=1) for one in answered)
            assert is_certain == was_answered, "F100: certain, although Atlas did not answer"

    def _left(self) -> timedelta:
        (in_use,) = self._world.atlas.secrets_of(self.client_id)
        return in_use.expires_at - self._world.clock()

    def _reached(self, expires_at: datetime, now: datetime) -> int | None:
        """The smallest threshold that is reached, of those that are shorter than the life."""
        life = self._lives[min(self._lives, key=lambda one: abs(one - expires_at))]
        left = expires_at - now
        return next((one for one in THRESHOLDS if one < life and left <= timedelta(one)), None)

    def _messages(self) -> list[tuple[datetime, int | None, datetime, bool]]:
        """The messages in order of arrival: expiry, threshold, moment, and if it is certain."""
        events: dict[str, dict[str, Any]] = {}
        for one in self._world.messages(STACK_NAME):
            if "clientId" in one.event["data"]:
                known = events.setdefault(one.event["id"], one.event)
                assert known == one.event, "two messages with one id differ"
        return [
            (
                datetime.fromisoformat(one["data"]["expiresAt"]),
                one["data"]["daysLeft"],
                datetime.fromisoformat(one["time"]),
                one["data"]["isCertain"],
            )
            for one in events.values()
        ]
