"""When the whole stack is degraded, and when it has recovered."""

import pytest

from behaviour.projects import Changed, going_on, of, project_with
from behaviour.rows import rows
from local_stack.aws import aws_error
from local_stack.environment import Environment
from local_stack.faults import Action, Answer
from local_stack.refusal import atlas_error
from local_stack.steps import MISSING_ROLE, QUESTION, SECRET
from local_stack.wire import Selection
from local_stack.world import World
from restore_watch.errors import CredentialsError
from restore_watch.sweep.finding.watched_projects import ProjectIds

cases = pytest.mark.parametrize

PROJECTS = Selection("atlas", "projects")
SECOND_PAGE = Selection("atlas", "projects", lambda call: call.query.get("pageNum") == "2")
LIST_REFUSED = atlas_error(401, "USER_UNAUTHORIZED", "No role in the organization.")
NO_SECRET = aws_error("secretsmanager", "AccessDeniedException", status=400)

DEGRADED, RECOVERED = ("degraded", None), ("recovered", None)


def watching_all(world: World) -> Environment:
    """A cold start that watches all projects."""
    return world.environment(project_ids="all")


def blind_ticks(world: World, count: int, projects: ProjectIds = ()) -> None:
    """Cold starts, one in each minute, that cannot read the secret."""
    with world.inject(SECRET, NO_SECRET, times=None):
        for _ in range(count):
            world.raised(CredentialsError, world.environment(project_ids=projects).tick)


ODD_ENTRY = Changed(
    lambda body: {
        "results": [{**one, "id": n and one["id"]} for n, one in enumerate(body["results"])]
    }
)
"""The first project of each page has no id."""

FEW_CALLS = Changed(headers={"RateLimit-Limit": "300", "RateLimit-Remaining": "20"})

LASTING: dict[str, tuple[Selection, Action, int]] = {
    "list-refused": (PROJECTS, LIST_REFUSED, 1),
    "second-page-fails": (SECOND_PAGE, Answer(503), 1),
    "list-repeats-its-page": (PROJECTS, going_on(), 1),
    "unreadable-entry": (PROJECTS, ODD_ENTRY, 1),
    "others-use-up-the-limit": (PROJECTS, FEW_CALLS, 0),
    "every-project-refused": (of(QUESTION, "/groups/"), MISSING_ROLE, 3),
}
"""What fails, and the number of failures that a sweep reports."""


@pytest.mark.fault("F69", "F78", "F82")
@cases(("step", "action", "failures"), rows(LASTING, "every-project-refused"))
def test_a_fault_of_the_whole_watch_is_one_message_until_it_is_over(
    world: World, step: Selection, action: Action, failures: int
) -> None:
    """The last complete list of all projects stays in force."""
    for _ in range(3):
        project_with(world)
    world.atlas.behaviour.largest_page = 2
    watching = watching_all(world)
    watching.tick()
    world.inject(step, action, times=None)
    assert [len(one["failures"]) for one in watching.ticks(3, minutes=11)] == [failures] * 3
    assert world.count(PROJECTS) <= 3
    assert world.watch_said() == [DEGRADED]
    # It is not forgotten.
    watching.ticks(2, minutes=20 * 24 * 60)
    assert (world.stack.get("sweeps", "stack") or {})["expiresAt"] > world.clock().timestamp()
    world.heal()
    watching.ticks(2, minutes=11)

    assert world.watch_said() == [DEGRADED, RECOVERED]
    degraded, recovered = world.published("atlas-restore-watch")
    assert degraded.removeprefix("degraded") == recovered.removeprefix("recovered")
    for message, name in zip(
        world.messages("atlas-restore-watch"), ("degraded", "recovered"), strict=True
    ):
        assert message.event["source"] == "/stacks/atlas-restore-watch"
        assert message.attributes == {"type": f"atlas-restore-watch.watch-{name}.v1"}


@pytest.mark.campaign
@pytest.mark.fault("F78")
def test_a_stack_that_follows_named_jobs_alone_recovers(
    world: World, environment: Environment
) -> None:
    """The job ends by an event, with the new credentials; nothing is open afterwards."""
    job = world.recorded_job(timeline=["RUNNING", "COMPLETED"])
    blind_ticks(world, 5)
    assert world.watch_said() == [DEGRADED]
    job.run_to_end()
    world.check(job)
    environment.ticks(2, minutes=4)

    assert world.watch_said() == [DEGRADED, RECOVERED]


# All projects


@cases("action", [LIST_REFUSED, ODD_ENTRY], ids=["refused", "unreadable-entry"])
def test_a_stack_that_has_never_read_the_list_of_all_projects_is_degraded(
    world: World, action: Action
) -> None:
    project, watching = project_with(world), watching_all(world)
    with world.inject(PROJECTS, action, times=None):
        results = watching.ticks(2, minutes=4)
    assert [one["groupId"] for one in results[-1]["failures"]] == [None]
    assert world.watch_said() == [DEGRADED]

    watching.ticks(2, minutes=4)
    assert world.watch_said() == [DEGRADED, RECOVERED]
    assert world.bookkeeping(project)["mark"]
