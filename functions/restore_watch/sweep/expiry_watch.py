"""
Learns once a day when the credentials expire, and says so in time, whatever Atlas answers.

The outbox is the same as that of the watch, in `judging/outage_reports`.

- The question comes after everything else of a sweep, and has a short deadline.
- A refusal, or an answer of an unknown shape, is the answer of that day. The next day another
  project is asked.
- If no answer comes, an environment asks again after an hour. Nothing is stored of it.
- If nobody can be asked, or Atlas refuses or does not answer, the date that is known counts on.
- None of this fails or degrades anything. A diagnosis says what the answer was.
"""

from contextlib import suppress
from copy import replace
from dataclasses import dataclass
from datetime import datetime, timedelta

from foundation.clock import is_recent
from foundation.deadline import Deadline
from foundation.errors import TimeBudgetExceededError
from restore_watch.asking.asked import answering_families
from restore_watch.atlas.own_account import read_own_account
from restore_watch.atlas.session import AtlasSession
from restore_watch.aws.status_changes_topic import StatusChangesTopic
from restore_watch.aws.watch_messages import message_of_credentials
from restore_watch.errors import (
    AtlasError,
    AtlasRateLimitError,
    AtlasUnavailableError,
    CredentialsError,
    TableUnavailableError,
    UnforeseenError,
)
from restore_watch.model.credentials_expiry import CredentialsChange, CredentialsExpiry
from restore_watch.sweep.judging.planned_projects import watched_by_plan
from restore_watch.sweep.publish_in_order import publish_in_order
from restore_watch.sweep.run import Run
from restore_watch.table.bookkeeping import Bookkeeping
from restore_watch.telemetry.isolation import isolated

ANSWER_TIME = 3.0
"""Seconds that the question may take. A sweep that waits for the lease waits for longer."""

PAUSE = timedelta(hours=1)
"""
An environment that got no answer, or could not store it, does not look again for this long.

Nor does it write the metric again, if nobody can be asked.
"""


@dataclass
class LastTry:
    """When this environment last got no answer, or could not store it, and wrote the metric."""

    failed_at: datetime | None = None
    measured_at: datetime | None = None


@dataclass(frozen=True)
class ExpiryWatch:
    """
    Looks when the credentials expire, in one sweep.

    No question, write or message fails a sweep, whatever the error.
    """

    run: Run
    topic: StatusChangesTopic
    bookkeeping: Bookkeeping
    atlas: AtlasSession
    last_try: LastTry

    def publish_unsent(self, expiry: CredentialsExpiry, deadline: Deadline) -> CredentialsExpiry:
        """Publish what is recorded, in order, and note what went out. Return what is left."""

        def publish(change: CredentialsChange) -> None:
            self.topic.publish(message_of_credentials(change, self.topic.stack_name), deadline)
            self.run.telemetry.report_credentials_change(change)

        sent = publish_in_order(expiry.unsent, publish, self.run.telemetry)
        if not sent.count:
            return expiry
        return self._store(replace(expiry, unsent=expiry.unsent[sent.count :])) or expiry

    def look(self, expiry: CredentialsExpiry, *, asks: bool = True) -> None:
        """
        Say when the credentials expire, if that is due. Ask first: they may have been renewed.

        Without `asks`, Atlas refuses the credentials, or there is nothing to ask with. A sweep
        without a tick does not look.
        """
        now = self.run.now()
        if not self.run.is_tick or not expiry.is_due(now):
            return
        if _is_within_pause(self.last_try.failed_at, now):
            return
        answered = self._ask(expiry, now) if asks else None
        after = answered
        if after is None:
            # The date that is known counts on.
            after = expiry.saying(now)
        self._measure(after, now, is_news=answered is not None)
        if after != expiry:
            self._store_and_publish(after, now)

    def _measure(self, expiry: CredentialsExpiry, now: datetime, *, is_news: bool) -> None:
        """Write the metric, if there is a date: of an answer, or once in a while."""
        if expiry.secret is None:
            return
        if is_news or not _is_within_pause(self.last_try.measured_at, now):
            self.last_try.measured_at = now
            self.run.telemetry.report_days_left(expiry.secret.days_left(now))

    def _store_and_publish(self, expiry: CredentialsExpiry, now: datetime) -> None:
        stored = self._store(expiry)
        if stored is None:
            self.last_try.failed_at = now
        else:
            self.publish_unsent(stored, self.run.ending)

    def _ask(self, expiry: CredentialsExpiry, now: datetime) -> CredentialsExpiry | None:
        """Return what is known after one question, None without an answer."""
        group_id = self._project_to_ask(expiry, now)
        if group_id is None:
            return None
        try:
            with isolated(self.run.telemetry, group_id=group_id):
                own = read_own_account(self.atlas, group_id, self.run.ending.within(ANSWER_TIME))
        except TimeBudgetExceededError:
            return None  # nothing was asked
        except (AtlasUnavailableError, AtlasRateLimitError, CredentialsError, UnforeseenError):
            self.last_try.failed_at = now
            return None
        except AtlasError:
            return expiry.after_refusal(now)
        if own is None:
            return expiry.without_date()
        return expiry.after_answer(own.secret, group_id, now, own.others)

    def _project_to_ask(self, expiry: CredentialsExpiry, now: datetime) -> str | None:
        """Return the project in which the account showed last, or each day another one."""
        projects = self._answering()
        if not projects:
            return expiry.seen_in
        # The account may show in one of the projects only.
        if expiry.seen_in in projects:
            return expiry.seen_in
        return projects[now.toordinal() % len(projects)]

    def _answering(self) -> list[str]:
        """The watched projects that have answered in this sweep, else those of open jobs."""
        records = self.run.log.by_project()
        answering: set[str] = set()
        for group_id, records_of_project in records.items():
            if answering_families(records_of_project):
                answering.add(group_id or "")
        watched = answering & watched_by_plan(records)
        if watched:
            return sorted(watched)
        return sorted(answering & {job.target.group_id for job in self.run.open_jobs()})

    def _store(self, expiry: CredentialsExpiry) -> CredentialsExpiry | None:
        with (
            suppress(TableUnavailableError, TimeBudgetExceededError, UnforeseenError),
            isolated(self.run.telemetry),
        ):
            return self.bookkeeping.store_expiry(expiry, self.run.now(), self.run.ending)
        return None


def _is_within_pause(at: datetime | None, now: datetime) -> bool:
    return at is not None and is_recent((now - at).total_seconds(), PAUSE.total_seconds())
