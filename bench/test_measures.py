"""What is measured is what the reports say."""

import subprocess
import sys
from operator import attrgetter

import pytest

from bench.far_atlas import far_atlas
from bench.open_jobs import Fleet
from bench.processor import WATCH_MEGABYTES, share_of
from bench.scale import Stage, staged, sweep_all
from contract.deployed_template import source_template
from local_stack.stack import LocalStack

# Waits for a line, computes, and prints the share of a processor that it had.
COMPUTE = """
import time; input(); begun, computed = time.perf_counter(), time.process_time()
sum(range(10**7)); print((time.process_time() - computed) / (time.perf_counter() - begun))
"""


def test_what_is_measured_has_the_memory_of_the_template() -> None:
    assert source_template()["Parameters"]["MemorySize"]["Default"] == WATCH_MEGABYTES


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
def test_sweeps_list_each_project_once_and_make_the_least_calls() -> None:
    stage = Stage(Fleet(4, jobs_of_cluster=2, projects=3, idle=4))
    with LocalStack() as stack, far_atlas(0.1) as atlas, staged(stack, atlas, stage) as ready:
        sweep_all(ready, stage)

    assert sum(sweep.listed for sweep in stage.sweeps) == 3
    assert [sweep.surplus for sweep in stage.sweeps] == [0, 0]
    # A project has an event, and every 15 minutes five lists: two of clusters, one of the jobs of
    # its Flex cluster, two of the dedicated one. Each job has a call.
    assert stage.mean(attrgetter("least")) == pytest.approx(3 + 3 * 5 / 15 + 2 * 2)
    for sweep in stage.sweeps:
        assert sweep.units.read > 0
        assert 0 < sweep.did.cpu_seconds <= 2 * sweep.did.seconds >= 0.2
