"""
The verdict of a sweep on each project: what fails now, and what was reported and may go on. Pure.

| question | fails | is known to be over |
| --- | --- | --- |
| the known jobs of a kind | an endpoint of a job fails for long, or no other answers | another
  answers and none was left out, or no job of the kind is open |
| the lists of the clusters' jobs of a kind | a listing could not read one | no part of the kind has
  stayed behind, or the project was listed as a whole |
| events, lists of clusters | the question failed | it was answered, or the project was listed |
| the list of projects | it was read, and does not show the project | it was read, and does |
| reached | Atlas answered nothing about the project, and nothing failed | always |
| items | the table refuses what Atlas says about a job | always |

An answer to one question clears no other. A job or a cluster that Atlas does not know is no failure
of the project. In a watched project, a reported failure stands until the sweep has learnt that it
is over. A failure that was not reported does not: what nobody met again is no outage.
"""

from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from foundation.errors import ApplicationError, TimeBudgetExceededError
from restore_watch.asking.asked import NO_ROLE_ERRORS, Asked, End, Subject
from restore_watch.atlas.families import family_of, jobs_of
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasUnauthorizedError,
    RestoreJobNotFoundError,
    TableUnavailableError,
    UnforeseenError,
)
from restore_watch.model.marks import Part
from restore_watch.model.outage import UNANSWERED, Trouble
from restore_watch.model.question import JOBS, LISTS, Question
from restore_watch.model.restore_job import RestoreKind
from restore_watch.model.results import Failure
from restore_watch.sweep.log import Listed, Planned, Record, Unread
from restore_watch.sweep.run import Run
from restore_watch.table.open_job import JobKey, OpenJob
from restore_watch.table.project_item import Project

_EXCUSED = (*NO_ROLE_ERRORS, AtlasBadRequestError, RestoreJobNotFoundError)
"""Of a family that could never be read, these are no failures."""

_NOT_STORED = (TableUnavailableError, UnforeseenError)
"""The table refused what Atlas says about a job, or our own code failed about it."""


class Failed(NamedTuple):
    """
    Why a question failed.

    `lasts`: the failure counts even if the question was answered about another job or cluster.
    """

    error: ApplicationError
    lasts: bool


class Answers(NamedTuple):
    """
    How the questions about a project ended.

    `failed`: the failures, by question and by the job or cluster that was asked about. `answered`:
    the questions with at least one answer. `learnt`: the answered questions that were asked about
    everything; no list and no job was left to the next sweep without a call.
    """

    failed: Mapping[tuple[Question, str], Failed]
    answered: set[Question]
    learnt: set[Question]

    def failures(self, readable: Collection[str]) -> dict[str, ApplicationError]:
        """
        Return what fails, by question.

        `readable`: the names of the families that were read before. If another family is refused,
        the credentials have no role for it, which is no failure; unless the project refuses
        everything.
        """
        failures: dict[str, ApplicationError] = {}
        refuses_all = not self.answered and not readable
        for (question, _), (error, lasts) in self.failed.items():
            was_readable = refuses_all or family_of(question).name in readable
            is_excused = isinstance(error, _EXCUSED) and not was_readable
            counts = lasts or question not in self.answered
            if counts and not is_excused:
                failures.setdefault(question, error)
        return failures


def answers_of(records: Iterable[Record], lasting: Container[JobKey] = ()) -> Answers:
    """
    Return what the records of a project say.

    A failure lasts unless it is a rate limit, or that of a job that is none of the `lasting`.
    """
    reading = _Reading(lasting)
    for record in records:
        match record:
            case Unread(subject=Subject(question=Question() as question, about=about)):
                reading.failed[question, about] = Failed(record.error, record.lasts)
            case Asked(subject=Subject(question=Question() as question, about=about)):
                reading.read_asked(record, question, about)
    answered = reading.answered
    return Answers(reading.failed, answered, answered - reading.never_asked())


class _Reading:
    """What is read of the records of a project so far. A later answer outweighs a failure."""

    def __init__(self, lasting: Container[JobKey]) -> None:
        self.failed: dict[tuple[Question, str], Failed] = {}
        self.answered: set[Question] = set()
        self._lasting = lasting
        self._asked_jobs: set[JobKey] = set()
        self._left: list[tuple[Question, Sequence[JobKey]]] = []

    def read_asked(self, asked: Asked, question: Question, about: str) -> None:
        if asked.end.is_left:
            self._left.append((question, asked.jobs))
            return
        self._asked_jobs.update(asked.jobs)
        if asked.end.is_answer:
            self.answered.add(question)
            self.failed.pop((question, about), None)
        # What becomes of the list of a cluster's jobs, its listing says in the end.
        elif asked.error is not None and question not in LISTS:
            self.failed[question, about] = Failed(asked.error, _lasts(asked, self._lasting))

    def never_asked(self) -> set[Question]:
        """Return the questions that were left: all of a list, or of a job never asked about."""
        never: set[Question] = set()
        for question, jobs in self._left:
            if not jobs or any(job not in self._asked_jobs for job in jobs):
                never.add(question)
        return never


def _lasts(asked: Asked, lasting: Container[JobKey]) -> bool:
    if asked.end is End.LIMITED:
        return False
    if asked.subject.question not in JOBS:
        return True
    # A job that is not found and is a failure: Atlas does not know its project.
    is_project_gone = isinstance(asked.error, RestoreJobNotFoundError)
    return is_project_gone or any(key in lasting for key in asked.jobs)


_NOT_LISTED = (
    "Atlas no longer shows this project in the list of projects: it was deleted, or the service "
    "account or API key has lost its role in it"
)


@dataclass(frozen=True)
class ProjectVerdict:
    """
    How a sweep saw a project that it looked at.

    `failures`: those of now, by question. `standing`: reported ones that may go on. `is_seen`:
    Atlas answered anything.
    """

    project: Project
    failures: Mapping[str, ApplicationError]
    standing: Mapping[str, Trouble]
    is_seen: bool
    open_jobs: int

    @property
    def is_failing(self) -> bool:
        """Whether anything of the project cannot be seen."""
        return bool(self.failures or self.standing)

    @property
    def unanswered(self) -> ApplicationError | None:
        """A failure of now for want of an answer, if there is one."""
        for error in self.failures.values():
            if isinstance(error, UNANSWERED):
                return error
        return None


@dataclass(frozen=True)
class SeenBySweep:
    """
    What a sweep knows in the end, by project.

    `records`: its log. `projects`: what the table remembers. `lasting`: why the own endpoints of
    jobs have failed for long. `not_stored`: why what Atlas says about a job was not stored.
    `all_listed`: the projects to watch, None if that is not known.
    """

    records: Mapping[str | None, Sequence[Record]]
    projects: Mapping[str, Project]
    open_jobs: Iterable[OpenJob]
    lasting: Mapping[JobKey, ApplicationError]
    not_stored: Mapping[str | None, ApplicationError]
    all_listed: Collection[str] | None

    @classmethod
    def after(cls, run: Run, failures: Iterable[Failure]) -> Self:
        """Return what a sweep knows, which has met these failures."""
        jobs = run.open_jobs()
        not_stored: dict[str | None, ApplicationError] = {}
        for failure in failures:
            if failure.restore_id and isinstance(failure.error, _NOT_STORED):
                not_stored[failure.group_id] = failure.error
        return cls(
            records=run.log.by_project(),
            projects={project.group_id: project for project in run.stored_projects()},
            open_jobs=jobs,
            lasting=run.memory.lasting_failures(jobs),
            not_stored=not_stored,
            all_listed=run.log.all_listed(),
        )


def judge_projects(seen: SeenBySweep) -> list[ProjectVerdict]:
    """
    Return how each project was seen: those that are watched, and those of jobs that were due.

    Jobs of a project that was removed say nothing about it.
    """
    jobs: defaultdict[str, list[OpenJob]] = defaultdict(list)
    for job in seen.open_jobs:
        jobs[job.target.group_id].append(job)
    verdicts: list[ProjectVerdict] = []
    for group_id in sorted(filter(None, seen.records)):
        plan = _last_plan(seen.records[group_id])
        project = seen.projects.get(group_id, Project(group_id))
        if plan is not None and (plan.is_watched or not project.is_removed):
            verdicts.append(_judge(seen, project, plan, jobs[group_id]))
    return verdicts


def left_alone(seen: SeenBySweep) -> list[Project]:
    """Return the projects that fail, in which the last job that was named has ended."""
    known = watched_projects(seen.records)
    known.update(job.target.group_id for job in seen.open_jobs)
    return [
        project
        for project in seen.projects.values()
        if project.watched.is_failing and not project.is_removed and project.group_id not in known
    ]


def watched_projects(records: Mapping[str | None, Sequence[Record]]) -> set[str]:
    """Return the projects that are watched, by the log of a sweep."""
    watched: set[str] = set()
    for records_of_project in records.values():
        plan = _last_plan(records_of_project)
        if plan is not None and plan.is_watched:
            watched.add(plan.group_id)
    return watched


def _last_plan(records: Sequence[Record]) -> Planned | None:
    plans = [record for record in records if isinstance(record, Planned)]
    return plans[-1] if plans else None


def _judge(
    seen: SeenBySweep, project: Project, plan: Planned, open_jobs: Sequence[OpenJob]
) -> ProjectVerdict:
    records = seen.records[project.group_id]
    answers = answers_of(records, seen.lasting)
    is_seen = any(isinstance(record, Asked) and record.end.is_answer for record in records)
    families = {jobs_of(job.kind) for job in open_jobs if job.kind}
    # A job that the table knows could be read before.
    readable = project.readable.union(family.name for family in families)
    of_questions = _failures_of_questions(seen, answers, readable, open_jobs)
    is_reached = is_seen or bool(of_questions)
    of_project = _failures_of_project(seen, project, plan, is_reached=is_reached)
    failures = of_questions | of_project
    standing: dict[str, Trouble] = {}
    if plan.is_watched and project.watched.degraded is not None:
        questions_of_jobs = {family.question for family in families}
        standing = _standing(seen, plan, answers, project, questions_of_jobs)
        for question in failures:
            standing.pop(question, None)
    return ProjectVerdict(project, failures, standing, is_seen, len(open_jobs))


def _failures_of_questions(
    seen: SeenBySweep,
    answers: Answers,
    readable: Collection[str],
    open_jobs: Iterable[OpenJob],
) -> dict[str, ApplicationError]:
    """
    Return which questions to Atlas about a project and its jobs fail, and why.

    An error of this sweep comes first. Where there is none, a job whose own endpoint has failed for
    long still counts: this sweep may not have asked about it, or Atlas had it wait.
    """
    failures = answers.failures(readable)
    for job in open_jobs:
        if job.key in seen.lasting:
            question = jobs_of(job.kind or RestoreKind.FLEX).question
            failures.setdefault(question, seen.lasting[job.key])
    return failures


def _failures_of_project(
    seen: SeenBySweep, project: Project, plan: Planned, *, is_reached: bool
) -> dict[str, ApplicationError]:
    """
    Return what else fails of a project: what is no question to Atlas about it.

    `is_reached`: Atlas answered or failed when it was asked about the project.
    """
    failures: dict[str, ApplicationError] = {}
    if project.group_id in seen.not_stored:
        failures[Question.ITEMS] = seen.not_stored[project.group_id]
    elif not is_reached:
        late = TimeBudgetExceededError("The sweep did not reach this project in its time")
        failures[Question.REACHED] = late
    if plan.is_watched and _is_not_listed(seen, project):
        failures[Question.PROJECTS] = AtlasUnauthorizedError(_NOT_LISTED)
    return failures


def _is_not_listed(seen: SeenBySweep, project: Project) -> bool:
    """Whether the list of projects is known, and does not show the project."""
    return seen.all_listed is not None and project.group_id not in seen.all_listed


def _standing(
    seen: SeenBySweep,
    plan: Planned,
    answers: Answers,
    project: Project,
    questions_of_jobs: Container[str],
) -> dict[str, Trouble]:
    """
    The reported troubles that are not known to be over: the third column of the table above.

    `questions_of_jobs`: the questions about the jobs that are open.
    """
    records = seen.records[project.group_id]
    listings = [record for record in records if isinstance(record, Listed)]
    is_listed = any(listing.is_whole for listing in listings)
    # Without the parts that nobody could ever read.
    aside = listings[-1].aside if listings else plan.aside
    marks_behind = project.marks.behind.keys() if project.marks else frozenset[Part]()
    lists_behind = {jobs_of(part.kind).list_question for part in marks_behind - aside}

    def is_over(question: str) -> bool:
        if question in {Question.REACHED, Question.ITEMS}:
            return True
        if question == Question.PROJECTS:
            return seen.all_listed is not None
        if question in JOBS:
            return question in answers.learnt or question not in questions_of_jobs
        if question in LISTS:
            return is_listed or question not in lists_behind
        # Names of older versions, too.
        return is_listed or question in answers.learnt

    return {
        question: trouble
        for question, trouble in project.watched.troubles.items()
        if not is_over(question)
    }
