"""The share of a processor that memory buys, throttled and estimated."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.cold_start import ColdStart
from benchmark.processor import Throttle, share_of

# Waits for a line, computes for 100 ms of CPU, and prints how many milliseconds that took.
COMPUTE = """
import time
input()
begun, computed = time.perf_counter(), time.process_time()
while time.process_time() - computed < 0.1:
    pass
print(1000 * (time.perf_counter() - begun))
"""


def compute(throttle: Throttle) -> float:
    command = [sys.executable, "-c", COMPUTE]
    with subprocess.Popen(  # noqa: S603 - the command is made above
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        throttle.take([process.pid])
        throttle.hold()
        output, _ = process.communicate("\n")
    return float(output)


def test_512_megabytes_give_less_than_a_third_of_a_processor() -> None:
    with share_of(512) as share:
        assert share.of_processor == pytest.approx(0.289, abs=0.001)
        assert share.way == ("throttled" if share.throttle else "estimated")
        assert (share.throttle is None) is (share.why_estimated is not None)


def test_throttles_a_process_to_its_share() -> None:
    with share_of(512) as share:
        if share.throttle is None:
            pytest.skip(f"no throttling here: {share.why_estimated}")

        assert compute(share.throttle) > 0.8 * 100 / share.of_processor


def test_estimates_slower_computing_and_the_same_waiting() -> None:
    start = ColdStart(init=400, first_answer=100, first_answer_cpu=60)

    estimated = start.estimated_at(0.25)

    assert estimated == ColdStart(init=400, first_answer=40 + 240, first_answer_cpu=60)
    assert estimated.total == 680


def test_reports_why_it_estimates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()  # a plain folder, in which nothing throttles
    monkeypatch.setattr("benchmark.processor._CONTROL_GROUPS", tmp_path)

    with share_of(512) as share:
        assert share.way == "estimated"
        assert "cpu.cfs_period_us" in str(share.why_estimated)

    assert list((tmp_path / "cpu").iterdir()) == []
