"""The verdict of a pipeline on restored data → the words about it. Pure."""

from notify_people.message import ValidationRecorded
from notify_people.selection import Change
from notify_people.words.notice import Fact, Notice, Paging, Severity, Step, facts_of
from notify_people.words.restore_steps import project_step
from notify_people.words.spans import microseconds, moment


def validation_notice(recorded: ValidationRecorded, console: str, stack: str) -> Notice:
    """
    Return the notice about a validation. `console` is the address of Atlas's console.

    It is in the thread of its restore. Its subject is no other's: a verdict on one part of the data
    does not outdate that on another. A verdict that is not good is paged, and so is a good one on a
    restore that has not completed.
    """
    found = recorded.validation
    is_good = recorded.is_good
    return Notice(
        stack=stack,
        subject=f"validation/{recorded.restore_id}/{recorded.sequence}",
        order=microseconds(recorded.observed_at),
        thread=recorded.restore_id,
        event_type=f"restore-{Change.VALIDATED}",
        severity=Severity.SUCCESS if is_good else Severity.ERROR,
        paging=Paging.NOTHING if is_good else Paging.TRIGGER,
        title=_title(recorded),
        detail=found.detail or "",
        facts=_facts(recorded),
        steps=(
            *_advice(recorded),
            project_step(recorded.group_id, recorded.cluster_name, console),
        ),
        at=recorded.observed_at,
        source=f"/groups/{recorded.group_id}/clusters/{recorded.cluster_name}",
        keywords=("validation", found.verdict.lower(), recorded.cluster_name),
    )


_NOT_COMPLETED = {"FAILED": "FAILED", "EXPIRED": "EXPIRED", "CANCELLED": "was CANCELLED"}


def _title(recorded: ValidationRecorded) -> str:
    found = recorded.validation
    verdict = "passed" if recorded.is_good else found.verdict
    if found.passed and not recorded.is_completed:
        became = _NOT_COMPLETED.get(recorded.status, f"is {recorded.status}")
        verdict = f"{verdict}, but the restore {became}"
    where = recorded.cluster_name
    if recorded.target_deployment_item_name:
        where += f" -> {recorded.target_deployment_item_name}"
    return f"Validation {verdict}: {where}"


def _facts(recorded: ValidationRecorded) -> tuple[Fact, ...]:
    found = recorded.validation
    values = {
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
    return facts_of(values)


def _advice(recorded: ValidationRecorded) -> tuple[Step, ...]:
    if recorded.is_good:
        return ()
    target = recorded.target_deployment_item_name or "the target"
    who = recorded.validation.validated_by
    if recorded.validation.passed:
        return (
            Step(f"Do not rely on the data in {target}: the restore has not completed"),
            Step(f"Look at what {who or 'the pipeline'} tested: it may be other data"),
        )
    return (
        Step(f"Do not rely on the restored data in {target}"),
        Step(f"Look at what {who or 'the pipeline'} reports. If the data is wrong, restore again"),
    )
