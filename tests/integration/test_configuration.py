"""Environment variables that are missing or wrong end the function's start, with one clear line."""

import json

import pytest

from integration.conftest import RuntimeWith
from integration.watching import target
from local_stack.canaries import CANARY_CLIENT_SECRET
from local_stack.stack import LocalStack

REQUIRED = (
    "ATLAS_SECRET_ID",
    "TABLE_NAME",
    "TOPIC_ARN",
    "POWERTOOLS_SERVICE_NAME",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_LOG_LEVEL",
)

WRONG: dict[str, tuple[dict[str, str | None], str]] = {
    "nothing-given": (dict.fromkeys(REQUIRED), ", ".join(REQUIRED)),
    "no-topic": ({"TOPIC_ARN": None}, "TOPIC_ARN"),
    "empty": ({"TABLE_NAME": " "}, "TABLE_NAME"),
    "a-fifo-topic": (
        {"TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:changes.fifo"},
        "TOPIC_ARN",
    ),
    "another-host": ({"ATLAS_BASE_URL": "https://example.com"}, "ATLAS_BASE_URL"),
    "plain-http": ({"ATLAS_BASE_URL": "http://cloud.mongodb.com"}, "ATLAS_BASE_URL"),
    "with-a-password": (
        {"ATLAS_BASE_URL": f"https://x:{CANARY_CLIENT_SECRET}@cloud.mongodb.com"},
        "ATLAS_BASE_URL",
    ),
}


@pytest.mark.parametrize(("changes", "named"), WRONG.values(), ids=WRONG)
def test_a_wrong_environment_ends_the_start(
    stack: LocalStack,
    group: str,
    runtime_with: RuntimeWith,
    changes: dict[str, str | None],
    named: str,
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    runtime = runtime_with(**changes)
    answer = runtime.invoke(target(restore))
    logs = runtime.logs()

    assert answer.error_type == "ConfigurationError"
    assert named in str(answer.error_message)
    assert "\n" not in str(answer.error_message)
    assert [line for line in logs.splitlines() if line.startswith("[ERROR]")] == [
        f"[ERROR] ConfigurationError: {answer.error_message}"
    ]
    assert stack.http_calls() == []
    assert CANARY_CLIENT_SECRET not in json.dumps(answer.payload) + logs


def test_the_address_of_atlas_need_not_be_given(
    stack: LocalStack, runtime_with: RuntimeWith
) -> None:
    """A bad event shows that the start is over, and asks nobody."""
    answer = runtime_with(ATLAS_BASE_URL=None).invoke({})

    assert answer.error_type == "InvalidEventError"
    assert stack.http_calls() == []


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "all_proxy"])
def test_no_proxy_is_taken_from_the_environment(
    stack: LocalStack, group: str, runtime_with: RuntimeWith, variable: str
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex")
    runtime = runtime_with(
        **{variable: "http://127.0.0.1:1"},
        # botocore does look at these, and reaches AWS by the address that is excepted.
        NO_PROXY="127.0.0.1",
        ATLAS_BASE_URL=stack.atlas.url.replace("127.0.0.1", "localhost"),
    )

    assert runtime.invoke(target(restore, "flex")).result["changed"] is True
    assert {call.headers["Host"].split(":")[0] for call in stack.atlas.wire.calls} == {"localhost"}
