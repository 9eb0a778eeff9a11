"""The local stack, with everything that its function produces kept for the test of the canaries."""

from typing import Any, Self, override
from urllib.parse import unquote_plus

from local_stack.aws import TEST_KEY_ID, key_id_of
from local_stack.runtime import Invocation, Outcome
from local_stack.stack import LocalStack, Received
from local_stack.wire import Call, Phase
from produced import Produced


class ObservedStack(LocalStack):
    """The stack itself; `settle` keeps what nobody has asked for."""

    def __init__(self, produced: Produced) -> None:
        super().__init__()
        self._produced = produced
        self.is_warm = False
        """Whether the environment has checked a job: it holds the secret and every connection."""

    @override
    def __enter__(self) -> Self:
        super().__enter__()
        self._blocks.enter_context(self.aws.wire.listen(self._heard))
        return self

    @override
    def invoke(self, event: Any) -> Invocation:
        invocation = super().invoke(event)
        is_result = invocation.outcome is Outcome.RESULT
        self.is_warm = self.is_warm or (is_result and "job" in invocation.payload)
        self._produced.add("results" if is_result else "errors", invocation.payload)
        return invocation

    @override
    def new_environments(self) -> None:
        super().new_environments()
        self.is_warm = False

    @override
    def received(self) -> list[Received]:
        received = super().received()
        for message in received:
            self._produced.add("messages", [message.event, message.attributes, message.subject])
        return received

    @override
    def logs(self) -> str:
        logs = super().logs()
        self._produced.add("logs", logs)
        return logs

    def settle(self) -> None:
        """Keep what was not asked for yet: log lines, messages and the items as they are now."""
        self.atlas.wire.heal()
        self.aws.wire.heal()
        self.logs()
        self.received()
        for item in self.items():
            self._produced.add("items", item)

    def tidy(self) -> None:
        """As after a reset, in a quarter of the time, if only Atlas, items, messages were used."""
        self.received()
        for item in self.items():
            key = {name: {"S": item[name]} for name in ("cluster", "restoreId")}
            self.aws.client("dynamodb").delete_item(TableName=self.table_name, Key=key)
        self.atlas.clear()
        self.aws.wire.heal()
        self.forget_calls()

    def _heard(self, call: Call, phase: Phase) -> None:
        """Keep what anyone but the tests asks of AWS: the function, wherever it runs, above all."""
        if phase == "before" and key_id_of(call) not in {None, TEST_KEY_ID}:
            # Forms, as SNS takes them, are escaped.
            self._produced.add("requests", unquote_plus(call.body.decode()))
