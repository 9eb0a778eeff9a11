"""In which order an environment asks about the targets of a delivery."""

from restore_watch.check.batch_order import TARGETS_REMEMBERED, Turns
from restore_watch.model.restore_job import RestoreTarget
from unit.checking import target


def named(*numbers: int) -> list[RestoreTarget]:
    return [target(f"6b4a0f8000000000000{number:05x}") for number in numbers]


def turns_of_one_environment() -> Turns[RestoreTarget]:
    return Turns()


def test_what_was_never_answered_comes_first_and_then_what_was_answered_longest_ago() -> None:
    turns = turns_of_one_environment()
    for answered in (named(1, 2, 3), named(4, 5), named(2)):
        turns.answered(answered)

    order = turns.order([named(*range(9))])

    assert [sorted(one.restore_id for one in part) for part in (order[:4], order[4:6])] == [
        [one.restore_id for one in part] for part in (named(0, 6, 7, 8), named(1, 3))
    ]
    assert {*order[6:8]} == {*named(4, 5)}
    assert order[8:] == named(2)


def test_each_delivery_has_an_order_of_its_own() -> None:
    given = named(*range(100))
    orders = [turns_of_one_environment().order([given]) for _ in range(2)]

    assert orders[0] != orders[1]
    assert [{*order} for order in orders] == [{*given}] * 2


def test_the_targets_of_a_record_are_asked_about_together() -> None:
    records = [named(*range(first, first + 10)) for first in range(0, 100, 10)]

    order = turns_of_one_environment().order(records)

    parts = [{*order[first : first + 10]} for first in range(0, 100, 10)]
    assert all({*record} in parts for record in records)


def test_a_target_that_several_records_name_has_one_turn() -> None:
    records = [named(1, 2), named(2, 3), named(1)]

    assert sorted(
        turns_of_one_environment().order(records), key=lambda one: one.restore_id
    ) == named(1, 2, 3)


def test_only_so_many_answers_are_remembered() -> None:
    turns = turns_of_one_environment()
    known = named(*range(TARGETS_REMEMBERED + 1))
    turns.answered(known)

    assert turns.order([[known[-1], known[0]]])[0] == known[0]
