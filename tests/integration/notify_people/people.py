"""`notify_people` in this process, over real sockets, with a clock that the test moves."""

import json
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, override

import boto3
import pytest
from aws_lambda_powertools import Logger
from boto3.dynamodb.types import TypeDeserializer

from foundation.deadline import Deadline
from integration.people import PeopleStack
from local_stack.aws import REGION
from local_stack.stack import PEOPLE
from notify_people.composition import compose
from notify_people.notifier import Notifier
from notify_people.settings import Settings


class People(PeopleStack):
    """A stack whose function is invoked here: its waits take no time. It writes to `output`."""

    output: pytest.CaptureFixture[str]

    @override
    def begin_anew(self) -> None:
        super().begin_anew()
        self.now = 1_795_000_000
        self.waits: list[float] = []
        self.on_wait: Callable[[], object] = lambda: None
        self.start()

    def start(self, **variables: str) -> None:
        """Start an environment, which has nothing cached, with other variables."""
        given = self._environment_of(self._made.functions[PEOPLE]) | variables
        self._settings = Settings.from_environment(given)
        self._notifier: Notifier | None = None

    def _started(self) -> Notifier:
        # A logger keeps the output stream that was set when its service was first named: that of
        # the test, and not that of its fixtures.
        logger = Logger(service=secrets.token_hex(8), location=None)
        session = boto3.Session("AKIAPEOPLEPEOPLEPEOPLE", "people", region_name=REGION)
        return compose(self._settings, logger, session, now=lambda: self.now, sleep=self._wait)

    def _wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.on_wait()

    def handle(self, *messages: Mapping[str, Any] | str, seconds: float = 60) -> list[int]:
        """Handle a batch, and return the places of the messages that SQS is to deliver again."""
        bodies = (one if isinstance(one, str) else json.dumps(one) for one in messages)
        records = [
            {"messageId": str(place), "body": body, "eventSource": "aws:sqs"}
            for place, body in enumerate(bodies)
        ]
        self._notifier = self._notifier or self._started()
        answer = self._notifier.answer({"Records": records}, Deadline.after(seconds))
        return [int(failed["itemIdentifier"]) for failed in answer["batchItemFailures"]]

    def put_people_secret(self, **values: str) -> None:
        self.aws.client("secretsmanager").put_secret_value(
            SecretId="notify", SecretString=json.dumps(values)
        )
        self.start()

    def sent(self) -> dict[str, dict[str, Any]]:
        """What is noted for each channel, of one restore."""
        name, read = self.resources["SentNoticesTable"], TypeDeserializer().deserialize
        found = self.aws.client("dynamodb").scan(TableName=name, ConsistentRead=True)["Items"]
        items = [{key: read(value) for key, value in item.items()} for item in found]
        return {item["channel"]: item for item in items if "sequence" in item}

    def reported(self) -> tuple[Counter[str], list[str]]:
        """The sums of the metrics, and the names of the errors, since the last call."""
        sums: Counter[str] = Counter()
        lines = [json.loads(line) for line in self.output.readouterr().out.splitlines()]
        for line in lines:
            for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
                for metric in directive["Metrics"]:
                    sums[metric["Name"]] += line[metric["Name"]][0]
        return sums, [line["error"] for line in lines if "error" in line]
