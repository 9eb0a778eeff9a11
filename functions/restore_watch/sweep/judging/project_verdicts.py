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
from typing import Self

from foundation.errors import ApplicationError, TimeBudgetExceededError
from restore_watch.asking.asked import Asked
from restore_watch.atlas.families import jobs_of
from restore_watch.errors import AtlasUnauthorizedError, TableUnavailableError, UnforeseenError
from restore_watch.model.marks import Part
from restore_watch.model.question import JOBS, LISTS, Question
from restore_watch.model.restore_target import RestoreKind
from restore_watch.model.results import Failure
from restore_watch.model.watch_change import UNANSWERED, Trouble
from restore_watch.sweep.judging.answers import Answers, answers_of
from restore_watch.sweep.judging.planned_projects import last_plan, watched_by_plan
from restore_watch.sweep.log import Listed, Planned, Record
from restore_watch.sweep.run import Run
from restore_watch.table.open_job import JobKey, OpenJob
from restore_watch.table.project_item import Project

_NOT_STORED = (TableUnavailableError, UnforeseenError)
"""The table refused what Atlas says about a job, or our own code failed about it."""

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
    def silence(self) -> ApplicationError | None:
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
        plan = last_plan(seen.records[group_id])
        project = seen.projects.get(group_id, Project(group_id))
        if plan is not None and (plan.is_watched or not project.is_removed):
            verdicts.append(_judge(seen, project, plan, jobs[group_id]))
    return verdicts


def left_alone(seen: SeenBySweep) -> list[Project]:
    """Return the projects that fail, in which the last job that was named has ended."""
    known = watched_by_plan(seen.records)
    known.update(job.target.group_id for job in seen.open_jobs)
    return [
        project
        for project in seen.projects.values()
        if project.health.is_failing and not project.is_removed and project.group_id not in known
    ]


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
    if plan.is_watched and project.health.degraded is not None:
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
        for question, trouble in project.health.troubles.items()
        if not is_over(question)
    }
