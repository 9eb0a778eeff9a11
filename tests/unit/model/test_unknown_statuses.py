"""Which statuses that this version does not know are recorded, and how many."""

from collections.abc import Sequence

import pytest

from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_status import RestoreStatus
from restore_watch.model.unknown_statuses import has_room_for_unknown, is_new_unknown
from strategies import plain_job
from unit.histories import history_of, unknown

PENDING, QUEUED, RUNNING, UNKNOWN, COMPLETED, FAILED, CANCELLED, EXPIRED = RestoreStatus

NEWS: dict[str, tuple[Sequence[RestoreJob], RestoreJob, bool]] = {
    "first word": ([plain_job()], unknown("A"), True),
    "another word": ([unknown("A")], unknown("B"), True),
    "another word with an end": ([unknown("A")], unknown("B", ended=True), True),
    "end of the word": ([unknown("A")], unknown("A", ended=True), True),
    "another word after an end": ([unknown("A", ended=True)], unknown("B"), False),
    "another end after an end": ([unknown("A", ended=True)], unknown("B", ended=True), True),
    "same word": ([unknown("A")], unknown("A"), False),
    "same end": ([unknown("A", ended=True)], unknown("A", ended=True), False),
    "word without its end again": ([unknown("A", ended=True)], unknown("A"), False),
    "word from before": ([unknown("A"), unknown("B")], unknown("A"), False),
    "end of a word from before": ([unknown("A"), unknown("B")], unknown("A", ended=True), True),
    "word that has the id of an end": ([unknown("A", ended=True)], unknown("A:ENDED"), False),
    "end that has the id of a word": ([unknown("A:ENDED")], unknown("A", ended=True), False),
    "known status": ([unknown("A")], plain_job(status=RUNNING), False),
    "known end": ([unknown("A")], plain_job(status=COMPLETED), False),
}


@pytest.mark.parametrize(("states", "job", "is_new"), NEWS.values(), ids=NEWS)
def test_an_unknown_word_and_its_end_are_each_new_once(
    states: Sequence[RestoreJob], job: RestoreJob, *, is_new: bool
) -> None:
    assert is_new_unknown(job, history_of(*states)) is is_new


@pytest.mark.parametrize("known", [[], [plain_job(status=PENDING), plain_job()]], ids=len)
def test_a_history_keeps_the_last_of_fourteen_places_for_a_finished_unknown_word(
    known: list[RestoreJob],
) -> None:
    def has_room(words: int, *, ended: bool) -> bool:
        history = history_of(*known, *(unknown(f"W{n}") for n in range(words)))
        return has_room_for_unknown(unknown("NEW", ended=ended), history)

    assert (has_room(12, ended=False), has_room(12, ended=True)) == (True, True)
    assert (has_room(13, ended=False), has_room(13, ended=True)) == (False, True)
    assert (has_room(14, ended=False), has_room(14, ended=True)) == (False, False)
