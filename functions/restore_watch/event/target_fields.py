"""The fields by which an event names a restore job. Pure."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import PlainValidator

from foundation.outside import MustBeRight, unreadable
from restore_watch.errors import InvalidEventError
from restore_watch.event.event_fields import EventFields
from restore_watch.event.spellings import SPELLINGS
from restore_watch.model.forms_of_fields import Flag, is_cluster_name, is_object_id
from restore_watch.model.restore_target import RestoreKind, RestoreTarget

NAMES_OF_A_JOB = frozenset({*SPELLINGS, *SPELLINGS.values(), "clusterName", "kind"})
"""The fields that name a job."""

NAMES_OF_A_CLUSTER = frozenset({"groupId", SPELLINGS["groupId"], "clusterName"})
"""The fields that name a project or a cluster."""

# They say who waits. Only one target, at the top level, may have them.
_BESIDE_ONE_TARGET = dict.fromkeys(
    ("taskToken", "waitUntil"),
    "accepted at the top level of an event only, beside one target",
)

# Credentials go to the base URL, so only the operator chooses it.
_NEVER_ACCEPTED = dict.fromkeys(
    ("baseUrl", "base_url", "BaseUrl"),
    "not accepted in an event: the operator sets ATLAS_BASE_URL",
)


def _form(expected: str, is_right: Callable[[str], object]) -> PlainValidator:
    """Read a text of this form."""

    def read(value: object) -> str:
        if isinstance(value, str) and is_right(value):
            return value
        raise unreadable(f"expected {expected}")

    return PlainValidator(read)


_KINDS = 'one of "auto", ' + ", ".join(f'"{kind}"' for kind in RestoreKind)


def _kind(value: Any) -> RestoreKind | None:
    if value is None or value == "auto":
        return None
    try:
        return RestoreKind(value)
    except ValueError:
        raise unreadable(f"expected {_KINDS}") from None


GroupId = Annotated[str, _form("Atlas's project id, 24 lowercase hexadecimal digits", is_object_id)]
ClusterName = Annotated[
    str,
    _form(
        "the source cluster's name: letters, digits and hyphens, 64 characters at most",
        is_cluster_name,
    ),
]
_RestoreId = Annotated[
    str, _form("the restore job's id, 24 lowercase hexadecimal digits", is_object_id)
]


class _TargetFields(EventFields):
    """The fields of a target."""

    group_id: MustBeRight[GroupId]
    cluster_name: MustBeRight[ClusterName]
    restore_id: MustBeRight[_RestoreId]
    kind: Annotated[RestoreKind | None, PlainValidator(_kind)] = None
    envelope: Flag | None = None
    pretty: Flag | None = None


def read_target(fields: Mapping[str, Any], path: str = "") -> RestoreTarget:
    """Return the job that these fields name, and ignore others. Raises InvalidEventError."""
    for name, problem in (_NEVER_ACCEPTED | (_BESIDE_ONE_TARGET if path else {})).items():
        if name in fields:
            raise InvalidEventError(path + name, problem)
    read = _TargetFields.of(fields, path)
    return RestoreTarget(
        read.group_id, read.cluster_name, read.restore_id, read.kind, read.envelope, read.pretty
    )
