"""In which order the threads of a sweep get its questions, and what a project may hold up."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.follow.question import Question, questions
from restore_watch.threads.agenda import Agenda
from unit.open_jobs import open_job
from unit.scripted_atlas import GROUP

OTHER_GROUP = "5f0000000000000000000a02"
THIRD_GROUP = "5f0000000000000000000a03"


def asked(group: str, count: int, begin: int = 0) -> list[Question]:
    """Questions about clusters of one project."""
    numbers = range(begin, begin + count)
    return [Question((open_job(n, group, f"orders-{n}"),)) for n in numbers]


class Round:
    """An agenda to which nothing is added any more, and what it skipped."""

    def __init__(
        self,
        *given: Iterable[Question],
        threads: int = 4,
        allows: Callable[[Question], bool] = lambda _: True,
        closed: bool = True,
    ) -> None:
        self.skipped: list[Question] = []
        self.is_over = False
        self.agenda: Agenda[Question] = Agenda(
            threads, allows=allows, skip=self.skipped.append, is_over=lambda: self.is_over
        )
        self.agenda.add(question for some in given for question in some)
        if closed:
            self.agenda.close()

    def take(self) -> Question:
        task = self.agenda.take()
        assert task is not None
        return task

    def groups(self, count: int) -> list[str | None]:
        """The projects of the next questions, none of which is done."""
        return [self.take().bucket.group_id for _ in range(count)]


# Questions


def test_jobs_are_grouped_by_cluster_and_kind_in_the_order_of_the_first_of_each() -> None:
    dedicated = {"kind": RestoreKind.DEDICATED}
    jobs = [
        open_job(1, cluster="carts"),
        open_job(2),
        open_job(3, cluster="carts"),
        open_job(4, **dedicated),
        open_job(5, OTHER_GROUP),
        open_job(6, kind=None),
        open_job(7),
        open_job(8, kind=RestoreKind.COLLECTION),
    ]

    grouped = questions(jobs)

    assert [[jobs.index(job) + 1 for job in one.jobs] for one in grouped] == [
        [1, 3],
        [2, 7],
        [4],
        [5],
        [6],
        [8],
    ]
    kinds = ["flex", "flex", "dedicated", "flex", "flex", "collection"]
    assert [one.bucket.family for one in grouped] == kinds


def test_the_questions_of_one_project_are_taken_in_their_order() -> None:
    given = asked(GROUP, 4)
    round_ = Round(given)

    assert [round_.take() for _ in range(4)] == given


# Shares


def test_projects_take_turns() -> None:
    round_ = Round(asked(GROUP, 3), asked(OTHER_GROUP, 1), asked(THIRD_GROUP, 2), threads=30)

    assert round_.groups(6) == [GROUP, OTHER_GROUP, THIRD_GROUP, GROUP, THIRD_GROUP, GROUP]


def test_a_project_that_hangs_holds_its_share_of_the_threads_only() -> None:
    round_ = Round(asked(GROUP, 50), asked(OTHER_GROUP, 50, 50), threads=8)
    hanging = 0

    for _ in range(40):
        question = round_.take()
        if question.bucket.group_id == GROUP:
            hanging += 1
        else:
            round_.agenda.done(question)

    assert hanging == 4


def test_a_project_alone_gets_every_thread() -> None:
    round_ = Round(asked(GROUP, 8), threads=8)

    assert round_.groups(8) == [GROUP] * 8


def test_a_project_that_hangs_never_holds_more_than_three_quarters_of_the_threads() -> None:
    """Also if the others have nothing to do at the moment: what is added for them is taken."""
    hanging, other = asked(GROUP, 50), asked(OTHER_GROUP, 2, 50)
    round_ = Round(hanging, other[:1], threads=8, closed=False)
    round_.agenda.done(next(one for one in (round_.take(), round_.take()) if one == other[0]))

    assert round_.groups(5) == [GROUP] * 5
    round_.agenda.add(other[1:])

    assert round_.take() == other[1]


def test_with_more_projects_than_threads_each_gets_one_at_a_time() -> None:
    groups = [f"5f0000000000000000000b{number:02x}" for number in range(6)]
    round_ = Round(*(asked(group, 2) for group in groups), threads=4)

    assert round_.groups(4) == groups[:4]


# Second tries, refusals, the end


def test_a_question_without_a_usable_answer_is_asked_once_more_after_the_others() -> None:
    given = asked(GROUP, 2)
    round_ = Round(given)
    round_.agenda.done(round_.take(), [replace(given[0], tries=1)])
    round_.agenda.done(round_.take())

    second = round_.take()
    assert (second.keys, second.tries) == (given[0].keys, 1)

    round_.agenda.done(second, [replace(given[0], tries=2)])
    assert round_.agenda.take() is None
    assert round_.skipped == []


def test_a_second_try_that_is_not_allowed_at_its_turn_is_skipped() -> None:
    (given,) = asked(GROUP, 1)
    round_ = Round([given], allows=lambda question: not question.tries)
    again = replace(given, tries=1)

    round_.agenda.done(round_.take(), [again])

    assert round_.agenda.take() is None
    assert round_.skipped == [again]


def test_a_question_that_is_not_allowed_at_its_turn_is_skipped() -> None:
    given = asked(GROUP, 3)
    others = asked(OTHER_GROUP, 2)
    round_ = Round(
        given,
        others,
        allows=lambda question: question.bucket.group_id != GROUP or question == given[2],
    )

    assert [round_.take(), round_.take(), round_.take()] == [given[2], *others]
    assert round_.skipped == given[:2]


def test_an_agenda_that_allows_nothing_ends_at_once() -> None:
    given = asked(GROUP, 3)
    round_ = Round(given, allows=lambda _: False)

    assert round_.agenda.take() is None
    assert round_.skipped == given


def test_when_the_time_is_over_what_was_not_taken_is_skipped() -> None:
    given, others = asked(GROUP, 3), asked(OTHER_GROUP, 1)
    round_ = Round(given, others)
    round_.take()

    round_.is_over = True

    assert round_.agenda.take() is None
    assert set(round_.skipped) == {*given[1:], *others}
    assert round_.agenda.take() is None


def test_an_empty_agenda_ends_at_once() -> None:
    assert Round().agenda.take() is None


# Additions


def test_what_waits_or_is_under_way_is_not_added_again() -> None:
    given = asked(GROUP, 3)
    round_ = Round(given[:2], closed=False)
    first = round_.take()

    round_.agenda.add(given)
    round_.agenda.close()

    assert [round_.take(), round_.take()] == given[1:]
    assert round_.agenda.take() is None
    assert first == given[0]


def test_of_the_jobs_of_a_question_only_those_that_are_not_on_the_agenda_are_added() -> None:
    jobs = tuple(map(open_job, range(3)))
    round_ = Round([Question(jobs[:1])], closed=False)

    round_.agenda.add([Question(jobs)])
    round_.agenda.close()

    assert [round_.take().keys, round_.take().keys] == [(jobs[0].key,), (jobs[1].key, jobs[2].key)]


@pytest.mark.parametrize("ending", ["done", "skipped", "over"])
def test_a_job_may_be_added_again_after_its_question_was_asked_or_skipped(ending: str) -> None:
    given = asked(GROUP, 1)
    allowed = iter([ending != "skipped", True])
    round_ = Round(given, asked(OTHER_GROUP, 1), allows=lambda _: next(allowed), closed=False)
    round_.is_over = ending == "over"
    if ending == "over":
        round_.agenda.close()
        assert round_.agenda.take() is None
    else:
        round_.agenda.done(round_.take())

    assert (given[0] in round_.skipped) is (ending != "done")
    round_.is_over = False
    allowed = iter([True, True])
    round_.agenda.add(given)

    assert given[0] in {round_.take() for _ in range(1 if ending != "done" else 2)}


# Idleness


def test_an_agenda_is_idle_when_nothing_is_waiting_or_under_way() -> None:
    given = asked(GROUP, 2)
    round_ = Round(closed=False)
    seen = [round_.agenda.is_idle]
    round_.agenda.add(given)
    for _ in given:
        seen.append(round_.agenda.is_idle)
        question = round_.take()
        seen.append(round_.agenda.is_idle)
        round_.agenda.done(question)

    assert seen == [True, *[False] * 4]
    assert round_.agenda.is_idle


def test_an_agenda_is_not_idle_while_a_task_has_others_follow() -> None:
    first, second = asked(GROUP, 2)
    round_ = Round([first], closed=False)
    round_.agenda.done(round_.take(), [second])

    assert not round_.agenda.is_idle
