"""The shortest examples of what the model once found, played again by its own rules."""

from collections.abc import Iterator
from contextlib import contextmanager

from local_stack.stack import LocalStack
from reliability.drawn import PUBLISH, DrawnJob
from reliability.model import RestoreModel
from restore_watch.restore_job import RestoreKind


@contextmanager
def played(stack: LocalStack, *timeline: str) -> Iterator[RestoreModel]:
    """A model with one Flex job. What must hold is judged at the end of the block."""
    RestoreModel.stack = stack
    model = RestoreModel()
    try:
        model.restores_begin([DrawnJob(RestoreKind.FLEX, "RESTORE", timeline)], 400)
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
