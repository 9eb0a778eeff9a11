"""The expiry of the service account's secret → the words about it. Pure."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from notify_people.message import CredentialsChange
from notify_people.plain_text import cut
from notify_people.severity_and_paging import severity_and_paging_of_credentials
from notify_people.wanted_changes import Change
from notify_people.words.durations_and_moments import duration, microseconds, minute, moment
from notify_people.words.notice import NAME_LIMIT, Notice, Step, known


def credentials_notice(change: CredentialsChange, console: str, stack: str) -> Notice:
    """Return the notice. All of a stack are about the same: a renewal closes an expiry's page."""
    what = "renewed" if change.renewed else "expiring"
    severity, paging = severity_and_paging_of_credentials(change)
    return Notice(
        stack=stack,
        about=f"credentials/{change.subject}",
        # The new secret may expire soon as well, which is noticed at the same moment.
        order=2 * microseconds(change.at) + (not change.renewed),
        thread=f"credentials-{change.subject}",
        change=Change.EXPIRING,
        event_type=f"credentials-{what}",
        what="secret",
        outcome="expired" if change.has_expired and not change.renewed else what,
        severity=severity,
        paging=paging,
        title=f"{_headline(change)}: stack {cut(stack, NAME_LIMIT)}",
        detail=_detail(change),
        facts=known(_facts(change, stack)),
        steps=tuple(_steps(change, console, stack)),
        at=change.at,
        source=f"/stacks/{change.subject}",
        keywords=("credentials", what),
    )


def _headline(change: CredentialsChange) -> str:
    if change.renewed:
        return "Service account secret renewed"
    if change.has_expired:
        return f"Service account secret {'has' if change.is_certain else 'may have'} expired"
    verb = "expires" if change.is_certain else "may expire"
    unit = "day" if change.days == 1 else "days"
    return f"Service account secret {verb} within {change.days} {unit}"


def _detail(change: CredentialsChange) -> str:
    if change.renewed:
        return "The watch uses another secret."
    detail = (
        "Atlas gives no new token for it. The last one ends within an hour: then no restore is "
        "seen until the watch has a new secret."
        if change.has_expired
        else "From then on, Atlas refuses the watch: no restore is seen until it has a new secret."
    )
    if not change.is_certain:
        detail += (
            " Atlas does not show which secret the stack uses: this is the earliest known date."
        )
    return detail


def _facts(change: CredentialsChange, stack: str) -> Mapping[str, str | None]:
    secret = "New secret" if change.renewed else "Secret"
    left = duration((change.expires_at - change.at).total_seconds())
    return {
        "Stack": stack,
        "Service account": change.client_id,
        f"{secret} {'expired' if change.has_expired else 'expires'}": moment(change.expires_at),
        "Time left": None if change.has_expired else left,
        "Noticed": moment(change.at),
    }


def _steps(change: CredentialsChange, console: str, stack: str) -> Iterator[Step]:
    """In this order, Atlas refuses nothing meanwhile."""
    if change.renewed:
        yield Step("Delete the old secret in Atlas, if it is still there")
        return
    if not change.is_certain:
        yield Step("If the stack has a newer secret already, delete the old one in Atlas")
    yield Step(
        "In Atlas, open Service Accounts of the organization or of the project, choose "
        f"{change.client_id or 'the one of this stack'}, and generate a new client secret",
        address=console,
    )
    yield Step(
        "Store it in the secret that the stack's parameter AtlasSecretArn names, and change "
        f"nothing else there. {_old_works(change)}The ARN of the secret",
        command=f"aws cloudformation describe-stacks --stack-name {stack} --output text --query "
        "\"Stacks[0].Parameters[?ParameterKey=='AtlasSecretArn'].ParameterValue\"",
    )
    yield Step("When the watch uses the new secret, it is reported here within a day")


def _old_works(change: CredentialsChange) -> str:
    if change.has_expired:
        return ""
    # https://www.mongodb.com/docs/atlas/tutorial/rotate-service-account-secrets/
    if change.expires_at - change.at > timedelta(days=7):
        return "The old one then works for 7 days at most. "
    return f"The old one works until {minute(change.expires_at)}. "
