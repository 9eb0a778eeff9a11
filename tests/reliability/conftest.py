"""The world of a fault test, created for each test on the stack that all tests share."""

import io
import secrets
from collections.abc import Iterator

import pytest
from aws_lambda_powertools import Logger

from integration.watching import WatchingWith, environments
from local_stack.atlas import EmulatedRestore
from observed_stack import ObservedStack
from reliability.campaign import Campaign, Tools
from reliability.finding import Finds
from reliability.sweeping import Sweeps, many_jobs
from restore_watch.application import Application
from restore_watch.telemetry.telemetry import Telemetry


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


@pytest.fixture
def powertools(module_stack: ObservedStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the environment variables that Powertools reads by itself."""
    for name, value in module_stack.environment.items():
        if name.startswith("POWERTOOLS_"):
            monkeypatch.setenv(name, value)


@pytest.fixture
def application(campaign: Campaign, powertools: None) -> Application:  # noqa: ARG001
    """A cold start in this process, from the event to its answer."""
    logger = Logger(service=secrets.token_hex(4), stream=io.StringIO())
    return campaign.application(Telemetry(logger))


@pytest.fixture
def sweeps(campaign: Campaign, powertools: None) -> Sweeps:  # noqa: ARG001
    """Sweeps over an empty table, in this process."""
    return Sweeps(campaign)


@pytest.fixture
def finds(campaign: Campaign, sweeps: Sweeps) -> Finds:
    """Sweeps that watch the project of the test, which is empty."""
    return Finds(campaign, sweeps)


@pytest.fixture
def watching_with(
    stack: ObservedStack,
    tools: Tools,
    powertools: None,  # noqa: ARG001
) -> Iterator[WatchingWith]:
    """Start environments that watch projects, over an empty table."""
    with environments(stack, tools.patient) as make:
        yield make


@pytest.fixture
def twins(campaign: Campaign, sweeps: Sweeps) -> list[EmulatedRestore]:  # noqa: ARG001
    """Two recorded restores of one cluster: a sweep asks for the cluster's list."""
    return many_jobs(campaign, 2, clusters=1, timeline=["RUNNING", "COMPLETED"])
