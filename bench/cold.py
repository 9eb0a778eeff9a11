"""
Cold starts: first checks of a running restore in new environments, in turns.

INIT runs on a full processor, as on Lambda. The first answer is also measured on the share of one
that 512 MB buy: throttled, the kernel holds the function to it in each period of 20 ms. The peers
and the ratios are as for `warm`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from bench.contenders import COMPILED, HEAD, Samples, contenders, row, target
from bench.costs import WATCH_MEGABYTES
from bench.processor import share_of
from bench.report import Report, Row
from bench.runtime import ColdStart

ROUNDS = 15

type Starts = Mapping[str, Sequence[ColdStart]]


def measure() -> Report:
    """Measure on a full processor and on a share."""
    full, at_share = (
        defaultdict[str, list[ColdStart]](list),
        defaultdict[str, list[ColdStart]](list),
    )
    # A share ends after the functions: its group cannot be removed while it has a process.
    with share_of(WATCH_MEGABYTES) as share, contenders() as measured:
        for _ in range(ROUNDS):
            for name, contender in measured.items():
                restore = contender.running()
                # The throttled one is first, so that the other one stays for the next checks.
                at_share[name].append(contender.check_cold(restore, share.throttle))
                full[name].append(contender.check_cold(restore))
    at = f"at {WATCH_MEGABYTES} MB, {share.way}"
    report = Report(
        target(0.62, "cold start, both as shipped", _totals(full)),
        target(0.70, f"cold start, first answer {at}", _totals(at_share), COMPILED),
    )
    report.table(("cold start, full processor", *HEAD), *_rows(full))
    report.table((f"cold start {at}", *HEAD), *_rows(at_share))
    return report


def _totals(starts: Starts) -> Samples:
    return {name: [one.total for one in some] for name, some in starts.items()}


def _rows(starts: Starts) -> list[Row]:
    inits = {name: [one.init for one in some] for name, some in starts.items()}
    answers = {name: [one.first_answer for one in some] for name, some in starts.items()}
    rows = {"total": _totals(starts), "INIT": inits, "first answer": answers}
    return [row(name, samples) for name, samples in rows.items()]
