"""Pending messages are published before Atlas is asked about anything."""

from random import shuffle

from foundation.deadline import Deadline
from foundation.timed_call import LEAST_TIME
from restore_watch.sweep.act_on_answer import Follower
from restore_watch.sweep.run import Run
from restore_watch.table.open_job import OpenJob
from restore_watch.threads.workers import Workers


def publish_pending(run: Run, follower: Follower, workers: Workers, deadline: Deadline) -> None:
    """
    Publish what is pending, in any order, until the topic refuses too often.

    The topic may refuse the messages of some jobs for ever; these do not always come first. Then
    workflows that may be due an answer get it, so that neither service holds up the other.
    """
    pending = [job for job in run.open_jobs() if job.pending or job.is_unanswered]
    shuffle(pending)
    pending.sort(key=lambda job: not job.pending)

    def publish(job: OpenJob) -> None:
        is_in_vain = job.pending and follower.refusals.are_too_many
        if not is_in_vain and deadline.remaining() > LEAST_TIME:
            follower.publish_pending(job, deadline)

    workers.each(pending, publish, deadline)
