"""When the credentials expire, as the stack's bookkeeping item has it: one map. Pure."""

from dataclasses import replace
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from restore_watch.model.credentials_expiry import NOT_ASKED, CredentialsExpiry


@cache
def _map() -> TypeAdapter[CredentialsExpiry]:
    # A check does not need it, and making it takes milliseconds of a cold start.
    return TypeAdapter(CredentialsExpiry)


def expiry_as_value(expiry: CredentialsExpiry) -> dict[str, Any]:
    """The map, without values that are absent."""
    return dict(_map().dump_python(expiry, mode="json", by_alias=True, exclude_defaults=True))


def read_expiry(stored: object) -> CredentialsExpiry:
    """Read the map. If somebody has changed it so that it cannot be read, nothing is known."""
    try:
        read = _map().validate_python(stored)
    except ValidationError:
        read = NOT_ASKED
    return replace(read, stored=stored)
