"""
Checks by warm environments, of a restore that has not changed and of one that has, in turns.

CPU is that of the function's process. All peers have the API key and come from one plain sam build,
which ships no bytecode. The peer makes its clients in the handler; beside it are the same compiled
as ours is, and, not compiled, the same check with its clients at module level. A ratio is of ours
with the API key, the median turn by turn; a target is held against the worse of ours.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bench.contenders import ACCOUNT, HEAD, OURS, PEER, Contender, contenders, row, target
from bench.report import Report, Row, Target
from bench.runtime import Did
from local_stack.atlas import EmulatedRestore

ROUNDS, CHECKS = 20, 20
RESTORES = 12
SETTLING_CHECKS = 10
"""Checks before the measured ones. They open connections, get a token, and warm the code."""


@dataclass
class Checks:
    """HTTP calls of each check, and the milliseconds of processor time of one, turn by turn."""

    calls: set[int] = field(default_factory=set)
    cpu: list[float] = field(default_factory=list)

    def turn(self, contender: Contender, checks: Iterable[Did]) -> None:
        """Make the checks. Processor time between them counts too."""
        begun = contender.runtime.cpu_seconds
        did = list(checks)
        self.cpu.append(1000 * (contender.runtime.cpu_seconds - begun) / len(did))
        self.calls |= {len(invocation.calls) for invocation in did}


type Turns = dict[str, Checks]


def measure() -> Report:
    """Measure both."""
    unchanged, changed = defaultdict[str, Checks](Checks), defaultdict[str, Checks](Checks)
    with contenders() as measured:
        for contender in measured.values():
            list(_again(contender, contender.running(), SETTLING_CHECKS))
        for _ in range(ROUNDS):
            for name, contender in measured.items():
                unchanged[name].turn(contender, _again(contender, contender.running(), CHECKS))
        for _ in range(RESTORES):
            for name, contender in measured.items():
                restore = contender.start_restore()
                contender.check(restore)
                changed[name].turn(contender, _to_the_end(contender, restore))
    report = Report(
        _calls("HTTP calls, unchanged", unchanged, "2 against 5"),
        _calls("HTTP calls, changed", changed, "4 against 6"),
        target(0.34, "CPU of a warm check, unchanged", _cpu(unchanged)),
        target(0.47, "CPU of a warm check, changed", _cpu(changed)),
    )
    report.table(("warm check, unchanged", *HEAD), *_rows(unchanged))
    report.table(("warm check, changed", *HEAD), *_rows(changed))
    return report


def _again(contender: Contender, restore: EmulatedRestore, times: int) -> Iterator[Did]:
    for _ in range(times):
        yield contender.check(restore)


def _to_the_end(contender: Contender, restore: EmulatedRestore) -> Iterator[Did]:
    while restore.step != "COMPLETED":
        restore.advance()
        yield contender.check(restore)


def _cpu(turns: Turns) -> dict[str, list[float]]:
    return {name: checks.cpu for name, checks in turns.items()}


def _rows(turns: Turns) -> list[Row]:
    return [
        row("CPU", _cpu(turns), digits=2),
        ("HTTP calls", *map(_counts, turns.values())),
    ]


def _counts(*turns: Checks) -> str:
    return ", ".join(map(str, sorted(set[int]().union(*(checks.calls for checks in turns)))))


def _calls(name: str, turns: Turns, aim: str) -> Target:
    """The calls of ours against those of the peer: exactly so many."""
    measured = f"{_counts(turns[OURS], turns[ACCOUNT])} against {_counts(turns[PEER])}"
    return Target(name, aim, measured, met=measured == aim)
