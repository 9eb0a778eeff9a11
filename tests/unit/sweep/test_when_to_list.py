"""Which kinds of restore jobs an event wakes."""

import pytest

from restore_watch.model.restore_job import RestoreKind
from restore_watch.sweep.asking.when_to_list import kinds_woken_by
from unit.atlas_answers import RESTORE_EVENTS
from unit.records import COLLECTION, DEDICATED, FLEX, LISTED_KINDS

WOKEN = {
    **dict.fromkeys(RESTORE_EVENTS[:3], (FLEX,)),
    **dict.fromkeys(RESTORE_EVENTS[3:], (DEDICATED, COLLECTION)),
    **dict.fromkeys(("", "FLEX_RESTORE_FAILED", "tenant_restore"), LISTED_KINDS),
    "TENANT": (FLEX,),
}


@pytest.mark.parametrize(("event_type", "kinds"), WOKEN.items(), ids=WOKEN)
def test_an_event_wakes_the_kinds_of_its_jobs_and_an_unknown_one_every_kind(
    event_type: str, kinds: tuple[RestoreKind, ...]
) -> None:
    assert kinds_woken_by(event_type) == kinds
