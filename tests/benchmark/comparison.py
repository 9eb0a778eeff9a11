"""Ours against the peers, figure by figure, and the performance targets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median, quantiles

from benchmark.cold_start import ColdStart
from benchmark.measurement import Checks, Figures, Size
from benchmark.processor import Share

OURS, PEER, COMPILED_PEER = "ours, API key", "peer", "peer, bytecode"
MODULE_PEER = "peer, module clients"

_WHOSE = {PEER: "the peer's", COMPILED_PEER: "the peer's with bytecode"}


@dataclass(frozen=True)
class Target:
    """A performance target. `met` is true if the value in the text `measured` reaches it."""

    name: str
    aim: str
    measured: str
    met: bool


@dataclass(frozen=True)
class Row:
    """One figure of every contender: a summary of samples that were taken in the same order."""

    name: str
    samples: Callable[[Figures], list[float]]
    summary: Callable[[list[float]], float] = median
    unit: str = "ms"
    digits: int = 0

    def figure(self, of: Figures) -> float:
        return self.summary(self.samples(of))

    def ratio(self, ours: Figures, peer: Figures) -> float:
        """The median of the ratios of each turn: changing load would shift two medians."""
        if self.summary is not median:
            return self.figure(ours) / self.figure(peer)
        pairs = zip(self.samples(ours), self.samples(peer), strict=True)
        return median(one / other for one, other in pairs)


def _p95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1]


def _most_calls(checks: Checks) -> int:
    return max(map(len, checks.calls))


def _megabytes(figures: Figures, size: Callable[[Size], int]) -> list[float]:
    return [sum(map(size, figures.sizes.values())) / 1e6]


def _cold_rows(starts: Callable[[Figures], list[ColdStart]]) -> list[Row]:
    def totals(of: Figures) -> list[float]:
        return [start.total for start in starts(of)]

    def first_answers(of: Figures) -> list[float]:
        return [start.first_answer for start in starts(of)]

    return [
        Row("total, median", totals),
        Row("total, fastest", totals, min),
        Row("INIT, median", lambda of: [start.init for start in starts(of)]),
        Row("first answer, median", first_answers),
    ]


def _warm_rows(checks: Callable[[Figures], Checks]) -> list[Row]:
    return [
        Row("median", lambda of: checks(of).milliseconds, digits=1),
        Row("95th percentile", lambda of: checks(of).milliseconds, _p95, digits=1),
        Row("without the emulators", lambda of: checks(of).own_milliseconds, digits=1),
        _cpu(checks),
        Row("HTTP calls", lambda of: [_most_calls(checks(of))], unit=""),
    ]


def _cpu(checks: Callable[[Figures], Checks]) -> Row:
    return Row("CPU for each", lambda of: [checks(of).cpu_milliseconds], digits=2)


def _unchanged(of: Figures) -> Checks:
    return of.unchanged


def _changed(of: Figures) -> Checks:
    return of.changed


_COLD = _cold_rows(lambda of: of.cold_starts)
_COLD_AT_SHARE = _cold_rows(lambda of: of.cold_starts_at_share)
_FIRST_ANSWER_CPU = Row(
    "CPU of the first answer", lambda of: [start.first_answer_cpu for start in of.cold_starts]
)
_PACKAGE = [
    Row("zipped", lambda of: _megabytes(of, lambda size: size.zipped), unit="MB", digits=1),
    Row("unzipped", lambda of: _megabytes(of, lambda size: size.unzipped), unit="MB", digits=1),
]


def sections(share: Share) -> dict[str, list[Row]]:
    """The rows of the figures' table, by the heading of their section."""
    return {
        "cold start, full processor": [*_COLD, _FIRST_ANSWER_CPU],
        f"cold start {at(share)}": _COLD_AT_SHARE,
        "warm check, unchanged": _warm_rows(_unchanged),
        "warm check, changed": _warm_rows(_changed),
        "package": _PACKAGE,
    }


def targets(figures: Mapping[str, Figures], share: Share) -> list[Target]:
    """The performance targets, each measured with the credential that does worse."""
    total, total_at_share = _COLD[0], _COLD_AT_SHARE[0]
    at_share = f"cold start, first answer {at(share)}"
    return [
        _calls("HTTP calls, unchanged", figures, _unchanged, (2, 5)),
        _calls("HTTP calls, changed", figures, _changed, (4, 6)),
        _at_most(0.30, "CPU of a warm check, unchanged", figures, _cpu(_unchanged)),
        _at_most(0.30, "CPU of a warm check, changed", figures, _cpu(_changed)),
        _at_most(0.70, "cold start, both as shipped", figures, total),
        _at_most(0.85, at_share, figures, total_at_share, COMPILED_PEER),
    ]


def at(share: Share) -> str:
    """The share in a heading, and whether its figures are measured or estimated."""
    return f"at {share.memory_megabytes} MB, {share.way}"


def _ours(figures: Mapping[str, Figures]) -> list[Figures]:
    return [one for name, one in figures.items() if name.startswith("ours")]


def _at_most(
    limit: float, name: str, figures: Mapping[str, Figures], row: Row, peer: str = PEER
) -> Target:
    ratio = max(row.ratio(one, figures[peer]) for one in _ours(figures))
    aim = f"at most {limit:.2f} of {_WHOSE[peer]}"
    return Target(name, aim, f"{ratio:.3f}", ratio <= limit)


def _calls(
    name: str,
    figures: Mapping[str, Figures],
    checks: Callable[[Figures], Checks],
    aim: tuple[int, int],
) -> Target:
    """`aim` is the exact number of calls of ours, then of the peer."""
    ours = {len(calls) for one in _ours(figures) for calls in checks(one).calls}
    peer = {len(calls) for calls in checks(figures[PEER]).calls}
    measured = " against ".join(", ".join(map(str, sorted(counts))) for counts in (ours, peer))
    met = (ours, peer) == ({aim[0]}, {aim[1]})
    return Target(name, f"{aim[0]} against {aim[1]}", measured, met)
