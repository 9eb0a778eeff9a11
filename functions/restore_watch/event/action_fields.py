"""The fields of an event that asks for an action. Pure."""

from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any

from pydantic import PlainValidator

from foundation.outside import MustBeRight
from restore_watch.event.actions import (
    Action,
    Diagnose,
    FindNewestRestore,
    TestNotification,
    is_scheduled_event,
)
from restore_watch.event.event_fields import EventFields, one_word_of, refuse_others
from restore_watch.event.moments import GivenMoment, Moment, read_moment
from restore_watch.event.sweep_request import SweepRequest
from restore_watch.event.target_fields import NAMES_OF_A_CLUSTER, ClusterName, GroupId
from restore_watch.event.validation_fields import VALIDATION_FIELDS, read_validation


def read_action(event: Mapping[str, Any]) -> Action:
    """Read an event that has an action. Raises InvalidEventError."""
    if is_scheduled_event(event):
        return SweepRequest(read_moment(event.get("time"), "time"), "time")
    action = _ActionField.of(event).action
    fields, read = _ACTIONS[action]
    refuse_others(event, action, fields)
    return read(event)


class _SweepFields(EventFields):
    scheduled_time: GivenMoment = None
    requested_at: GivenMoment = None


def _sweep(event: Mapping[str, Any]) -> SweepRequest:
    read = _SweepFields.of(event)
    return SweepRequest(read.scheduled_time, requested_at=read.requested_at)


class _ProjectFields(EventFields):
    group_id: MustBeRight[GroupId]


class _ClusterFields(_ProjectFields):
    cluster_name: MustBeRight[ClusterName]


class _NewestRestoreFields(_ClusterFields):
    created_after: Moment | None = None


def _diagnose(event: Mapping[str, Any]) -> Diagnose:
    if event.keys() == {"action"}:
        return Diagnose()
    if "clusterName" not in event:
        return Diagnose(_ProjectFields.of(event).group_id)
    read = _ClusterFields.of(event)
    return Diagnose(read.group_id, read.cluster_name)


def _find_newest_restore(event: Mapping[str, Any]) -> FindNewestRestore:
    read = _NewestRestoreFields.of(event)
    return FindNewestRestore(read.group_id, read.cluster_name, read.created_after)


_ACTIONS: Mapping[str, tuple[Collection[str], Callable[[Mapping[str, Any]], Action]]] = {
    "sweep": ({"scheduledTime", "requestedAt"}, _sweep),
    "test-notification": (set(), lambda _event: TestNotification()),
    "diagnose": (NAMES_OF_A_CLUSTER, _diagnose),
    "record-validation": (VALIDATION_FIELDS, read_validation),
    "newest-restore": (NAMES_OF_A_CLUSTER | {"createdAfter"}, _find_newest_restore),
}
"""For each action, the other fields of its event, and its reader."""


class _ActionField(EventFields):
    action: Annotated[str, PlainValidator(one_word_of(_ACTIONS))]
