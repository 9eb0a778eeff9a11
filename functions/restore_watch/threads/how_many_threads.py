"""How many questions to Atlas a function asks at once. Pure."""

MEGABYTES_OF_THREAD = 16
"""
Lambda gives a processor by memory: 16 MB get 0.9 ms of one in 100 ms.

A question takes 0.7 ms of it, and waits about 100 ms for Atlas. Threads need little memory: a
function with 110 of them that read the largest lists needs 312 MB.
"""

FEWEST_THREADS = 32
"""As many as for 512 MB. A thread that waits needs no processor."""

MOST_THREADS = 110
"""As many as for 1,769 MB, which get a whole processor. Python uses one at most."""


def threads_for(memory_megabytes: int) -> int:
    """Return how many questions to Atlas a function of this memory asks at once."""
    return min(max(memory_megabytes // MEGABYTES_OF_THREAD, FEWEST_THREADS), MOST_THREADS)
