"""How bad a change is, and whether it pages somebody. Pure."""

from enum import StrEnum

from notify_people.message import CredentialsChange, Status, StatusChange, WatchChange


class Severity(StrEnum):
    """How bad it is."""

    SUCCESS = "success"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class Paging(StrEnum):
    """The action of the pager."""

    NOTHING = "nothing"
    TRIGGER = "trigger"
    RESOLVE = "resolve"
    TRY_BOTH = "try both"
    """Trigger and resolve at once: a test."""


def severity_and_paging_of_restore(change: StatusChange) -> tuple[Severity, Paging]:
    """
    An end pages somebody unless it is known to be good.

    An unknown word pages too: Atlas has such a word for a collection restore that succeeded only in
    part. The end of a download's link does not page, because every link expires some hours after it
    was reported as ready.
    """
    if change.status is Status.COMPLETED:
        # An unknown word was paged; now it is known to be good.
        was_paged = change.previous_status is Status.UNKNOWN
        return Severity.SUCCESS, Paging.RESOLVE if was_paged else Paging.NOTHING
    is_link = change.is_download and change.status is Status.EXPIRED
    if is_link or not change.terminal:
        return Severity.INFO, Paging.NOTHING
    is_error = change.status in {Status.FAILED, Status.EXPIRED}
    return Severity.ERROR if is_error else Severity.WARNING, Paging.TRIGGER


def severity_and_paging_of_validation(*, is_good: bool) -> tuple[Severity, Paging]:
    """A verdict pages somebody if it is not good, or if the restore has not completed."""
    return (Severity.SUCCESS, Paging.NOTHING) if is_good else (Severity.ERROR, Paging.TRIGGER)


def severity_and_paging_of_difference() -> tuple[Severity, Paging]:
    """A difference pages nobody: expired documents, or writes since the restore, make one too."""
    return Severity.WARNING, Paging.NOTHING


def severity_and_paging_of_watch(change: WatchChange) -> tuple[Severity, Paging]:
    """
    While the watch cannot see, restores are reported late, so degraded always pages somebody.

    The whole stack is worse than a project. A project that is no longer watched closes its page.
    """
    if change.recovered:
        return Severity.INFO if change.is_removed else Severity.SUCCESS, Paging.RESOLVE
    return Severity.ERROR if change.group_id else Severity.CRITICAL, Paging.TRIGGER


def severity_and_paging_of_credentials(change: CredentialsChange) -> tuple[Severity, Paging]:
    """From seven days on, an expiry pages somebody."""
    if change.renewed:
        return Severity.SUCCESS, Paging.RESOLVE
    if change.days <= 1:
        return Severity.CRITICAL, Paging.TRIGGER
    if change.days <= 7:
        return Severity.ERROR, Paging.TRIGGER
    return Severity.WARNING, Paging.NOTHING
