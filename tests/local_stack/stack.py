"""The whole stack on this machine, for tests, demo and benchmarks."""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, cached_property
from itertools import batched
from pathlib import Path
from typing import Any, Literal, Self

from boto3.dynamodb.types import TypeDeserializer

from local_stack.atlas import AtlasEmulator, Role
from local_stack.aws import FUNCTION_KEY_ID, REGION, AwsEmulator, key_id_of
from local_stack.bridge import Invoke, bridged
from local_stack.canaries import CANARY_CLIENT_SECRET, CANARY_PRIVATE_KEY
from local_stack.function_queue import FunctionQueue
from local_stack.other_dynamodb import OtherDynamoDB
from local_stack.readers import Readers
from local_stack.runtime import Environment, Invocation, RuntimePool
from local_stack.template import FunctionConfiguration, MadeStack, make_stack, translated
from local_stack.wire import Call

__all__ = ["CREDENTIALS", "Credentials", "LocalStack", "Received", "from_function"]

ROOT = Path(__file__).parents[2]
BUILD = Path(os.environ.get("BUILT_CODE") or ROOT / ".aws-sam" / "build")
"""What runs in the real runtime: what was built, or the unpacked zips of a release."""

FUNCTION = "RestoreWatchFunction"
REPORT = "ReportFunction"
MEASURE = "MeasureFunction"
PEOPLE = "NotifyPeopleFunction"
LAYER = "DependenciesLayer"

type Credentials = Literal["service_account", "api_key"]

CREDENTIALS: dict[Credentials, dict[str, str]] = {
    "service_account": {
        "client_id": "mdb_sa_id_local0000000000000000",
        "client_secret": CANARY_CLIENT_SECRET,
    },
    "api_key": {"public_key": "localkey", "private_key": CANARY_PRIVATE_KEY},
}
"""The credentials that the secret may hold and that Atlas accepts."""

_PATIENCE = 30
"""Seconds in which a reset is repeated if other calls come between."""

_EVERY_READER = {"NotifyEmail": "ops@example.com", "NotifyChat": "yes"}


@dataclass(frozen=True)
class Received:
    """A message as a subscriber's queue receives it. `event` is its CloudEvent."""

    event: dict[str, Any]
    attributes: dict[str, str]
    subject: str | None
    # Another one each time the same message is published.
    message_id: str = field(compare=False)


def from_function(call: Call) -> bool:
    """True if the function made this call, False if the test did."""
    return call.service == "atlas" or key_id_of(call) == FUNCTION_KEY_ID


class LocalStack:
    """
    Atlas, AWS with the stack made from template.yaml, a subscriber, and the built function.

    One at a time: moto's state belongs to the process. `timeout_seconds` replaces the template's
    for the watching function: a sweep, and the lease of one that died, are as short. Atlas goes by
    the `clock`, if one is given. With `readers`, the stack notifies people on every channel.
    """

    def __init__(
        self,
        *,
        environments: int = 1,
        parameters: Mapping[str, str] | None = None,
        timeout_seconds: int | None = None,
        clock: Callable[[], datetime] | None = None,
        readers: Readers | None = None,
    ) -> None:
        self.credentials: Credentials = "service_account"
        self.atlas = AtlasEmulator(clock)
        self.aws = AwsEmulator()
        self.readers = readers
        self.functions: dict[str, Invoke] = {}
        """What answers for functions of other stacks, by their names."""
        self._size = environments
        self._parameters = {**(_EVERY_READER if readers else {}), **(parameters or {})}
        self._timeout_seconds = timeout_seconds
        self._blocks = ExitStack()
        self._made: MadeStack
        self._names_at_start: tuple[Mapping[str, str], str]
        self._secret: str
        self._subscriber: str
        self._inbox: str
        self._chat: str

    def __enter__(self) -> Self:
        with ExitStack() as blocks:
            blocks.enter_context(self.atlas)
            blocks.enter_context(self.aws)
            if self.readers:
                blocks.enter_context(self.readers)
            blocks.enter_context(bridged(self.invoke, self.functions))
            self._furnish()
            self._names_at_start = self._names
            self._blocks = blocks.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._blocks.close()

    def reset(self, credentials: Credentials | None = None) -> None:
        """
        Empty Atlas and AWS and make the stack again, with the same names.

        The environments stay, with what they have cached; other credentials start new ones.
        """
        wanted = credentials or "service_account"
        changed = wanted != self.credentials
        self.credentials = wanted
        until = time.monotonic() + _PATIENCE
        while True:
            self.atlas.clear()
            self.aws.clear()
            self._furnish()
            if self._names == self._names_at_start:
                break
            # A call of a client that was killed may still be under way, and it draws from moto's
            # random names too.
            if time.monotonic() > until:
                raise RuntimeError("the stack has other names than its environments know")
            time.sleep(0.05)
        if changed:
            self.new_environments()

    @contextmanager
    def storing_in(self, dynamodb: OtherDynamoDB) -> Iterator[None]:
        """Within the block, another DynamoDB holds the table, not moto; resets at both ends."""
        before, self.aws.dynamodb = self.aws.dynamodb, dynamodb
        try:
            self.reset()
            yield
        finally:
            self.aws.dynamodb = before
            self.reset()

    def new_environments(self) -> None:
        """Make the next invocations cold starts."""
        self.pool.restart()

    # What a caller and an operator do

    def invoke(self, event: Any) -> Invocation:
        return self.pool.invoke(event)

    def tick(self, scheduled: datetime | None = None) -> Invocation:
        """Send what the template's schedule sends at this moment, which is now by default."""
        return self.invoke(self.function.scheduled_event(scheduled or datetime.now(UTC)))

    def taken(self) -> list[Any]:
        """Return the events that the function has sent to itself, which Lambda invokes it with."""
        taken, self.aws.waiting[:] = list(self.aws.waiting), []
        assert {name for name, _ in taken} <= {self.function.name}
        return [event for _, event in taken]

    def put_secret(self, value: Mapping[str, Any] | str | bytes) -> None:
        """Change the secret in Secrets Manager; Atlas's own methods change what Atlas accepts."""
        client = self.aws.client("secretsmanager")
        if isinstance(value, bytes):
            client.put_secret_value(SecretId=self._secret, SecretBinary=value)
        else:
            text = value if isinstance(value, str) else json.dumps(value)
            client.put_secret_value(SecretId=self._secret, SecretString=text)

    # What can be seen from outside

    def received(self) -> list[Received]:
        """Return the messages that arrived since the last call, in order."""
        return list(map(_received, self._drain(self._subscriber)))

    def emails(self) -> list[tuple[str, str]]:
        """Return the subject and the text of each e-mail since the last call."""
        return [(one["Subject"], one["Message"]) for one in self._drain(self._inbox)]

    def chat(self) -> list[dict[str, Any]]:
        """Return what Amazon Q got since the last call."""
        return [json.loads(one["Message"]) for one in self._drain(self._chat)]

    def item(self, group_id: str, cluster: str, restore_id: str) -> dict[str, Any] | None:
        return self.get(f"{group_id}/{cluster}", restore_id)

    def get(self, partition: str, sort_key: str) -> dict[str, Any] | None:
        """Return the item with these values of its key."""
        key = {"cluster": {"S": partition}, "restoreId": {"S": sort_key}}
        answer = self.aws.client("dynamodb").get_item(
            TableName=self.table_name, Key=key, ConsistentRead=True
        )
        return _plain(answer["Item"]) if "Item" in answer else None

    def items(self) -> list[dict[str, Any]]:
        pages = (
            self.aws.client("dynamodb")
            .get_paginator("scan")
            .paginate(TableName=self.table_name, ConsistentRead=True)
        )
        return [_plain(item) for page in pages for item in page["Items"]]

    def put_items(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Store items, which have DynamoDB's type marks."""
        self._write({"PutRequest": {"Item": item}} for item in items)

    def empty_table(self) -> list[dict[str, Any]]:
        """Delete every item, and return them."""
        items = self.items()
        keys = [{name: {"S": item[name]} for name in ("cluster", "restoreId")} for item in items]
        self._write({"DeleteRequest": {"Key": key}} for key in keys)
        return items

    def http_calls(self) -> list[Call]:
        """Return every call that the function made to Atlas and to AWS, in order."""
        calls = (*self.atlas.wire.calls, *filter(from_function, self.aws.wire.calls))
        return sorted(calls, key=lambda call: call.arrived)

    def forget_calls(self) -> None:
        self.atlas.wire.clear()
        self.aws.wire.clear()

    def logs(self) -> str:
        """Return what the function has written since the last call."""
        return self.pool.logs()

    # What it is made of

    @cached_property
    def pool(self) -> RuntimePool:
        """The execution environments; their processes start when they are first needed."""
        return self._pool_of(FUNCTION, self._size, timeout_seconds=self._timeout_seconds)

    @cached_property
    def people(self) -> RuntimePool:
        """The same for the function that notifies people, if a parameter names a reader."""
        # Only as a link to click: of Atlas's console, which the emulator has not.
        return self._pool_of(PEOPLE, 1, {"ATLAS_BASE_URL": "https://cloud.mongodb.com"})

    @cached_property
    def reports(self) -> RuntimePool:
        """The same for the function that makes reports."""
        return self._pool_of(REPORT, 1)

    @cached_property
    def measurer(self) -> RuntimePool:
        """The same for the function that measures restores."""
        return self._pool_of(MEASURE, 1)

    @property
    def measurements(self) -> FunctionQueue:
        """The queue of restores to measure. From now on, it delivers without a delay."""
        url = self.resources["MeasureQueue"]
        self.aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "0"})
        return FunctionQueue(self.aws, url, self.measurer.invoke)

    @property
    def notices(self) -> FunctionQueue:
        """The queue of messages for people."""
        return FunctionQueue(self.aws, self.resources["NoticeQueue"], self.people.invoke)

    def _pool_of(
        self,
        name: str,
        size: int,
        variables: Mapping[str, str] | None = None,
        timeout_seconds: int | None = None,
    ) -> RuntimePool:
        code = BUILD / name
        if not code.is_dir():
            raise FileNotFoundError(f"{code} does not exist: run `make build` first")
        configuration = self._made.functions[name]
        environment = Environment(
            code=code,
            layer=BUILD / LAYER,
            handler=configuration.handler,
            variables={**self._environment_of(configuration), **(variables or {})},
            name=configuration.name,
            timeout_seconds=timeout_seconds or configuration.timeout_seconds,
            memory_megabytes=configuration.memory_megabytes,
            coverage=os.environ.get("FUNCTION_COVERAGE"),
        )
        return self._blocks.enter_context(RuntimePool(size, environment))

    @property
    def function(self) -> FunctionConfiguration:
        return self._made.functions[FUNCTION]

    @property
    def environment(self) -> dict[str, str]:
        """The template's variables, and those that Lambda itself sets for AWS."""
        return self._environment_of(self.function)

    @property
    def report_environment(self) -> dict[str, str]:
        """The variables of the function that makes reports."""
        return self._environment_of(self._made.functions[REPORT])

    def _environment_of(self, configuration: FunctionConfiguration) -> dict[str, str]:
        return {
            **configuration.environment,
            "AWS_ENDPOINT_URL": self.aws.url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": FUNCTION_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": "function",
        }

    @property
    def resources(self) -> Mapping[str, str]:
        """Physical ids by the template's logical ids."""
        return self._made.resources

    @property
    def table_name(self) -> str:
        return self.resources["RestoreJobsTable"]

    @property
    def topic_arn(self) -> str:
        return self.resources["StatusChangesTopic"]

    @property
    def secret_arn(self) -> str:
        return self._secret

    @property
    def _names(self) -> tuple[Mapping[str, str], str]:
        """What the variables of an environment name."""
        return self.resources, self._secret

    @cached_property
    def _cloudformation(self) -> dict[str, Any]:
        # The secret does not exist yet, so its ARN is unknown; the translator does not read it.
        return _translated(frozenset({"AtlasSecretArn": "", **self._parameters}.items()))

    def _furnish(self) -> None:
        """Create what the function needs in an empty Atlas and an empty AWS."""
        account, key = CREDENTIALS["service_account"], CREDENTIALS["api_key"]
        roles = (Role.BACKUP_MANAGER,)
        self.atlas.add_service_account(account["client_id"], account["client_secret"], roles)
        self.atlas.add_api_key(key["public_key"], key["private_key"], roles)
        text = json.dumps(CREDENTIALS[self.credentials])
        secrets = self.aws.client("secretsmanager")
        self._secret = secrets.create_secret(Name="atlas", SecretString=text)["ARN"]
        parameters = {
            "AtlasSecretArn": self._secret,
            # Real CloudFormation allows only MongoDB's own addresses here.
            "AtlasBaseUrl": self.atlas.url,
            **self._parameters,
        }
        if self.readers:
            text = json.dumps(self.readers.secret)
            made = secrets.create_secret(Name="notify", SecretString=text)
            parameters["NotifySecretArn"] = made["ARN"]
        self._made = make_stack(self.aws, self._cloudformation, parameters)
        self._subscriber = self._subscribe("subscriber", self.topic_arn)
        if self.readers:
            self._inbox = self._subscribe("inbox", self.resources["EmailTopic"])
            self._chat = self._subscribe("chat", self.resources["ChatTopic"])
        self.forget_calls()

    def _subscribe(self, name: str, topic_arn: str) -> str:
        """Return the address of a new queue with everything that the topic gets."""
        sqs = self.aws.client("sqs")
        url: str = sqs.create_queue(QueueName=name)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        self.aws.client("sns").subscribe(
            TopicArn=topic_arn, Protocol="sqs", Endpoint=attributes["Attributes"]["QueueArn"]
        )
        return url

    def _write(self, requests: Iterable[Mapping[str, Any]]) -> None:
        for some in batched(requests, 25, strict=False):
            answer = self.aws.client("dynamodb").batch_write_item(
                RequestItems={self.table_name: some}
            )
            assert not answer["UnprocessedItems"]

    def _drain(self, url: str) -> Iterator[dict[str, Any]]:
        """Yield SNS's envelopes."""
        sqs = self.aws.client("sqs")
        while True:
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
            messages = answer.get("Messages", [])
            yield from (json.loads(message["Body"]) for message in messages)
            if messages:
                sqs.delete_message_batch(
                    QueueUrl=url,
                    Entries=[
                        {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                        for number, message in enumerate(messages)
                    ],
                )
            # moto gives as many as it has.
            if len(messages) < 10:
                return


@cache
def _translated(parameters: frozenset[tuple[str, str]]) -> dict[str, Any]:
    """Translate the template once for all stacks with these parameters: half a second."""
    return translated(ROOT / "template.yaml", dict(parameters))


def _received(envelope: Mapping[str, Any]) -> Received:
    given = envelope.get("MessageAttributes", {})
    attributes = {name: value["Value"] for name, value in given.items()}
    return Received(
        json.loads(envelope["Message"]),
        attributes,
        envelope.get("Subject"),
        envelope["MessageId"],
    )


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return an item without DynamoDB's type marks. Its numbers are Decimals.

    A number of more digits than boto3 keeps has its mark.
    """
    read, plain = TypeDeserializer().deserialize, dict[str, Any]()
    for name, value in item.items():
        try:
            plain[name] = read(value)
        except ArithmeticError:
            plain[name] = value
    return plain
