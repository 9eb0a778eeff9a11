"""
Learns once a day when the credentials expire, and says so in time.

The outbox is the same as that of the watch: one conditional write records what was learnt and its
messages, and what is recorded is published until the topic has accepted it.

- The question comes after everything else of a sweep, and has a short deadline.
- A refusal, or an answer of an unknown shape, is the answer of that day.
- If no answer comes, an environment asks again after an hour. Nothing is stored of it.
- None of this fails or degrades anything. A diagnosis says what the answer was.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from foundation.deadline import Deadline
from foundation.errors import TimeBudgetExceededError
from foundation.service import service
from restore_watch.atlas.service_account import ServiceAccounts
from restore_watch.aws.topic import StatusChangesTopic
from restore_watch.errors import (
    AtlasError,
    AtlasRateLimitError,
    AtlasUnavailableError,
    CredentialsError,
    TableUnavailableError,
)
from restore_watch.model.credentials_expiry import CredentialsChange, CredentialsExpiry
from restore_watch.sweep.run import Run
from restore_watch.table.bookkeeping import Bookkeeping

ANSWER_TIME = 3.0
"""Seconds that the question may take. A sweep that waits for the lease waits for longer."""

UNANSWERED_PAUSE = timedelta(hours=1)
"""After no answer, an environment does not ask again for this long."""


@dataclass
class LastTry:
    """When Atlas has last given no answer to this environment."""

    unanswered_at: datetime | None = None

    def was_lately(self, now: datetime) -> bool:
        """Whether it is too early to ask again."""
        at = self.unanswered_at
        return at is not None and timedelta() <= now - at < UNANSWERED_PAUSE


@service
class ExpiryWatch:
    """Looks when the credentials expire, in one sweep. Nothing here fails a sweep."""

    run: Run
    topic: StatusChangesTopic
    bookkeeping: Bookkeeping
    accounts: ServiceAccounts
    watched: Collection[str]
    last_try: LastTry

    def publish_unsent(self, expiry: CredentialsExpiry, deadline: Deadline) -> CredentialsExpiry:
        """Publish what is recorded, in order, and note what went out. Return what is left."""

        def publish(change: CredentialsChange) -> None:
            self.topic.publish_credentials(change, deadline)
            self.run.telemetry.credentials_changed(change)

        sent, _ = self.run.publish_in_order(expiry.unsent, publish)
        if not sent:
            return expiry
        return self._store(replace(expiry, unsent=expiry.unsent[sent:])) or expiry

    def look(self, expiry: CredentialsExpiry) -> None:
        """Ask when the credentials expire, if that is due and a project answers. Say so."""
        now = self.run.now()
        is_refused = self.run.tally.refusal_of_credentials is not None
        if is_refused or not expiry.is_due(now) or self.last_try.was_lately(now):
            return
        group_id = self._project()
        if group_id is None:
            return
        secret = None
        try:
            own = self.accounts.own(group_id, self.run.ending.within(ANSWER_TIME))
        except TimeBudgetExceededError:
            return  # nothing was asked
        except (AtlasUnavailableError, AtlasRateLimitError):
            self.last_try.unanswered_at = now
            return
        except (AtlasError, CredentialsError):
            pass
        else:
            if own is None:
                return
            secret = own.secret
            self.run.telemetry.credentials_seen(secret.days_left(now))
        stored = self._store(expiry.after(secret, now))
        if stored is not None:
            self.publish_unsent(stored, self.run.ending)

    def _project(self) -> str | None:
        """A watched project that has answered in this sweep, else that of an open job."""
        others = (job.target.group_id for job in self.run.open_jobs())
        groups = (*sorted(self.watched), *others)
        return next((one for one in groups if self.run.outcomes.families(one)), None)

    def _store(self, expiry: CredentialsExpiry) -> CredentialsExpiry | None:
        with suppress(TableUnavailableError, TimeBudgetExceededError):
            return self.bookkeeping.note_expiry(expiry, self.run.now(), self.run.ending)
        return None
