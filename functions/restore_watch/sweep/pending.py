"""What is pending is published before Atlas is asked about anything."""

from foundation.deadline import Deadline
from foundation.timed_call import LEAST_TIME
from restore_watch.sweep.run import Run
from restore_watch.sweep.settle import Follower
from restore_watch.sweep.workers import Workers
from restore_watch.table.open_job import OpenJob


def publish_pending(run: Run, follower: Follower, workers: Workers, deadline: Deadline) -> None:
    """
    Publish what is pending, the oldest first, until the topic refuses too often.

    What it refused the last time comes last, so that it cannot hold up the rest for ever. Then
    workflows that may be due an answer get it, so that neither service holds up the other.
    """
    now = run.now()
    pending = [job for job in run.open_jobs() if job.pending or job.is_unanswered]
    pending.sort(
        key=lambda job: (not job.pending, run.memory.was_refused(job), job.observed_at or now)
    )

    def publish(job: OpenJob) -> None:
        is_in_vain = job.pending and follower.refusals.are_too_many
        if not is_in_vain and deadline.remaining() > LEAST_TIME:
            follower.publish_pending(job, deadline)

    workers.each(pending, publish, deadline)
