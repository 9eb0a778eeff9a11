"""
Cold starts: first checks of a running restore in new environments, in turns.

INIT runs on a full processor, as on Lambda. The first answer is also measured on the share of one
that 512 MB buy: throttled, the kernel holds the function to it in each period of 20 ms. The peers
and the ratios are as for `warm`. People's function tells of a restore that has ended, by e-mail
and without the pause before one; the report is of one cluster. No peer does that, so the ratio is
to a check.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from bench.contenders import COMPILED, GROUP, HEAD, Samples, contenders, ratio, row, target
from bench.processor import WATCH_MEGABYTES, share_of
from bench.report import Report, Row
from bench.runtime import ColdStart, MeasuredRuntime
from local_stack.function_queue import FunctionQueue
from local_stack.runtime import Invocation
from local_stack.stack import LocalStack
from notify_people.delivery import EMAIL_PAUSE

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
        target(0.65, "cold start, both as shipped", _totals(full)),
        target(0.78, f"cold start, first answer {at}", _totals(at_share), COMPILED),
    )
    report.table(("cold start, full processor", *HEAD), *_rows(full))
    report.table((f"cold start {at}", *HEAD), *_rows(at_share))
    report.table(("cold start, full processor", "INIT", "first answer", "to a check"), *_others())
    return report


def _others() -> list[Row]:
    """Measure the three functions of a stack in turns."""
    starts = defaultdict[str, list[ColdStart]](list)
    with LocalStack(parameters={"NotifyEmail": "ops@example.com"}) as stack:
        pools = {"a check": stack.pool, "a notice": stack.people, "a report": stack.reports}
        environments = {name: pool.runtimes[0].environment for name, pool in pools.items()}
        check, notice, report = map(MeasuredRuntime, environments.values())
        with check, notice, report:

            def tell(event: Any) -> Invocation:
                stack.forget_calls()
                answer, start = notice.start_cold(event)
                assert any(call.service == "sns" for call in stack.http_calls()), answer
                computed = start.first_answer - 1000 * EMAIL_PAUSE
                starts["a notice"].append(replace(start, first_answer=computed))
                return answer

            notices = FunctionQueue(stack.aws, stack.resources["NoticeQueue"], tell)
            for _ in range(ROUNDS):
                restore = stack.atlas.start_restore(GROUP, "orders-flex", "flex")
                restore.run_to_end()
                answer, start = check.start_cold(restore.event)
                assert answer.result["succeeded"], answer
                starts["a check"].append(start)
                assert notices.deliver()
                answer, start = report.start_cold({"action": "report"})
                assert answer.result["counts"]["restores"], answer
                starts["a report"].append(start)
    totals = _totals(starts)
    return [
        (
            name,
            f"{median(_inits(some)):,.0f} ms",
            f"{median(start.first_answer for start in some):,.0f} ms",
            f"{ratio(totals, name, 'a check'):.2f}",
        )
        for name, some in starts.items()
    ]


def _inits(starts: Sequence[ColdStart]) -> list[float]:
    return [start.init for start in starts]


def _totals(starts: Starts) -> Samples:
    return {name: [start.total for start in some] for name, some in starts.items()}


def _rows(starts: Starts) -> list[Row]:
    inits = {name: _inits(some) for name, some in starts.items()}
    answers = {name: [start.first_answer for start in some] for name, some in starts.items()}
    rows = {"total": _totals(starts), "INIT": inits, "first answer": answers}
    return [row(name, samples) for name, samples in rows.items()]
