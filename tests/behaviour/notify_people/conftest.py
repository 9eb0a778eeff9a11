"""One stack for a module, emptied before each test."""

from collections.abc import Iterator

import pytest

from behaviour.notify_people.people import People
from local_stack.canaries import CANARIES
from produced import Produced


@pytest.fixture(scope="module")
def module_people() -> Iterator[People]:
    with People() as stack:
        yield stack


@pytest.fixture
def people(
    module_people: People, monkeypatch: pytest.MonkeyPatch, produced: Produced
) -> Iterator[People]:
    """The function, with every channel set up. No log of it shows a secret."""
    for name in ("POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"):
        monkeypatch.setenv(name, "tested")
    module_people.begin_anew()
    yield module_people
    log = module_people.log.getvalue()
    produced.add("logs", log)
    assert [word for word in CANARIES if word in log] == []


@pytest.fixture
def breakable(people: People) -> Iterator[People]:
    """The same for a test that breaks what the stack consists of."""
    yield people
    people.reset()
