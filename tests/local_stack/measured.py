"""
The function's handler with its branches counted, which `make coverage` runs instead.

It lies among the runtime's own packages. An environment is killed without a warning, so the counts
are written after every invocation.
"""

import os
from importlib import import_module
from typing import Any

import coverage

_counted = coverage.Coverage(
    os.environ["COVERAGE_FILE"],
    data_suffix=True,
    branch=True,
    config_file=False,
    include=f"{os.environ['LAMBDA_TASK_ROOT']}/*",
)
_counted.start()

_module, _, _name = os.environ["COUNTED_HANDLER"].rpartition(".")
_handler = getattr(import_module(_module), _name)


def lambda_handler(event: Any, context: Any) -> Any:
    """Answer as the function does."""
    try:
        return _handler(event, context)
    finally:
        _counted.save()
