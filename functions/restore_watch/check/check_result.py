"""What Atlas's answer about a job means, with what is recorded of the job. Pure."""

from restore_watch.model.event_id import event_id
from restore_watch.model.history_entry import HistoryEntry
from restore_watch.model.restore_job import RestoreJob
from restore_watch.model.restore_target import RestoreKind, RestoreTarget
from restore_watch.model.results import CheckResult
from restore_watch.model.status_change import is_contradiction
from restore_watch.model.unknown_statuses import has_room_for_unknown, is_new_unknown
from restore_watch.table.job_item import Recorded


def check_result(
    target: RestoreTarget,
    answer: RestoreJob,
    recorded: Recorded,
    published: tuple[HistoryEntry, ...],
) -> CheckResult:
    """Return the result of an answer about a job that is recorded, whoever asked."""
    stored, change, changes = recorded.job, recorded.change, recorded.changes
    is_surplus = is_new_unknown(answer, changes) and not has_room_for_unknown(answer, changes)
    asked_tenant = target.kind is RestoreKind.TENANT
    has_moved = asked_tenant and answer.kind is not RestoreKind.TENANT
    return CheckResult(
        # If the status is the same, Atlas's latest answer has newer details.
        job=answer if event_id(answer) == event_id(stored) else stored,
        previous_status=change.previous_status if change else stored.status,
        changed=change is not None,
        sequence=len(recorded.history),
        published=published,
        contradiction=answer.status if is_contradiction(answer, changes) else None,
        unrecorded_word=answer.atlas_status if is_surplus else None,
        successor=answer.kind if has_moved else None,
        seen=recorded.seen,
    )
