"""What these tests share beyond the stack itself."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import pytest

from behaviour.restore_history import History, play
from behaviour.stored import ONE_TRY, Stored, client_of
from foundation.aws_call import AWS_CONFIG
from local_stack.connections import Connections, connect
from local_stack.dynamodb_local import DynamoDBLocal
from local_stack.environment import Environment
from local_stack.other_dynamodb import OtherDynamoDB
from local_stack.runtime import LambdaRuntime
from local_stack.world import World
from observed_stack import ObservedStack
from produced import Produced

type RuntimeWith = Callable[..., LambdaRuntime]

_FETCHED = ["dynamodb_local"] if DynamoDBLocal.absence() is None else []
OTHERS = [pytest.param(name, marks=pytest.mark.campaign) for name in ("ministack", *_FETCHED)]
"""The fixtures with another DynamoDB than moto's; Amazon's own only where somebody fetched it."""


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


@pytest.fixture(scope="session", params=OTHERS)
def other_dynamodb(request: pytest.FixtureRequest) -> OtherDynamoDB:
    """Each DynamoDB that moto is compared with."""
    other: OtherDynamoDB = request.getfixturevalue(request.param)
    return other


@pytest.fixture(scope="module", params=["moto", *OTHERS])
def table_stack(
    module_stack: ObservedStack, request: pytest.FixtureRequest
) -> Iterator[ObservedStack]:
    """A stack whose table is in moto, and in each other DynamoDB."""
    own: AbstractContextManager[None] = nullcontext()
    if request.param != "moto":
        own = module_stack.storing_in(request.getfixturevalue(request.param))
    with own:
        yield module_stack
        module_stack.settle()


@pytest.fixture(scope="module")
def table_client(table_stack: ObservedStack) -> Iterator[Any]:
    made = client_of(table_stack)
    yield made
    made.close()


@pytest.fixture
def stored(table_stack: ObservedStack, table_client: Any) -> Stored:
    """The item of a new job, which is not in the table yet. No sweep holds the lease."""
    lease = {"cluster": {"S": "sweeps"}, "restoreId": {"S": "lease"}}
    table_client.delete_item(TableName=table_stack.table_name, Key=lease)
    return Stored(table_stack, table_client)


@pytest.fixture(scope="session")
def connections(running_stack: ObservedStack) -> Iterator[Connections]:
    """Connections that try each call to AWS once."""
    made = connect(running_stack)
    yield made
    made.close()


@pytest.fixture(scope="session")
def patient(running_stack: ObservedStack) -> Iterator[Connections]:
    """Connections that try a call to AWS as often as those of the function."""
    made = connect(running_stack, AWS_CONFIG)
    yield made
    made.close()


@pytest.fixture(scope="session")
def roomy(running_stack: ObservedStack) -> Iterator[Connections]:
    """Connections for many threads at once, which wait for a busy machine."""
    made = connect(running_stack, ONE_TRY)
    yield made
    made.close()


@pytest.fixture
def world(stack: ObservedStack, connections: Connections, produced: Produced) -> Iterator[World]:
    """Restores, environments in this process, and a clock that only the test moves."""
    with World(stack, connections) as made:
        yield made
    for text in made.said:
        produced.add("results", text)


@pytest.fixture
def environment(world: World) -> Environment:
    """A cold start that watches no project, and does not ask again about hot jobs."""
    return world.environment()


@pytest.fixture
def watching(world: World) -> Environment:
    """A cold start that watches the project of the test."""
    return world.watching()


@pytest.fixture(scope="session")
def history(running_stack: ObservedStack) -> History:
    """What the function did with restores of every kind and outcome."""
    return play(running_stack)
