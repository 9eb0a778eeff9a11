"""The local stack as the tests share it; it keeps what its function produces for the canaries."""

from http import HTTPStatus
from typing import Any, Self, override
from urllib.parse import unquote_plus

from local_stack.aws import TEST_KEY_ID, key_id_of
from local_stack.connections import ENVIRONMENT_HEADER
from local_stack.runtime import Invocation, Outcome
from local_stack.stack import Credentials, LocalStack, Received
from local_stack.wire import Call, Phase
from produced import Produced


class ObservedStack(LocalStack):
    """
    The stack that all tests share.

    Its environments stay warm from test to test. One whose credentials were refused is replaced
    before the next test, because for some minutes it does not ask for a new token or secret again.
    """

    def __init__(self, produced: Produced) -> None:
        super().__init__()
        self._produced = produced
        self._was_refused = False
        self.is_warm = False
        """True if the environment has checked a job: it holds the secret and every connection."""

    @override
    def __enter__(self) -> Self:
        super().__enter__()
        self._blocks.enter_context(self.aws.wire.listen(self._keep_request))
        self._blocks.enter_context(self.atlas.wire.listen(self._note_refusal))
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
        self.is_warm = self._was_refused = False

    @override
    def reset(self, credentials: Credentials | None = None) -> None:
        super().reset(credentials)
        self._replace_refused_environments()

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
        """
        Leave no fault, job, item, message or recorded call.

        What the test did not read of log lines, messages and items is kept for the canaries. A test
        that changes another resource of AWS needs a reset.
        """
        self.atlas.wire.heal()
        self.aws.wire.heal()
        self.logs()
        self.received()
        for item in self.empty_table():
            self._produced.add("items", item)
        self.atlas.clear()
        self.forget_calls()
        self._replace_refused_environments()

    def _replace_refused_environments(self) -> None:
        if self._was_refused:
            self.new_environments()

    def _keep_request(self, call: Call, phase: Phase) -> None:
        """Keep what the function sends to AWS, in the real runtime or in the tests' process."""
        if phase == "before" and key_id_of(call) not in {None, TEST_KEY_ID}:
            # SNS takes forms, which are escaped.
            self._produced.add("requests", unquote_plus(call.body.decode(errors="replace")))

    def _note_refusal(self, call: Call, phase: Phase) -> None:
        """Note if Atlas refuses the credentials of an environment in the real runtime."""
        if phase == "before" or ENVIRONMENT_HEADER in call.headers:
            return
        is_refused_token = call.operation == "token" and call.status != HTTPStatus.OK
        is_refused_call = call.status == HTTPStatus.UNAUTHORIZED and "Authorization" in call.headers
        self._was_refused = self._was_refused or is_refused_token or is_refused_call
