"""The example of a nightly refresh: its own definition, really run, with the real function."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from local_stack.atlas import EmulatedRestore
from local_stack.aws import ACCOUNT, REGION
from local_stack.canaries import CANARY_ACCESS_TOKEN, CANARY_CLIENT_SECRET
from local_stack.faults import Lost
from local_stack.refusal import atlas_error
from local_stack.running import wait_until
from local_stack.runtime import Invocation, Outcome
from local_stack.stack import CREDENTIALS, ROOT
from local_stack.wire import Call, Fault, Phase
from local_stack.workflows import Execution, Workflow, await_restore, in_a_hurry, substituted
from observed_stack import ObservedStack

FOLDER = ROOT / "docs" / "nightly-refresh"
TEMPLATE = yaml_parse((FOLDER / "template.yaml").read_text())["Resources"]

CLUSTER, STAGING = "orders", "orders-staging"
DAY = 86_400
"""The age that a snapshot may have here, in seconds."""

STARTED = ["List the snapshots", "Is there a snapshot?", "Start the restore"]
AWAITED = [*STARTED, "Await the restore", "How did it end?"]
RECORDED = ["Record the verdict", "Was it right?"]
PAGED = ["Page someone", "Not refreshed or not known"]


class NightlyRefresh:
    """The workflow of the example beside the stack, and what its user brings along."""

    def __init__(self, stack: ObservedStack, group: str, *, patience: int = 21_600) -> None:
        self.stack = stack
        self.group = group
        self.staging_group = uuid4().hex[:24]
        self.tested: list[dict[str, Any]] = []
        self.test_result = Invocation(Outcome.RESULT, "tested", 0)
        stack.atlas.add_cluster(group, CLUSTER, "dedicated")
        stack.atlas.add_cluster(self.staging_group, STAGING, "dedicated")
        topic = stack.aws.client("sns").create_topic(Name=f"pages-{uuid4().hex}")["TopicArn"]
        self._pager = stack._subscribe(f"pager-{uuid4().hex}", topic)  # noqa: SLF001
        child = json.dumps(await_restore(stack)).replace("21600", str(patience))
        values = {
            "Partition": "aws",
            "AtlasBaseUrl": stack.atlas.url,
            "ConnectionArn": self._connection(),
            "AwaitRestoreStateMachineArn": Workflow.of(stack, json.loads(child)).arn,
            "SmokeTestFunctionArn": self._smoke_test(),
            "FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{stack.function.name}",
            "PageTopicArn": topic,
        }
        machine = TEMPLATE["NightlyRefresh"]["Properties"]
        assert set(machine["DefinitionSubstitutions"]) == set(values)
        definition = substituted(FOLDER / machine["DefinitionUri"], values)
        self._workflow = Workflow.of(stack, in_a_hurry(definition))

    def start(self) -> Execution:
        source = {"groupId": self.group, "clusterName": CLUSTER, "maxSnapshotAgeSeconds": DAY}
        target = {"targetGroupId": self.staging_group, "targetClusterName": STAGING}
        return self._workflow.start(source | target)

    def run(self, *, unsaid: str = "") -> Execution:
        """
        Start it, have the restore it starts run to its end, and return once it is over.

        Atlas leaves a field of the restore `unsaid`.
        """
        execution = self.start()
        wait_until(lambda: execution.is_over or bool(self.restores()), 30)
        for restore in self.restores():
            restore.drop(unsaid)
            restore.run_to_end()

        def tick() -> bool:
            if not execution.is_over:
                self.stack.tick()
            return execution.is_over

        wait_until(tick, 60)
        return execution

    def restores(self) -> list[EmulatedRestore]:
        return self.stack.atlas.restores(self.group, CLUSTER)

    def posts(self) -> list[Call]:
        return [one for one in self.stack.atlas.wire.calls if one.operation == "dedicated_start"]

    def published(self) -> list[tuple[str, str]]:
        """The verdicts that were published, with what was found."""
        said = [one.event["data"].get("validation") for one in self.stack.received()]
        return [(one["verdict"], one["detail"]) for one in said if one]

    def pages(self) -> list[str]:
        return [one["Message"] for one in self.stack._drain(self._pager)]  # noqa: SLF001

    def _connection(self) -> str:
        """Make the template's connection, with Atlas on this machine."""
        properties = TEMPLATE["AtlasConnection"]["Properties"]
        oauth = properties["AuthParameters"]["OAuthParameters"]
        account = CREDENTIALS["service_account"]
        here = {
            "AuthorizationEndpoint": f"{self.stack.atlas.url}/api/oauth/token",
            "ClientParameters": {
                "ClientID": account["client_id"],
                "ClientSecret": account["client_secret"],
            },
        }
        made = self.stack.aws.client("events").create_connection(
            Name=f"atlas-{uuid4().hex}",
            AuthorizationType=properties["AuthorizationType"],
            AuthParameters={"OAuthParameters": oauth | here},
        )
        arn: str = made["ConnectionArn"]
        return arn

    def _smoke_test(self) -> str:
        """Make the user's function."""

        def test(event: dict[str, Any]) -> Invocation:
            self.tested.append(event)
            return self.test_result

        name = f"smoke-test-{uuid4().hex}"
        self.stack.functions[name] = test
        role = self.stack.aws.client("iam").create_role(
            RoleName=name, AssumeRolePolicyDocument="{}"
        )
        made = self.stack.aws.client("lambda").create_function(
            FunctionName=name,
            Role=role["Role"]["Arn"],
            Runtime="python3.13",
            Handler="smoke_test.handler",
            Code={"ZipFile": b"it is of the user"},
        )
        arn: str = made["FunctionArn"]
        return arn


@pytest.fixture
def refresh(stack: ObservedStack, group: str) -> Iterator[NightlyRefresh]:
    yield NightlyRefresh(stack, group)
    stack.functions.clear()
    stack.settle()
    stack.reset()


def refused(status: int, code: str | None = None, times: int | None = None, **more: Any) -> Fault:
    """A fault in which Atlas refuses an operation, by default each time."""
    return Fault(action=atlas_error(status, code, "No."), times=times, **more)


@pytest.mark.campaign
def test_data_that_is_right_has_one_verdict_and_leaves_no_secret(refresh: NightlyRefresh) -> None:
    atlas = refresh.stack.atlas
    atlas.add_snapshot(refresh.group, CLUSTER, status="inProgress", age=timedelta())
    newest = atlas.add_snapshot(refresh.group, CLUSTER)
    atlas.add_snapshot(refresh.group, CLUSTER, age=timedelta(hours=25))

    execution = refresh.run()

    execution.output()
    assert execution.states() == [*AWAITED, "Test the data", *RECORDED, "Refreshed"]
    (restore,) = refresh.restores()
    assert restore.snapshot_id == newest.snapshot_id
    assert (restore.target_group, restore.target_cluster) == (refresh.staging_group, STAGING)
    (tested,) = refresh.tested
    target = {"targetGroupId": refresh.staging_group, "targetClusterName": STAGING}
    assert tested == target | {"job": tested["job"]}
    assert tested["job"]["restoreId"] == restore.restore_id
    assert tested["job"]["status"] == "COMPLETED"
    assert refresh.published() == [("PASSED", "The test of the data passed.")]
    assert refresh.pages() == []
    history = execution.client.get_execution_history(executionArn=execution.arn, maxResults=1000)
    left = json.dumps(history["events"], default=str)
    assert not {one for one in (CANARY_ACCESS_TOKEN, CANARY_CLIENT_SECRET) if one in left}


# A verdict that is not good, which the watch publishes


def failed(refresh: NightlyRefresh, execution: Execution, *states: str) -> str:
    """What was found of a restore that is not right. Nobody is paged of it."""
    assert execution.end()["error"] == "RefreshFailed"
    assert execution.states() == [*AWAITED, *states, *RECORDED, "Not refreshed"]
    ((verdict, detail),) = refresh.published()
    assert (verdict, refresh.pages()) == ("FAILED", [])
    assert bool(refresh.tested) is ("Test the data" in states)
    return detail


@pytest.mark.campaign
def test_data_that_is_not_right_is_a_verdict(refresh: NightlyRefresh) -> None:
    refresh.stack.atlas.add_snapshot(refresh.group, CLUSTER)
    quoted = {"errorType": "AssertionError", "errorMessage": "alice@example.com is missing"}
    refresh.test_result = Invocation(Outcome.ERROR, quoted, 0)

    detail = failed(refresh, refresh.run(), "Test the data", "The data failed")

    assert detail == "The test of the data ended with AssertionError."


@pytest.mark.campaign
def test_a_restore_that_does_not_complete_is_a_verdict(refresh: NightlyRefresh) -> None:
    refresh.stack.atlas.add_snapshot(refresh.group, CLUSTER)
    refresh.stack.atlas.behaviour.restore_timeline = ("running", "cancelled")

    detail = failed(refresh, refresh.run(), "The restore failed")

    assert detail == "The wait for the restore ended with CANCELLED."


@pytest.mark.campaign
def test_a_restore_that_does_not_end_in_time_is_a_verdict(
    refresh: NightlyRefresh, group: str
) -> None:
    impatient = NightlyRefresh(refresh.stack, group[::-1], patience=1)
    refresh.stack.atlas.add_snapshot(impatient.group, CLUSTER)

    detail = failed(impatient, impatient.start(), "The restore failed")

    assert detail == "The wait for the restore ended with TIMED_OUT."


@pytest.mark.campaign
def test_a_snapshot_that_is_too_old_is_a_verdict(refresh: NightlyRefresh) -> None:
    old = refresh.stack.atlas.add_snapshot(refresh.group, CLUSTER, age=timedelta(seconds=DAY + 60))

    detail = failed(refresh, refresh.run(), "The snapshot is too old")

    assert detail == f"The snapshot is of {old.created.strftime('%Y-%m-%dT%H:%M:%SZ')}."


@pytest.mark.campaign
def test_a_snapshot_whose_age_atlas_does_not_tell_is_a_verdict(refresh: NightlyRefresh) -> None:
    """Atlas's schema requires no date of it."""
    refresh.stack.atlas.add_snapshot(refresh.group, CLUSTER)

    detail = failed(refresh, refresh.run(unsaid="timestamp"), "The age is not known")

    assert detail == "Atlas does not say of when the snapshot is."


# What nobody would hear of


def paged(refresh: NightlyRefresh, execution: Execution, *states: str) -> str:
    """The error of which somebody is paged, once. There is no verdict."""
    assert execution.states() == [*states, *PAGED]
    error: str = execution.end()["error"]
    assert refresh.pages() == [f"{error} of {CLUSTER} to {STAGING}. {execution.arn}"]
    assert refresh.published() == []
    return error


@pytest.mark.campaign
@pytest.mark.parametrize("status", [None, "failed"])
def test_a_cluster_without_a_usable_snapshot_pages_someone(
    refresh: NightlyRefresh, status: Any
) -> None:
    if status:
        refresh.stack.atlas.add_snapshot(refresh.group, CLUSTER, status=status)

    error = paged(refresh, refresh.run(), *STARTED[:2], "There is no snapshot")

    assert (error, refresh.posts()) == ("NoSnapshot", [])


@pytest.mark.campaign
@pytest.mark.fault("W14")
@pytest.mark.parametrize(
    ("operation", "status", "states"),
    [("snapshots", 401, STARTED[:1]), ("dedicated_start", 400, STARTED)],
    ids=["snapshots", "the restore"],
)
def test_what_atlas_refuses_is_not_asked_for_again(
    refresh: NightlyRefresh, operation: str, status: int, states: list[str]
) -> None:
    refresh.stack.atlas.add_snapshot(refresh.group, CLUSTER)
    with refresh.stack.atlas.wire.inject(refused(status, "REFUSED", operation=operation)):
        execution = refresh.run()

    assert paged(refresh, execution, *states) == f"States.Http.StatusCode.{status}"
    assert len(refresh.posts()) == len(states) // len(STARTED)


@pytest.mark.campaign
@pytest.mark.fault("W14")
@pytest.mark.parametrize("status", [500, None])
def test_a_restore_of_which_nobody_knows_whether_it_started_is_not_asked_for_again(
    refresh: NightlyRefresh, status: int | None
) -> None:
    """Atlas has started it, and the answer is lost. The watch follows it all the same."""
    refresh.stack.atlas.add_snapshot(refresh.group, CLUSTER)
    lost = Lost(atlas_error(status, None, "It is lost.") if status else None)
    with refresh.stack.atlas.wire.inject(Fault(action=lost, operation="dedicated_start")):
        execution = refresh.run()

    assert paged(refresh, execution, *STARTED, "It may have started") == "RestoreMayHaveStarted"
    assert (len(refresh.posts()), len(refresh.restores())) == (1, 1)


@pytest.mark.campaign
def test_a_wait_that_fails_pages_someone(refresh: NightlyRefresh) -> None:
    """Atlas does not know the restore any more."""
    refresh.stack.atlas.add_snapshot(refresh.group, CLUSTER)
    gone = atlas_error(404, "RESOURCE_NOT_FOUND", "Gone.", ["Restore job"])
    with refresh.stack.atlas.wire.inject(Fault(action=gone, operation="dedicated", times=None)):
        execution = refresh.run()

    assert paged(refresh, execution, *STARTED, "Await the restore") == "States.TaskFailed"


# What passes


@pytest.mark.campaign
@pytest.mark.fault("W14")
def test_a_limit_is_waited_out_at_either_request_and_an_outage_at_the_first(
    refresh: NightlyRefresh,
) -> None:
    wire = refresh.stack.atlas.wire
    refresh.stack.atlas.add_snapshot(refresh.group, CLUSTER)
    down, full = (503, None, 1), (429, "RATE_LIMITED_TOKEN_BUCKET", 2)
    with (
        wire.inject(refused(*down, operation="snapshots")),
        wire.inject(refused(*full, operation="snapshots")),
        wire.inject(refused(*full, operation="dedicated_start")),
    ):
        execution = refresh.run()

    execution.output()
    # A try that follows another one enters no state.
    assert execution.states() == [*AWAITED, "Test the data", *RECORDED, "Refreshed"]
    assert (len(refresh.posts()), len(refresh.restores())) == (3, 1)


@pytest.mark.campaign
def test_a_verdict_is_recorded_once_though_the_function_dies_meanwhile(
    refresh: NightlyRefresh,
) -> None:
    """It dies once the verdict is published."""
    stack = refresh.stack
    stack.atlas.add_snapshot(refresh.group, CLUSTER)
    died: list[Call] = []

    def die(call: Call, phase: Phase) -> None:
        is_verdict = call.service == "sns" and b"nightly-refresh" in call.body
        if phase == "after" and is_verdict and not died:
            died.append(call)
            stack.pool.runtimes[0].crash()

    with stack.aws.wire.listen(die):
        execution = refresh.run()

    execution.output()
    assert len(died) == 1
    assert execution.states() == [*AWAITED, "Test the data", *RECORDED, "Refreshed"]
    assert {verdict for verdict, _ in refresh.published()} == {"PASSED"}
    assert refresh.pages() == []
