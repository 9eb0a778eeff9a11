"""One round of the questions of a report."""

from collections import defaultdict
from collections.abc import Collection
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
    Asks what may be asked now. The next round asks what is still open after this one.

    `silent_until`: until then, a question that Atlas does not answer stays open. `open`: all
    questions without an answer; those that follow from answers of this round are added.
    `refusals`: the last refusal of each family in a project.

    `waiting`: open questions that are not on the agenda yet. When many questions of a family in a
    project follow from an answer, three are asked and the others wait. If Atlas answers one of the
    three, the others are asked. If it refuses all three, there is no role for the family, and the
    others are given up without a call.
    """

    atlas: AtlasSession
    answers: FleetAnswers
    pace: Pace
    deadline: Deadline
    silent_until: Deadline
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
        """Ask, and keep what the answer shows. Return the questions to ask now."""
        questions = Questions(self.deadline, self.pace, self._note)
        try:
            page = questions.ask(question.subject, partial(self._page_of, question))
            following = self.answers.read(question, page)
        except ApplicationError as error:
            return self._after_failure(question, error)
        return self._after_answer(question, following)

    def _after_answer(
        self, question: FleetQuestion, following: list[FleetQuestion]
    ) -> list[FleetQuestion]:
        """Close the question. Return the questions to ask now."""
        self.open.pop(question, None)
        now = self._open_all(following)
        return [*now, *self._take_waiting(question.bucket)]

    def _after_failure(
        self, question: FleetQuestion, error: ApplicationError
    ) -> list[FleetQuestion]:
        """Leave the question open, or give it up. Return the questions to ask now."""
        question.error = error
        if not self._may_be_answered_later(error):
            self._give_up(question, error)
        now = self._open_all(self.answers.go_on_without(question))
        is_refusal = isinstance(error, (AtlasUnauthorizedError, AtlasForbiddenError))
        if is_refusal and not self.pace.has_no_role(question.bucket):
            # Atlas may refuse this cluster alone. The next answer or refusal decides.
            return now
        # If there is no role, the agenda gives each of them to `_leave`.
        return [*now, *self._take_waiting(question.bucket)]

    def _page_of(self, question: FleetQuestion, deadline: Deadline) -> Page:
        about, family = question.about, question.about.family
        if family is PROJECTS:
            return self.atlas.projects(question.pages.at.number, deadline)
        if family in CLUSTER_LISTS:
            return self.atlas.clusters(about.group_id, family, deadline)
        cluster = about.group_id, about.cluster_name
        if isinstance(family, JobFamily):
            return self.atlas.page_of_jobs(cluster, family.kind, JOBS_ASKED, deadline)
        return self.atlas.snapshots(cluster, family, deadline)

    def _note(self, asked: Asked) -> None:
        if asked.end is End.REFUSED and asked.error is not None:
            self.refusals[asked.subject.bucket] = asked.error
        self.pace.read_record(asked)

    def _may_be_answered_later(self, error: ApplicationError) -> bool:
        if isinstance(error, AtlasUnavailableError):
            return self.silent_until.remaining() > 0
        return isinstance(error, AtlasRateLimitError)

    def _give_up(self, question: FleetQuestion, error: ApplicationError) -> None:
        self.open.pop(question, None)
        self.answers.give_up(question, error)

    def _open_all(self, following: Collection[FleetQuestion]) -> list[FleetQuestion]:
        """Open these questions. Return the first of each family, to ask now; the others wait."""
        self.open.update(dict.fromkeys(following))
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
        """Return the questions that wait, which then wait no more."""
        with self.lock:
            return self.waiting.pop(bucket, [])
