"""The emulated AWS, used by botocore over real sockets."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from local_stack.aws import TEST_KEY_ID, AwsEmulator, aws_error, key_id_of
from local_stack.wire import Fault

pytestmark = pytest.mark.timeout(30)


@pytest.fixture(scope="module")
def emulator() -> Iterator[AwsEmulator]:
    with AwsEmulator() as aws:
        yield aws


@pytest.fixture
def aws(emulator: AwsEmulator) -> AwsEmulator:
    emulator.clear()
    return emulator


@pytest.mark.parametrize(
    ("client", "method", "service", "operation"),
    [
        ("dynamodb", "list_tables", "dynamodb", "ListTables"),
        ("sns", "list_topics", "sns", "ListTopics"),
        ("sqs", "list_queues", "sqs", "ListQueues"),
        ("secretsmanager", "list_secrets", "secretsmanager", "ListSecrets"),
        ("lambda", "list_functions", "lambda", "GET /2015-03-31/functions"),
        ("stepfunctions", "list_state_machines", "states", "ListStateMachines"),
    ],
)
def test_a_call_has_the_name_of_its_operation_and_gets_an_injected_error_once(
    aws: AwsEmulator, client: str, method: str, service: str, operation: str
) -> None:
    """The tests' own clients do not try again: a retry would hide the first error of a set-up."""
    aws.wire.inject(Fault(action=aws_error(service, "NoSuchLuck", status=503), service=service))
    with pytest.raises(ClientError) as caught:
        getattr(aws.client(client), method)()
    getattr(aws.client(client), method)()

    assert service == "lambda" or caught.value.response["Error"]["Code"] == "NoSuchLuck"
    assert [(call.service, call.operation, call.status) for call in aws.wire.calls] == [
        (service, operation, 503),
        (service, operation, 200),
    ]
    assert {key_id_of(call) for call in aws.wire.calls} == {TEST_KEY_ID}
