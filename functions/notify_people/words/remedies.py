"""
How to make the watch see again. Pure.

`restore_watch` says it in its message. The sentences here are for messages of 1.0.0, which have
none. docs/troubleshooting.md says the same at more length; a test compares what both name.
"""

from notify_people.message import WatchChange
from notify_people.words.notice import Step

_CAUSES = {
    "AtlasUnauthorizedError": "Atlas refuses the role or the credentials",
    "AtlasForbiddenError": "Atlas refuses the address or the access",
    "CredentialsError": "the secret cannot be used",
    "AtlasRateLimitError": "the rate limit is used up",
    "AtlasUnavailableError": "Atlas does not answer",
    "RestoreJobNotFoundError": "Atlas has no such project",
    "AtlasBadRequestError": "Atlas refuses the request",
    "EndpointRetiredError": "Atlas has retired an endpoint",
    "UnexpectedAtlasResponseError": "Atlas gives an unknown answer",
    "TimeBudgetExceededError": "a sweep has too little time",
}

_DELETED = "If the project was deleted, take it out of the stack's parameter AtlasProjectIds"

_OUTDATED = (
    "Install the newest version of the stack. If that does not help, report it where you have the "
    "source from"
)

_REMEDIES = {
    "AtlasUnauthorizedError": (
        "Give the service account or API key the role Project Read Only in the project, and for "
        "dedicated clusters Project Backup Manager. If it has them, renew the credentials in the "
        "stack's secret (client_id and client_secret, or public_key and private_key)"
    ),
    "AtlasForbiddenError": (
        "Add the address that is named above to the API access list of the service account or API "
        "key (organization, access manager); the project's network access list does not help. If "
        "none is named, give it access to the project"
    ),
    "CredentialsError": (
        "Put client_id and client_secret, or public_key and private_key, as JSON into the secret "
        "that AtlasSecretArn names, and let the function's role read and decrypt it"
    ),
    "AtlasRateLimitError": (
        "It recovers by itself when other tools ask less of Atlas's API for this project. If it "
        "does not, lower the parameter RateLimitReserve, the share that the watch leaves to them"
    ),
    "AtlasUnavailableError": (
        "If Atlas has no incident, check the function's way to the internet: with SubnetIds, the "
        "subnets need a route to a NAT gateway, and the security groups must let HTTPS out"
    ),
    "RestoreJobNotFoundError": _DELETED,
    "AtlasBadRequestError": _DELETED,
    "EndpointRetiredError": _OUTDATED,
    "UnexpectedAtlasResponseError": _OUTDATED,
    "TimeBudgetExceededError": (
        "Raise the parameter MemorySize, or let another stack watch some of the projects"
    ),
}

_UNKNOWN = "Read what failed above, and the log group that the output LogGroupName names"

_STATUS_PAGE = Step(
    "See whether Atlas has an incident",
    address="https://status.mongodb.com",
    label="Open the status page",
)


def cause(error: str) -> str:
    """Say in a few words what is wrong. `error` is the name of an error of `restore_watch`."""
    return _CAUSES.get(error, error)


def remedies(change: WatchChange, console: str) -> tuple[Step, ...]:
    """Return what to do, where to look, and what comes then."""
    fix = Step(change.fix or _REMEDIES.get(change.error, _UNKNOWN))
    return (fix, *_look(change, console), Step("When the watch recovers, it is reported here"))


def _look(change: WatchChange, console: str) -> tuple[Step, ...]:
    if change.error == "AtlasUnavailableError":
        return (_STATUS_PAGE,)
    if change.group_id is None or change.error == "RestoreJobNotFoundError":
        return ()
    return (Step("Open the project in Atlas", address=f"{console}/v2/{change.group_id}"),)
