"""A rule needs no network: a test that opens a socket fails."""

from collections.abc import Iterator

import pytest

from unit.scripted_atlas import Clock, ScriptedAtlas, Token


@pytest.fixture(autouse=True)
def sockets_off(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("socket_disabled")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def atlas() -> Iterator[ScriptedAtlas]:
    scripted = ScriptedAtlas()
    yield scripted
    scripted.close()


@pytest.fixture
def token(atlas: ScriptedAtlas, clock: Clock) -> Token:
    return Token(atlas, clock)
