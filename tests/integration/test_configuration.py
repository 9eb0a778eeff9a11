"""Environment variables as the real function reads them."""

import pytest

from integration.checking import target
from integration.conftest import RuntimeWith
from local_stack.stack import LocalStack


def test_the_default_address_of_atlas_needs_no_variable(
    stack: LocalStack, runtime_with: RuntimeWith
) -> None:
    """A bad event shows that the start succeeded, and causes no call."""
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
        # botocore reads these variables; NO_PROXY lets it reach AWS.
        NO_PROXY="127.0.0.1",
        ATLAS_BASE_URL=stack.atlas.url.replace("127.0.0.1", "localhost"),
    )

    assert runtime.invoke(target(restore, "flex")).result["changed"] is True
    assert {call.headers["Host"].split(":")[0] for call in stack.atlas.wire.calls} == {"localhost"}
