"""What is measured is what the reports say."""

import subprocess
import sys

import pytest

from bench.far_atlas import far_atlas
from bench.finding import Estate, count_calls
from bench.open_jobs import Fleet
from bench.processor import share_of
from bench.sweeps import sweeping
from local_stack.stack import LocalStack

# Waits for a line, computes, and prints the share of a processor that it had.
COMPUTE = """
import time; input(); begun, computed = time.perf_counter(), time.process_time()
sum(range(10**7)); print((time.process_time() - computed) / (time.perf_counter() - begun))
"""


def test_a_process_has_its_share_or_the_report_says_why_not() -> None:
    command = [sys.executable, "-c", COMPUTE]
    with (
        share_of(512) as share,
        subprocess.Popen(  # noqa: S603 - the command is made above
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        if share.throttle:
            share.throttle.take([process.pid])
            share.throttle.hold()
        output, _ = process.communicate("\n")

    assert float(output) <= (0.289 / 0.8 if share.throttle else 1.01)
    assert share.way.startswith("throttled" if share.throttle else "not throttled (")


@pytest.mark.campaign
@pytest.mark.parametrize("active", [0, 1])
def test_a_sweep_that_lists_nothing_makes_the_least_calls(active: int) -> None:
    calls = count_calls(Estate(projects=2, clusters=4, active=active))

    assert calls.quiet == calls.estate.least_calls == 2 + active
    # Two lists of clusters for each project; two of jobs for a dedicated cluster, one for Flex.
    assert calls.most == 2 + active + 2 * 2 + 2 * 2 + 2 * 1
    assert calls.average == pytest.approx(2 + active + 10 / 15)


@pytest.mark.weekly
def test_every_prepared_job_is_asked_about_so_far_away() -> None:
    with LocalStack() as stack, far_atlas(0.1) as atlas:
        for jobs_of_cluster, seconds in ((1, 0.1), (5, 0.2)):
            with sweeping(stack, atlas, Fleet(20, jobs_of_cluster)) as ready:
                first, second = ready.sweep(), ready.sweep()

            assert (first.surplus, second.surplus) == (0, 0)
            assert second.did.seconds >= seconds
            assert 0 < second.did.cpu_seconds <= 2 * second.did.seconds
