"""The share of a processor that a function's memory buys.

Lambda gives one vCPU at 1,769 MB and less in proportion to memory; an on-demand INIT runs
unthrottled on a full vCPU.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
https://serverlessland.com/content/service/lambda/guides/effectively-running-java-on-serverless/init-heavy-lifting
"""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

MEGABYTES_OF_ONE_VCPU = 1769
WATCH_MEGABYTES = 512
"""Memory of the function that watches, by the template."""

_CONTROL_GROUPS = Path("/sys/fs/cgroup")

_PERIOD = 20_000
"""Microseconds. Short, so that an answer takes longer than the quota of one period."""


class Throttle:
    """A control group of Linux: the kernel stops its processes when their share is used up."""

    def __init__(self, share: float) -> None:
        """Raise OSError where this process may not make such a group."""
        quota = round(share * _PERIOD)
        version_2 = (_CONTROL_GROUPS / "cgroup.controllers").exists()
        parent = _CONTROL_GROUPS if version_2 else _CONTROL_GROUPS / "cpu"
        self._group = parent / f"restore-watch-bench-{os.getpid()}-{quota}"
        self._limit = "cpu.max" if version_2 else "cpu.cfs_quota_us"
        self._held = f"{quota} {_PERIOD}" if version_2 else str(quota)
        self._full = f"{_PERIOD} {_PERIOD}" if version_2 else str(_PERIOD)
        self._group.mkdir()
        try:
            if not version_2:
                self._write("cpu.cfs_period_us", str(_PERIOD))
            self.release()
        except OSError:
            self._group.rmdir()
            raise

    def take(self, pids: Iterable[int]) -> None:
        """Move processes into the group. It takes milliseconds, so do it before `hold`."""
        for pid in pids:
            self._write("cgroup.procs", str(pid))

    def hold(self) -> None:
        """Limit the processes, with all their threads, to the share."""
        self._write(self._limit, self._held)

    def release(self) -> None:
        """Let the processes have one full processor."""
        self._write(self._limit, self._full)

    def close(self) -> None:
        """Remove the group. Its processes have been killed; the kernel may need a moment more."""
        for _ in range(100):
            try:
                self._group.rmdir()
            except OSError:
                time.sleep(0.02)
            else:
                return

    def _write(self, name: str, value: str) -> None:
        """Write to a file of the kernel. Never make one: that would throttle nothing."""
        with (self._group / name).open("r+b", buffering=0) as file:
            file.write(value.encode())


@dataclass(frozen=True)
class Share:
    """The share that the memory buys, its throttle, and how figures at this share are obtained."""

    memory_megabytes: int
    throttle: Throttle | None
    way: str = "throttled"


@contextmanager
def share_of(memory_megabytes: int) -> Iterator[Share]:
    """The share of this memory. Where this machine allows no throttle, that is all of it."""
    try:
        throttle = Throttle(memory_megabytes / MEGABYTES_OF_ONE_VCPU)
    except OSError as error:
        yield Share(memory_megabytes, None, f"not throttled ({error})")
        return
    with closing(throttle):
        yield Share(memory_megabytes, throttle)
