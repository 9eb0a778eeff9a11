"""Where the fault campaign gets its world: the stack that all tests share, made anew."""

from collections.abc import Iterator

import pytest

from observed_stack import ObservedStack
from reliability.campaign import Campaign, Tools


@pytest.fixture(scope="module")
def tools(module_stack: ObservedStack) -> Iterator[Tools]:
    made = Tools(module_stack)
    yield made
    made.close()


@pytest.fixture
def campaign(tools: Tools) -> Iterator[Campaign]:
    one = Campaign(tools)
    one.begin()
    yield one
    one.end()
