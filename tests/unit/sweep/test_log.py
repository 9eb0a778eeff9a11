"""What a log has of each project, and who reads it."""

from restore_watch.asking.asked import Subject, answering_families
from restore_watch.atlas.families import FLEX_JOBS
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.sweep.log import AllListed, Fate, Log, Record
from unit.open_jobs import open_job
from unit.records import (
    CLUSTERS,
    DOWN,
    LIST_OF_PROJECTS,
    OTHER_GROUP,
    about,
    acted,
    asked,
)
from unit.scripted_atlas import GROUP


def test_a_log_has_the_records_of_each_project_and_readers_get_each_at_once() -> None:
    read: list[Record] = []
    log = Log(read.append)
    others = asked(Subject.in_bucket(Bucket(OTHER_GROUP, CLUSTERS)), DOWN)
    records: list[Record] = [
        about(1),
        asked(LIST_OF_PROJECTS),
        others,
        acted(open_job(), Fate.SETTLED),
    ]
    for number, record in enumerate(records):
        assert len(read) == number
        log.append(record)

    assert read == records
    assert log.by_project() == {
        GROUP: (records[0], records[3]),
        None: (records[1],),
        OTHER_GROUP: (others,),
    }
    assert log.records_of(GROUP) == (records[0], records[3])
    assert log.records_of("5f0000000000000000000a03") == ()
    assert [answering_families(log.records_of(one)) for one in (GROUP, OTHER_GROUP)] == [
        {FLEX_JOBS},
        set(),
    ]


def test_the_projects_to_watch_are_those_of_the_last_list() -> None:
    log = Log()
    assert log.all_listed() is None

    for shown in ({GROUP}, {GROUP, OTHER_GROUP}):
        log.append(AllListed(frozenset(shown)))
    assert log.all_listed() == frozenset({GROUP, OTHER_GROUP})
