"""A rule needs no network: whatever opens a socket in this folder fails."""

import pytest
from hypothesis import settings

# How long an example takes says something about the machine, not about the rule.
settings.register_profile("rules", deadline=None)
settings.load_profile("rules")


@pytest.fixture(autouse=True)
def sockets_off(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("socket_disabled")
