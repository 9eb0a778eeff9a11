"""The messages that the topic has not taken yet, once in a sweep."""

from dataclasses import replace
from functools import partial
from random import shuffle

from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from foundation.timed_call import LEAST_TIME
from restore_watch.sweep.acting.job_actions import JobActions
from restore_watch.table.open_job import OpenJob
from restore_watch.threads.workers import Workers


def publish_pending(job_actions: JobActions, workers: Workers, deadline: Deadline) -> None:
    """
    Publish what is pending, from the table alone, until the topic refuses too often.

    The topic may refuse the messages of some jobs for ever: those that it refused last come
    last. Then workflows that may be due an answer get it, so that neither service holds up the
    other.
    """
    memory, refusals = job_actions.run.memory, job_actions.refusals
    pending = [job for job in job_actions.run.open_jobs() if job.pending or job.is_unanswered]
    shuffle(pending)
    pending.sort(key=lambda job: (not job.pending, memory.remembered(job.key).topic_refused_at))

    def publish(job: OpenJob) -> None:
        if (job.pending and refusals.are_too_many) or deadline.remaining() <= LEAST_TIME:
            return
        try:
            with job_actions.isolated(job):
                send = partial(job_actions.outbox.publish_pending, job.target, deadline)
                job_actions.send_pending(job, send)
        except ApplicationError as error:
            job_actions.note_failure(job, error)
        else:
            job_actions.note(replace(job, published=job.sequence, is_unanswered=False))

    workers.each(pending, publish, deadline)
