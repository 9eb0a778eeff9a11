"""In which order an environment asks about the targets of a delivery."""

from restore_watch.check.batch import DeliveryOrder, FailedCheck
from restore_watch.errors import RestoreJobNotFoundError
from restore_watch.model.restore_job import RestoreTarget
from unit.open_jobs import target


def named(*numbers: int) -> list[RestoreTarget]:
    return [target(f"6b4a0f8000000000000{number:05x}") for number in numbers]


def answer(turns: DeliveryOrder, targets: list[RestoreTarget]) -> None:
    unknown = RestoreJobNotFoundError("Atlas knows no such job")
    turns.note_delivery({one: FailedCheck(one, unknown) for one in targets})


def test_what_was_never_answered_comes_first_and_then_what_was_answered_longest_ago() -> None:
    turns = DeliveryOrder()
    for answered in (named(1, 2, 3), named(4, 5), named(2)):
        answer(turns, answered)

    order = turns.of_targets([named(*range(9))])

    assert [sorted(one.restore_id for one in part) for part in (order[:4], order[4:6])] == [
        [one.restore_id for one in part] for part in (named(0, 6, 7, 8), named(1, 3))
    ]
    assert {*order[6:8]} == {*named(4, 5)}
    assert order[8:] == named(2)


def test_the_targets_of_a_record_are_asked_about_together_and_records_in_any_order() -> None:
    records = [named(*range(first, first + 10)) for first in range(0, 100, 10)]

    order = DeliveryOrder().of_targets(records)

    assert order != named(*range(100))
    # A target that several records name has one turn.
    assert len(DeliveryOrder().of_targets([*records, *records])) == 100
    parts = [{*order[first : first + 10]} for first in range(0, 100, 10)]
    assert all({*record} in parts for record in records)


def test_only_so_many_answers_are_remembered() -> None:
    turns = DeliveryOrder()
    known = named(*range(2001))
    answer(turns, known)

    assert turns.of_targets([[known[-1], known[0]]])[0] == known[0]
