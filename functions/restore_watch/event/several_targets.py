"""The targets of an event that names several. Pure."""

from typing import NamedTuple

from restore_watch.errors import InvalidEventError
from restore_watch.event.event_fields import require_list, require_object
from restore_watch.event.target_fields import read_target
from restore_watch.model.restore_target import RestoreTarget

TARGETS_LIMIT = 100
"""Targets of one event at most. More do not fit in one invocation: use the queue."""


class RefusedTarget(NamedTuple):
    """A target or queue record that names no job. Its content is not kept: it may be a secret."""

    path: str
    error: InvalidEventError

    def as_json(self) -> dict[str, str]:
        """The target in the list of failures."""
        return {"path": self.path}


type Target = RestoreTarget | RefusedTarget


class SeveralTargets(NamedTuple):
    """The caller named several jobs. EventBridge only repeats what fails: `all_must_succeed`."""

    targets: tuple[Target, ...]
    all_must_succeed: bool = False


def read_targets(value: object, path: str) -> tuple[Target, ...]:
    """Return each target, or why it is refused. Raises InvalidEventError without a list of them."""
    targets = require_list(value, path, "targets")
    if len(targets) > TARGETS_LIMIT:
        problem = f"expected at most {TARGETS_LIMIT} targets, got {len(targets)}"
        raise InvalidEventError(path, problem)
    return tuple(_target_or_refusal(given, f"{path}[{n}]") for n, given in enumerate(targets))


def _target_or_refusal(value: object, path: str) -> Target:
    try:
        return read_target(require_object(value, path), f"{path}.")
    except InvalidEventError as error:
        return RefusedTarget(path, error)
