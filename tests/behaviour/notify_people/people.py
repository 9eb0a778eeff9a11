"""`notify_people` in this process, over real sockets, with a clock that only the test moves."""

import io
import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from functools import cache
from typing import Any, override
from urllib.parse import quote

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from foundation.deadline import Deadline
from local_stack.aws import REGION, key_id_of
from local_stack.loopback import HungUp
from local_stack.readers import READERS, Readers
from local_stack.stack import PEOPLE, LocalStack
from local_stack.wire import Answer, Call, Fault, Phase
from notify_people.application import Application
from notify_people.composition import compose
from notify_people.settings import Settings

GROUP = "6a1f3c9e5b7d204e8c61f0a3"

CHANNELS = ("pager", "chat", "slack", "teams", "email")
EVERYBODY = dict.fromkeys(CHANNELS, 1)

KEY_ID = "AKIAPEOPLEPEOPLEPEOPLE"

_QUEUES = ("NoticeQueue", "NoticeDeadLetterQueue")

_PLAIN = Config()


class Session(boto3.Session):
    """Clients, each made once. What fails, fails at once, or is tried as the function does it."""

    def __init__(self, url: str, *, is_patient: bool) -> None:
        super().__init__(KEY_ID, "people", region_name=REGION)
        self._url = url
        once = Config(retries={"mode": "standard", "total_max_attempts": 1})
        self._tries = Config() if is_patient else once
        self._made: dict[str, Any] = {}

    @override
    def client(self, name: Any, *, config: Config = _PLAIN) -> Any:  # type: ignore[override]
        if name not in self._made:
            config = config.merge(self._tries)
            self._made[name] = super().client(name, endpoint_url=self._url, config=config)
        return self._made[name]


class NotifyingStack(LocalStack):
    """A stack that notifies people on every channel."""

    def __init__(self, parameters: Mapping[str, str] | None = None) -> None:
        self.posts = Readers()
        super().__init__(parameters=parameters, readers=self.posts)
        self.log = io.StringIO()

    @cache  # noqa: B019 - one for each stack
    def session(self, *, is_patient: bool = False) -> Session:
        return Session(self.aws.url, is_patient=is_patient)

    def application(
        self,
        now: Callable[[], float],
        sleep: Callable[[float], None],
        session: Session,
        /,
        **variables: str,
    ) -> Application:
        """A cold start with the template's variables and these; its log is `log`."""
        given = self._environment_of(self._made.functions[PEOPLE]) | variables
        # Only as a link to click: of Atlas's console, which the emulator has not.
        given |= {"ATLAS_BASE_URL": "https://cloud.mongodb.com"}
        logger = Logger(service=secrets.token_hex(8), stream=self.log, location=None)
        settings = Settings.from_environment(given)
        return compose(settings, logger, session, now=now, sleep=sleep)

    @property
    def email_check(self) -> Any:
        """What the schedule sends."""
        return self._made.functions[PEOPLE].scheduled_event(datetime.now(UTC))

    def subscribe_email(
        self, confirmed: int, pending: int, alarms: tuple[int, int] = (1, 0)
    ) -> None:
        """Let the topics of e-mail and alarms have so many subscriptions: moto does not count."""
        self._subscribe_topic("EmailTopic", confirmed, pending)
        self._subscribe_topic("AlarmTopic", *alarms)

    def _subscribe_topic(self, topic: str, confirmed: int, pending: int) -> None:
        counts = {"Confirmed": confirmed, "Pending": pending}
        entries = "".join(
            f"<entry><key>Subscriptions{state}</key><value>{count}</value></entry>"
            for state, count in counts.items()
        )
        name = "GetTopicAttributes"
        result = f"<{name}Result><Attributes>{entries}</Attributes></{name}Result>"
        body = f"<{name}Response>{result}</{name}Response>"
        answer = Answer(200, {"Content-Type": "text/xml"}, body)
        arn = quote(self.resources[topic], safe="").encode()
        named = Fault("sns", name, lambda call: arn in call.body, action=answer, times=None)
        self.aws.wire.inject(named)


class People(NotifyingStack):
    """What people get: `handle` runs the function in this process, `deliver` in the runtime."""

    def begin_anew(self) -> None:
        """Empty everything that holds something; the environments of the real runtime stay warm."""
        self.posts.clear()
        self.aws.wire.heal()
        self.atlas.clear()
        self.empty_table()
        self._forget_sent_notices()
        for url in (self._subscriber, self._inbox, self._chat, *map(self.resources.get, _QUEUES)):
            self.aws.client("sqs").purge_queue(QueueUrl=url)
        self._store_people_secret(self.posts.secret)
        self.forget_calls()
        self.log = io.StringIO()
        self._reported = 0
        self.now = 1_795_000_000.0
        self.waits: list[float] = []
        self.on_wait: Callable[[], object] = lambda: None
        self.start()

    # In this process

    def start(self, session: Session | None = None, /, **variables: str) -> None:
        """Start an environment at its first message, with nothing cached, with other variables."""

        def started() -> Application:
            by = session or self.session()
            return self.application(lambda: self.now, self._wait, by, **variables)

        self._application = cache(started)

    def _wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        self.on_wait()

    def deadline(self, seconds: float = 60) -> Deadline:
        return Deadline.after(seconds, lambda: self.now)

    def handle(
        self, *messages: Mapping[str, Any] | str, deadline: Deadline | None = None
    ) -> list[int]:
        """Handle a batch, and return the places of the messages that SQS is to deliver again."""
        bodies = (one if isinstance(one, str) else json.dumps(one) for one in messages)
        records = [
            {"messageId": str(place), "body": body, "eventSource": "aws:sqs"}
            for place, body in enumerate(bodies)
        ]
        with redirect_stdout(self.log):
            answer = self._application().answer({"Records": records}, deadline or self.deadline())
        return [int(failed["itemIdentifier"]) for failed in answer["batchItemFailures"]]

    def check_email(self) -> Mapping[str, Any]:
        """Look at the subscriptions of e-mail, as the schedule has it done."""
        with redirect_stdout(self.log):
            return self._application().answer(self.email_check, self.deadline())

    def put_people_secret(self, **values: str) -> None:
        self._store_people_secret(values)
        self.start()

    def _store_people_secret(self, values: Mapping[str, str]) -> None:
        self.aws.client("secretsmanager").put_secret_value(
            SecretId="notify", SecretString=json.dumps(values)
        )

    def _forget_sent_notices(self) -> None:
        dynamodb, name = self.aws.client("dynamodb"), self.resources["SentNoticesTable"]
        for item in dynamodb.scan(TableName=name)["Items"]:
            key = {part: item[part] for part in ("subject", "channel")}
            dynamodb.delete_item(TableName=name, Key=key)

    def reported(self) -> tuple[Counter[str], list[str]]:
        """What was written since the last call: sums of metrics, numbers of texts, and errors."""
        sums: Counter[str] = Counter()
        lines = [json.loads(line) for line in self.log.getvalue()[self._reported :].splitlines()]
        self._reported = len(self.log.getvalue())
        for line in lines:
            for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
                for metric in directive["Metrics"]:
                    sums[metric["Name"]] += line[metric["Name"]][0]
            if "message" in line and "error" not in line:
                sums[line["message"]] += 1
        return sums, [line["error"] for line in lines if "error" in line]

    @contextmanager
    def dying(self, number: int, phase: Phase) -> Iterator[list[Call]]:
        """
        Within the block, the environment in this process dies at its n-th call.

        From then on no call has an answer or an effect; that one has its effect "after" it. The
        list gets the calls.
        """
        calls: list[Call] = []

        def strike(call: Call, at: Phase) -> None:
            if key_id_of(call) != KEY_ID and call.service not in READERS:
                return
            if at == "before":
                calls.append(call)
            if len(calls) > number + (at != phase):
                raise HungUp

        with self.aws.wire.listen(strike), self.posts.wire.listen(strike):
            yield calls

    # In the real runtime

    def fail_a_restore(self) -> None:
        """Let a restore fail that was seen while it ran."""
        restore = self.atlas.start_restore(
            GROUP, "orders", "flex", target_cluster="staging", timeline=["RUNNING", "FAILED"]
        )
        self.invoke(restore.event).result  # noqa: B018 - it must succeed
        restore.advance()
        self.invoke(restore.event).result  # noqa: B018 - it must succeed

    def deliver(self) -> None:
        """Deliver what waits until nothing does, or the queue gives it up."""
        while self.notices.deliver():
            pass

    # What people got

    def told(self) -> Counter[str]:
        """How many notices each channel has got since the last call."""
        told = Counter[str](email=len(self.emails()), chat=len(self.chat()))
        told.update({reader: len(self.posts.got(reader)) for reader in READERS})
        self.posts.forget()
        return +told

    def pages(self) -> list[tuple[str, str]]:
        """What PagerDuty got: actions, each with the key of its incident."""
        return [(one["event_action"], one["dedup_key"]) for one in self.posts.got("pager")]
