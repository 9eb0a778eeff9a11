"""A stack that notifies people, and what they got."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from local_stack.atlas import EmulatedRestore
from local_stack.aws import FUNCTION_KEY_ID, key_id_of
from local_stack.faults import Ask
from local_stack.loopback import Line
from local_stack.readers import READERS, Readers
from local_stack.stack import LocalStack
from local_stack.wire import Answer, Call, Close, Fault, Phase

GROUP = "6a1f3c9e5b7d204e8c61f0a3"

CHANNELS = ("pager", "chat", "slack", "teams", "email")
EVERYBODY = dict.fromkeys(CHANNELS, 1)


@dataclass(frozen=True)
class Killed:
    """The environment that made the call is killed, and gets no answer."""

    kill: Callable[[], None]

    def play(self, line: Line, ask: Ask, /) -> Answer:
        self.kill()
        return Close().play(line, ask)


class PeopleStack(LocalStack):
    """Each message goes its whole way: topic, queue, function in the real runtime, channel."""

    def __init__(self) -> None:
        self.posts = Readers()
        super().__init__(readers=self.posts)

    def check(self, restore: EmulatedRestore) -> None:
        """Ask Atlas about a job, and publish what has changed."""
        self.invoke(restore.event).result  # noqa: B018 - it must succeed

    def fail_a_restore(self) -> EmulatedRestore:
        """Let a restore fail that was seen while it ran."""
        restore = self.atlas.start_restore(
            GROUP, "orders", "flex", target_cluster="staging", timeline=["RUNNING", "FAILED"]
        )
        self.check(restore)
        restore.advance()
        self.check(restore)
        return restore

    def deliver(self) -> None:
        """Deliver what waits until nothing does, or the queue gives it up."""
        while self.notices.deliver():
            pass

    def dead(self) -> int:
        """Messages in the dead-letter queue."""
        sqs = self.aws.client("sqs")
        names = ["ApproximateNumberOfMessages"]
        url = self.resources["NoticeDeadLetterQueue"]
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return int(answer["Attributes"][names[0]])

    def told(self) -> Counter[str]:
        """How many notices each channel has got since the last call."""
        told = Counter(
            {
                "email": len(self.emails()),
                "chat": len(self.chat()),
                "pager": len(self.posts.got("pager")),
                "slack": len(self.posts.got("slack")),
                "teams": len(self.posts.got("teams")),
            }
        )
        self.posts.forget()
        return +told

    def pages(self) -> list[tuple[str, str]]:
        """What PagerDuty got: actions, each with the key of its incident."""
        return [(one["event_action"], one["dedup_key"]) for one in self.posts.got("pager")]

    @contextmanager
    def killed(self, number: int, phase: Phase) -> Iterator[list[Call]]:
        """
        Within the block, the environment that notifies people is killed at its n-th call.

        Before the call has an effect, or after that and before the answer arrives. The list gets
        the call.
        """
        struck: list[Call] = []
        numbers = itertools.count()

        def is_it(call: Call) -> bool:
            is_own = call.service in READERS or key_id_of(call) == FUNCTION_KEY_ID
            if not is_own or next(numbers) != number:
                return False
            struck.append(call)
            return True

        kill = Fault(action=Killed(self.people.restart), phase=phase, when=is_it)
        with self.aws.wire.inject(kill), self.posts.wire.inject(kill):
            yield struck

    def let_claims_expire(self) -> None:
        """A minute passes since an invocation was killed that was sending."""
        table = self.aws.client("dynamodb")
        name = self.resources["SentNoticesTable"]
        for item in table.scan(TableName=name, ConsistentRead=True)["Items"]:
            if "claimedUntil" in item:
                table.update_item(
                    TableName=name,
                    Key={"subject": item["subject"], "channel": item["channel"]},
                    UpdateExpression="SET claimedUntil = :past",
                    ExpressionAttributeValues={":past": {"N": "0"}},
                )

    def begin_anew(self) -> None:
        """Empty everything; the environments stay warm."""
        self.posts.clear()
        self.aws.wire.heal()
        self.reset()
