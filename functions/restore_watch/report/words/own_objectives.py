"""The objectives and the window that a cluster's tags ask for, beside those of the stack. Pure."""

from datetime import timedelta

from restore_watch.model.cluster_tags import UnreadableTag
from restore_watch.report.cluster import Cluster
from restore_watch.report.report import Report
from restore_watch.report.words import wording
from restore_watch.report.words.wording import count

_VALUE_LIMIT = 40
"""Characters that are shown of a tag's value: those of an objective are few."""


def own_objectives(report: Report, cluster: Cluster) -> list[str]:
    """Return the objectives and the window of the cluster that differ from those of the stack."""
    own, of_stack = report.objectives_of(cluster), report.objectives
    said: list[str] = []
    if own.rto != of_stack.rto:
        said.append(_objective("RTO", own.rto))
    if own.rpo != of_stack.rpo:
        said.append(_objective("RPO", own.rpo))
    window = report.policy.window_of(cluster)
    if window != report.policy.window:
        said.append(f"window {count(window.days, 'day')}")
    return said


def over(name: str, objective: timedelta | None, of_stack: timedelta | None) -> str:
    """Return that the objective was missed, with its value if it is not that of the stack."""
    if objective is None or objective == of_stack:
        return f"over the {name}"
    return f"over its {name} of {wording.objective(objective)}"


def unread_tags(cluster: Cluster) -> list[str]:
    """Return which tags are not read, and what they should be."""
    tags = cluster.by_tags
    repeated = [f"tag {key} is listed more than once, so it is not read" for key in tags.repeated]
    misspelled = [f'tag "{tag.key}" is not read: its key is {tag.meant}' for tag in tags.misspelled]
    return [*repeated, *misspelled, *map(_unreadable, tags.unreadable)]


def _unreadable(tag: UnreadableTag) -> str:
    value = tag.value
    if len(value) > _VALUE_LIMIT:
        value = f"{value[: _VALUE_LIMIT - 1]}…"
    return f"tag {tag.key}={value} cannot be read: expected {tag.expected}"


def _objective(name: str, objective: timedelta | None) -> str:
    return f"{name} {wording.objective(objective)}" if objective else f"no {name}"
