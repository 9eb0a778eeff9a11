"""One round of the questions of a report."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from threading import Lock

from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from restore_watch.asking.asked import Asked, End
from restore_watch.asking.pace import REFUSALS, Pace, Permission
from restore_watch.asking.questions import Questions
from restore_watch.atlas.exchange import LEAST_EXCHANGE
from restore_watch.atlas.families import CLUSTER_LISTS, PROJECTS, JobFamily
from restore_watch.atlas.pages import Page, PageAt
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.atlas.session import AtlasSession
from restore_watch.errors import (
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
)
from restore_watch.report.fleet.fleet_answers import FleetAnswers
from restore_watch.report.fleet.fleet_question import FleetQuestion
from restore_watch.threads.agenda import Agenda
from restore_watch.threads.workers import Workers

JOBS_ASKED = PageAt(size=100)
"""The newest restores of each cluster: a quarter of nightly ones. Nobody documents the order."""


@dataclass(frozen=True)
class FleetRound:
    """
    Asks what may be asked now. What has no answer for a while stays `open`, for the next round.

    `silence`: until when a question that Atlas does not answer stays open. Of each family in a
    project, the first three questions are asked before the others, which are `waiting`: a family
    that refuses those is not asked again, because there is no role for it. `refusals`: what it
    said.
    """

    atlas: AtlasSession
    answers: FleetAnswers
    pace: Pace
    deadline: Deadline
    silence: Deadline
    open: dict[FleetQuestion, None]
    waiting: dict[Bucket, list[FleetQuestion]] = field(default_factory=dict)
    refusals: dict[Bucket, ApplicationError] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def play(self, workers: Workers) -> None:
        """Ask the open questions, and those that follow from their answers."""
        agenda: Agenda[FleetQuestion] = Agenda(
            workers.at_once,
            allows=self._takes_call,
            skip=self._leave,
            is_over=lambda: self.deadline.remaining() < LEAST_EXCHANGE,
        )
        agenda.add(list(self.open))
        threads = workers.start(agenda, self._do, workers.at_once)
        agenda.wait_until_done(self.deadline.remaining())
        agenda.close()
        workers.join(threads, self.deadline)

    def _takes_call(self, question: FleetQuestion) -> bool:
        question.permission = self.pace.take_call(question.bucket, to_find=True)
        return question.permission is Permission.GIVEN

    def _leave(self, question: FleetQuestion) -> None:
        """Leave a question to the next round, or for ever if there is no role for it."""
        if question.permission is Permission.NO_ROLE:
            self._give_up(question, self.refusals[question.bucket])

    def _do(self, question: FleetQuestion) -> list[FleetQuestion]:
        """Ask, and keep what the answer shows. Return the questions that follow."""
        questions = Questions(self.deadline, self.pace, self._note)
        try:
            page = questions.ask(question.subject, partial(self._page_of, question))
            following = self.answers.read(question, page)
        except ApplicationError as error:
            self._note_failure(question, error)
            following = self.answers.go_on_without(question)
            is_refusal = isinstance(error, (AtlasUnauthorizedError, AtlasForbiddenError))
        else:
            self.open.pop(question, None)
            is_refusal = False
        self.open.update(dict.fromkeys(following))
        now = self._first_of_each_family(following)
        if not is_refusal or self.pace.has_no_role(question.bucket):
            now += self._take_waiting(question.bucket)
        return now

    def _page_of(self, question: FleetQuestion, deadline: Deadline) -> Page:
        group_id, cluster_name, family = question.about
        cluster = group_id, cluster_name
        if family is PROJECTS:
            return self.atlas.projects(question.pages.at.number, deadline)
        if family in CLUSTER_LISTS:
            return self.atlas.clusters(group_id, family, deadline)
        if isinstance(family, JobFamily):
            return self.atlas.page_of_jobs(cluster, family.kind, JOBS_ASKED, deadline)
        return self.atlas.snapshots(cluster, family, deadline)

    def _note(self, asked: Asked) -> None:
        if asked.end is End.REFUSED and asked.error is not None:
            self.refusals[asked.subject.bucket] = asked.error
        self.pace.read_record(asked)

    def _note_failure(self, question: FleetQuestion, error: ApplicationError) -> None:
        """A question failed. It stays open if Atlas may answer it later."""
        question.error = error
        is_silent = isinstance(error, AtlasUnavailableError) and self.silence.remaining() > 0
        if not is_silent and not isinstance(error, AtlasRateLimitError):
            self._give_up(question, error)

    def _give_up(self, question: FleetQuestion, error: ApplicationError) -> None:
        self.open.pop(question, None)
        self.answers.give_up(question, error)

    def _first_of_each_family(self, following: Iterable[FleetQuestion]) -> list[FleetQuestion]:
        """Return the questions to ask now. The others wait."""
        by_bucket: defaultdict[Bucket, list[FleetQuestion]] = defaultdict(list)
        for question in following:
            by_bucket[question.bucket].append(question)
        first: list[FleetQuestion] = []
        with self.lock:
            for bucket, questions in by_bucket.items():
                first += questions[:REFUSALS]
                self.waiting.setdefault(bucket, []).extend(questions[REFUSALS:])
        return first

    def _take_waiting(self, bucket: Bucket) -> list[FleetQuestion]:
        """Return the questions that have waited for an answer of their family."""
        with self.lock:
            return self.waiting.pop(bucket, [])
