"""
One call to AWS or to a webhook that ends by the deadline.

The timeouts of botocore and httpx limit a single read, botocore's retries have no deadline, and a
name lookup has no timeout at all. So a call runs in a thread, and we wait for that thread until the
deadline at most. A call that is left behind may still take effect. That does no harm: all our
writes are conditional, and a message or notice that is sent twice is better than none.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from foundation.deadline import Deadline

LEAST_TIME = 1.0
"""No call begins with less time left, in seconds. Within a region AWS answers in about 10 ms."""

CALLS_AT_ONCE = 8
"""Calls of a step that may be under way, or hang. The next call has to wait for a thread."""


class CallTimeoutError(Exception):
    """The call had not ended by the deadline."""


def timed_call[Answer](deadline: Deadline, step: str, call: Callable[[], Answer]) -> Answer:
    """Return the call's answer, or raise its error; CallTimeoutError after the deadline."""
    deadline.require(LEAST_TIME, step)
    running = _threads(step).submit(call)
    try:
        return running.result(deadline.remaining())
    except TimeoutError:
        if running.done():
            return running.result()
        running.cancel()  # for a call that has no thread yet
        raise CallTimeoutError(step) from None


@cache
def _threads(step: str) -> ThreadPoolExecutor:
    # Each step has its own threads, so a topic that hangs does not keep the table from recording.
    return ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix=step)
