"""How a sweep saw projects, and what that makes of them and of the stack."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from restore_watch.errors import (
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    CredentialsError,
    RestoreWatchError,
)
from restore_watch.model.outage import Watched
from restore_watch.sweep.act_on_answer import REFUSALS, TopicRefusals
from restore_watch.sweep.outages.project_verdicts import ProjectVerdict
from restore_watch.sweep.outages.report import LastSeen, Watch
from restore_watch.sweep.outages.stack_verdict import ListOfProjects
from restore_watch.table.bookkeeping import Bookkeeping
from restore_watch.table.project_item import Project
from restore_watch.telemetry.telemetry import Telemetry
from restore_watch.threads.workers import Workers
from unit.bookkept import BookkeepingItems
from unit.checking import Checking
from unit.open_jobs import NOON
from unit.runs import a_run
from unit.scripted_atlas import GROUP, Clock, ScriptedAtlas
from unit.stubbed_aws import Refusal, dynamodb

OTHER, THIRD = "5f0000000000000000000a02", "5f0000000000000000000a03"
STACK = "atlas-restore-watch"

DOWN = AtlasUnavailableError("Atlas did not answer")
NO_ROLE = AtlasUnauthorizedError("no role")
NO_SECRET = CredentialsError("no secret")
NOT_LISTED = ListOfProjects()


def seen(
    project: Project, error: RestoreWatchError | None = None, *, is_seen: bool = True
) -> ProjectVerdict:
    """How a sweep saw a project, of which one thing may fail."""
    failures = {"flex": error} if error else {}
    return ProjectVerdict(project, failures, standing={}, is_seen=is_seen, open_jobs=1)


class Sweeps:
    """Sweeps a minute apart, over what the table keeps of projects and the stack."""

    def __init__(self, checking: Checking) -> None:
        self.items = BookkeepingItems()
        self.topic = checking.topic
        self._checking = checking
        self._telemetry = Telemetry(Logger(service=secrets.token_hex(8), location=None))
        self._workers = Workers()
        self._last_seen = LastSeen()

    def watch(self, projects: dict[str, Project] | None = None) -> Watch:
        self._checking.clock.now += 60
        return Watch(
            run=a_run(self._checking.clock, self._telemetry, projects),
            topic=self._checking.checker.outbox.topic,
            bookkeeping=Bookkeeping(dynamodb(self.items), "restore-jobs"),
            workers=self._workers,
            last_seen=self._last_seen,
            refusals=TopicRefusals(),
        )

    def sweep(
        self,
        *,
        sees: Sequence[str] = (),
        fails: Sequence[str] = (),
        refused: Sequence[str] = (),
        left_alone: Sequence[str] = (),
        listed: ListOfProjects = NOT_LISTED,
        open_jobs: int = 1,
    ) -> int:
        """Sweep with this outcome for these projects. Return how many are degraded."""
        project = self.items.project
        outcomes = [
            *(seen(project(one)) for one in sees),
            *(seen(project(one), DOWN, is_seen=False) for one in fails),
            *(seen(project(one), NO_ROLE, is_seen=False) for one in refused),
        ]
        return self.watch().sweep_ended(
            outcomes, [project(one) for one in left_alone], self.items.stack, listed, open_jobs
        )

    def recover(self, **outcome: Any) -> None:
        """Sweep for three minutes with this outcome."""
        for _ in range(4):
            self.sweep(**outcome)

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
    counts += [sweeps.sweep(sees=(GROUP, OTHER)) for _ in range(4)]

    assert counts == [0, 0, 0, 1, 1, 1, 1, 0]
    assert sweeps.said() == [(GROUP, "degraded"), (GROUP, "recovered")]


def test_a_project_alone_fails_for_itself(sweeps: Sweeps) -> None:
    for _ in range(4):
        sweeps.sweep(fails=(GROUP,))

    assert sweeps.said() == [(GROUP, "degraded")]


@pytest.mark.parametrize(
    "refused", [(), (OTHER,), (GROUP, OTHER)], ids=["unanswered", "one of each", "refused"]
)
def test_projects_stand_still_while_each_of_them_fails(
    sweeps: Sweeps, refused: Sequence[str]
) -> None:
    fails = [one for one in (GROUP, OTHER) if one not in refused]
    counts = [sweeps.sweep(fails=fails, refused=refused) for _ in range(4)]

    assert counts == [0, 0, 0, 2]
    assert sweeps.said() == [(STACK, "degraded")]
    assert sweeps.items.project(GROUP) == Project(GROUP)


def test_a_stack_has_recovered_when_one_of_its_projects_was_seen_for_three_minutes(
    blind: Sweeps,
) -> None:
    blind.recover(sees=(GROUP,), fails=(OTHER,))
    assert blind.said() == [(STACK, "recovered")]

    for _ in range(4):
        blind.sweep(sees=(GROUP,), fails=(OTHER,))
    assert blind.said() == [(OTHER, "degraded")]


def test_a_stack_does_not_recover_because_a_broken_project_is_taken_out(blind: Sweeps) -> None:
    blind.recover(fails=(GROUP,))

    assert blind.said() == []
    assert blind.items.stack.degraded is not None


def test_a_stack_does_not_recover_in_a_sweep_that_asked_nothing(blind: Sweeps) -> None:
    blind.recover()
    assert blind.said() == []

    blind.recover(open_jobs=0)
    assert blind.said() == [(STACK, "recovered")], "there is nothing left to see"


def test_credentials_that_are_refused_are_not_over_while_nothing_is_seen(sweeps: Sweeps) -> None:
    for _ in range(4):
        sweeps.stack_fails()
    assert sweeps.said() == [(STACK, "degraded")]

    sweeps.recover(fails=(GROUP,))
    assert sweeps.said() == []
    sweeps.recover(sees=(GROUP,))
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
        sweeps.sweep(sees=(GROUP,), fails=(OTHER,), listed=ListOfProjects(failure=NO_ROLE))
    assert sorted(sweeps.said()) == sorted([(OTHER, "degraded"), (STACK, "degraded")])

    sweeps.recover(sees=(GROUP, OTHER))
    assert sweeps.said() == [(OTHER, "recovered")]
    sweeps.recover(sees=(GROUP, OTHER), listed=ListOfProjects(is_read=True))
    assert sweeps.said() == [(STACK, "recovered")]


def test_a_project_that_nobody_looks_at_recovers_and_does_not_count_as_seen(
    sweeps: Sweeps,
) -> None:
    for _ in range(4):
        sweeps.sweep(sees=(GROUP, OTHER), fails=(THIRD,))
    assert sweeps.said() == [(THIRD, "degraded")]

    sweeps.recover(fails=(GROUP, OTHER), left_alone=(THIRD,))
    assert sorted(sweeps.said()) == sorted([(STACK, "degraded"), (THIRD, "recovered")])


def test_a_project_that_is_removed_is_over_at_once_and_once(sweeps: Sweeps) -> None:
    for _ in range(4):
        sweeps.sweep(sees=(GROUP,), fails=(OTHER,))
    assert sweeps.said() == [(OTHER, "degraded")]
    removed = replace(sweeps.items.project(OTHER), removed_at=NOON)
    projects = {GROUP: sweeps.items.project(GROUP), OTHER: removed}
    for _ in range(2):
        sweeps.watch(projects).forget_removed()

    assert sweeps.said() == [(OTHER, "recovered")]
    assert not projects[OTHER].watched.fails


# Outages of Atlas in which some requests are answered

MANY = [f"5f{number:022x}" for number in range(50)]


@pytest.mark.parametrize(
    ("silent", "total", "is_outage"),
    [(2, 8, False), (3, 12, True), (3, 13, False)],
    ids=["two", "a quarter", "less than a quarter"],
)
def test_three_projects_and_a_quarter_of_all_without_an_answer_are_an_outage(
    sweeps: Sweeps, silent: int, total: int, *, is_outage: bool
) -> None:
    for _ in range(4):
        sweeps.sweep(fails=MANY[:silent], sees=MANY[silent:total])

    subjects = [STACK] if is_outage else MANY[:silent]
    assert sorted(sweeps.said()) == [(one, "degraded") for one in sorted(subjects)]


@pytest.mark.parametrize("share", [0.34, 0.5, 0.9])
def test_an_outage_that_comes_and_goes_for_hours_is_one_message(
    sweeps: Sweeps, share: float
) -> None:
    """The projects that have no answer are others in each sweep; one is refused all the time."""
    chance = Random(share)  # noqa: S311 - it need not be secret
    refused, *others = MANY
    for _ in range(120):
        fails = {one for one in others if chance.random() < share}
        sweeps.sweep(
            sees=[one for one in others if one not in fails], fails=[*fails], refused=[refused]
        )
    assert sorted(sweeps.said()) == sorted([(STACK, "degraded"), (refused, "degraded")])

    sweeps.recover(sees=others, refused=[refused])
    assert sweeps.said() == [(STACK, "recovered")]
    updates = len(sweeps.items.updates)
    sweeps.recover(sees=others, refused=[refused])
    assert len(sweeps.items.updates) == updates


def test_the_last_success_is_the_later_one_of_this_environment_and_the_table(
    sweeps: Sweeps, clock: Clock
) -> None:
    sweeps.sweep(sees=(GROUP,))
    listed_at = datetime.fromtimestamp(clock.now + 600, UTC)
    clock.now += 900
    project = replace(sweeps.items.project(GROUP), listed_at=listed_at)
    one = seen(project, DOWN, is_seen=False)
    sweeps.watch().sweep_ended([one], [], Watched(None), NOT_LISTED, 0)

    assert sweeps.items.project(GROUP).watched.last_success_at == listed_at


# A topic that refuses


def unsent(sweeps: Sweeps, *groups: str) -> dict[str, Project]:
    """Projects of which the topic has refused a degradation and a recovery."""
    sweeps.topic.refusals = [Refusal("AuthorizationError")] * 1000
    for _ in range(4):
        sweeps.sweep(sees=(THIRD,), fails=groups)
    sweeps.recover(sees=(THIRD, *groups))
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
        sweeps.watch(projects).publish_unsent(sweeps.items.stack, clock.deadline())

    assert sweeps.said() == [(GROUP, "degraded"), (GROUP, "recovered")]
    assert projects[GROUP].watched.unsent == sweeps.items.project(GROUP).watched.unsent == ()


def test_after_three_refusals_a_sweep_tries_nothing_more(sweeps: Sweeps, clock: Clock) -> None:
    projects = unsent(sweeps, GROUP)
    watch, before = sweeps.watch(projects), projects[GROUP]
    sweeps.topic.refusals = [Refusal("AuthorizationError")] * REFUSALS
    for _ in range(REFUSALS + 2):
        watch.publish_unsent(sweeps.items.stack, clock.deadline())

    assert sweeps.topic.refusals == []
    assert sweeps.said() == []
    assert projects[GROUP] == before
