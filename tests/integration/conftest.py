"""What these tests share beyond the stack itself."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from integration.operators import Operator
from integration.restore_history import History, play
from integration.sweeping import Sweeping
from integration.tables import ONE_TRY, Job, Stored
from integration.watching import Watching, WatchingWith, environments
from local_stack.in_process import Clients, clients
from local_stack.runtime import LambdaRuntime
from observed_stack import ObservedStack
from produced import Produced
from restore_watch.model.restore_job import RestoreJob, RestoreStatus
from strategies import plain_job

type RuntimeWith = Callable[..., LambdaRuntime]


@pytest.fixture
def runtime_with(stack: ObservedStack, produced: Produced) -> Iterator[RuntimeWith]:
    """Start environments of the function with other variables; None removes one."""
    environment = stack.pool.runtimes[0].environment
    made: list[LambdaRuntime] = []

    def make(**changes: str | None) -> LambdaRuntime:
        changed = {**environment.variables, **changes}
        variables = {name: value for name, value in changed.items() if value is not None}
        made.append(LambdaRuntime(replace(environment, variables=variables)))
        return made[-1]

    yield make
    for runtime in made:
        produced.add("logs", runtime.logs())
        runtime.__exit__(None, None, None)


@pytest.fixture(scope="module", params=["moto", "DynamoDB Local"])
def table_stack(
    module_stack: ObservedStack, request: pytest.FixtureRequest
) -> Iterator[ObservedStack]:
    if request.param == "moto":
        yield module_stack
        return
    with module_stack.storing_in(request.getfixturevalue("dynamodb_local")):
        yield module_stack
        module_stack.settle()


@pytest.fixture(scope="module")
def stored(table_stack: ObservedStack) -> Iterator[Stored]:
    """The table of a stack, in moto and in DynamoDB Local, which have to agree."""
    made = clients(table_stack, ONE_TRY)
    yield Stored.by(made, table_stack)
    made.close()


@pytest.fixture
def job(group: str) -> Job:
    """The job of this test, at a status."""

    def at(status: str, **fields: Any) -> RestoreJob:
        return plain_job(group_id=group, status=RestoreStatus(status), **fields)

    return at


@pytest.fixture(scope="module")
def in_process(module_stack: ObservedStack) -> Iterator[Clients]:
    """Connections of an environment in this process, for all tests of a module."""
    made = clients(module_stack)
    yield made
    made.close()


@pytest.fixture
def powertools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the environment variables that Powertools reads by itself."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "tested")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Tested")


@pytest.fixture
def sweeping(
    stack: ObservedStack,
    in_process: Clients,
    powertools: None,  # noqa: ARG001
) -> Sweeping:
    """An environment that sweeps, with a clock of its own."""
    return Sweeping(stack, in_process)


@pytest.fixture
def watching_with(
    stack: ObservedStack,
    in_process: Clients,
    powertools: None,  # noqa: ARG001
) -> Iterator[WatchingWith]:
    """Start environments that watch projects, one after the other, with one clock."""
    with environments(stack, in_process) as make:
        yield make


@pytest.fixture
def watching(watching_with: WatchingWith, group: str) -> Watching:
    """An environment that watches the project of the test."""
    return watching_with((group,))


@pytest.fixture(scope="session")
def history(running_stack: ObservedStack) -> History:
    """What the function did with restores of every kind and outcome."""
    return play(running_stack)


@pytest.fixture(scope="module", params=["moto", "DynamoDB Local"])
def history_table(
    module_stack: ObservedStack, history: History, request: pytest.FixtureRequest
) -> Iterator[ObservedStack]:
    """A stack whose table holds that history, in moto and in DynamoDB Local."""
    with ExitStack() as blocks:
        if request.param == "moto":
            module_stack.reset()
        else:
            dynamodb = request.getfixturevalue("dynamodb_local")
            blocks.enter_context(module_stack.storing_in(dynamodb))
        module_stack.put_items(history.items)
        yield module_stack


@pytest.fixture(scope="module")
def operator(
    running_stack: ObservedStack, produced: Produced, tmp_path_factory: pytest.TempPathFactory
) -> Operator:
    """An operator at a terminal, whose AWS is the local one."""
    return Operator(tmp_path_factory.mktemp("operator"), running_stack, produced)
