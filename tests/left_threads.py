"""Ends the threads of sweeps whose objects are garbage by now."""

import gc
import threading

MANY = 500
"""A sweep has 32 threads, and an example of the model has several sweepers."""


class LeftThreads:
    """The threads of this process."""

    def __init__(self) -> None:
        self._alive = 0

    def end(self) -> None:
        """Collect garbage if there are many more threads than the last time left alive."""
        # Those of an executor end when it is collected.
        if threading.active_count() > self._alive + MANY:
            gc.collect()
            self._alive = threading.active_count()


LEFT_THREADS = LeftThreads()
