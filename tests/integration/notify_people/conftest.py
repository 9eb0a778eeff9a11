"""One AWS and one set of readers for a module, emptied before each test."""

from collections.abc import Iterator

import pytest

from integration.notify_people.people import People
from local_stack.aws import AwsEmulator
from local_stack.readers import Readers
from produced import Produced


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsEmulator]:
    """An AWS of these tests alone; `module_stack` resets the one that the others share."""
    with AwsEmulator() as emulator:
        yield emulator


@pytest.fixture(scope="module")
def module_readers() -> Iterator[Readers]:
    with Readers() as made:
        yield made


@pytest.fixture
def people(
    aws: AwsEmulator,
    module_readers: Readers,
    produced: Produced,
    powertools: None,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> People:
    """The function, with every channel set up."""
    aws.clear()
    module_readers.clear()
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    return People(aws, module_readers, produced)


@pytest.fixture
def readers(people: People) -> Readers:
    return people.readers
