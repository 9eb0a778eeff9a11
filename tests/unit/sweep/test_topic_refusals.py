"""After how many refusals a sweep leaves what is pending to the next one."""

from restore_watch.sweep.topic_refusals import TopicRefusals


def test_one_refused_message_holds_up_no_other_and_the_third_ends_the_tries() -> None:
    refusals, seen = TopicRefusals(), list[bool]()
    for _ in range(4):
        refusals.count_refusal()
        seen.append(refusals.are_too_many)

    assert seen == [False, False, True, True]
