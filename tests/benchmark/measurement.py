"""The figures. All contenders take turns, so other load on the machine affects all equally."""

import io
import os
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import Progress

from benchmark.cold_start import ColdStart
from benchmark.contenders import Contender
from benchmark.processor import Share
from local_stack.atlas import EmulatedRestore

COLD_STARTS = 15
WARM_ROUNDS, WARM_CHECKS = 20, 20
CHANGING_RESTORES = 12
SETTLING_CHECKS = 10
"""Checks before the measured ones. They open connections, get a token, and warm the code."""


@dataclass
class Checks:
    """Warm checks: milliseconds of each, and the HTTP calls of each as `service operation`.

    `answering` is the part of the milliseconds in which the emulators of Atlas and AWS worked.
    """

    milliseconds: list[float] = field(default_factory=list)
    answering: list[float] = field(default_factory=list)
    calls: list[list[str]] = field(default_factory=list)
    cpu_seconds: float = 0.0

    @property
    def own_milliseconds(self) -> list[float]:
        """The milliseconds of each check without the emulators' work."""
        pairs = zip(self.milliseconds, self.answering, strict=True)
        return [milliseconds - answering for milliseconds, answering in pairs]

    @property
    def cpu_milliseconds(self) -> float:
        """Processor time of the function's process for one check."""
        return 1000 * self.cpu_seconds / len(self.milliseconds)


@dataclass(frozen=True)
class Size:
    """Bytes of a package as it is uploaded, and as Lambda unpacks it."""

    zipped: int
    unzipped: int


@dataclass
class Figures:
    """All that was measured of one contender.

    `cold_starts` run on a full processor, `cold_starts_at_share` after INIT on the share of one
    that the function's memory buys.
    """

    cold_starts: list[ColdStart] = field(default_factory=list)
    cold_starts_at_share: list[ColdStart] = field(default_factory=list)
    unchanged: Checks = field(default_factory=Checks)
    changed: Checks = field(default_factory=Checks)
    sizes: dict[str, Size] = field(default_factory=dict)


def measure(
    contenders: Sequence[Contender], share: Share, progress: Progress
) -> dict[str, Figures]:
    """The figures of each contender, by its name."""
    figures = {contender.name: Figures() for contender in contenders}
    rounds = progress.add_task("", total=COLD_STARTS + WARM_ROUNDS + CHANGING_RESTORES + 1)
    progress.update(rounds, description="cold starts")
    for _ in range(COLD_STARTS):
        for contender in contenders:
            _start_cold(contender, share, figures[contender.name])
        progress.advance(rounds)
    for contender in contenders:
        _check_unchanged(contender, SETTLING_CHECKS, Checks())
    progress.update(rounds, description="unchanged checks")
    for _ in range(WARM_ROUNDS):
        for contender in contenders:
            _check_unchanged(contender, WARM_CHECKS, figures[contender.name].unchanged)
        progress.advance(rounds)
    progress.update(rounds, description="changed checks")
    for _ in range(CHANGING_RESTORES):
        for contender in contenders:
            _check_to_the_end(contender, figures[contender.name].changed)
        progress.advance(rounds)
    progress.update(rounds, description="package sizes")
    for contender in contenders:
        figures[contender.name].sizes = {
            name: size_of(folder) for name, folder in contender.packages.items()
        }
    progress.advance(rounds)
    return figures


def _start_cold(contender: Contender, share: Share, figures: Figures) -> None:
    """Check an unchanged job in new environments.

    The throttled one is first: the other one then stays for the unthrottled checks.
    """
    restore = _running(contender)
    if share.throttle:
        figures.cold_starts_at_share.append(contender.check_cold(restore, share.throttle))
    start = contender.check_cold(restore)
    figures.cold_starts.append(start)
    if not share.throttle:
        figures.cold_starts_at_share.append(start.estimated_at(share.of_processor))


def _check_unchanged(contender: Contender, times: int, checks: Checks) -> None:
    restore = _running(contender)
    with _cpu_of(contender, checks):
        for _ in range(times):
            _check(contender, restore, checks)


def _check_to_the_end(contender: Contender, checks: Checks) -> None:
    """One check after each step of a restore, without the first check."""
    restore = contender.start_restore()
    contender.check(restore)
    with _cpu_of(contender, checks):
        while restore.step != "COMPLETED":
            restore.advance()
            _check(contender, restore, checks)


def _running(contender: Contender) -> EmulatedRestore:
    """A restore in its most frequent state, with each earlier step checked."""
    restore = contender.start_restore()
    contender.check(restore)
    while restore.step != "RUNNING":
        restore.advance()
        contender.check(restore)
    return restore


def _check(contender: Contender, restore: EmulatedRestore, checks: Checks) -> None:
    contender.traffic()
    checks.milliseconds.append(contender.check(restore))
    traffic = contender.traffic()
    checks.calls.append([f"{call.service} {call.operation}" for call in traffic.calls])
    checks.answering.append(traffic.milliseconds)


@contextmanager
def _cpu_of(contender: Contender, checks: Checks) -> Iterator[None]:
    begun = contender.runtime.cpu_seconds
    yield
    checks.cpu_seconds += contender.runtime.cpu_seconds - begun


def size_of(folder: Path) -> Size:
    """The size of the folder when `sam deploy` packs it."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in files:
            packed.write(path, os.path.relpath(path, folder))
    return Size(len(archive.getvalue()), sum(path.stat().st_size for path in files))
