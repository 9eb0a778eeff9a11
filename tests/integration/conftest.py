"""What the tests of the whole stack share beyond the stack itself."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from local_stack.in_process import Clients, clients
from local_stack.runtime import LambdaRuntime
from observed_stack import ObservedStack
from produced import Produced

type RuntimeWith = Callable[..., LambdaRuntime]


@pytest.fixture(scope="module")
def own_clients(module_stack: ObservedStack) -> Iterator[Clients]:
    """Connections for checks in the process of the tests."""
    made = clients(module_stack)
    yield made
    made.http.close()
    for client in (made.secretsmanager, made.dynamodb, made.sns):
        client.close()


@pytest.fixture
def runtime_with(stack: ObservedStack, produced: Produced) -> Iterator[RuntimeWith]:
    """Makes environments of the function with other variables; None leaves one out."""
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
