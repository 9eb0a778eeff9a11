"""What invokes the function in AWS: its queue."""

import json
from collections.abc import Iterator

import pytest

from local_stack.function_queue import FunctionQueue
from local_stack.world import LONG_AGO, World
from observed_stack import ObservedStack


def queue_of(stack: ObservedStack, name: str = "RequestQueue") -> FunctionQueue:
    return FunctionQueue(stack.aws, stack.resources[name], stack.invoke)


def test_a_request_on_the_queue_is_handled_and_removed(world: World, stack: ObservedStack) -> None:
    job, queue = world.job(), queue_of(stack)
    queue.send(job.event)

    assert world.published(job) == ["PENDING"]
    assert queue.waiting() == 0


@pytest.fixture
def without_poller(stack: ObservedStack) -> Iterator[ObservedStack]:
    """Nothing reads the queue of requests, until the test ends."""
    lambdas = stack.aws.client("lambda")
    (mapping,) = lambdas.list_event_source_mappings()["EventSourceMappings"]
    lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    yield stack
    stack.settle()
    stack.reset()


def test_only_the_failed_record_of_a_batch_is_repeated_and_moved_to_the_dead_letter_queue(
    without_poller: ObservedStack, world: World
) -> None:
    queue, dead = queue_of(without_poller), queue_of(without_poller, "RequestDeadLetterQueue")
    jobs = [world.job() for _ in range(2)]
    unknown = {"groupId": world.group, "clusterName": "orders", "restoreId": LONG_AGO}
    queue.send(unknown, *(job.event for job in jobs))

    assert [queue.deliver() for _ in range(6)] == [3, 1, 1, 1, 1, 0]
    assert [world.published(job) for job in jobs] == [["PENDING"]] * 2
    assert queue.waiting() == 0
    assert [json.loads(body) for body in dead.bodies()] == [unknown]
