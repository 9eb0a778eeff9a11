"""One round of the questions of a report."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import NamedTuple

from foundation.deadline import Deadline
from foundation.errors import ApplicationError, TimeBudgetExceededError
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
from restore_watch.report.fleet.fleet import RESTORES_READ
from restore_watch.report.fleet.fleet_answers import FleetAnswers
from restore_watch.report.fleet.fleet_question import FleetQuestion
from restore_watch.threads.agenda import Agenda
from restore_watch.threads.workers import Workers

_PAGE_OF_RESTORES = PageAt(size=RESTORES_READ)
"""One page has the newest restores. Nobody documents their order, so `FleetAnswers` checks it."""


class RoundOutcome(NamedTuple):
    """
    How a round ended.

    `closed`: of the questions that it began with, those that are answered or never will be.
    `still_open`: all others, and those that follow from answers of this round and were not closed.
    """

    closed: list[FleetQuestion]
    still_open: list[FleetQuestion]


@dataclass(frozen=True)
class FleetRound:
    """
    Asks what may be asked now. The next round asks what is still open after this one.

    `silent_until`: until then, a question that Atlas does not answer stays open. `still_open`: the
    questions that are not closed, in the order in which they were opened. `last_refusals`: the last
    refusal of each family in a project.

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
    still_open: dict[FleetQuestion, None] = field(default_factory=dict)
    waiting: dict[Bucket, list[FleetQuestion]] = field(default_factory=dict)
    last_refusals: dict[Bucket, ApplicationError] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def play(self, questions: Collection[FleetQuestion], workers: Workers) -> RoundOutcome:
        """Ask these questions, and those that follow from their answers."""
        self.still_open.update(dict.fromkeys(questions))
        agenda: Agenda[FleetQuestion] = Agenda(
            workers.at_once,
            # `_do` asks the pace, when the turn of a question comes.
            allows=lambda _: True,
            # What no turn came for stays open.
            skip=lambda _: None,
            is_over=self._is_time_over,
        )
        agenda.add(questions)
        threads = workers.start(agenda, self._do, workers.at_once)
        agenda.wait_until_done(self.deadline.remaining())
        agenda.close()
        workers.join(threads, self.deadline)
        closed = [question for question in questions if question not in self.still_open]
        return RoundOutcome(closed, list(self.still_open))

    def _do(self, question: FleetQuestion) -> list[FleetQuestion]:
        """Ask the question if it may be asked now. Return the questions to ask now."""
        permission = self.pace.take_call(question.bucket, to_find=True)
        # If this is its last turn, the report says why it was not asked.
        question.permission = permission
        if permission is Permission.GIVEN:
            return self._ask(question)
        if permission is Permission.NO_ROLE:
            # The pace says so after refusals, and `_note` keeps each before the pace counts it.
            self._give_up(question, self.last_refusals[question.bucket])
        return []

    def _ask(self, question: FleetQuestion) -> list[FleetQuestion]:
        """Ask, and keep what the answer shows. Return the questions to ask now."""
        questions = Questions(self.deadline, self.pace, self._note)
        try:
            page = questions.ask(question.subject, partial(self._page_of, question))
        except ApplicationError as error:
            return self._after_failure(question, error)
        return self._after_answer(question, self.answers.read(question, page))

    def _after_answer(
        self, question: FleetQuestion, following: list[FleetQuestion]
    ) -> list[FleetQuestion]:
        """Close the question. Return the questions to ask now."""
        self.still_open.pop(question, None)
        now = self._open_all(following)
        return [*now, *self._take_waiting(question.bucket)]

    def _after_failure(
        self, question: FleetQuestion, error: ApplicationError
    ) -> list[FleetQuestion]:
        """Leave the question open, or give it up. Return the questions to ask now."""
        if isinstance(error, TimeBudgetExceededError) and self._is_time_over():
            # Its turn came too late for a call, so it stays open like those whose turn never came.
            return []
        question.error = error
        if not self._may_be_answered_later(error):
            self._give_up(question, error)
        now = self._open_all(self.answers.plan_without_answer(question))
        is_refusal = isinstance(error, (AtlasUnauthorizedError, AtlasForbiddenError))
        if is_refusal and not self.pace.has_no_role(question.bucket):
            # Atlas may refuse this cluster alone. The next answer or refusal decides.
            return now
        # If there is no role, `_do` gives up each of them without a call.
        return [*now, *self._take_waiting(question.bucket)]

    def _page_of(self, question: FleetQuestion, deadline: Deadline) -> Page:
        atlas_list, family = question.atlas_list, question.atlas_list.family
        if family is PROJECTS:
            return self.atlas.projects(question.pages.at.number, deadline)
        if family in CLUSTER_LISTS:
            return self.atlas.clusters(atlas_list.group_id, family, deadline)
        cluster_key = atlas_list.cluster_key
        if isinstance(family, JobFamily):
            return self.atlas.page_of_jobs(cluster_key, family.kind, _PAGE_OF_RESTORES, deadline)
        return self.atlas.snapshots(cluster_key, family, deadline)

    def _note(self, asked: Asked) -> None:
        """Let the pace count how a question ended. A refusal is kept before it is counted."""
        if asked.end is End.REFUSED and asked.error is not None:
            self.last_refusals[asked.subject.bucket] = asked.error
        self.pace.read_record(asked)

    def _is_time_over(self) -> bool:
        return self.deadline.remaining() < LEAST_EXCHANGE

    def _may_be_answered_later(self, error: ApplicationError) -> bool:
        if isinstance(error, AtlasUnavailableError):
            return self.silent_until.remaining() > 0
        return isinstance(error, AtlasRateLimitError)

    def _give_up(self, question: FleetQuestion, error: ApplicationError) -> None:
        self.still_open.pop(question, None)
        self.answers.note_unread(question, error)

    def _open_all(self, following: Collection[FleetQuestion]) -> list[FleetQuestion]:
        """Open these questions. Return the first of each family, to ask now; the others wait."""
        self.still_open.update(dict.fromkeys(following))
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
