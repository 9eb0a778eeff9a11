"""A clock that jumps, for invocations beside each other in accelerated time."""

import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import Any, Protocol

ROUND_SECONDS = 0.4
"""The slowest answer of Atlas that was recorded."""


class JumpingClock:
    """
    Unix seconds that only we move. Events happen at their moments, while it moves past them.

    It moves when everybody who was started sleeps or has ended. Only one is awake at a time.
    """

    def __init__(self, at: float) -> None:
        self.at = at
        self._planned: list[tuple[float, int, Callable[[], object], bool]] = []
        self._numbers = itertools.count()
        self._lock = Lock()
        self._round_is_counted = False
        self._errors: list[BaseException] = []

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    def seconds(self) -> float:
        return self.at

    def plan(self, at: float, event: Callable[[], object], *, wakes: bool = False) -> None:
        """Let this happen at a moment. If it `wakes` somebody, the clock stands still from then."""
        heapq.heappush(self._planned, (at, next(self._numbers), event, wakes))

    def start(self, at: float, work: Callable[[], object]) -> None:
        """Let somebody begin to work at this moment, beside the others."""

        def run() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - the test raises it
                self._errors.append(error)
            self._go_on()

        self.plan(at, Thread(target=run, daemon=True).start, wakes=True)

    def sleep(self, seconds: float) -> None:
        """Move on. An event whose moment has passed during the last round happens now."""
        woken = Event()
        self.plan(self.at + seconds, woken.set, wakes=True)
        self._go_on()
        woken.wait()
        if self._errors:
            raise self._errors.pop()

    def answer(self, *_: Any) -> None:
        """Atlas is asked: the first question since the last move takes ROUND_SECONDS."""
        with self._lock:
            if not self._round_is_counted:
                self._round_is_counted = True
                self.at += ROUND_SECONDS

    def _go_on(self) -> None:
        """Move to the next moments, until somebody is awake."""
        while self._planned:
            at, _, event, wakes = heapq.heappop(self._planned)
            self.at = max(self.at, at)
            self._round_is_counted = False
            event()
            if wakes:
                return


class Moving(Protocol):
    """What has a clock that can be moved: `uptime` gives its seconds."""

    def uptime(self) -> float: ...
    def pass_time(self, seconds: float) -> None: ...


class ClockOfWorld(JumpingClock):
    """Lets environments sweep beside each other: it moves the world's clock while all sleep."""

    def __init__(self, world: Moving) -> None:
        self._world = world
        super().__init__(world.uptime())

    @property
    def at(self) -> float:
        return self._world.uptime()

    @at.setter
    def at(self, seconds: float) -> None:
        self._world.pass_time(seconds - self._world.uptime())


class Schedule:
    """
    Ticks once a minute, each `phase` seconds after its minute, and sweeps beside each other.

    `environment` makes one that sweeps, for a tick if any. An idle one is taken again, as Lambda
    does.
    """

    def __init__(
        self,
        clock: JumpingClock,
        environment: Callable[[], Callable[[float | None], object]],
        phase: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._environment = environment
        self._phase = phase
        self._idle: list[Callable[[float | None], object]] = []
        self._is_over = False
        self._tick_at(clock.at)

    def end(self) -> None:
        """No tick follows. Let the last sweep end."""
        self._is_over = True
        self._clock.sleep(240)

    def _tick_at(self, minute: float) -> None:
        self._clock.start(minute + self._phase(), lambda: self._tick(minute))

    def _tick(self, minute: float) -> None:
        if self._is_over:
            return
        self._tick_at(minute + 60)
        self.sweep(minute)

    def sweep(self, minute: float | None = None) -> None:
        """Let an environment sweep, for this tick if any."""
        sweep = self._idle.pop() if self._idle else self._environment()
        sweep(minute)
        self._idle.append(sweep)
