"""
A project is listed when an event wakes it, or when it was not listed for long.

Events name no job and no cluster, but they are one call for each project and sweep.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from pydantic import StrictStr

from foundation.errors import ApplicationError, TimeBudgetExceededError
from foundation.json_text import as_map
from foundation.outside import FromOutside, IfReadable
from restore_watch.asking.asked import PROJECT_GONE, Subject
from restore_watch.atlas.families import EVENTS, LISTED_JOBS, LISTED_KINDS
from restore_watch.atlas.pages import EVENTS_ON_PAGE, Page
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.atlas.restore_events import kinds_of_event
from restore_watch.atlas.session import AtlasSession
from restore_watch.errors import AtlasError, UnforeseenError
from restore_watch.model.marks import Marks, Part
from restore_watch.model.restore_target import RestoreKind
from restore_watch.sweep.finding.finding_step import Step, StepCalls
from restore_watch.sweep.finding.listing_reader import ListingReader
from restore_watch.sweep.finding.memory_of_projects import ProjectMemory
from restore_watch.sweep.finding.project_listing import ListingStep, ProjectListing
from restore_watch.sweep.finding.project_marks import ProjectMarks
from restore_watch.sweep.finding.wanted_parts import WantedParts
from restore_watch.sweep.log import Unread
from restore_watch.sweep.run import Run
from restore_watch.table.project_item import Project

EVENTS_BEFORE_MARK = timedelta(minutes=2)
"""Events are asked for since so long before a project's mark, because they may come late."""

ALL_PARTS = frozenset(map(Part, LISTED_KINDS))
"""All kinds of restore job."""


class _Event(FromOutside):
    """What is read of a restore event. A value of an unknown form counts as absent."""

    id: IfReadable[StrictStr]
    event_type_name: IfReadable[StrictStr]


@dataclass(frozen=True)
class Wake(Step):
    """
    Ask for the newest restore events of a project, and list it if that shows a reason.

    `is_due`: the project is listed as a whole in any case, because it was not for long.
    """

    event_reader: "EventReader" = field(repr=False, compare=False)
    group_id: str
    is_due: bool

    @property
    def subject(self) -> Subject:
        """The events of the project."""
        return Subject.in_bucket(Bucket(self.group_id, EVENTS))

    def do(self) -> "Sequence[Wake | ListingStep]":
        """Ask for the events."""
        return self.event_reader.wake(self)

    def postpone(self) -> None:
        """Nothing is lost: the next sweep asks for the events since the same mark."""

    def note_unforeseen(self, error: UnforeseenError) -> None:
        """Our own code failed about the events."""
        self.event_reader.note_unforeseen(self, error)


@dataclass(frozen=True)
class EventReader:
    """Wakes the projects of one sweep. Any thread may use it."""

    run: Run
    calls: StepCalls
    memory: ProjectMemory
    atlas: AtlasSession
    marks: ProjectMarks
    reader: ListingReader

    def wake(self, step: Wake) -> Sequence[Wake | ListingStep]:
        """Ask for a project's events. Return the step if it is tried again, or what it leads to."""
        group_id = step.group_id
        self.marks.ensure_started(group_id)
        project = self.run.projects[group_id]
        marks = project.marks
        if marks is None or marks.is_lost:
            return []
        parts = self._take_parts(step, project)
        begun, since = self.run.asking.clock(), marks.whole - EVENTS_BEFORE_MARK
        try:
            page = self.calls.ask(step, partial(self.atlas.events, group_id, since))
        except ApplicationError as error:
            return self._go_on_without_events(step, marks, parts, error, begun)
        woken = self._take_woken_kinds(group_id, page)
        parts.update(map(Part, woken))
        return self._list_with_stragglers(group_id, marks, parts, page.date)

    def note_unforeseen(self, step: Wake, error: UnforeseenError) -> None:
        """Our own code failed about the events of a project."""
        self.run.log.append(Unread(step.subject, error))

    def _take_parts(self, step: Wake, project: Project) -> set[Part]:
        """Return the parts of a project to list whatever its events say, and note its turn."""
        parts = self.memory.take_to_read_again(step.group_id)
        troubles = project.health.troubles.keys()
        for family in LISTED_JOBS:
            # Kinds that could not be seen are listed in every sweep, to see when they can be.
            if troubles & {family.question, family.clusters.question}:
                parts.add(Part(family.kind))
        if step.is_due:
            self.memory.note_turn(step.group_id, "listing")
            parts |= ALL_PARTS
        return parts

    def _go_on_without_events(
        self, step: Wake, marks: Marks, parts: set[Part], error: ApplicationError, begun: float
    ) -> Sequence[Wake | ListingStep]:
        """Try again, leave the parts to the next sweep, or list everything."""
        again = self.calls.again(step, error, begun)
        if again:
            # The next try takes the parts again.
            self.memory.add_to_read_again(step.group_id, parts)
            return again
        is_gone = isinstance(error, AtlasError) and error.error_code == PROJECT_GONE
        if is_gone or isinstance(error, TimeBudgetExceededError):
            # Nothing more can be read in this sweep.
            self.memory.add_to_read_again(step.group_id, parts)
            return []
        # Without events, it is listed in every sweep.
        return self._list_with_stragglers(step.group_id, marks, parts | ALL_PARTS, None)

    def _list_with_stragglers(
        self, group_id: str, marks: Marks, parts: set[Part], said_at: datetime | None
    ) -> Sequence[ListingStep]:
        """Begin to list these parts, and what has stayed behind: it catches up."""
        parts = parts | (marks.behind.keys() - self.memory.aside(group_id))
        return self._begin_listing(group_id, marks, parts, said_at) if parts else []

    def _begin_listing(
        self, group_id: str, marks: Marks, parts: set[Part], said_at: datetime | None
    ) -> list[ListingStep]:
        memory, kinds = self.memory, {part.kind for part in parts if not part.cluster_name}
        wanted = WantedParts(
            group_id,
            marks,
            self.run.now(),
            partial(memory.last_turn, group_id),
            kinds=frozenset(kinds),
            clusters=frozenset(part for part in parts if part.kind not in kinds),
            remembered=memory.clusters_of(group_id),
        )
        listing = ProjectListing(wanted, self.reader, said_at)
        self.reader.under_way.add(listing)
        steps = listing.first_steps()
        if not steps:
            self.reader.end(listing)
        return steps

    def _take_woken_kinds(self, group_id: str, page: Page) -> set[RestoreKind]:
        """Return the kinds to list for events not seen before, and again in the next sweep."""
        memory = self.memory
        types: dict[str, str] = {}
        for entry in page.entries:
            event = _Event.read(as_map(entry))
            # The text of an event without a usable id takes the place of the id.
            types[event.id or repr(entry)] = event.event_type_name or ""
        woken: set[RestoreKind] = set()
        for event_id in memory.take_unseen_events(group_id, types.keys()):
            woken.update(kinds_of_event(types[event_id]))
        if len(page.entries) >= EVENTS_ON_PAGE:
            woken.update(LISTED_KINDS)
        if woken:
            # A new cluster may have been restored, and an event may precede its job.
            memory.forget_clusters(group_id, woken)
            memory.add_to_read_again(group_id, map(Part, woken))
        return woken
