"""Diagnoses the policies of customer managed keys, which a function cannot read."""

from collections.abc import Iterator

from operate.deployed_stack import DeployedStack
from operate.key_policy import missing, of_role
from operate.looking import Looking
from restore_watch.diagnosis.line import Line

_SNS = "sns.amazonaws.com"


class KeyDiagnosis:
    """Reads the policy of each key that messages are encrypted with."""

    def __init__(self, looking: Looking, stack: DeployedStack) -> None:
        self._looking = looking
        self._function = stack.function_name
        self._has_people = bool(stack.outputs.get("NoticeQueueArn"))
        self._stack_key = stack.parameters.get("KmsKeyArn", "")
        self._topic_key = stack.parameters.get("TopicKmsKeyArn") or self._stack_key

    def lines(self) -> Iterator[Line]:
        """Look at the key of the topics, and at that of the queue of people."""
        gone = "Deploy the stack with another TopicKmsKeyArn or KmsKeyArn"
        if self._topic_key:
            yield self._looking.line("key policy: function", self._of_function, gone=gone)
        if self._stack_key and self._has_people:
            yield self._looking.line("key policy: SNS", self._of_sns, gone=gone)

    def _of_function(self, check: str) -> Line:
        role = self._looking.ask(
            "lambda", "get_function_configuration", FunctionName=self._function
        )["Role"]
        return self._look(check, self._topic_key, of_role(role))

    def _of_sns(self, check: str) -> Line:
        return self._look(check, self._stack_key, [_SNS])

    def _look(self, check: str, key: str, principals: list[str]) -> Line:
        policy = self._looking.ask("kms", "get_key_policy", KeyId=key, PolicyName="default")
        try:
            lacking = missing(policy["Policy"], principals)
        except ValueError as error:
            return Line(check, ok=None, found=str(error))
        if lacking:
            fix = f"Add the statements of docs/security.md to the policy of the key {key}"
            return Line(check, ok=False, found=f"does not allow {' and '.join(lacking)}", fix=fix)
        found = "allows what is needed; conditions were not looked at"
        return Line(check, ok=True, found=found)
