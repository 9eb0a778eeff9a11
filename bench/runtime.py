"""The real runtime, watched: cold starts, and what an invocation needs as seen from outside."""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from bench.processor import Throttle
from local_stack.runtime import Invocation, LambdaRuntime
from local_stack.stack import LocalStack
from local_stack.wire import Call

_END_OF_INIT = b"INIT REPORT"
_LOOK_EVERY = 0.0005
"""Seconds. For about this long a throttled answer runs unthrottled."""


@dataclass(frozen=True)
class ColdStart:
    """Milliseconds from the first call to the end of INIT, and from there to the answer."""

    init: float
    first_answer: float

    @property
    def total(self) -> float:
        return self.init + self.first_answer


class MeasuredRuntime(LambdaRuntime):
    """A runtime that is watched from its start to its first answer."""

    def start_cold(
        self, event: Any, throttle: Throttle | None = None
    ) -> tuple[Invocation, ColdStart]:
        """Invoke a new environment. A throttle holds it from the end of INIT to the answer."""
        self.restart()
        answered, skip = Event(), self._output.stat().st_size
        with ThreadPoolExecutor(1) as watcher:
            held = watcher.submit(self._hold_after_init, skip, answered, throttle)
            try:
                answer = self.invoke(event)
            finally:
                answered.set()
            held.result()
            if throttle:
                throttle.release()
        init = self.init_milliseconds
        assert init is not None, "the emulator reported no INIT"
        return answer, ColdStart(init, answer.milliseconds - init)

    @property
    def cpu_seconds(self) -> float:
        """Processor time of the function's process since its start, in steps of nanoseconds."""
        return sum(time.clock_gettime(_cpu_clock(pid)) for pid in self._children())

    @property
    def peak_megabytes(self) -> float:
        """The largest resident memory of the function's process since its start."""
        (pid,) = filter(_runs_python, self._children())
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6

    @contextmanager
    def held_by(self, throttle: Throttle | None) -> Iterator[None]:
        """Within the block, a running function has its share of a processor only."""
        if throttle is None:
            yield
            return
        throttle.take(self._children())
        throttle.hold()
        try:
            yield
        finally:
            throttle.release()

    def _hold_after_init(self, skip: int, answered: Event, throttle: Throttle | None) -> None:
        """The emulator's output before `skip` is from earlier starts."""
        if throttle:
            throttle.take(self._wait_for_process(answered))
            self._wait_for_end_of_init(skip, answered)
            throttle.hold()

    def _wait_for_process(self, answered: Event) -> list[int]:
        while not (pids := list(filter(_runs_python, self._children()))):
            assert not answered.wait(_LOOK_EVERY), "no process before the answer"
        return pids

    def _wait_for_end_of_init(self, skip: int, answered: Event) -> None:
        written = b""
        with self._output.open("rb") as output:
            output.seek(skip)
            while _END_OF_INIT not in written:
                last_look = answered.wait(_LOOK_EVERY)
                written += output.read()
                assert _END_OF_INIT in written or not last_look, "no INIT before the answer"


@dataclass(frozen=True)
class Did:
    """What one invocation needed."""

    answer: Invocation
    cpu_seconds: float
    calls: tuple[Call, ...]

    @property
    def seconds(self) -> float:
        return self.answer.milliseconds / 1000

    def count(self, service: str, operation: str = "") -> int:
        return sum(
            call.service == service and operation in {"", call.operation} for call in self.calls
        )


class Function:
    """A function in a runtime of its own."""

    def __init__(self, stack: LocalStack, runtime: MeasuredRuntime) -> None:
        self.stack = stack
        self.runtime = runtime

    def measure(self, event: Any) -> Did:
        """Invoke it. Raises AssertionError if that fails."""
        self.stack.forget_calls()
        begun = self.runtime.cpu_seconds
        answer = self.runtime.invoke(event)
        cpu_seconds = self.runtime.cpu_seconds - begun
        assert answer.error_type is None, answer
        return Did(answer, cpu_seconds, tuple(self.stack.http_calls()))


def _runs_python(pid: int) -> bool:
    """False for a short-lived child of the emulator, and for a child before its exec."""
    try:
        return Path(f"/proc/{pid}/exe").samefile(sys.executable)
    except OSError:
        return False


def _cpu_clock(pid: int) -> int:
    """The clock that clock_getcpuclockid(3) names for a process; Python has no call for it."""
    return (~pid << 3) | 2
