"""How a sweep saw projects, and what that makes of them and of the stack."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from restore_watch.bookkeeping import Bookkeeping
from restore_watch.errors import (
    AtlasError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    CredentialsError,
    RestoreWatchError,
)
from restore_watch.following import REFUSALS, TopicRefusals
from restore_watch.outlook import Seen
from restore_watch.project_item import Project
from restore_watch.telemetry import Telemetry
from restore_watch.watch import LastSeen, Watch
from restore_watch.watch_change import Trouble, Watched
from restore_watch.workers import Workers
from unit.bookkept import BookkeepingItems
from unit.checking import Checking
from unit.open_jobs import NOON
from unit.scripted_atlas import GROUP, Clock, ScriptedAtlas
from unit.stubbed_aws import Refusal, dynamodb

OTHER, THIRD = "5f0000000000000000000a02", "5f0000000000000000000a03"
STACK = "atlas-restore-watch"

DOWN = AtlasUnavailableError("Atlas did not answer")
NO_ROLE = AtlasUnauthorizedError("no role")
NO_SECRET = CredentialsError("no secret")

TROUBLE = Trouble(NOON, "AtlasUnavailableError", "Atlas did not answer")
TROUBLES = {"flex": TROUBLE, "events": TROUBLE}
REPORTED = Project(GROUP, stored_watched=Watched(GROUP, troubles=TROUBLES, degraded=TROUBLE))
UNREPORTED = Project(GROUP, stored_watched=Watched(GROUP, troubles=TROUBLES))


def seen(project: Project, *families: str, **fields: object) -> Seen:
    """A watched project of which these families answered."""
    usual: dict[str, Any] = {"failures": {}, "is_watched": True, "is_seen": bool(families)}
    return Seen(project, families=frozenset(families), **usual | fields)


# How a sweep saw one project


def test_what_was_reported_stands_as_long_as_nothing_is_learnt_about_it() -> None:
    one = seen(REPORTED, "events")

    assert one.standing == {"flex": TROUBLE}
    assert one.fails


def test_what_was_not_reported_does_not_stand() -> None:
    """A failure that nobody met again is no outage."""
    one = seen(UNREPORTED, "dedicated")

    assert one.standing == {}
    assert not one.fails


def test_after_a_listing_nothing_stands_that_was_not_asked_for() -> None:
    """The last cluster of a kind was deleted."""
    assert seen(REPORTED, "events", is_listed=True).standing == {}


def test_of_a_project_that_is_not_watched_only_what_fails_now_counts() -> None:
    """Its named job is asked about, and nothing else."""
    assert seen(REPORTED, "dedicated", is_watched=False).standing == {}


@pytest.mark.parametrize(
    ("families", "is_watched", "is_over"),
    [((), False, True), (("flex",), False, False), ((), True, False), (("flex",), True, False)],
    ids=["nobody looks", "a named job", "not reached", "watched"],
)
def test_a_project_is_over_when_it_is_not_watched_and_nothing_was_asked(
    families: tuple[str, ...], *, is_watched: bool, is_over: bool
) -> None:
    one = seen(REPORTED, *families, is_watched=is_watched)

    assert one.is_over is is_over
    if is_over:
        assert one.standing == {}


@pytest.mark.parametrize(
    ("project", "failures", "fails", "fails_whole"),
    [
        (Project(GROUP), {}, False, False),
        (Project(GROUP), {"flex": DOWN}, True, True),
        (Project(GROUP), {"flex jobs of a cluster": DOWN}, True, False),
        (REPORTED, {}, True, True),
    ],
    ids=["seen", "a family fails", "a cluster fails", "something stands"],
)
def test_a_project_fails_as_a_whole_when_more_fails_than_the_jobs_of_clusters(
    project: Project, failures: dict[str, AtlasError], *, fails: bool, fails_whole: bool
) -> None:
    one = seen(project, "events", failures=failures)

    assert (one.fails, one.fails_whole) == (fails, fails_whole)


# Sweeps


class Sweeps:
    """Sweeps a minute apart, over what the table keeps of projects and the stack."""

    def __init__(self, checking: Checking) -> None:
        self.items = BookkeepingItems()
        self.topic = checking.topic
        self._checking = checking
        self._telemetry = Telemetry(Logger(service=secrets.token_hex(8), location=None))
        self._workers = Workers()
        self._last_seen = LastSeen()

    def watch(self) -> Watch:
        self._checking.clock.now += 60
        return Watch(
            checker=self._checking.checker,
            bookkeeping=Bookkeeping(dynamodb(self.items), "restore-jobs"),
            telemetry=self._telemetry,
            workers=self._workers,
            last_seen=self._last_seen,
            refusals=TopicRefusals(),
            at=self._checking.utc_now(),
            deadline=self._checking.clock.deadline(),
        )

    def sweep(
        self,
        *,
        sees: tuple[str, ...] = (),
        fails: tuple[str, ...] = (),
        over: tuple[str, ...] = (),
        unlisted: RestoreWatchError | None = None,
        is_list_read: bool = False,
        open_jobs: int = 1,
    ) -> int:
        """Sweep with this outcome for these projects. Return how many are degraded."""
        project = self.items.project
        outcomes = [
            *(seen(project(one), "events", "flex") for one in sees),
            *(seen(project(one), "flex", failures={"flex": DOWN}, is_seen=False) for one in fails),
            *(seen(project(one), is_watched=False) for one in over),
        ]
        return self.watch().sweep_ended(
            outcomes, self.items.stack, open_jobs, unlisted, is_list_read=is_list_read
        )

    def stack_fails(self) -> None:
        self.watch().stack_fails(self.items.stack, NO_SECRET, 0)

    def said(self) -> list[tuple[str, str]]:
        """What was published since the last call, by subject and state."""
        ids, self.topic.ids = self.topic.ids, []
        subjects = [one.split(":")[:2] for one in ids]
        return [(subject, state) for subject, state in subjects]


@pytest.fixture
def sweeps(atlas: ScriptedAtlas, clock: Clock, capsys: pytest.CaptureFixture[str]) -> Sweeps:
    del capsys
    return Sweeps(Checking(atlas, clock))


@pytest.fixture
def blind(sweeps: Sweeps) -> Sweeps:
    """None of two projects can be seen, and the stack is degraded."""
    for _ in range(4):
        sweeps.sweep(fails=(GROUP, OTHER))
    assert sweeps.said() == [(STACK, "degraded")]
    return sweeps


def test_a_project_that_fails_beside_others_is_degraded_and_recovers(sweeps: Sweeps) -> None:
    counts = [sweeps.sweep(sees=(OTHER,), fails=(GROUP,)) for _ in range(4)]
    counts.append(sweeps.sweep(sees=(GROUP, OTHER)))

    assert counts == [0, 0, 0, 1, 0]
    assert sweeps.said() == [(GROUP, "degraded"), (GROUP, "recovered")]


def test_a_project_alone_fails_for_itself(sweeps: Sweeps) -> None:
    for _ in range(4):
        sweeps.sweep(fails=(GROUP,))

    assert sweeps.said() == [(GROUP, "degraded")]


def test_projects_stand_still_while_none_of_them_can_be_seen(sweeps: Sweeps) -> None:
    counts = [sweeps.sweep(fails=(GROUP, OTHER)) for _ in range(4)]

    assert counts == [0, 0, 0, 2]
    assert sweeps.said() == [(STACK, "degraded")]
    assert sweeps.items.project(GROUP) == Project(GROUP)


def test_a_stack_has_recovered_when_one_of_its_projects_is_seen(blind: Sweeps) -> None:
    blind.sweep(sees=(GROUP,), fails=(OTHER,))
    assert blind.said() == [(STACK, "recovered")]

    for _ in range(3):
        blind.sweep(sees=(GROUP,), fails=(OTHER,))
    assert blind.said() == [(OTHER, "degraded")]


@pytest.mark.parametrize("over", [(), (OTHER,)], ids=["without troubles", "with troubles"])
def test_a_stack_does_not_recover_because_a_broken_project_is_taken_out(
    blind: Sweeps, over: tuple[str, ...]
) -> None:
    for _ in range(4):
        blind.sweep(fails=(GROUP,), over=over)

    assert blind.said() == []
    assert blind.items.stack.degraded is not None


def test_a_stack_does_not_recover_in_a_sweep_that_asked_nothing(blind: Sweeps) -> None:
    for _ in range(3):
        blind.sweep()
    assert blind.said() == []

    blind.sweep(open_jobs=0)
    assert blind.said() == [(STACK, "recovered")], "there is nothing left to see"


def test_credentials_that_are_refused_are_not_over_while_nothing_is_seen(sweeps: Sweeps) -> None:
    for _ in range(4):
        sweeps.stack_fails()
    assert sweeps.said() == [(STACK, "degraded")]

    sweeps.sweep(fails=(GROUP,))
    assert sweeps.said() == []
    sweeps.sweep(sees=(GROUP,))
    assert sweeps.said() == [(STACK, "recovered")]


def test_a_failure_of_the_credentials_is_forgotten_by_a_sweep_that_asks_nothing(
    sweeps: Sweeps,
) -> None:
    """It was not reported. A day may pass until the next job is named."""
    sweeps.stack_fails()
    for _ in range(4):
        sweeps.sweep()
    sweeps.stack_fails()

    assert sweeps.said() == []


def test_a_list_of_projects_that_is_not_read_degrades_the_stack_beside_its_projects(
    sweeps: Sweeps,
) -> None:
    for _ in range(4):
        sweeps.sweep(sees=(GROUP,), fails=(OTHER,), unlisted=NO_ROLE)
    assert sorted(sweeps.said()) == sorted([(OTHER, "degraded"), (STACK, "degraded")])

    sweeps.sweep(sees=(GROUP, OTHER))
    assert sweeps.said() == [(OTHER, "recovered")]
    sweeps.sweep(sees=(GROUP, OTHER), is_list_read=True)
    assert sweeps.said() == [(STACK, "recovered")]


def test_a_project_that_is_over_recovers_and_does_not_count_as_seen(sweeps: Sweeps) -> None:
    for _ in range(4):
        sweeps.sweep(sees=(GROUP, OTHER), fails=(THIRD,))
    assert sweeps.said() == [(THIRD, "degraded")]

    assert sweeps.sweep(sees=(GROUP, OTHER), over=(THIRD,)) == 0
    assert sweeps.said() == [(THIRD, "recovered")]


def test_a_project_that_is_over_does_not_hide_that_no_other_can_be_seen(sweeps: Sweeps) -> None:
    for _ in range(4):
        sweeps.sweep(fails=(GROUP, OTHER), over=(THIRD,))

    assert sweeps.said() == [(STACK, "degraded")]


def test_the_last_success_is_the_later_one_of_this_environment_and_the_table(
    sweeps: Sweeps, clock: Clock
) -> None:
    sweeps.sweep(sees=(GROUP,))
    listed_at = datetime.fromtimestamp(clock.now + 600, UTC)
    clock.now += 900
    project = replace(sweeps.items.project(GROUP), listed_at=listed_at)
    one = seen(project, "flex", failures={"flex": DOWN})
    sweeps.watch().sweep_ended([one], Watched(None), 0)

    assert sweeps.items.project(GROUP).watched.last_success_at == listed_at


# A topic that refuses


def unsent(sweeps: Sweeps, *groups: str) -> dict[str, Project]:
    """Projects of which the topic has refused a degradation and a recovery."""
    sweeps.topic.refusals = [Refusal("AuthorizationError")] * 1000
    for _ in range(4):
        sweeps.sweep(sees=(THIRD,), fails=groups)
    sweeps.sweep(sees=(THIRD, *groups))
    sweeps.topic.refusals = []
    assert sweeps.said() == []
    return {one: sweeps.items.project(one) for one in groups}


def test_what_the_topic_has_accepted_is_not_sent_again_although_the_next_is_refused(
    sweeps: Sweeps, clock: Clock
) -> None:
    projects = unsent(sweeps, GROUP)
    refused = Refusal("AuthorizationError")
    for answers in ([None, refused], [refused], [refused], []):
        sweeps.topic.refusals = [*answers]
        sweeps.watch().publish_unsent(projects, sweeps.items.stack, clock.deadline())

    assert sweeps.said() == [(GROUP, "degraded"), (GROUP, "recovered")]
    assert projects[GROUP].watched.unsent == sweeps.items.project(GROUP).watched.unsent == ()


def test_after_three_refusals_a_sweep_tries_nothing_more(sweeps: Sweeps, clock: Clock) -> None:
    projects = unsent(sweeps, GROUP)
    watch, before = sweeps.watch(), projects[GROUP]
    sweeps.topic.refusals = [Refusal("AuthorizationError")] * REFUSALS
    for _ in range(REFUSALS + 2):
        watch.publish_unsent(projects, sweeps.items.stack, clock.deadline())

    assert sweeps.topic.refusals == []
    assert sweeps.said() == []
    assert projects[GROUP] == before
