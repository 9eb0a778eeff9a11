"""The example of a nightly refresh: its own definition, really run, with the real function."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from integration.checking import ROOT, wait_until
from local_stack.atlas import EmulatedRestore
from local_stack.aws import ACCOUNT, REGION
from local_stack.canaries import CANARY_ACCESS_TOKEN, CANARY_CLIENT_SECRET
from local_stack.faults import Answer, Close, Lost
from local_stack.refusal import atlas_error
from local_stack.runtime import Invocation, Outcome
from local_stack.stack import CREDENTIALS
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
        return self._workflow.start(
            {
                "groupId": self.group,
                "clusterName": CLUSTER,
                "targetGroupId": self.staging_group,
                "targetClusterName": STAGING,
                "maxSnapshotAgeSeconds": DAY,
            }
        )

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
        return [
            (one.event["data"]["validation"]["verdict"], one.event["data"]["validation"]["detail"])
            for one in self.stack.received()
            if "validation" in one.event["data"]
        ]

    def pages(self) -> list[str]:
        return [one["Message"] for one in self.stack._drain(self._pager)]  # noqa: SLF001

    def _connection(self) -> str:
        """Make the template's connection, with Atlas on this machine."""
        properties = TEMPLATE["AtlasConnection"]["Properties"]
        oauth = properties["AuthParameters"]["OAuthParameters"]
        account = CREDENTIALS["service_account"]
        made = self.stack.aws.client("events").create_connection(
            Name=f"atlas-{uuid4().hex}",
            AuthorizationType=properties["AuthorizationType"],
            AuthParameters={
                "OAuthParameters": {
                    **oauth,
                    "AuthorizationEndpoint": f"{self.stack.atlas.url}/api/oauth/token",
                    "ClientParameters": {
                        "ClientID": account["client_id"],
                        "ClientSecret": account["client_secret"],
                    },
                }
            },
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


def test_data_that_is_right_has_a_verdict_that_is_published_once(refresh: NightlyRefresh) -> None:
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
    assert (tested["targetGroupId"], tested["targetClusterName"]) == (
        refresh.staging_group,
        STAGING,
    )
    assert (tested["job"]["restoreId"], tested["job"]["status"]) == (
        restore.restore_id,
        "COMPLETED",
    )
    assert refresh.published() == [("PASSED", "The test of the data passed.")]
    assert refresh.pages() == []


def test_data_that_is_not_right_is_a_verdict(refresh: NightlyRefresh) -> None:
    refresh.stack.atlas.add_snapshot(refresh.group, CLUSTER)
    quoted = {"errorType": "AssertionError", "errorMessage": "alice@example.com is missing"}
    refresh.test_result = Invocation(Outcome.ERROR, quoted, 0)

    execution = refresh.run()

    ended = execution.end()
    assert (ended["status"], ended["error"]) == ("FAILED", "RefreshFailed")
    assert execution.states() == [
        *AWAITED,
        "Test the data",
        "The data failed",
        *RECORDED,
        "Not refreshed",
    ]
    assert refresh.published() == [("FAILED", "The test of the data ended with AssertionError.")]
    assert refresh.pages() == []


@pytest.mark.parametrize(("end", "outcome"), [("failed", "FAILED"), ("cancelled", "CANCELLED")])
def test_a_restore_that_does_not_complete_is_a_verdict(
    refresh: NightlyRefresh, end: str, outcome: str
) -> None:
    atlas = refresh.stack.atlas
    atlas.add_snapshot(refresh.group, CLUSTER)
    atlas.behaviour.restore_timeline = ("running", end)

    execution = refresh.run()

    assert execution.end()["error"] == "RefreshFailed"
    assert execution.states() == [*AWAITED, "The restore failed", *RECORDED, "Not refreshed"]
    assert refresh.published() == [("FAILED", f"The wait for the restore ended with {outcome}.")]
    assert (refresh.tested, refresh.pages()) == ([], [])


def test_a_restore_that_does_not_end_in_time_is_a_verdict(
    refresh: NightlyRefresh, group: str
) -> None:
    impatient = NightlyRefresh(refresh.stack, group[::-1], patience=1)
    refresh.stack.atlas.add_snapshot(impatient.group, CLUSTER)

    execution = impatient.start()

    assert execution.end()["error"] == "RefreshFailed"
    assert execution.states() == [*AWAITED, "The restore failed", *RECORDED, "Not refreshed"]
    assert impatient.published() == [("FAILED", "The wait for the restore ended with TIMED_OUT.")]


def test_a_snapshot_that_is_too_old_is_a_verdict(refresh: NightlyRefresh) -> None:
    old = refresh.stack.atlas.add_snapshot(refresh.group, CLUSTER, age=timedelta(seconds=DAY + 60))

    execution = refresh.run()

    assert execution.end()["error"] == "RefreshFailed"
    assert execution.states() == [*AWAITED, "The snapshot is too old", *RECORDED, "Not refreshed"]
    taken = old.created.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert refresh.published() == [("FAILED", f"The snapshot is of {taken}.")]
    assert refresh.tested == []


def test_a_snapshot_whose_age_atlas_does_not_tell_is_a_verdict(refresh: NightlyRefresh) -> None:
    """Atlas's schema requires no date of it."""
    refresh.stack.atlas.add_snapshot(refresh.group, CLUSTER)

    execution = refresh.run(unsaid="timestamp")

    assert execution.end()["error"] == "RefreshFailed"
    assert execution.states() == [
        *AWAITED,
        "The age is not known",
        *RECORDED,
        "Not refreshed",
    ]
    assert refresh.published() == [("FAILED", "Atlas does not say of when the snapshot is.")]
    assert refresh.tested == []


@pytest.mark.parametrize("status", [None, "inProgress", "failed"])
def test_a_cluster_without_a_usable_snapshot_pages_someone(
    refresh: NightlyRefresh, status: Any
) -> None:
    if status:
        refresh.stack.atlas.add_snapshot(refresh.group, CLUSTER, status=status)

    execution = refresh.run()

    assert execution.end()["error"] == "NoSnapshot"
    assert execution.states() == [*STARTED[:2], "There is no snapshot", *PAGED]
    (page,) = refresh.pages()
    assert page == f"NoSnapshot of {CLUSTER} to {STAGING}. {execution.arn}"
    assert refresh.posts() == []


@pytest.mark.fault("W14")
@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "INVALID_ATTRIBUTE"), (401, "USER_UNAUTHORIZED"), (409, None)],
)
def test_a_restore_that_atlas_refuses_is_not_asked_for_again(
    refresh: NightlyRefresh, status: int, code: str | None
) -> None:
    atlas = refresh.stack.atlas
    atlas.add_snapshot(refresh.group, CLUSTER)
    refused = Fault(
        action=atlas_error(status, code, "No."), operation="dedicated_start", times=None
    )
    with atlas.wire.inject(refused):
        execution = refresh.run()

    assert execution.end()["error"] == f"States.Http.StatusCode.{status}"
    assert execution.states() == [*STARTED, *PAGED]
    assert len(refresh.posts()) == len(refresh.pages()) == 1
    assert refresh.published() == []


def test_a_list_of_snapshots_that_atlas_refuses_pages_someone(refresh: NightlyRefresh) -> None:
    refused = atlas_error(401, "USER_UNAUTHORIZED", "No.")
    with refresh.stack.atlas.wire.inject(Fault(action=refused, operation="snapshots", times=None)):
        execution = refresh.run()

    assert execution.end()["error"] == "States.Http.StatusCode.401"
    assert execution.states() == [*STARTED[:1], *PAGED]
    assert len(refresh.pages()) == 1


@pytest.mark.fault("W14")
def test_a_limit_is_waited_out_at_either_request(refresh: NightlyRefresh) -> None:
    atlas = refresh.stack.atlas
    atlas.add_snapshot(refresh.group, CLUSTER)
    full = atlas_error(429, "RATE_LIMITED_TOKEN_BUCKET", "The bucket is empty.")
    faults = [
        Fault(action=full, operation=name, times=2) for name in ("snapshots", "dedicated_start")
    ]
    with atlas.wire.inject(faults[0]), atlas.wire.inject(faults[1]):
        execution = refresh.run()

    execution.output()
    # A try that follows another one enters no state.
    assert execution.states() == [*AWAITED, "Test the data", *RECORDED, "Refreshed"]
    assert (len(refresh.posts()), len(refresh.restores())) == (3, 1)


@pytest.mark.parametrize(
    "answer",
    [
        atlas_error(503, None, "Down."),
        pytest.param(atlas_error(504, None, "Late."), marks=pytest.mark.campaign),
        pytest.param(Close(), marks=pytest.mark.campaign),
    ],
    ids=["503", "504", "no answer"],
)
def test_an_outage_is_waited_out_before_a_restore_is_asked_for(
    refresh: NightlyRefresh, answer: Answer | Close
) -> None:
    refresh.stack.atlas.add_snapshot(refresh.group, CLUSTER)
    with refresh.stack.atlas.wire.inject(Fault(action=answer, operation="snapshots", times=2)):
        execution = refresh.run()

    execution.output()
    assert len(refresh.restores()) == 1


@pytest.mark.fault("W14")
@pytest.mark.parametrize("status", [500, 503, 504, None])
def test_a_restore_of_which_nobody_knows_whether_it_started_is_not_asked_for_again(
    refresh: NightlyRefresh, status: int | None
) -> None:
    """Atlas has started it, and the answer is lost. The watch follows it all the same."""
    refresh.stack.atlas.add_snapshot(refresh.group, CLUSTER)
    lost = Lost(atlas_error(status, None, "It is lost.") if status else None)
    with refresh.stack.atlas.wire.inject(Fault(action=lost, operation="dedicated_start")):
        execution = refresh.run()

    ended = execution.end()
    assert ended["error"] == "RestoreMayHaveStarted"
    assert execution.states() == [*STARTED, "It may have started", *PAGED]
    assert (len(refresh.posts()), len(refresh.restores()), len(refresh.pages())) == (1, 1, 1)


def test_a_wait_that_fails_pages_someone(refresh: NightlyRefresh) -> None:
    """Atlas does not know the restore any more."""
    atlas = refresh.stack.atlas
    atlas.add_snapshot(refresh.group, CLUSTER)
    gone = atlas_error(404, "RESOURCE_NOT_FOUND", "Gone.", ["Restore job"])
    with atlas.wire.inject(Fault(action=gone, operation="dedicated", times=None)):
        execution = refresh.run()

    assert execution.end()["error"] == "States.TaskFailed"
    assert execution.states() == [*STARTED, "Await the restore", *PAGED]
    assert len(refresh.pages()) == 1


def test_no_token_or_secret_is_in_what_a_run_leaves_behind(refresh: NightlyRefresh) -> None:
    refresh.stack.atlas.add_snapshot(refresh.group, CLUSTER)
    execution = refresh.run()

    history = execution.client.get_execution_history(executionArn=execution.arn, maxResults=1000)
    left = json.dumps(history["events"], default=str)
    assert CANARY_ACCESS_TOKEN not in left
    assert CANARY_CLIENT_SECRET not in left


def test_a_verdict_is_recorded_once_though_the_function_dies_meanwhile(
    refresh: NightlyRefresh,
) -> None:
    """It dies once the verdict is published."""
    stack = refresh.stack
    stack.atlas.add_snapshot(refresh.group, CLUSTER)
    died: list[Call] = []

    def die(call: Call, phase: Phase) -> None:
        if (
            phase == "after"
            and call.service == "sns"
            and b"nightly-refresh" in call.body
            and not died
        ):
            died.append(call)
            stack.pool.runtimes[0].crash()

    with stack.aws.wire.listen(die):
        execution = refresh.run()

    execution.output()
    assert len(died) == 1
    assert execution.states() == [*AWAITED, "Test the data", *RECORDED, "Refreshed"]
    assert {verdict for verdict, _ in refresh.published()} == {"PASSED"}
    assert refresh.pages() == []
