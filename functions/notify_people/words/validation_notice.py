"""The verdict of a pipeline on restored data → the words about it. Pure."""

from collections.abc import Mapping

from notify_people.message import ValidationRecorded
from notify_people.severity_and_paging import severity_and_paging_of_validation
from notify_people.wanted_changes import Change
from notify_people.words.durations_and_moments import microseconds, moment
from notify_people.words.notice import Notice, Step, known, project_fact
from notify_people.words.restore_notice import clusters, with_project
from notify_people.words.what_to_do_next import project_step


def validation_notice(recorded: ValidationRecorded, console: str, stack: str) -> Notice:
    """Return the notice. Each is about its own verdict: it outdates no verdict on other data."""
    found = recorded.validation
    verdict, advice = _verdict(recorded)
    severity, paging = severity_and_paging_of_validation(is_good=not advice)
    return Notice(
        stack=stack,
        about=f"validation/{recorded.restore_id}/{recorded.sequence}",
        order=microseconds(recorded.observed_at),
        thread=recorded.restore_id,
        change=Change.VALIDATED,
        event_type="restore-validated",
        what="validation",
        outcome=verdict,
        severity=severity,
        paging=paging,
        title=with_project(f"Validation {verdict}: {clusters(recorded)}", recorded),
        detail=found.detail or "",
        facts=known(_facts(recorded)),
        steps=(*map(Step, advice), project_step(recorded, console)),
        at=recorded.observed_at,
        source=recorded.source,
        keywords=("validation", found.verdict.lower(), recorded.cluster_name),
    )


_ENDED_BADLY = {"FAILED": "FAILED", "EXPIRED": "EXPIRED", "CANCELLED": "was CANCELLED"}


def _verdict(recorded: ValidationRecorded) -> tuple[str, tuple[str, ...]]:
    """Return the verdict in words, and the advice if it is not good."""
    found, status = recorded.validation, recorded.status
    target = recorded.target_deployment_item_name or "the target"
    who = found.validated_by or "the pipeline"
    if found.verdict != "PASSED":
        return found.verdict, (
            f"Do not rely on the restored data in {target}",
            f"Look at what {who} reports. If the data is wrong, restore again",
        )
    # A download that completed may have ended since.
    if status == "COMPLETED" or (recorded.is_download and status in _ENDED_BADLY):
        return "passed", ()
    return f"PASSED, but the restore {_ENDED_BADLY.get(status, f'is {status}')}", (
        f"Do not rely on the data in {target}: the restore has not completed",
        f"Look at what {who} tested: it may be other data",
    )


def _facts(recorded: ValidationRecorded) -> Mapping[str, str | None]:
    found = recorded.validation
    return {
        "Verdict": found.verdict,
        "Project": project_fact(recorded.group_id, recorded.project_name),
        "Source cluster": recorded.cluster_name,
        "Target cluster": recorded.target_deployment_item_name,
        "Tested by": found.validated_by,
        "Tested": moment(found.validated_at),
        "Recorded": moment(recorded.observed_at),
        "Status of the restore": recorded.status,
        "Restore job": recorded.restore_id,
    }
