"""Asks Atlas, within the pace, what the plan of `atlas_calls` wants to know."""

import json
from collections.abc import Callable, Iterator
from functools import partial

from foundation.clock import Clock
from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from restore_watch.asking.asked import Subject
from restore_watch.asking.list_pages import NOTHING_NEW, NOTHING_YET, Stop
from restore_watch.asking.pace import Pace, Permission
from restore_watch.asking.questions import Questions
from restore_watch.atlas.entries import ListEntry
from restore_watch.atlas.pages import Page, PageAt
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.atlas.session import AtlasSession, Get
from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.measuring.atlas_calls import (
    ProcessKey,
    Window,
    collections_call,
    databases_call,
    hosts_call,
    jobs_call,
    processes_call,
    series_call,
)
from restore_watch.measuring.cluster_processes import ClusterHosts, Process, read_processes
from restore_watch.measuring.database_series import DatabaseSeries
from restore_watch.measuring.databases_to_measure import read_database_names
from restore_watch.measuring.other_restores import read_jobs
from restore_watch.measuring.restored_collections import RestoredCollection, read_collections
from restore_watch.measuring.unmeasured import UnmeasuredError
from restore_watch.model.measurement import WhyNotMeasured
from restore_watch.model.restore_target import ClusterKey, RestoreTarget

REFILL = 15.0
"""
Seconds after which a rate limit is looked at again of which only the half of other tools was left.

Two large restores of a project, which are measured at the same time, take more than the other half.
"""


class FiguresReader:
    """
    Asks one question after the other, and leaves half of Atlas's rate limits to other tools.

    Its questions end by the deadline. If only that half is left, it waits. Its methods raise
    UnmeasuredError: what Atlas does not say now, nobody can compare.
    """

    def __init__(self, deadline: Deadline, atlas: AtlasSession, clock: Clock) -> None:
        self.atlas = atlas
        self._deadline = deadline
        self._clock = clock
        self.questions = self._new_questions()

    def _new_questions(self) -> Questions:
        """Begin to ask: what Atlas said of its rate limits before does not count."""
        share_left = partial(self.atlas.limits.share_left, since=self._clock.unix())
        pace = Pace(share_left)
        return Questions(self._deadline, pace, pace.read_record)

    def hosts(self, cluster: ClusterKey) -> ClusterHosts:
        """Return the hosts of a dedicated cluster."""
        return self._ask(hosts_call(cluster))

    def processes(self, group_id: str) -> list[Process]:
        """Return the processes of a project."""
        pages = self._pages(partial(processes_call, group_id))
        return [process for page in pages for process in read_processes(page)]

    def database_names(self, process: ProcessKey) -> frozenset[str]:
        """Return the names of the databases of a process."""
        pages = self._pages(partial(databases_call, process))
        names = [_read(read_database_names, page) for page in pages]
        return frozenset().union(*names)

    def series(self, process: ProcessKey, database: str, window: Window) -> DatabaseSeries:
        """Return the figures of a database."""
        return self._ask(series_call(process, database, window))

    def collections(self, target: RestoreTarget) -> list[RestoredCollection]:
        """Return what became of each collection of a collection restore."""
        pages = self._pages(partial(collections_call, target))
        return [one for page in pages for one in _read(read_collections, page)]

    def jobs(self, cluster: ClusterKey) -> list[ListEntry]:
        """Return the restore jobs of a dedicated cluster."""
        pages = self._pages(partial(jobs_call, cluster))
        return [job for page in pages for job in read_jobs(page)]

    def _pages(self, call: Callable[[PageAt], Get[Page]]) -> Iterator[Page]:
        """Yield the pages of a list up to its end."""
        pages = NOTHING_YET
        while pages.stop is None:
            page = self._ask(call(pages.at))
            pages = pages.after(page, _texts_of(page))
            yield page
        if pages.stop is Stop.NOTHING_NEW:
            raise UnmeasuredError.because_of(UnexpectedAtlasResponseError(NOTHING_NEW))

    def _ask[Read](self, get: Get[Read]) -> Read:
        subject = Subject.in_bucket(get.bucket)
        tries = 0
        while True:
            tries += 1
            self._take_call(get.bucket)
            begun = self.questions.deadline.clock()
            try:
                return self.questions.ask(subject, partial(self.atlas.ask, get))
            except ApplicationError as error:
                if not self.questions.may_ask_once_more(error, begun, tries):
                    raise UnmeasuredError.because_of(error) from error

    def _take_call(self, bucket: Bucket) -> None:
        permission = self.questions.pace.take_call(bucket, to_find=True)
        while permission is Permission.RESERVED and self._deadline.remaining() > 2 * REFILL:
            self._clock.sleep(REFILL)
            self.questions = self._new_questions()
            permission = self.questions.pace.take_call(bucket, to_find=True)
        match permission:
            case Permission.GIVEN:
                return
            case Permission.RESERVED:
                raise UnmeasuredError(WhyNotMeasured.LIMITED)
            case Permission.NO_ROLE:
                raise UnmeasuredError(WhyNotMeasured.REFUSED)
            case _:
                raise UnmeasuredError(WhyNotMeasured.SILENT)


def _texts_of(page: Page) -> list[str]:
    """Return what tells the entries of a page apart. Not each of these lists has ids."""
    return [json.dumps(entry, sort_keys=True) for entry in page.entries]


def _read[Read](read: Callable[[Page], Read], page: Page) -> Read:
    try:
        return read(page)
    except UnexpectedAtlasResponseError as error:
        raise UnmeasuredError.because_of(error) from error
