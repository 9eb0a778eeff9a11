"""What Hypothesis draws for projects that sweeps watch: their lists, their troubles, restores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hypothesis import strategies as st

from local_stack.behaviour import ListOrder
from reliability.drawn import GROUPS, DrawnJob
from restore_watch.model.restore_job import RestoreKind

type Sightless = Literal["locked out", "no role for dedicated", "deleted", "not listed"]
"""Why a project, or a part of it, cannot be seen."""

type Emitted = Literal["emitted", "silent", "refused"]
"""Restores leave events, or none, or no event can be read."""


@dataclass(frozen=True)
class DrawnProjects:
    """
    The projects of an example, how Atlas lists them, and what is in them when it begins.

    `old` are restores that nobody names, with the minutes since each began. In every cluster with a
    restore that nobody names, `history` others ended long ago.
    """

    watches: Literal["ids", "all"]
    largest_page: int = 500
    list_order: ListOrder = "newest first"
    old: Sequence[tuple[DrawnJob, float]] = ()
    history: int = 0


_TIMELINES: dict[RestoreKind, Sequence[Sequence[str]]] = {
    RestoreKind.FLEX: (
        ("PENDING", "RUNNING", "COMPLETED"),
        ("RUNNING", "FAILED"),
        ("RUNNING", "CANCELED"),
        ("QUEUED", "HALTED", "COMPLETED"),
    ),
    RestoreKind.DEDICATED: (
        ("running", "finished"),
        ("running", "failed"),
        ("running", "cancelled"),
    ),
    RestoreKind.COLLECTION: (
        ("INITIALIZING", "IN_PROGRESS", "FINALIZING", "SUCCESSFUL"),
        ("IN_PROGRESS", "FAILED"),
        ("INITIALIZING", "CANCELED"),
        ("IN_PROGRESS", "PARTIAL_SUCCESS+finished"),
    ),
}
_CLUSTERS = ("cluster", "cluster", "two", "three")


@st.composite
def unnamed_jobs(draw: st.DrawFn) -> DrawnJob:
    """A restore of any kind, in a cluster that may be new."""
    kind = draw(st.sampled_from(list(_TIMELINES)))
    of = "flex" if kind is RestoreKind.FLEX else "dedicated"
    return DrawnJob(
        kind,
        {RestoreKind.FLEX: "RESTORE", RestoreKind.DEDICATED: "automated"}.get(kind, ""),
        draw(st.sampled_from(_TIMELINES[kind])),
        group=draw(st.sampled_from(GROUPS)),
        cluster=f"{of}-{draw(st.sampled_from(_CLUSTERS))}",
    )


_old = st.tuples(unnamed_jobs(), st.sampled_from([0.0, 20.0, 100.0, 3000.0]))

_orders: st.SearchStrategy[ListOrder] = st.sampled_from(
    ["newest first", "oldest first", "shuffled"]
)


@st.composite
def _projects(draw: st.DrawFn) -> DrawnProjects:
    """
    Short pages shift most. But a few jobs may seem to descend in any order.

    So lists in another order have longer pages.
    """
    order = draw(_orders)
    pages = [(500, 0), (2, 4), (3, 0)] if order == "newest first" else [(500, 4), (12, 14)]
    largest_page, history = draw(st.sampled_from(pages))
    return DrawnProjects(
        draw(st.sampled_from(["ids", "ids", "all"])),
        largest_page,
        order,
        draw(st.lists(_old, max_size=3)),
        history,
    )


drawn_projects = st.none() | _projects() | _projects()
groups = st.sampled_from(GROUPS)
sightless: st.SearchStrategy[Sightless] = st.sampled_from(
    ["locked out", "locked out", "no role for dedicated", "deleted", "not listed"]
)
emitted: st.SearchStrategy[Emitted] = st.sampled_from(["emitted", "silent", "refused"])
clocks_ahead = st.sampled_from([-240.0, -60.0, 0.0, 60.0, 240.0])
"""Seconds by which Atlas's clock is ahead. So much is within the margin of the marks."""
minutes = st.sampled_from([1, 4, 16, 120])
list_calls = st.integers(0, 11)
"""The calls by which a sweep finds jobs in two projects are about so many."""
