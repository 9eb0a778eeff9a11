"""A plugin of pytest: run the chosen tests in the given order, and write down what failed."""

import json
import os
from pathlib import Path

import pytest

CHOSEN, FAILED, TIMES = "MUTANTS_CHOSEN", "MUTANTS_FAILED", "MUTANTS_TIMES"
"""Variables with the names of files: the ids to run, those that failed, seconds by id."""

_failed: list[str] = []
_times: dict[str, float] = {}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if CHOSEN not in os.environ:
        return
    order = {name: n for n, name in enumerate(json.loads(Path(os.environ[CHOSEN]).read_text()))}
    left_out = [item for item in items if item.nodeid not in order]
    config.hook.pytest_deselected(items=left_out)
    items[:] = sorted(
        (item for item in items if item.nodeid in order), key=lambda item: order[item.nodeid]
    )


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _times[report.nodeid] = _times.get(report.nodeid, 0.0) + report.duration
    if report.failed and report.nodeid not in _failed:
        _failed.append(report.nodeid)
        if FAILED in os.environ:
            # At once, because a mutant may hang or end the process.
            Path(os.environ[FAILED]).write_text(json.dumps(_failed))


def pytest_sessionfinish() -> None:
    if TIMES in os.environ:
        Path(os.environ[TIMES]).write_text(json.dumps(_times))
