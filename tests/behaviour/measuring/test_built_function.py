"""The built function measures what the topic puts into its queue, by the template's filter."""

from behaviour.measuring.measured import UNTIL_MEASURED, Measured
from local_stack.environment import target_of
from local_stack.world import World


def test_a_completed_restore_goes_through_topic_queue_and_function_to_its_message(
    world: World,
) -> None:
    queue = world.stack.measurements
    world.aws.client("sqs").purge_queue(QueueUrl=world.stack.resources["MeasureQueue"])
    # The function goes by the clock of this machine.
    world.pass_time(-UNTIL_MEASURED)
    flex = world.finished_job()
    world.check(target_of(flex))

    measured = Measured(world)

    # Neither the restore of a Flex cluster comes, nor the message about the measurement.
    assert [queue.deliver(), queue.deliver()] == [1, 0]
    assert measured.published() == ["COMPLETED", "MEASURED"]
    assert (measured.recorded() or {})["outcome"] == "matches"
    assert world.published(flex) == ["COMPLETED"]


def test_by_hand_the_built_function_answers_without_recording(world: World) -> None:
    world.pass_time(-UNTIL_MEASURED)
    measured = Measured(world)

    invocation = world.stack.measurer.invoke({"action": "measure", **measured.job.event})

    assert invocation.payload["measurement"]["outcome"] == "matches"
    assert measured.recorded() is None
