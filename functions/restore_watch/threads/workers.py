"""The threads that sweeps and batches of an environment use, and how they share work."""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from foundation.deadline import Deadline
from foundation.timed_call import CALLS_AT_ONCE
from restore_watch.threads.agenda import Agenda, Task


class Workers:
    """Threads that live as long as the environment, at most so many `at_once`."""

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="worker")

    def start[T: Task](
        self, agenda: Agenda[T], do: Callable[[T], Iterable[T]], threads: int
    ) -> list[Future[None]]:
        """Start threads that do the tasks of an agenda until it is closed."""

        def work() -> None:
            while (task := agenda.next_task()) is not None:
                more: Iterable[T] = ()
                try:
                    more = do(task)
                finally:
                    agenda.finish(task, more)

        return [self._threads.submit(work) for _ in range(min(threads, self.at_once))]

    def join(self, running: Iterable[Future[None]], deadline: Deadline) -> None:
        """Wait for the threads. One that hangs is left behind at the deadline."""
        for thread in wait(running, timeout=deadline.remaining()).done:
            thread.result()

    def each[Thing](
        self, things: Iterable[Thing], do: Callable[[Thing], object], deadline: Deadline
    ) -> None:
        """Call `do`, which calls AWS, with each thing, as long as time is left."""
        waiting = deque(things)
        threads = min(CALLS_AT_ONCE, len(waiting))

        def work() -> None:
            while deadline.remaining() > 0:
                try:
                    thing = waiting.popleft()
                except IndexError:
                    return
                do(thing)

        self.join([self._threads.submit(work) for _ in range(threads)], deadline)
