"""After how many refusals a sweep leaves what is pending to the next one."""

import pytest

from restore_watch.sweep.topic_refusals import TopicRefusals


def test_one_refused_message_holds_up_no_other_and_the_third_in_a_row_ends_the_tries() -> None:
    refusals, seen = TopicRefusals(), list[bool]()
    for _ in range(4):
        refusals.count_refusal(refusals.in_a_row)
        seen.append(refusals.are_too_many)

    assert seen == [False, False, True, True]


@pytest.mark.fault("F118")
def test_refusals_that_are_not_in_a_row_end_no_tries() -> None:
    refusals = TopicRefusals()
    for number in range(30):
        if number % 3 == 2:
            refusals.note_acceptance()
        else:
            refusals.count_refusal(refusals.in_a_row)

    assert not refusals.are_too_many


@pytest.mark.fault("F118")
def test_refusals_of_messages_that_were_sent_at_the_same_time_are_not_in_a_row() -> None:
    refusals = TopicRefusals()
    for _ in range(2):
        before = refusals.in_a_row
        for _ in range(8):
            refusals.count_refusal(before)
    assert not refusals.are_too_many

    refusals.count_refusal(refusals.in_a_row)
    assert refusals.are_too_many
