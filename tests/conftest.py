"""The one stack that the tests share, and the keeping of all that a run produces."""

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from produced import Produced

if TYPE_CHECKING:
    from local_stack.dynamodb_local import DynamoDBLocal
    from local_stack.stack import Credentials
    from observed_stack import ObservedStack

PRODUCED = pytest.StashKey[Produced]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[PRODUCED] = Produced()
    config.pluginmanager.register(_Collector(config.stash[PRODUCED]))


class _Collector:
    def __init__(self, produced: Produced) -> None:
        self._produced = produced

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._produced.add_report(report)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever looks at what the run produced comes last."""
    items.sort(key=lambda item: item.path.name == "test_canaries.py")


@pytest.fixture(scope="session")
def produced(pytestconfig: pytest.Config) -> Produced:
    return pytestconfig.stash[PRODUCED]


@pytest.fixture(scope="session", params=["service_account", "api_key"])
def credentials(request: pytest.FixtureRequest) -> "Credentials":
    """Both in turn. Of the session, so that pytest puts the tests of each together."""
    given: Credentials = request.param
    return given


@pytest.fixture(scope="session")
def running_stack(produced: Produced) -> Iterator["ObservedStack"]:
    """The stack as it was left; ask for `stack`."""
    # Here, because it takes seconds to import and the rules of tests/unit need none of it.
    from observed_stack import ObservedStack  # noqa: PLC0415

    with ObservedStack(produced) as stack:
        yield stack


@pytest.fixture(scope="module")
def module_stack(running_stack: "ObservedStack") -> "ObservedStack":
    """The stack made anew, since modules that start an AWS of their own empty ours."""
    running_stack.reset()
    return running_stack


@pytest.fixture
def stack(
    module_stack: "ObservedStack", request: pytest.FixtureRequest
) -> Iterator["ObservedStack"]:
    """
    The stack without jobs, with the service account unless the test asks for `credentials`.

    Its execution environment may be warm, and may know clusters of other tests. Whoever changes
    the secret, or any other resource, asks for `new_stack`.
    """
    credentials: Credentials = "service_account"
    if "credentials" in request.fixturenames:
        credentials = request.getfixturevalue("credentials")
    if module_stack.credentials == credentials:
        module_stack.tidy()
    else:
        module_stack.reset(credentials)
    yield module_stack
    module_stack.settle()


@pytest.fixture
def new_stack(stack: "ObservedStack") -> Iterator["ObservedStack"]:
    """The stack with an execution environment that knows nothing, neither of them used again."""
    stack.new_environments()
    yield stack
    stack.settle()
    stack.reset()
    stack.new_environments()


@pytest.fixture(scope="session")
def dynamodb_local() -> Iterator["DynamoDBLocal"]:
    """Amazon's own DynamoDB Local; where nobody has fetched it, its tests are skipped."""
    from local_stack.dynamodb_local import DynamoDBLocal  # noqa: PLC0415

    absence = DynamoDBLocal.absence()
    if absence is not None:
        pytest.skip(absence)
    with DynamoDBLocal() as running:
        yield running


@pytest.fixture
def stack_on_dynamodb_local(
    stack: "ObservedStack", dynamodb_local: "DynamoDBLocal"
) -> Iterator["ObservedStack"]:
    """The stack, its table in DynamoDB Local instead of moto."""
    with stack.storing_in(dynamodb_local):
        yield stack
        stack.settle()


@pytest.fixture
def group() -> str:
    """A project that no other test knows."""
    return secrets.token_hex(12)
