"""What lets the watch see again: a fix of a sentence or two for each error. Pure."""

from datetime import datetime

from foundation.errors import ApplicationError
from restore_watch.errors import AtlasError
from restore_watch.model.credentials_expiry import ExpiringSecret

_FIXES = {
    "AtlasUnauthorizedError": (
        "Give the service account or API key the role Project Read Only in the project. If only "
        "restores of dedicated clusters are refused, add Project Backup Recovery Operator; if that "
        "is refused too, Project Backup Manager. If it has its role, renew the credentials in the "
        "stack's secret; if the project was deleted, take it out of AtlasProjectIds."
    ),
    "AtlasForbiddenError": (
        "Give the service account or API key access to the project. If its API access list is the "
        "cause, do not require one in the settings of Atlas's organization, which is free, or give "
        "the function a fixed address by a NAT gateway (SubnetIds, SecurityGroupIds), and add that."
    ),
    "CredentialsError": (
        "Put client_id and client_secret of a service account, or public_key and private_key of "
        "an API key, as JSON into the secret that AtlasSecretArn names. The function's role must "
        "be able to read and decrypt it."
    ),
    "AtlasRateLimitError": (
        "Slow down the other tools that call Atlas's API for this project. The watch leaves half "
        "of each rate limit to them."
    ),
    "AtlasUnavailableError": (
        "If status.mongodb.com reports an incident, wait. If not, compare AtlasBaseUrl, and "
        "base_url in the stack's secret if it is there, with the address at which you open Atlas. "
        "If the stack has SubnetIds, check the function's way to the internet: the subnets need a "
        "route to a NAT gateway, and the security groups must let HTTPS out."
    ),
    "RestoreJobNotFoundError": (
        "If the project was deleted, take it out of AtlasProjectIds. If not, compare its id with "
        "the address of its pages in Atlas."
    ),
    "TableUnavailableError": (
        "The result of a sweep names the restore job among its failures. If its item was changed "
        "by hand, repair or delete it: it is recorded anew. Otherwise look at the table's metrics."
    ),
    "TimeBudgetExceededError": (
        "Raise MemorySize, or let another stack watch some of the projects."
    ),
}

_ADD_ADDRESS = (
    "Add {address} to the API access list of the service account or API key (organization, access "
    "manager). The project's network access list does not help."
)

_OF_THE_STACK = (
    "Renew the credentials in the stack's secret: the secret of a service account expires. If only "
    "the list of projects is refused, give them a role in the organization, or name the projects "
    "in AtlasProjectIds."
)

UNCERTAIN = "Atlas does not show which secret the stack uses: this is the earliest known date"

_OTHERS = (
    "Install the newest version of the stack. If that does not help, report it with this text."
)


def fix_of(error: ApplicationError, *, of_stack: bool = False) -> str:
    """Return the fix of an error of a project or of the whole stack."""
    if isinstance(error, AtlasError) and error.reason and error.reason.address:
        return _ADD_ADDRESS.format(address=error.reason.address)
    return fix_named(type(error).__name__, of_stack=of_stack)


def fix_named(error: str, *, of_stack: bool = False) -> str:
    """Return the fix of the error with this name."""
    is_of_credentials = of_stack and error == "AtlasUnauthorizedError"
    return _OF_THE_STACK if is_of_credentials else _FIXES.get(error, _OTHERS)


def fix_of_expiry(secret: ExpiringSecret, now: datetime) -> str:
    """What to do before this secret expires, or as soon as it has."""
    when = "now" if secret.has_expired(now) else f"before {secret.expires_at:%Y-%m-%d}"
    then = "The stack reads it by itself; without it, no restore is seen from then on."
    if not secret.is_certain:
        then = f"{UNCERTAIN}."
    return (
        f"In Atlas, make a new secret for the service account {secret.client_id}, and store it in "
        f"the stack's secret {when}. {then}"
    )
