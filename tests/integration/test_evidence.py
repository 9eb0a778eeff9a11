"""`make evidence` against the table that the function wrote."""

import json
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contract.deployed_template import Call as IamCall
from contract.deployed_template import verdict
from contract.documents import blocks, names, page, prose, quoted, section
from integration.operators import Operator, Ran
from integration.restore_history import (
    GROUP,
    OTHER_GROUP,
    OUTCOMES,
    PUBLISHED_TWICE,
    REFUSED_AT_FIRST,
    SLOW,
    STALE,
    TESTED,
    History,
)
from local_stack.aws import ACCOUNT, REGION, aws_error
from local_stack.template import STACK_NAME
from local_stack.wire import Call, Fault
from observed_stack import ObservedStack
from restore_watch import __version__

NAMES = ("groupId", "clusterName", "restoreId")


@pytest.fixture(autouse=True)
def _forget_calls(history_table: ObservedStack) -> None:
    history_table.forget_calls()


def by_cluster(ran: Ran) -> dict[str, dict[str, str]]:
    return {row["clusterName"]: row for row in ran.rows}


@pytest.fixture(scope="module")
def evidence(operator: Operator, history_table: ObservedStack) -> Ran:
    """What a user gets who runs `make`, once for the tests of the next class."""
    assert history_table.items()
    return operator.make("RTO=60", "RPO=1440")


class TestEqualsTheMessages:
    def test_it_succeeds(self, evidence: Ran) -> None:
        assert evidence.status == 0, evidence.stderr

    def test_every_restore_is_there_once(self, evidence: Ran, history: History) -> None:
        ids = [restore.restore_id for restore in history.restores.values()]

        assert sorted(row["restoreId"] for row in evidence.rows) == sorted(ids)
        assert sorted(one["restoreId"] for one in evidence.whole["restores"]) == sorted(ids)
        assert evidence.whole["unreadable"] == []

    def test_each_change_is_what_a_subscriber_received(
        self, evidence: Ran, history: History
    ) -> None:
        said = {
            name: [
                {"id": change.pop("id"), "data": {one: restore[one] for one in NAMES} | change}
                for change in ({**one} for one in restore["changes"])
                if change.pop("published")
            ]
            for name, restore in evidence.restores.items()
        }

        assert said == {
            name: [{"id": event["id"], "data": event["data"]} for event in events]
            for name, events in history.changes.items()
        }

    def test_each_verdict_is_what_a_subscriber_received(
        self, evidence: Ran, history: History
    ) -> None:
        said = {
            name: [
                {"id": event["id"], "published": True, "sequence": event["data"]["sequence"]}
                | {"observedAt": event["time"], **event["data"]["validation"]}
                for event in events
            ]
            for name, events in history.validations.items()
        }
        tested = history.restores[TESTED].restore_id
        row = by_cluster(evidence)[TESTED]

        assert {one: restore["validations"] for one, restore in evidence.restores.items()} == said
        assert [one["verdict"] for one in said[tested]] == ["FAILED", "PASSED"]
        assert [one["sequence"] for one in evidence.restores[tested]["changes"]] == [1, 2, 5]
        assert (row["verdict"], row["validatedAt"]) == ("PASSED", row["restoreScheduledDate"])
        assert row["changes"] == "3"

    def test_the_last_message_of_a_restore_is_its_line(
        self, evidence: Ran, history: History
    ) -> None:
        rows = {row["restoreId"]: row for row in evidence.rows}
        for name, events in history.changes.items():
            first, last = events[0]["data"], events[-1]["data"]
            expected = {
                **{column: last[column] for column in last if column in rows[name]},
                "firstObservedAt": first["observedAt"],
                "changes": len(events),
                "published": len(events),
            }
            text = {
                column: "" if value is None else str(value) for column, value in expected.items()
            }
            assert rows[name].items() >= text.items()

    def test_outcomes_are_those_of_the_restores(self, evidence: Ran) -> None:
        assert {name: row["outcome"] for name, row in by_cluster(evidence).items()} == OUTCOMES
        assert evidence.whole["outcomes"] == {
            outcome: list(OUTCOMES.values()).count(outcome)
            for outcome in ("COMPLETED", "FAILED", "CANCELLED", "EXPIRED", "UNKNOWN", "OPEN")
        }
        assert evidence.whole["restoreCount"] == len(OUTCOMES)

    def test_what_was_published_late_or_twice_is_one_change(
        self, evidence: Ran, history: History
    ) -> None:
        twice = history.restores[PUBLISHED_TWICE].restore_id
        received = [one.event["id"] for one in history.messages if one.event["subject"] == twice]
        late = history.restores[REFUSED_AT_FIRST].restore_id

        assert len(received) == len(set(received)) + 1
        assert len(evidence.restores[twice]["changes"]) == 2
        assert [one["status"] for one in evidence.restores[late]["changes"]] == [
            "RUNNING",
            "COMPLETED",
        ]

    def test_restores_are_judged_by_both_objectives(self, evidence: Ran) -> None:
        rows = by_cluster(evidence)
        missed = {name for name, row in rows.items() if row["rtoMet"] == "false"}
        unclear = {name for name, row in rows.items() if row["rtoMet"] == ""}

        assert missed == {
            *(name for name, end in OUTCOMES.items() if end in {"FAILED", "CANCELLED"}),
            "dedicated-gone",
            SLOW,
            "flex-open",
        }
        assert unclear == {"flex-pausing", "flex-unknown", "dedicated-ready", "dedicated-expired"}
        assert rows["flex-expired"]["rtoMet"] == "true"
        assert {name for name, row in rows.items() if row["rpoMet"] == "false"} == {STALE}
        assert {name for name, row in rows.items() if row["rpoMet"] == ""} == {
            "collection-completed",
            "collection-failed",
        }
        assert evidence.whole["rto"] == {
            "minutes": 60,
            "met": len(rows) - len(missed) - len(unclear),
            "missed": len(missed),
            "notJudged": len(unclear),
        }

    def test_it_says_what_it_is(
        self, evidence: Ran, operator: Operator, history_table: ObservedStack
    ) -> None:
        since, until = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in operator.period)
        csv_hash = evidence.whole["csv"]["sha256"]

        assert (
            evidence.whole.items()
            >= {
                "version": __version__,
                "account": ACCOUNT,
                "region": REGION,
                "stack": STACK_NAME,
                "table": history_table.table_name,
                "groupId": None,
                "clusterName": None,
            }.items()
        )
        assert evidence.whole["period"] == {
            "from": f"{since:%Y-%m-%d}T00:00:00.000000Z",
            "until": f"{until + timedelta(days=1):%Y-%m-%d}T00:00:00.000000Z",
        }
        assert datetime.fromisoformat(evidence.whole["madeAt"]) <= datetime.now(UTC)
        assert f"SHA-256 {csv_hash}" in evidence.stdout
        assert f"Restores: {len(OUTCOMES)} (COMPLETED " in evidence.stdout
        (note,) = evidence.whole["notes"]
        assert evidence.stderr == f"evidence: note: {note}\n"
        assert note == "The period has not ended: more restores may begin in it."

    def test_the_page_names_every_field_of_the_json(self, evidence: Ran) -> None:
        described = set(quoted(prose(section(page("evidence"), "The JSON"))))

        assert evidence.whole.keys() <= described
        assert evidence.whole["period"].keys() <= described
        columns = names(section(page("evidence"), "The lines of the CSV"))
        fields = names(section(page("events"), "The job"))
        assert evidence.whole["restores"][0].keys() <= described | columns | fields


def test_only_the_restores_of_a_project_or_of_a_cluster(
    operator: Operator, history: History
) -> None:
    of_project = operator.evidence("--project", OTHER_GROUP)
    of_cluster = operator.evidence("--project", GROUP, "--cluster", SLOW)

    assert set(by_cluster(of_project)) == {"collection-completed", "collection-failed"}
    assert of_cluster.ids == {history.restores[SLOW].restore_id}
    assert of_cluster.whole["groupId"] == GROUP
    assert of_cluster.whole["clusterName"] == SLOW
    assert [call.operation for call in operator.calls()] == [
        "Scan",
        "GetCallerIdentity",
        "Query",
        "GetCallerIdentity",
    ]


def test_a_restore_is_in_the_period_in_which_it_was_scheduled(
    operator: Operator, history: History
) -> None:
    """It ended hours later, which makes no difference."""
    restore = history.restores[SLOW]
    moment = f"{restore.scheduled:%Y-%m-%dT%H:%M:%S}Z"
    later = f"{restore.scheduled + timedelta(seconds=1):%Y-%m-%dT%H:%M:%S}Z"
    earlier = f"{restore.scheduled - timedelta(seconds=1):%Y-%m-%dT%H:%M:%S}Z"

    assert operator.evidence("--from", moment, "--to", later).ids == {restore.restore_id}
    assert operator.evidence("--from", earlier, "--to", moment).ids == set()


def test_the_policy_of_the_page_allows_what_the_command_calls_and_nothing_else(
    operator: Operator, history_table: ObservedStack
) -> None:
    """As the calls arrive at AWS, in both ways to read the table."""
    for words in ((), ("--project", GROUP, "--cluster", SLOW)):
        assert operator.evidence("--stack", STACK_NAME, *words).status == 0
    made = {f"{call.service}:{call.operation}": resource_of(call) for call in operator.calls()}
    (policy,) = blocks(section(page("evidence"), "Permissions"), "json")
    statements = json.loads(policy.replace("<TableName>", history_table.table_name))["Statement"]
    allowed = {
        action
        for one in statements
        for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
    }

    # AWS needs no permission for it.
    del made["sts:GetCallerIdentity"]
    assert allowed == made.keys()
    assert allowed == {"cloudformation:DescribeStacks", "dynamodb:Scan", "dynamodb:Query"}
    for action, resource in made.items():
        of_others = resource.replace(STACK_NAME, "another")
        assert verdict(statements, IamCall(action, resource)) == "Allow"
        assert verdict(statements, IamCall(action, of_others)) is None


def resource_of(call: Call) -> str:
    """The ARN that IAM knows of a call."""
    place = f"{REGION}:{ACCOUNT}"
    if call.service == "dynamodb":
        return f"arn:aws:dynamodb:{place}:table/{json.loads(call.body)['TableName']}"
    return f"arn:aws:cloudformation:{place}:stack/{STACK_NAME}/0a1b2c3d"


class TestOfTheStack:
    """Objectives and table of a stack."""

    @pytest.fixture
    def made_stack(self, history_table: ObservedStack) -> Iterator[Callable[..., str]]:
        client = history_table.aws.client("cloudformation")
        made: list[str] = []

        def make(name: str, **parameters: str) -> str:
            outputs = {"TableName": {"Value": history_table.table_name}} if parameters else {}
            template = {
                "Parameters": {one: {"Type": "String"} for one in parameters},
                "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
                "Outputs": outputs,
            }
            given = [
                {"ParameterKey": one, "ParameterValue": value} for one, value in parameters.items()
            ]
            client.create_stack(StackName=name, TemplateBody=json.dumps(template), Parameters=given)
            made.append(name)
            return name

        yield make
        for name in made:
            client.delete_stack(StackName=name)

    def test_its_parameters_are_the_objectives_unless_others_are_given(
        self, operator: Operator, made_stack: Callable[..., str]
    ) -> None:
        stack = made_stack("judged", RtoMinutes="60", RpoMinutes="0")

        own = operator.evidence("--stack", stack)
        given = operator.evidence("--stack", stack, "--rto", "0", "--rpo", "30")

        assert (own.whole["rto"]["minutes"], own.whole["rpo"]["minutes"]) == (60, None)
        assert (given.whole["rto"]["minutes"], given.whole["rpo"]["minutes"]) == (None, 30)
        assert own.whole["stack"] == "judged"

    @pytest.mark.parametrize(
        ("parameters", "problem"),
        [
            ({}, "the stack wrong has no output TableName. Is it one of Atlas Restore Watch?"),
            (
                {"RtoMinutes": "soon"},
                "the parameter RtoMinutes of the stack is wrong: 'soon' is not a number of minutes",
            ),
        ],
    )
    def test_another_kind_of_stack_is_named(
        self,
        operator: Operator,
        made_stack: Callable[..., str],
        parameters: dict[str, str],
        problem: str,
    ) -> None:
        ran = operator.evidence("--stack", made_stack("wrong", **parameters))

        assert ran.status == 1
        assert problem in ran.stderr

    def test_a_stack_that_is_not_there_is_named(self, operator: Operator) -> None:
        ran = operator.evidence("--stack", "no-such-stack")

        assert ran.status == 1
        assert ran.stderr == (
            "evidence: cloudformation:DescribeStacks: AWS answered ValidationError. There is no "
            "stack no-such-stack in us-east-1. Name it with STACK=..., and its region with "
            "AWS_REGION=...\n"
        )


class TestOddItems:
    """Items that no version wrote yet, and what is not a restore."""

    @pytest.fixture
    def put(self, history_table: ObservedStack) -> Iterator[Callable[..., None]]:
        client = history_table.aws.client("dynamodb")
        keys: list[dict[str, Any]] = []

        def put(cluster: str, restore_id: str, **attributes: Any) -> None:
            key = {"cluster": {"S": cluster}, "restoreId": {"S": restore_id}}
            client.put_item(TableName=history_table.table_name, Item=key | attributes)
            keys.append(key)

        yield put
        for key in keys:
            client.delete_item(TableName=history_table.table_name, Key=key)

    def test_bookkeeping_is_no_restore(
        self, operator: Operator, history_table: ObservedStack
    ) -> None:
        assert [item for item in history_table.items() if item["cluster"] == "sweeps"]

        ran = operator.evidence()

        assert "sweeps" not in ran.stdout + ran.stderr + json.dumps(ran.whole)
        assert len(ran.rows) == len(OUTCOMES)

    def test_an_item_of_a_newer_version_is_listed_and_the_rest_is_written(
        self, operator: Operator, put: Callable[..., None], history: History
    ) -> None:
        newer = {"restoreScheduledDate": {"S": f"{operator.period[0]}T12:00:00Z"}}
        put(f"{GROUP}/newer", "6b4a0f800000000000000b01", **newer, history={"S": "compressed"})
        put(f"{GROUP}/old", "6b4a0f800000000000000b02", history={"S": "of another period"})

        ran = operator.evidence()

        unreadable = {"cluster": f"{GROUP}/newer", "restoreId": "6b4a0f800000000000000b01"}
        assert ran.status == 3
        assert ran.whole["unreadable"] == [unreadable]
        assert ran.ids == {restore.restore_id for restore in history.restores.values()}
        assert "cannot read the item 5f0000000000000000000e01/newer 6b4a0f80" in ran.stderr
        assert "evidence: items that this version cannot read: 1. The JSON lists" in ran.stderr

    def test_a_key_that_may_hold_anything_is_redacted(
        self, operator: Operator, put: Callable[..., None]
    ) -> None:
        url = history_url()
        put(f"=cmd/{url}", f"{url}\x1b[31m\n")

        ran = operator.evidence()

        assert ran.status == 3
        assert "example.net" not in ran.stderr + json.dumps(ran.whole)
        assert "\x1b" not in ran.stderr

    def test_every_page_is_read(
        self, operator: Operator, put: Callable[..., None], history: History
    ) -> None:
        """A page ends after 1 MB."""
        for number in range(5):
            item = next(one for one in history.items if one["cluster"]["S"] == f"{GROUP}/{SLOW}")
            more = {name: one for name, one in item.items() if name not in {"cluster", "restoreId"}}
            put(f"{GROUP}/{SLOW}", f"{number:024}", **more, filler={"S": "." * 350_000})
        whole = operator.evidence()
        cluster = operator.evidence("--project", GROUP, "--cluster", SLOW)
        operations = [call.operation for call in operator.calls()]

        assert operations.count("Scan") > 1
        assert operations.count("Query") > 1
        # Their names are not those of their histories.
        assert len(whole.whole["unreadable"]) == len(cluster.whole["unreadable"]) == 5
        assert len(whole.rows) == len(OUTCOMES)


def history_url() -> str:
    return "https://restore-1.downloads.example.net:27017/token/restore.tar.gz"


class TestRefusals:
    """Each is one line that says what to do, and leaves no file."""

    @pytest.mark.parametrize(
        ("code", "fix"),
        [
            ("AccessDeniedException", "the policy of docs/evidence.md: they lack dynamodb:Scan"),
            ("ExpiredTokenException", "Sign in to AWS again"),
            ("ValidationException", "is not the table of restore jobs: the stack's output"),
        ],
    )
    def test_of_the_table(
        self, operator: Operator, history_table: ObservedStack, code: str, fix: str
    ) -> None:
        refusal = aws_error("dynamodb", code)
        with history_table.aws.wire.inject(Fault(action=refusal, operation="Scan", times=None)):
            ran = operator.evidence()

        assert_one_line(ran, 1)
        assert f"evidence: dynamodb:Scan: AWS answered {code}. " in ran.stderr
        assert fix in ran.stderr

    def test_of_a_table_that_is_not_there_or_not_ours(
        self, operator: Operator, history_table: ObservedStack
    ) -> None:
        client = history_table.aws.client("dynamodb")
        client.create_table(
            TableName="not-ours",
            AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        client.put_item(TableName="not-ours", Item={"name": {"S": "one"}})
        missing = operator.evidence("--table", "no-such-table")
        other = operator.evidence("--table", "not-ours")
        client.delete_table(TableName="not-ours")
        client.create_table(
            TableName="of-another",
            AttributeDefinitions=[{"AttributeName": "cluster", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "cluster", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        client.put_item(TableName="of-another", Item={"cluster": {"S": "cluster/one"}})
        similar = operator.evidence("--table", "of-another")
        client.delete_table(TableName="of-another")

        assert_one_line(missing, 1)
        assert "There is no table no-such-table in us-east-1" in missing.stderr
        assert_one_line(other, 1)
        assert "The table not-ours is not the table of restore jobs" in other.stderr
        assert_one_line(similar, 1)
        assert "The table of-another is not the table of restore jobs" in similar.stderr

    def test_of_sts_leaves_the_account_out(
        self, operator: Operator, history_table: ObservedStack
    ) -> None:
        denied = aws_error("sts", "AccessDenied", status=403)
        with history_table.aws.wire.inject(Fault(action=denied, service="sts", times=None)):
            ran = operator.evidence()

        assert ran.status == 0
        assert ran.whole["account"] is None

    @pytest.mark.parametrize(
        ("without", "variables", "line"),
        [
            (
                ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
                {},
                "dynamodb:Scan: AWS did not answer (NoCredentialsError). Sign in to AWS again",
            ),
            (
                ["AWS_DEFAULT_REGION"],
                {},
                "no connection to AWS (NoRegionError). Set the region of the stack",
            ),
            (
                [],
                {"AWS_PROFILE": "no-such"},
                "no connection to AWS (ProfileNotFound). Set AWS_PROFILE",
            ),
            (
                [],
                {"AWS_ENDPOINT_URL": "nowhere"},
                "no connection to AWS (ValueError). Look at AWS_REGION",
            ),
        ],
        ids=["no-credentials", "no-region", "no-such-profile", "no-url"],
    )
    def test_of_a_machine_that_is_not_set_up(
        self, operator: Operator, without: list[str], variables: dict[str, str], line: str
    ) -> None:
        ran = operator.evidence(without=without, AWS_EC2_METADATA_DISABLED="true", **variables)

        assert_one_line(ran, 1)
        assert ran.stderr.startswith(f"evidence: {line}")

    @pytest.mark.parametrize(
        "words",
        [("--from", "soon"), ("--project", "one"), ("--rto", "-1"), ("--out", "/no/such/folder/x")],
    )
    def test_of_an_argument_comes_before_any_call(
        self, operator: Operator, words: tuple[str, str]
    ) -> None:
        ran = operator.evidence(*words)

        assert_one_line(ran, 2)
        assert ran.stderr.startswith(
            f"evidence: {words[0].removeprefix('--').upper()} ({words[0]}): "
        )
        assert operator.calls() == []


def test_an_interrupted_command_ends_at_once_and_leaves_no_file(
    operator: Operator, history_table: ObservedStack
) -> None:
    """DynamoDB does not answer, and the operator does not wait for it."""
    # Whoever runs the tests in the background ignores the signal, and every process inherits that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with history_table.aws.wire.hold(operation="Scan") as gate, operator.start() as running:
        signal.signal(signal.SIGINT, before)
        try:
            gate.wait_for(1)
            running.send_signal(signal.SIGINT)
            _, stderr = running.communicate(timeout=60)
        finally:
            running.kill()

    assert running.returncode == 130
    assert stderr == "evidence: stopped; nothing was written\n"
    assert list(operator.out.parent.iterdir()) == []


def assert_one_line(ran: Ran, status: int) -> None:
    assert ran.status == status, ran.stderr
    assert ran.stderr.count("\n") == 1
    assert ran.stdout == ""
    assert ran.whole == {}
