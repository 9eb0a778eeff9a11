"""A test notification, from the invocation to what a subscriber receives."""

import json

from jsonschema import Draft202012Validator

from integration.checking import ROOT, refuse_publications
from local_stack.stack import LocalStack

SCHEMA = json.loads((ROOT / "events" / "test-notification.schema.json").read_text())
TEST = {"action": "test-notification"}


def test_a_test_notification_reaches_subscribers_and_changes_nothing(stack: LocalStack) -> None:
    answer = stack.invoke(TEST).result
    (message,) = stack.received()

    assert answer == {"messageId": message.message_id}
    Draft202012Validator(SCHEMA).validate(message.event)
    assert message.attributes == {"type": "atlas-restore-watch.test-notification.v1"}
    assert message.subject == f"Atlas restore watch test: {message.event['subject']}"
    assert stack.items() == []
    assert [call.service for call in stack.http_calls()] == ["sns"]


def test_a_refused_test_notification_fails_with_an_error_of_its_own(stack: LocalStack) -> None:
    with refuse_publications(stack):
        answer = stack.invoke(TEST)

    assert answer.error_type == "NotificationRefusedError"
    assert "AuthorizationError" in answer.payload["errorMessage"]
    assert stack.received() == []
