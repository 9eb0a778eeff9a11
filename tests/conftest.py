"""The one stack that the tests share, and the collection of all that a run produces."""

import gc
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from left_threads import LEFT_THREADS
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


def _is_canary(item: pytest.Item) -> bool:
    return item.path.name == "test_canaries.py"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the canaries last, because they search what all other tests produced."""
    items.sort(key=_is_canary)


def pytest_runtest_teardown() -> None:
    LEFT_THREADS.end()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fail if the named files have no tests beside the canaries: a half of `make test` is empty."""
    named = [argument for argument in session.config.args if "test_canaries" not in argument]
    is_filtered = session.config.option.keyword or session.config.option.markexpr
    if named and not is_filtered and all(map(_is_canary, session.items)):
        raise pytest.UsageError(f"no test was found in {' '.join(named)}")
    # A full collection looks through a million objects, nearly all of which stay to the end. It
    # stops the emulators' threads too, for longer than a client waits for them on a busy machine.
    # Hardly any runs now; `LeftThreads` runs one where threads were left behind.
    gc.freeze()
    gc.set_threshold(2_000, 10, 10_000)


@pytest.fixture(scope="session")
def produced(pytestconfig: pytest.Config) -> Produced:
    return pytestconfig.stash[PRODUCED]


@pytest.fixture(scope="session", params=["service_account", "api_key"])
def credentials(request: pytest.FixtureRequest) -> "Credentials":
    """Either kind of credentials. Session scope makes pytest group the tests by it."""
    given: Credentials = request.param
    return given


@pytest.fixture(scope="session")
def running_stack(produced: Produced) -> Iterator["ObservedStack"]:
    """The stack as other tests left it; tests use `stack`."""
    # Imported here, because it takes seconds and tests/unit does not need it.
    from observed_stack import ObservedStack  # noqa: PLC0415

    with ObservedStack(produced) as stack:
        yield stack


@pytest.fixture(scope="module")
def module_stack(running_stack: "ObservedStack") -> "ObservedStack":
    """The stack after a reset, because a module that starts another AWS empties this one."""
    running_stack.reset()
    return running_stack


@pytest.fixture
def stack(
    module_stack: "ObservedStack", request: pytest.FixtureRequest
) -> Iterator["ObservedStack"]:
    """
    The stack without jobs, with the service account unless the test uses `credentials`.

    Its execution environment may be warm and may remember clusters of other tests. A test that
    changes the secret or another resource uses `new_stack`.
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
    """The stack with a cold execution environment. It is reset after the test."""
    stack.new_environments()
    yield stack
    stack.settle()
    stack.reset()
    stack.new_environments()


@pytest.fixture(scope="session")
def dynamodb_local() -> Iterator["DynamoDBLocal"]:
    """Amazon's own DynamoDB Local; its tests are skipped if it was not fetched."""
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
    """The stack with its table in DynamoDB Local instead of moto."""
    with stack.storing_in(dynamodb_local):
        yield stack
        stack.settle()


@pytest.fixture
def group() -> str:
    """The id of a project that no other test uses."""
    return secrets.token_hex(12)
