"""The shortest examples of what the model once found, played again by its own rules."""

from collections.abc import Iterator
from contextlib import contextmanager

from foundation.deadline import Deadline
from local_stack.stack import LocalStack
from local_stack.wire import Delay, Fault
from reliability.drawn import PUBLISH, DrawnJob
from reliability.drawn_projects import DrawnProjects
from reliability.model import RestoreModel
from restore_watch.model.restore_job import RestoreKind


@contextmanager
def played(
    stack: LocalStack, *timeline: str, jobs: int = 1, projects: DrawnProjects | None = None
) -> Iterator[RestoreModel]:
    """A model with Flex jobs of one cluster. What must hold is judged at the end of the block."""
    RestoreModel.stack = stack
    model = RestoreModel()
    try:
        named = [DrawnJob(RestoreKind.FLEX, "RESTORE", timeline)] * jobs
        model.restores_begin(named, 400, projects=projects)
        yield model
    finally:
        model.teardown()


def test_a_pending_change_is_published_when_atlas_has_forgotten_the_job(stack: LocalStack) -> None:
    with played(stack, "RUNNING", "COMPLETED") as model:
        model.check(0, 0)

        model.a_job_is_refused_after_a_change(0, 0, (PUBLISH, "before"), None)


def test_a_word_is_not_recorded_twice_in_an_item_that_is_recorded_anew(stack: LocalStack) -> None:
    with played(stack, "A", "B") as model:
        model.a_word_is_recorded_anew_beside_a_slow_check([0, 1])


def test_a_408_of_the_token_endpoint_is_not_repeated(stack: LocalStack) -> None:
    with played(stack, "RUNNING") as model:
        model.the_token_endpoint_fails((0, 0, 0), None, "408", "before", None, "cold")


def test_a_job_that_was_found_again_does_not_leave_the_index(stack: LocalStack) -> None:
    with played(stack, "RUNNING") as model:
        model.a_sweep_reads_an_old_index(0, [0, 1], "found", 0, hides=True)


def test_a_sweep_does_not_wait_for_the_lease_past_its_deadline(stack: LocalStack) -> None:
    slow = Fault(service="dynamodb", operation="UpdateItem", action=Delay(0.3))
    with played(stack, "RUNNING") as model:
        model.sweeps.run(1, disturbed=model.checks.death(1, 1, "before"))

        deadline = Deadline.after(1.2, lambda: model.world.uptime)
        model.sweeps.run(0, deadline=deadline, disturbed=stack.aws.wire.inject(slow))


def test_a_job_that_its_list_omits_has_a_turn_while_the_bucket_is_low(stack: LocalStack) -> None:
    with played(stack, "RUNNING", "COMPLETED", jobs=2) as model:
        model.a_bucket_is_low(1, 0, 5, 4, omits=True)


def test_a_list_that_shows_a_missing_job_before_its_turn_is_not_about_it(
    stack: LocalStack,
) -> None:
    with played(stack, "RUNNING", "COMPLETED", jobs=3) as model:
        for place in range(3):
            model.check(place, 0)

        model.a_job_is_missing_for_a_time(2, 0, None, 1, refuses=False)


def test_a_restore_that_ends_before_the_first_listing_succeeds_is_found(stack: LocalStack) -> None:
    """It began long before the first attempt, and was under way then."""
    old = DrawnJob(RestoreKind.DEDICATED, "automated", ("running", "finished"), cluster="old")
    projects = DrawnProjects("ids", old=[(old, 100.0)])
    with played(stack, "RUNNING", projects=projects) as model:
        model.world.put_out_of_sight(old.group, "locked out")
        model.sweeps.run(0)
        (job,) = model.world.unnamed
        model.world.advance(job)
        model.world.pass_time(600)

        model.world.bring_all_back()
        model.sweeps.run(0)
