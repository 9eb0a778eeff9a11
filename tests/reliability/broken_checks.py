"""Checks, applications and clients that are broken in one place, for `broken_copies`."""

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import replace
from datetime import datetime
from threading import Lock
from typing import Any
from unittest.mock import patch

import httpx

from foundation.deadline import Deadline
from restore_watch.atlas.access import Access, ServiceAccountAccess
from restore_watch.atlas.client import AtlasClient
from restore_watch.atlas.credentials import Credentials, ServiceAccount
from restore_watch.atlas.envelope import open_envelope
from restore_watch.atlas.exchange import Answer
from restore_watch.atlas.network import ENVELOPE
from restore_watch.atlas.session import AtlasSession
from restore_watch.atlas.token import AccessToken, TokenRequests
from restore_watch.check.check import JobChecker
from restore_watch.check.outbox import Outbox
from restore_watch.errors import AtlasUnavailableError, RestoreWatchError
from restore_watch.model.restore_job import RestoreJob, RestoreStatus, RestoreTarget
from restore_watch.model.results import CheckResult
from restore_watch.model.validation import Entry
from restore_watch.table.job_item import Recorded

# The check


class LeavesToOthers(Outbox):
    """What an overlapping check has recorded is left to that check, alive or not."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._left = False

    def record(self, job: RestoreJob, begun: datetime, deadline: Deadline) -> Recorded:
        self._left = False
        # The clock of the sweep is this one's, so its waits stay.
        recording = copy(self)
        recording.clock = replace(self.clock, sleep=self._leave)
        return Outbox.record(recording, job, begun, deadline)

    def _leave(self, _: float) -> None:
        self._left = True

    def publish(self, recorded: Recorded, deadline: Deadline) -> tuple[Entry, ...]:
        return () if self._left else super().publish(recorded, deadline)


class NeedsAtlasToPublish(JobChecker):
    """What is pending waits until Atlas answers."""

    def _publish_before(
        self, error: RestoreWatchError, target: RestoreTarget, deadline: Deadline
    ) -> None: ...


class AsksInTurn(JobChecker):
    """It asks about the targets of an event or a batch one after the other."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._turn = Lock()

    def check(
        self, target: RestoreTarget, deadline: Deadline, *, patient: bool = True
    ) -> CheckResult:
        with self._turn:
            deadline.require(1, "ask about a job in its turn")
            return super().check(target, deadline, patient=patient)


class AlwaysPatient(JobChecker):
    """It waits for a rate limit although other targets wait."""

    def check(
        self, target: RestoreTarget, deadline: Deadline, *, patient: bool = True
    ) -> CheckResult:
        del patient
        return super().check(target, deadline, patient=True)


class ForgetsFirstSight(Outbox):
    """A job that had ended long ago counts as one that ended just now."""

    def publish(self, recorded: Recorded, deadline: Deadline) -> tuple[Entry, ...]:
        first, *later = recorded.history
        running = first.job.model_copy(update={"status": RestoreStatus.RUNNING})
        seen_running = replace(recorded, history=(replace(first, job=running), *later))
        report = self.telemetry.published

        def publish_as_running(change: Entry, _: Recorded) -> None:
            report(change, seen_running)

        with patch.object(self.telemetry, "published", publish_as_running):
            return super().publish(recorded, deadline)


# The client for Atlas


class OtherToken(AtlasClient):
    """A client whose access token follows another rule."""

    def __init__(self, token: type[AccessToken], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.token = token

    def access(self, credentials: Credentials) -> Access:
        if credentials not in self._used:
            assert isinstance(credentials, ServiceAccount)
            base_url = self._new_access.keywords["base_url"]
            token = self.token(credentials, base_url, self._http, now=self.now, sleep=self.sleep)
            self._used[credentials] = ServiceAccountAccess(token, base_url, self._http)
        return self._used[credentials]


class _OtherRequests(AccessToken):
    """A token that is requested in another way."""

    requests: type[TokenRequests]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._requests.__class__ = self.requests


class _NeverPauses(TokenRequests):
    def raise_standing_failure(self) -> None: ...


class ForgetsFailures(_OtherRequests):
    """A token request that failed does not stand."""

    requests = _NeverPauses


class _AsksTwice(TokenRequests):
    def _exchange(self, deadline: Deadline) -> str:
        try:
            return super()._exchange(deadline)
        except AtlasUnavailableError as error:
            if error.reason is not None:
                raise
            return super()._exchange(deadline)


class RepeatsUnknownOutcomes(_OtherRequests):
    """A token request without an answer is repeated at once."""

    requests = _AsksTwice


class ReplacesEveryRefusedToken(AccessToken):
    """Every 401 is answered with a new token."""

    def replacement(self, refused: str, deadline: Deadline) -> str | None:
        self._replaced_at = None
        return super().replacement(refused, deadline)


class OtherAnswers:
    """An access whose answers are read otherwise."""

    def __init__(self, access: Access, read: Callable[[Answer], Answer]) -> None:
        self.base_url = access.base_url
        self._access = access
        self._read = read

    def prepare(self, deadline: Deadline) -> None:
        self._access.prepare(deadline)

    def send(self, request: httpx.Request, deadline: Deadline, *limit: int) -> Answer:
        return self._read(self._access.send(request, deadline, *limit))

    def secrets(self, request: httpx.Request) -> Iterable[str]:
        return self._access.secrets(request)


class OpensEnvelopesLate(AtlasClient):
    """An envelope is opened above authentication, which sees 200 for every answer."""

    def _request(self, *how: Any, **more: Any) -> httpx.Request:
        request = super()._request(*how, **more)
        request.extensions.pop(ENVELOPE, None)
        return request

    def access(self, credentials: Credentials) -> Access:
        return OtherAnswers(super().access(credentials), _opened)  # type: ignore[return-value]


def _opened(answer: Answer) -> Answer:
    status, body = open_envelope(answer.status, answer.body)
    return answer._replace(status=status, body=body)


class IgnoresErrorCodes(AtlasClient):
    """Only the HTTP status says what is wrong, unless it is the usual one."""

    def access(self, credentials: Credentials) -> Access:
        return OtherAnswers(super().access(credentials), _uncoded)  # type: ignore[return-value]


def _uncoded(answer: Answer) -> Answer:
    return answer if answer.status in {200, 400} else answer._replace(body=b"")


class ForgetsLimits(AtlasClient):
    """A rate limit does not stand after the request that met it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.limits.refused = lambda *_: None  # type: ignore[method-assign]


class FinishedBeforeExpired(AtlasSession):
    """A download that has finished and expired counts as ready."""

    def restore_job(self, target: RestoreTarget, deadline: Deadline, **how: Any) -> RestoreJob:
        job = super().restore_job(target, deadline, **how)
        if job.status is RestoreStatus.EXPIRED and job.restore_finished_date is not None:
            return job.model_copy(update={"status": RestoreStatus.COMPLETED})
        return job
