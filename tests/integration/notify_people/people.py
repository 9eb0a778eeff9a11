"""`notify_people` in this process, over real sockets: AWS by moto, and readers on loopback."""

import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import boto3
import pytest
from aws_lambda_powertools import Logger
from boto3.dynamodb.types import TypeDeserializer

from foundation.deadline import Deadline
from golden.notify_people.cases import STACK
from local_stack.aws import REGION, AwsEmulator
from local_stack.readers import Readers
from notify_people.composition import compose
from notify_people.notifier import Notifier as Application
from notify_people.settings import Settings
from produced import Produced


class People:
    """A stack of one test, and a function that is invoked like Lambda does."""

    def __init__(
        self, aws: AwsEmulator, readers: Readers, produced: Produced, stack: str = STACK
    ) -> None:
        self.aws = aws
        self.table = f"{stack}-sent"
        self._secret = f"{stack}-people"
        self.readers = readers
        self.now = 1_795_000_000.0
        self.waits: list[float] = []
        self.on_wait: Callable[[], object] = lambda: None
        self._application: Application | None = None
        self._produced = produced
        self._furnish(stack)
        self.variables = {
            "SENT_TABLE_NAME": self.table,
            "CHAT_TOPIC_ARN": self._topics["chat"],
            "EMAIL_TOPIC_ARN": self._topics["email"],
            "NOTIFY_SECRET_ID": self._secret,
            "PAGERDUTY_BASE_URL": readers.url,
            "POWERTOOLS_SERVICE_NAME": stack,
            "POWERTOOLS_METRICS_NAMESPACE": "Tested",
            "POWERTOOLS_LOG_LEVEL": "INFO",
        }
        self.start()

    def start(self, **variables: str) -> None:
        """Start an environment, which has nothing cached, with other variables."""
        self._settings = Settings.from_environment(self.variables | variables)
        self._application = None

    def _started(self) -> Application:
        # A logger keeps the output stream that was set when its service was first named: that of
        # the test, and not that of its fixtures.
        logger = Logger(service=secrets.token_hex(8), location=None)
        session = boto3.Session("AKIAPEOPLEPEOPLEPEOPLE", "people", region_name=REGION)
        return compose(self._settings, logger, session, now=lambda: self.now, sleep=self._wait)

    def _wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.on_wait()

    def deliver(self, *messages: Mapping[str, Any] | str, seconds: float = 60) -> list[int]:
        """Deliver a batch, and return the places of the messages that SQS is to deliver again."""
        if self._application is None:
            self._application = self._started()
        answer = self._application.answer(batch(*messages), Deadline.after(seconds))
        return [int(failed["itemIdentifier"]) for failed in answer["batchItemFailures"]]

    def put_secret(self, **values: str) -> None:
        self.aws.client("secretsmanager").put_secret_value(
            SecretId=self._secret, SecretString=json.dumps(values)
        )

    def chat(self) -> list[dict[str, Any]]:
        """What the subscriber of the chat's topic received since the last call."""
        return [json.loads(message["Message"]) for message in self._drain("chat")]

    def emails(self) -> list[dict[str, Any]]:
        """What the subscriber of the e-mails received since the last call."""
        return self._drain("email")

    def sent(self) -> dict[tuple[str, str], int]:
        """The last sequence that is noted, by subject and channel."""
        items = self.aws.client("dynamodb").scan(TableName=self.table, ConsistentRead=True)["Items"]
        read = TypeDeserializer().deserialize
        plain = [{name: read(value) for name, value in item.items()} for item in items]
        self._produced.add("items", plain)
        return {
            (item["subject"], item["channel"]): int(item["sequence"])
            for item in plain
            if "sequence" in item
        }

    def _drain(self, name: str) -> list[dict[str, Any]]:
        sqs = self.aws.client("sqs")
        found: list[dict[str, Any]] = []
        while True:
            answer = sqs.receive_message(QueueUrl=self._queues[name], MaxNumberOfMessages=10)
            messages = answer.get("Messages", [])
            if not messages:
                self._produced.add("messages", found)
                return found
            for message in messages:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(
                    QueueUrl=self._queues[name], ReceiptHandle=message["ReceiptHandle"]
                )

    def _furnish(self, stack: str) -> None:
        sns, sqs = self.aws.client("sns"), self.aws.client("sqs")
        self._topics: dict[str, str] = {}
        self._queues: dict[str, str] = {}
        for name in ("chat", "email"):
            self._topics[name] = sns.create_topic(Name=f"{stack}-{name}")["TopicArn"]
            self._queues[name] = sqs.create_queue(QueueName=f"{stack}-{name}")["QueueUrl"]
            queue = sqs.get_queue_attributes(
                QueueUrl=self._queues[name], AttributeNames=["QueueArn"]
            )
            endpoint = queue["Attributes"]["QueueArn"]
            sns.subscribe(TopicArn=self._topics[name], Protocol="sqs", Endpoint=endpoint)
        self.aws.client("dynamodb").create_table(
            TableName=self.table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("subject", "channel")
            ],
            KeySchema=[
                {"AttributeName": "subject", "KeyType": "HASH"},
                {"AttributeName": "channel", "KeyType": "RANGE"},
            ],
        )
        self.aws.client("secretsmanager").create_secret(Name=self._secret, SecretString="{}")
        self.put_secret(**self.readers.secret)
        self.aws.wire.clear()


def batch(*messages: Mapping[str, Any] | str) -> dict[str, Any]:
    """An SQS event with these bodies; each record's id is its place."""
    return {
        "Records": [
            {
                "messageId": str(place),
                "receiptHandle": "receipt",
                "body": message if isinstance(message, str) else json.dumps(message),
                "attributes": {},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{REGION}:123456789012:people",
                "awsRegion": REGION,
            }
            for place, message in enumerate(messages)
        ]
    }


def output(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The lines that were logged since the last call, and those of metrics."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def counted(lines: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """The sums of the metrics in these lines."""
    sums: dict[str, float] = {}
    for line in lines:
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            for metric in directive["Metrics"]:
                name = metric["Name"]
                sums[name] = sums.get(name, 0) + line[name][0]
    return sums


def errors(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The names of the errors that were logged since the last call."""
    return [line["error"] for line in output(capsys) if "error" in line]
