"""
Copies of the product, each broken in one place. The model has to catch every one of them.

A broken copy has one part that differs: the table, the topic, the client for Atlas, the check or
the application. Many send what the product sends, with one parameter changed. Each of them works
while nothing unusual happens.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import httpx

from reliability.broken_table import (
    AcknowledgesAllOrNothing,
    AcknowledgesFirst,
    ChangesWhenRepeated,
    IgnoresAFinishDate,
    ListsNewestFirst,
    ListsOnlyNewest,
    NeverAcknowledges,
    RecordsOneUnknownWord,
    acknowledge_all,
    acknowledge_any_item,
    append_to_any_item,
    condition_in_a_read,
    condition_without_order,
    history_of_one,
    id_without_the_word,
    publish,
    ready_is_final,
    update_item,
    without_condition,
)
from restore_watch.application import Application
from restore_watch.atlas.access import Access, ServiceAccountAccess
from restore_watch.atlas.client import AtlasClient
from restore_watch.atlas.credentials import Credentials, ServiceAccount
from restore_watch.atlas.envelope import open_envelope
from restore_watch.atlas.exchange import Answer
from restore_watch.atlas.network import ENVELOPE
from restore_watch.atlas.token import AccessToken
from restore_watch.check import CheckResult, JobChecker
from restore_watch.deadline import Deadline
from restore_watch.errors import AtlasUnavailableError, RestoreWatchError
from restore_watch.event import SeveralTargets
from restore_watch.item import Recorded
from restore_watch.restore_job import RestoreJob, RestoreKind, RestoreStatus, RestoreTarget
from restore_watch.status_change import StatusChange
from restore_watch.table import RestoreJobsTable
from restore_watch.telemetry import Telemetry
from restore_watch.topic import StatusChangesTopic

# The check


class LeavesToOthers(JobChecker):
    """What an overlapping check has recorded is left to that check, alive or not."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.sleep = self._leave
        self._left = False

    def check(
        self, target: RestoreTarget, deadline: Deadline, *, patient: bool = True
    ) -> CheckResult:
        self._left = False
        return super().check(target, deadline, patient=patient)

    def _leave(self, _: float) -> None:
        self._left = True

    def _publish(self, recorded: Recorded, deadline: Deadline) -> tuple[StatusChange, ...]:
        return () if self._left else super()._publish(recorded, deadline)


class NeedsAtlasToPublish(JobChecker):
    """What is pending waits until Atlas answers."""

    def _publish_pending(
        self, target: RestoreTarget, deadline: Deadline, error: RestoreWatchError
    ) -> None: ...


class AlwaysPatient(JobChecker):
    """It waits for a rate limit although other targets wait."""

    def check(
        self, target: RestoreTarget, deadline: Deadline, *, patient: bool = True
    ) -> CheckResult:
        del patient
        return super().check(target, deadline, patient=True)


class ForgetsFirstSight(JobChecker):
    """A job that had ended long ago counts as one that ended just now."""

    def _publish(self, recorded: Recorded, deadline: Deadline) -> tuple[StatusChange, ...]:
        first, *later = recorded.history
        running = first.job.model_copy(update={"status": RestoreStatus.RUNNING})
        seen_running = replace(recorded, history=(replace(first, job=running), *later))
        report, self.on_published = (
            self.on_published,
            lambda change, _: report(change, seen_running),
        )
        try:
            return super()._publish(recorded, deadline)
        finally:
            self.on_published = report


# The application


class SwallowsFailures(Application):
    """An EventBridge event succeeds if any target did."""

    def _answer_several(self, several: SeveralTargets, deadline: Deadline) -> Mapping[str, Any]:
        return super()._answer_several(SeveralTargets(several.targets), deadline)


# The client for Atlas


class OtherToken(AtlasClient):
    """A client whose access token follows another rule."""

    def __init__(self, token: type[AccessToken], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.token = token

    def _access(self, credentials: Credentials) -> Access:
        if self._last_used is None or self._last_used[0] != credentials:
            assert isinstance(credentials, ServiceAccount)
            token = self.token(
                credentials, self._base_url, self._http, now=self._now, sleep=self._sleep
            )
            self._last_used = credentials, ServiceAccountAccess(token, self._http)
        return self._last_used[1]


class ForgetsFailures(AccessToken):
    """A token request that failed does not stand."""

    def _request(self, deadline: Deadline) -> str:
        self._failure = None
        return super()._request(deadline)


class RepeatsUnknownOutcomes(AccessToken):
    """A token request without an answer is repeated at once."""

    def _exchange(self, deadline: Deadline) -> str:
        try:
            return super()._exchange(deadline)
        except AtlasUnavailableError as error:
            if error.reason is not None:
                raise
            return super()._exchange(deadline)


class ReplacesEveryRefusedToken(AccessToken):
    """Every 401 is answered with a new token."""

    def replacement(self, refused: str, deadline: Deadline) -> str | None:
        self._replaced_at = None
        return super().replacement(refused, deadline)


class OtherAnswers:
    """An access whose answers are read otherwise."""

    def __init__(self, access: Access, read: Callable[[Answer], Answer]) -> None:
        self._access = access
        self._read = read

    def send(self, request: httpx.Request, deadline: Deadline) -> Answer:
        return self._read(self._access.send(request, deadline))

    def secrets(self, request: httpx.Request) -> Iterable[str]:
        return self._access.secrets(request)


class OpensEnvelopesLate(AtlasClient):
    """An envelope is opened above authentication, which sees 200 for every answer."""

    def _request(
        self, target: RestoreTarget, kind: RestoreKind, credentials: Credentials
    ) -> httpx.Request:
        request = super()._request(target, kind, credentials)
        request.extensions.pop(ENVELOPE, None)
        return request

    def _access(self, credentials: Credentials) -> Access:
        return OtherAnswers(super()._access(credentials), _opened)  # type: ignore[return-value]


def _opened(answer: Answer) -> Answer:
    status, body = open_envelope(answer.status, answer.body)
    return replace(answer, status=status, body=body)


class IgnoresErrorCodes(AtlasClient):
    """Only the HTTP status says what is wrong, unless it is the usual one."""

    def _access(self, credentials: Credentials) -> Access:
        return OtherAnswers(super()._access(credentials), _uncoded)  # type: ignore[return-value]


def _uncoded(answer: Answer) -> Answer:
    return answer if answer.status in {200, 400} else replace(answer, body=b"")


class ForgetsLimits(AtlasClient):
    """A rate limit does not stand after the request that met it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._limits.note = lambda *_: None  # type: ignore[method-assign]


class FinishedBeforeExpired(AtlasClient):
    """A download that has finished and expired counts as ready."""

    def get_restore_job(
        self,
        target: RestoreTarget,
        credentials: Credentials,
        deadline: Deadline,
        *,
        patient: bool = True,
    ) -> RestoreJob:
        job = super().get_restore_job(target, credentials, deadline, patient=patient)
        if job.status is RestoreStatus.EXPIRED and job.restore_finished_date is not None:
            return job.model_copy(update={"status": RestoreStatus.COMPLETED})
        return job


@dataclass(frozen=True)
class BrokenCopy:
    """The parts that differ from the product, and how the model's reports may begin."""

    reports: set[str]
    checker: Callable[..., JobChecker] = JobChecker
    table: Callable[[Any, str], RestoreJobsTable] = RestoreJobsTable
    topic: Callable[[Any, str], StatusChangesTopic] = StatusChangesTopic
    atlas: Callable[..., AtlasClient] = AtlasClient
    application: Callable[[JobChecker, Telemetry], Application] = Application


BROKEN_COPIES = {
    "writes without a condition": BrokenCopy({"I3"}, table=update_item(without_condition)),
    "looks before it writes": BrokenCopy({"I3"}, table=update_item(condition_in_a_read)),
    "writes an older status": BrokenCopy({"I3"}, table=update_item(condition_without_order)),
    "appends nothing to the history": BrokenCopy({"I3", "I4"}, table=update_item(history_of_one)),
    "acknowledges before it publishes": BrokenCopy({"I1", "I8"}, table=AcknowledgesFirst),
    "answers before others have published": BrokenCopy({"I1", "I4", "I8"}, LeavesToOthers),
    "acknowledges what others recorded": BrokenCopy(
        {"I1", "I4", "I8"}, table=update_item(acknowledge_all)
    ),
    "never acknowledges": BrokenCopy({"I4", "I8"}, table=NeverAcknowledges),
    "publishes the newest change first": BrokenCopy({"I1", "I3", "I8"}, table=ListsNewestFirst),
    "publishes the newest change only": BrokenCopy({"I1", "I8"}, table=ListsOnlyNewest),
    "publishes again with another id": BrokenCopy(
        {"I1", "I2", "I8"}, topic=publish(ChangesWhenRepeated("id"))
    ),
    "publishes again with another time": BrokenCopy(
        {"I1", "I2", "I8"}, topic=publish(ChangesWhenRepeated("time"))
    ),
    # Hole 1: tokens
    "requests a token after every failure": BrokenCopy(
        {"I7"}, atlas=partial(OtherToken, ForgetsFailures)
    ),
    "repeats a token request without an answer": BrokenCopy(
        {"I7"}, atlas=partial(OtherToken, RepeatsUnknownOutcomes)
    ),
    "replaces every refused token": BrokenCopy(
        {"I7"}, atlas=partial(OtherToken, ReplacesEveryRefusedToken)
    ),
    # Hole 2: pending changes while Atlas gives no answer
    "publishes only after an answer of Atlas": BrokenCopy({"I8"}, NeedsAtlasToPublish),
    # Hole 3: the ends of downloads
    "takes a ready download for the end": BrokenCopy({"I4"}, table=update_item(ready_is_final)),
    "takes an expired download for a ready one": BrokenCopy(
        {"I3", "I4"}, atlas=FinishedBeforeExpired
    ),
    # Hole 4: unknown words
    "records one unknown word": BrokenCopy({"I4"}, table=RecordsOneUnknownWord),
    "ignores the finish date of an unknown word": BrokenCopy(
        {"I3", "I4"}, table=IgnoresAFinishDate
    ),
    "gives all unknown words one id": BrokenCopy(
        {"I1", "I2", "I8"}, topic=publish(id_without_the_word)
    ),
    # Hole 5: asynchronous partial failures
    "answers a partial failure as a success": BrokenCopy({"I4"}, application=SwallowsFailures),
    # Hole 6: envelopes
    "opens envelopes above authentication": BrokenCopy({"I4"}, atlas=OpensEnvelopesLate),
    # Hole 7: rate limits
    "sleeps out a rate limit of one among several": BrokenCopy({"I7"}, AlwaysPatient),
    "asks again while a rate limit stands": BrokenCopy({"I7"}, atlas=ForgetsLimits),
    # Hole 8: error codes
    "ignores Atlas's error codes": BrokenCopy({"I4"}, atlas=IgnoresErrorCodes),
    # Hole 9: acknowledgements
    "acknowledges an item that was recorded anew": BrokenCopy(
        {"I1", "I4", "I8"}, table=update_item(acknowledge_any_item)
    ),
    "appends to an item that was recorded anew": BrokenCopy(
        {"I2", "I3"}, table=update_item(append_to_any_item)
    ),
    "acknowledges all or nothing": BrokenCopy({"I8"}, table=AcknowledgesAllOrNothing),
    # Hole 10: metrics
    "measures the latency of a job that had ended": BrokenCopy({"metrics"}, ForgetsFirstSight),
}
