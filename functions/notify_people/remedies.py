"""
How to make the watch see again, for each error of `restore_watch`. Pure.

docs/troubleshooting.md says the same at more length; a test compares what both name.
"""

from notify_people.message import WatchChange
from notify_people.notice import Step

_CAUSES = {
    "AtlasUnauthorizedError": "Atlas refuses the credentials or the role",
    "AtlasForbiddenError": "Atlas refuses the address or the access",
    "CredentialsError": "the secret cannot be used",
    "AtlasRateLimitError": "the rate limit is used up",
    "AtlasUnavailableError": "Atlas does not answer",
    "RestoreJobNotFoundError": "Atlas does not know it",
    "AtlasBadRequestError": "Atlas refuses the request",
    "EndpointRetiredError": "Atlas has retired an endpoint",
    "UnexpectedAtlasResponseError": "Atlas gives an unknown answer",
    "TimeBudgetExceededError": "a sweep has too little time",
}

_STATUS_PAGE = "https://status.mongodb.com"


def cause(error: str) -> str:
    """Say in a few words what is wrong. `error` is the name of an error of `restore_watch`."""
    return _CAUSES.get(error, error)


def remedies(change: WatchChange, console: str) -> tuple[Step, ...]:
    """Return what to do, in the order in which to try it."""
    unauthorized = change.error == "AtlasUnauthorizedError"
    steps = _role(change, console) if unauthorized else _STEPS.get(change.error, _UNKNOWN)
    return (*steps, Step("When the watch recovers, it is reported here"))


def _role(change: WatchChange, console: str) -> tuple[Step, ...]:
    renew = Step(
        "If it has the role, renew the credentials in the stack's secret: the secret of a service "
        "account expires"
    )
    if change.group_id is None:
        return (
            Step(
                "Renew the credentials in the stack's secret (client_id and client_secret, or "
                "public_key and private_key): the secret of a service account expires"
            ),
            Step("Check that the service account or API key has its role in the projects"),
        )
    return (
        Step(
            "In the project's access manager, give the service account or API key the role "
            "Project Read Only, and for dedicated clusters Project Backup Manager",
            address=f"{console}/v2/{change.group_id}",
        ),
        renew,
        *_DELETED,
    )


_ACCESS = (
    Step(
        "If an address is named above, add it to the API access list of the service account or "
        "API key, in the access manager of the organization. The network access list of the "
        "project is another list and does not help"
    ),
    Step(
        "The function has a fixed address only if it runs in subnets behind a NAT gateway: set the "
        "parameters SubnetIds and SecurityGroupIds"
    ),
    Step("If no address is named, give the service account or API key access to the project"),
)

_SECRET = (
    Step(
        "Put client_id and client_secret of a service account, or public_key and private_key of an "
        "API key, as JSON into the secret that the stack's parameter AtlasSecretArn names"
    ),
    Step("Check that the secret exists, and that the function's role may read and decrypt it"),
)

_RATE_LIMIT = (
    Step("It recovers by itself when other tools ask less of Atlas's API for this project"),
    Step(
        "If it stays so, make those tools slower, or lower the parameter RateLimitReserve, the "
        "share of the rate limit that the watch leaves to them"
    ),
)

_NO_ANSWER = (
    Step("See whether Atlas has an incident", address=_STATUS_PAGE, label="Open the status page"),
    Step(
        "If it has none, check the function's way to the internet: with SubnetIds, the subnets "
        "need a route to a NAT gateway, and the security groups must let HTTPS out"
    ),
)

_DELETED = (
    Step(
        "If the project was deleted, and the stack's parameter AtlasProjectIds names it, take it "
        "out there"
    ),
)

_OUTDATED = (
    Step(
        "Install the newest version of the stack. If that is no help, report it where you have the "
        "source from"
    ),
)

_TIME = (
    Step("Raise the stack's parameter MemorySize, or let another stack watch some of the projects"),
)

_UNKNOWN = (Step("Read what failed above, and the log group that the output LogGroupName names"),)

_STEPS = {
    "AtlasForbiddenError": _ACCESS,
    "CredentialsError": _SECRET,
    "AtlasRateLimitError": _RATE_LIMIT,
    "AtlasUnavailableError": _NO_ANSWER,
    "RestoreJobNotFoundError": _DELETED,
    "AtlasBadRequestError": _DELETED,
    "EndpointRetiredError": _OUTDATED,
    "UnexpectedAtlasResponseError": _OUTDATED,
    "TimeBudgetExceededError": _TIME,
}
