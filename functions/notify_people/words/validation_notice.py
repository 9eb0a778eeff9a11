"""The verdict of a pipeline on restored data → the words about it. Pure."""

from collections.abc import Mapping

from notify_people.message import ValidationRecorded
from notify_people.selection import Change
from notify_people.words.notice import Notice, Paging, Severity, Step, known
from notify_people.words.restore_notice import clusters, project_step
from notify_people.words.spans import microseconds, moment


def validation_notice(recorded: ValidationRecorded, console: str, stack: str) -> Notice:
    """
    Return the notice about a validation. `console` is the address of Atlas's console.

    The notice is in the thread of its restore. Each has its own subject: a verdict on a part of the
    data does not outdate a verdict on another part. A verdict pages somebody if it is not good, or
    if the restore has not completed.
    """
    found = recorded.validation
    is_good = recorded.is_good
    verdict = _verdict(recorded)
    return Notice(
        stack=stack,
        subject=f"validation/{recorded.restore_id}/{recorded.sequence}",
        order=microseconds(recorded.observed_at),
        thread=recorded.restore_id,
        change=Change.VALIDATED,
        event_type="restore-validated",
        what="validation",
        outcome=verdict,
        severity=Severity.SUCCESS if is_good else Severity.ERROR,
        paging=Paging.NOTHING if is_good else Paging.TRIGGER,
        title=f"Validation {verdict}: {clusters(recorded)}",
        detail=found.detail or "",
        facts=known(_facts(recorded)),
        steps=(*map(Step, _advice(recorded)), project_step(recorded, console)),
        at=recorded.observed_at,
        source=recorded.source,
        keywords=("validation", found.verdict.lower(), recorded.cluster_name),
    )


def _verdict(recorded: ValidationRecorded) -> str:
    verdict = "passed" if recorded.is_good else recorded.validation.verdict
    if recorded.validation.passed and not recorded.is_completed:
        became = _NOT_COMPLETED.get(recorded.status, f"is {recorded.status}")
        verdict = f"{verdict}, but the restore {became}"
    return verdict


_NOT_COMPLETED = {"FAILED": "FAILED", "EXPIRED": "EXPIRED", "CANCELLED": "was CANCELLED"}


def _facts(recorded: ValidationRecorded) -> Mapping[str, str | None]:
    found = recorded.validation
    return {
        "Verdict": found.verdict,
        "Project": recorded.group_id,
        "Source cluster": recorded.cluster_name,
        "Target cluster": recorded.target_deployment_item_name,
        "Tested by": found.validated_by,
        "Tested": moment(found.validated_at),
        "Recorded": moment(recorded.observed_at),
        "Status of the restore": recorded.status,
        "Restore job": recorded.restore_id,
    }


def _advice(recorded: ValidationRecorded) -> tuple[str, ...]:
    target = recorded.target_deployment_item_name or "the target"
    who = recorded.validation.validated_by or "the pipeline"
    if recorded.is_good:
        return ()
    if recorded.validation.passed:
        return (
            f"Do not rely on the data in {target}: the restore has not completed",
            f"Look at what {who} tested: it may be other data",
        )
    return (
        f"Do not rely on the restored data in {target}",
        f"Look at what {who} reports. If the data is wrong, restore again",
    )
