"""DynamoDB Local behind the wire of the emulated AWS, in moto's place."""

from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local_stack.aws import aws_error
from local_stack.dynamodb_local import DynamoDBLocal
from local_stack.stack import LocalStack
from local_stack.wire import Call, Fault, Phase
from observed_stack import ObservedStack


def put(stack: LocalStack, group: str) -> None:
    key = {"cluster": {"S": f"{group}/orders"}, "restoreId": {"S": "one"}}
    stack.aws.client("dynamodb").put_item(TableName=stack.table_name, Item=key)


def test_its_calls_are_recorded(stack_on_dynamodb_local: ObservedStack) -> None:
    stack_on_dynamodb_local.aws.client("dynamodb").list_tables()

    (call,) = stack_on_dynamodb_local.aws.wire.calls
    assert (call.service, call.operation, call.status) == ("dynamodb", "ListTables", 200)


def test_it_has_the_table_of_the_template(stack_on_dynamodb_local: ObservedStack) -> None:
    name = stack_on_dynamodb_local.table_name

    table = stack_on_dynamodb_local.aws.client("dynamodb").describe_table(TableName=name)["Table"]

    assert [key["AttributeName"] for key in table["KeySchema"]] == ["cluster", "restoreId"]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["OpenJobs"]


def test_a_fault_applies_before_the_call_reaches_it(
    stack_on_dynamodb_local: ObservedStack, group: str
) -> None:
    denied = aws_error("dynamodb", "AccessDeniedException")
    stack_on_dynamodb_local.aws.wire.inject(Fault(service="dynamodb", action=denied))

    with pytest.raises(ClientError, match="AccessDenied"):
        put(stack_on_dynamodb_local, group)

    assert stack_on_dynamodb_local.items() == []


def test_listeners_are_called_before_and_after_its_effect(
    stack_on_dynamodb_local: ObservedStack, group: str
) -> None:
    seen: list[tuple[Phase, int]] = []

    def look(call: Call, phase: Phase) -> None:
        if call.operation == "PutItem":
            seen.append((phase, len(stack_on_dynamodb_local.items())))

    with stack_on_dynamodb_local.aws.wire.listen(look):
        put(stack_on_dynamodb_local, group)

    assert seen == [("before", 0), ("after", 1)]


def test_a_reset_empties_it(stack_on_dynamodb_local: ObservedStack, group: str) -> None:
    put(stack_on_dynamodb_local, group)

    stack_on_dynamodb_local.reset()

    assert stack_on_dynamodb_local.items() == []


def test_moto_answers_again_after_the_block(
    stack: ObservedStack, dynamodb_local: DynamoDBLocal, group: str
) -> None:
    with stack.storing_in(dynamodb_local):
        names = dict(stack.resources)
        put(stack, group)

    assert stack.items() == []
    assert stack.aws.dynamodb is None
    assert stack.resources == names


@pytest.mark.usefixtures("dynamodb_local")
def test_a_failed_start_reports_its_reason(tmp_path: Path) -> None:
    (tmp_path / "DynamoDBLocal.jar").write_text("nothing that Java could run")

    with pytest.raises(RuntimeError, match="jar"), DynamoDBLocal(tmp_path):
        pass


def test_the_message_about_its_absence_names_the_command_that_fetches_it(tmp_path: Path) -> None:
    absence = DynamoDBLocal.absence(tmp_path)

    assert absence is not None
    assert "make dynamodb-local" in absence


def test_the_message_about_its_absence_names_missing_java(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "DynamoDBLocal.jar").touch()
    monkeypatch.setenv("PATH", str(tmp_path))

    absence = DynamoDBLocal.absence(tmp_path)

    assert absence is not None
    assert "Java" in absence
