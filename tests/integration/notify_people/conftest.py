"""One stack for a module, made anew before each test."""

from collections.abc import Iterator

import pytest

from integration.notify_people.people import People


@pytest.fixture(scope="module")
def module_people() -> Iterator[People]:
    with People() as stack:
        yield stack


@pytest.fixture
def people(
    module_people: People,
    powertools: None,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> People:
    """The function, with every channel set up."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", module_people.aws.url)
    module_people.output = capsys
    module_people.begin_anew()
    return module_people
