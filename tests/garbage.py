"""Garbage of tests: how often it is looked for, and the threads of sweeps that it holds."""

import gc
import threading

MANY = 500
"""A sweep has 32 threads, and an example of the model has several sweepers."""


def collect_nothing() -> None:
    """Look for no garbage while modules are imported and tests are collected: there is none."""
    gc.disable()


def collect_seldom() -> None:
    """
    Let collections of garbage be few and small from now on.

    What was imported stays to the end. Looking through it in each full collection takes twice as
    long, and stops the emulators' threads while a client waits for them. Looking for garbage as
    often as by default takes a sixth of the time.
    """
    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000, 10, 10)


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
