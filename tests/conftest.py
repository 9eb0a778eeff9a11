"""The one stack that the tests share, and the collection of all that a run produces."""

import os
import secrets
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from failure_report import shorten
from garbage import LEFT_THREADS, collect_nothing, collect_seldom
from produced import Produced

if TYPE_CHECKING:
    from local_stack.dynamodb_local import DynamoDBLocal
    from local_stack.ministack import MiniStack
    from local_stack.stack import Credentials
    from observed_stack import ObservedStack

# Far from UTC, so that no moment in local time passes for one.
os.environ["TZ"] = "<+1245>-12:45"
time.tzset()

# How long an example takes is a matter of the machine.
settings.register_profile("often", deadline=None, max_examples=20)
settings.register_profile("weekly", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("EXAMPLES", "often"))

PRODUCED = pytest.StashKey[Produced]()


def pytest_configure(config: pytest.Config) -> None:
    collect_nothing()
    config.stash[PRODUCED] = Produced()
    config.pluginmanager.register(_Collector(config.stash[PRODUCED]))


class _Collector:
    def __init__(self, produced: Produced) -> None:
        self._produced = produced

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """
        Keep all of the report, before others show it or send it to another process.

        The names and marks of a test are half of what would be sent, and nobody reads them there.
        """
        self._produced.add_report(report)
        shorten(report)
        report.keywords = {}


def pytest_runtest_teardown() -> None:
    LEFT_THREADS.end()


def pytest_collection_finish() -> None:
    collect_seldom()


@pytest.fixture(scope="session")
def produced(pytestconfig: pytest.Config) -> Produced:
    return pytestconfig.stash[PRODUCED]


@pytest.fixture(scope="session", autouse=True)
def nothing_is_leaked(produced: Produced) -> Iterator[None]:
    """No secret is in what the tests of this process produced, and the page has every error."""
    from contract import error_texts  # noqa: PLC0415

    yield
    assert produced.found() == []
    texts = {
        one
        for source, read in (("logs", error_texts.logged), ("errors", error_texts.raised))
        for piece in produced.pieces(source)
        for one in read(piece.text)
    }
    assert sorted(one for one in texts if not error_texts.is_on_the_page(one)) == []


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
    """The stack, made again if a module before has emptied it by starting another AWS."""
    if not running_stack.aws.has_its_state:
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
    if module_stack.credentials != credentials:
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
def ministack() -> Iterator["MiniStack"]:
    """A DynamoDB that somebody else wrote, to compare moto with."""
    from local_stack.ministack import MiniStack  # noqa: PLC0415

    with MiniStack() as running:
        yield running


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
def group() -> str:
    """The id of a project that no other test uses."""
    return secrets.token_hex(12)
