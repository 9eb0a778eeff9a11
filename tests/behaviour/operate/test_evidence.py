"""What auditors get of the table that the function wrote."""

import json
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from behaviour.operators import Operator, Ran
from behaviour.restore_history import (
    GROUP,
    OTHER_GROUP,
    OUTCOMES,
    PUBLISHED_TWICE,
    SLOW,
    TESTED,
    History,
)
from contract.documents import page, prose, quoted, section
from foundation import __version__
from local_stack.aws import ACCOUNT, REGION, aws_error
from local_stack.other_dynamodb import OtherDynamoDB
from local_stack.template import STACK_NAME
from local_stack.wire import Fault
from observed_stack import ObservedStack

cases = pytest.mark.parametrize

NAMES = ("groupId", "clusterName", "restoreId")
NO_CREDENTIALS = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
SECRET_URL = "https://restore-1.downloads.example.net:27017/token/restore.tar.gz"

type Put = Callable[..., None]


@pytest.fixture(scope="module")
def evidence(module_stack: ObservedStack, operator: Operator, history: History) -> Ran:
    """What the command itself writes."""
    module_stack.put_items(history.items)
    ran = operator.run("evidence", *operator.usual, "--rto", "60", "--rpo", "1440")
    module_stack.settle()
    return ran


@pytest.fixture
def put(history_table: ObservedStack) -> Iterator[Put]:
    """Put an item, whose attributes have DynamoDB's type marks, until the test ends."""

    def put(cluster: str, restore_id: str, **attributes: Any) -> None:
        key = {"cluster": {"S": cluster}, "restoreId": {"S": restore_id}}
        history_table.put_items([key | attributes])

    yield put
    history_table.empty_table()


def by_cluster(ran: Ran) -> dict[str, dict[str, str]]:
    return {row["clusterName"]: row for row in ran.rows}


# What is in it


def test_every_restore_is_there_once_with_its_outcome(evidence: Ran, history: History) -> None:
    ids = sorted(restore.restore_id for restore in history.restores.values())

    assert evidence.status == 0, evidence.stderr
    assert sorted(row["restoreId"] for row in evidence.rows) == ids
    assert sorted(one["restoreId"] for one in evidence.whole["restores"]) == ids
    assert (evidence.whole["restoreCount"], evidence.whole["unreadable"]) == (len(OUTCOMES), [])
    assert {name: row["outcome"] for name, row in by_cluster(evidence).items()} == OUTCOMES
    assert evidence.whole["outcomes"] == {
        outcome: list(OUTCOMES.values()).count(outcome)
        for outcome in ("COMPLETED", "FAILED", "CANCELLED", "EXPIRED", "UNKNOWN", "OPEN")
    }
    # The table also holds the bookkeeping of sweeps.
    assert [item for item in history.items if item["cluster"]["S"] == "sweeps"]
    assert "sweeps" not in evidence.stdout + evidence.stderr + json.dumps(evidence.whole)


def test_each_change_is_what_a_subscriber_received(evidence: Ran, history: History) -> None:
    """Also a change that was published late or twice."""
    twice = history.restores[PUBLISHED_TWICE].restore_id
    received = [one.event["id"] for one in history.messages if one.event["subject"] == twice]
    assert len(received) == len(set(received)) + 1

    for name, events in history.changes.items():
        restore = evidence.restores[name]
        names_of_restore = {one: restore[one] for one in NAMES}
        assert [{**names_of_restore, **change} for change in restore["changes"]] == [
            {"id": event["id"], "published": True, **event["data"]} for event in events
        ]


def test_each_verdict_is_what_a_subscriber_received(evidence: Ran, history: History) -> None:
    for name, events in history.validations.items():
        assert evidence.restores[name]["validations"] == [
            {
                "id": event["id"],
                "published": True,
                "sequence": event["data"]["sequence"],
                "observedAt": event["time"],
                **event["data"]["validation"],
            }
            for event in events
        ]
    tested = evidence.restores[history.restores[TESTED].restore_id]
    assert [one["verdict"] for one in tested["validations"]] == ["FAILED", "PASSED"]
    assert [one["sequence"] for one in tested["changes"]] == [1, 2, 5]
    row = by_cluster(evidence)[TESTED]
    assert (row["verdict"], row["changes"]) == ("PASSED", "3")
    assert row["validatedAt"] == row["restoreScheduledDate"]


def test_it_says_what_it_is(evidence: Ran, operator: Operator, module_stack: ObservedStack) -> None:
    until = datetime.fromisoformat(operator.period[1]) + timedelta(days=1)
    facts = {
        "version": __version__,
        "account": ACCOUNT,
        "region": REGION,
        "stack": STACK_NAME,
        "table": module_stack.table_name,
        "groupId": None,
        "clusterName": None,
        "period": {
            "from": f"{operator.period[0]}T00:00:00.000000Z",
            "until": f"{until:%Y-%m-%d}T00:00:00.000000Z",
        },
        "notes": ["The period has not ended: more restores may begin in it."],
    }
    assert facts.items() <= evidence.whole.items()
    assert datetime.fromisoformat(evidence.whole["madeAt"]) <= datetime.now(UTC)
    assert f"SHA-256 {evidence.whole['csv']['sha256']}" in evidence.stdout
    assert f"Restores: {len(OUTCOMES)} (COMPLETED " in evidence.stdout
    assert evidence.stderr == f"evidence: note: {evidence.whole['notes'][0]}\n"


@pytest.mark.campaign
def test_the_evidence_of_another_dynamodb_is_the_same(
    stack: ObservedStack,
    operator: Operator,
    history: History,
    evidence: Ran,
    other_dynamodb: OtherDynamoDB,
) -> None:
    with stack.storing_in(other_dynamodb):
        stack.put_items(history.items)
        ran = operator.evidence("--rto", "60", "--rpo", "1440")
        cluster = operator.evidence("--project", GROUP, "--cluster", SLOW)

    assert ran.whole["restores"] == evidence.whole["restores"]
    assert ran.rows == evidence.rows
    assert cluster.ids == {history.restores[SLOW].restore_id}


# What is read


@pytest.mark.usefixtures("history_table")
def test_only_the_restores_of_a_project_or_of_a_cluster(
    operator: Operator, history: History
) -> None:
    """By calls whose permissions the page names, and no others."""
    of_project = operator.evidence("--stack", STACK_NAME, "--project", OTHER_GROUP)
    of_cluster = operator.evidence("--project", GROUP, "--cluster", SLOW)

    assert set(by_cluster(of_project)) == {"collection-completed", "collection-failed"}
    assert of_cluster.ids == {history.restores[SLOW].restore_id}
    assert (of_cluster.whole["groupId"], of_cluster.whole["clusterName"]) == (GROUP, SLOW)
    made = {f"{call.service}:{call.operation}" for call in operator.calls()}
    told = quoted(prose(section(page("report"), "A stack that is gone")))
    # AWS needs no permission for the other.
    assert made - {"sts:GetCallerIdentity"} == {one for one in told if ":" in one}


def test_the_parameters_of_the_stack_are_the_objectives_unless_others_are_given(
    operator: Operator, history_table: ObservedStack
) -> None:
    client = history_table.aws.client("cloudformation")
    ours = {"AtlasSecretArn": "arn", "RtoMinutes": "60", "RpoMinutes": "0"}
    stacks = {"judged": ours, "other": {}}
    for name, minutes in stacks.items():
        table = {"TableName": {"Value": history_table.table_name}}
        template = {
            "Parameters": {one: {"Type": "String"} for one in minutes},
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            "Outputs": table,
        }
        given = [{"ParameterKey": one, "ParameterValue": minutes[one]} for one in minutes]
        client.create_stack(StackName=name, TemplateBody=json.dumps(template), Parameters=given)
    own = operator.evidence("--stack", "judged").whole
    told = operator.evidence("--stack", "judged", "--rto", "0", "--rpo", "30").whole
    other = operator.evidence("--stack", "other")
    for name in stacks:
        client.delete_stack(StackName=name)

    assert (own["stack"], own["rto"]["minutes"], own["rpo"]["minutes"]) == ("judged", 60, None)
    assert (told["rto"]["minutes"], told["rpo"]["minutes"]) == (None, 30)
    assert_one_line(other, "the stack other has no output TableName or no parameter AtlasSecretArn")


# Odd items


def test_an_item_that_cannot_be_read_is_listed_and_the_rest_is_written(
    operator: Operator, put: Put, history: History
) -> None:
    """The key of an item may hold anything."""
    newer = {"restoreScheduledDate": {"S": f"{operator.period[0]}T12:00:00Z"}}
    put(f"{GROUP}/newer", "6b4a0f800000000000000b01", **newer, history={"S": "compressed"})
    put(f"{GROUP}/old", "6b4a0f800000000000000b02", history={"S": "of another period"})
    put(f"=cmd/{SECRET_URL}", f"{SECRET_URL}\x1b[31m\n")

    ran = operator.evidence()

    assert ran.status == 3
    assert ran.ids == {restore.restore_id for restore in history.restores.values()}
    unreadable = {"cluster": f"{GROUP}/newer", "restoreId": "6b4a0f800000000000000b01"}
    assert unreadable in ran.whole["unreadable"]
    assert f"cannot read the item {GROUP}/newer 6b4a0f80" in ran.stderr
    assert "evidence: items that this version cannot read: 2. The JSON lists" in ran.stderr
    assert "example.net" not in ran.stderr + json.dumps(ran.whole)
    assert "\x1b" not in ran.stderr


def test_every_page_is_read(operator: Operator, put: Put, history: History) -> None:
    """A page ends after 1 MB. The names of these items are not those of their histories."""
    item = next(one for one in history.items if one["cluster"]["S"] == f"{GROUP}/{SLOW}")
    more = {name: one for name, one in item.items() if name not in {"cluster", "restoreId"}}
    for number in range(4):
        put(f"{GROUP}/{SLOW}", f"{number:024}", **more, filler={"S": "." * 390_000})
    whole = operator.evidence()
    cluster = operator.evidence("--project", GROUP, "--cluster", SLOW)

    operations = [call.operation for call in operator.calls()]
    assert (operations.count("Scan"), operations.count("Query")) == (2, 2)
    assert [len(one.whole["unreadable"]) for one in (whole, cluster)] == [4, 4]
    assert len(whole.rows) == len(OUTCOMES)


# Refusals: each is one line that says what to do, and leaves no file


def assert_one_line(ran: Ran, words: str, status: int = 1) -> None:
    assert (ran.status, ran.stdout, ran.whole) == (status, "", {})
    assert words in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_table_that_refuses_or_is_not_ours_is_named(
    operator: Operator, history_table: ObservedStack
) -> None:
    denied = aws_error("dynamodb", "AccessDeniedException")
    with history_table.aws.wire.inject(Fault(action=denied, operation="Scan", times=None)):
        refused = operator.evidence()
    assert_one_line(refused, "evidence: dynamodb:Scan: AWS answered AccessDeniedException. ")
    assert "the policy of docs/report.md: they lack dynamodb:Scan" in refused.stderr

    client = history_table.aws.client("dynamodb")
    client.create_table(
        TableName="not-ours",
        AttributeDefinitions=[{"AttributeName": "cluster", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "cluster", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client.put_item(TableName="not-ours", Item={"cluster": {"S": "cluster/one"}})
    other = operator.evidence("--table", "not-ours")
    client.delete_table(TableName="not-ours")
    assert_one_line(other, "The table not-ours is not the table of restore jobs")
    missing = operator.evidence("--table", "no-such-table")
    assert_one_line(missing, f"There is no table no-such-table in {REGION}")
    stack = operator.evidence("--stack", "no-such-stack")
    assert_one_line(stack, f"There is no stack no-such-stack in {REGION}. Name it with --stack")


def test_an_account_that_cannot_be_read_is_left_out(
    operator: Operator, history_table: ObservedStack
) -> None:
    denied = aws_error("sts", "AccessDenied", status=403)
    with history_table.aws.wire.inject(Fault(action=denied, service="sts", times=None)):
        ran = operator.evidence()

    assert (ran.status, ran.whole["account"]) == (0, None)


@pytest.mark.campaign
@pytest.mark.usefixtures("history_table")
@cases(
    ("without", "variables", "line"),
    [
        (NO_CREDENTIALS, {}, "dynamodb:Scan: AWS did not answer (NoCredentialsError). Sign in to"),
        ([], {"AWS_PROFILE": "no-such"}, "no connection to AWS (ProfileNotFound). Set AWS_PROFILE"),
    ],
    ids=["no-credentials", "no-such-profile"],
)
def test_what_a_machine_lacks_is_one_line(
    operator: Operator, without: list[str], variables: dict[str, str], line: str
) -> None:
    ran = operator.evidence(without=without, AWS_EC2_METADATA_DISABLED="true", **variables)

    assert_one_line(ran, f"evidence: {line}")


@pytest.mark.usefixtures("history_table")
def test_a_wrong_argument_is_named_before_any_call(operator: Operator) -> None:
    future = ("--from", "2999-01-01", "--to", "2999-01-02")
    assert_one_line(operator.evidence(*future), "evidence: --from is in the future", 2)
    of_argparse = operator.evidence("--rto=-1")
    assert of_argparse.status == 2
    assert "error: argument --rto: '-1' is not a number of minutes" in of_argparse.stderr
    assert operator.calls() == []


@pytest.mark.campaign
def test_an_interrupted_command_ends_at_once_and_leaves_no_file(
    operator: Operator, history_table: ObservedStack
) -> None:
    """DynamoDB does not answer, and the operator does not wait for it."""
    # Whoever runs the tests in the background ignores the signal, and every process inherits that.
    words = ("evidence", *operator.usual, "--table", history_table.table_name)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with history_table.aws.wire.hold(operation="Scan") as gate, operator.start(*words) as running:
        signal.signal(signal.SIGINT, before)
        try:
            gate.wait_for(1)
            running.send_signal(signal.SIGINT)
            _, stderr = running.communicate(timeout=60)
        finally:
            running.kill()

    assert (running.returncode, stderr) == (130, "evidence: stopped; nothing was written\n")
    assert list(operator.out.parent.iterdir()) == []
