"""In which order an environment asks about the targets of a delivery."""

from restore_watch.check.order_of_targets import OrderOfTargets
from restore_watch.model.restore_target import RestoreTarget
from unit.open_jobs import target


def named(*numbers: int) -> list[RestoreTarget]:
    return [target(f"6b4a0f8000000000000{number:05x}") for number in numbers]


def test_what_was_never_answered_comes_first_and_then_what_was_answered_longest_ago() -> None:
    targets = OrderOfTargets()
    for answered in (named(1, 2, 3), named(4, 5), named(2)):
        targets.note_delivery(answered)

    order = targets.order([named(*range(9))])

    assert [sorted(job.restore_id for job in part) for part in (order[:4], order[4:6])] == [
        [job.restore_id for job in part] for part in (named(0, 6, 7, 8), named(1, 3))
    ]
    assert {*order[6:8]} == {*named(4, 5)}
    assert order[8:] == named(2)


def test_the_targets_of_a_record_are_asked_about_together_and_records_in_any_order() -> None:
    records = [named(*range(first, first + 10)) for first in range(0, 100, 10)]

    order = OrderOfTargets().order(records)

    assert order != named(*range(100))
    # A target that several records name is asked about once.
    assert len(OrderOfTargets().order([*records, *records])) == 100
    parts = [{*order[first : first + 10]} for first in range(0, 100, 10)]
    assert all({*record} in parts for record in records)


def test_only_so_many_answers_are_remembered() -> None:
    targets = OrderOfTargets()
    known = named(*range(2001))
    targets.note_delivery(known)

    assert targets.order([[known[-1], known[0]]])[0] == known[0]
