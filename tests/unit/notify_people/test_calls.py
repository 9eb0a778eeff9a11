"""A call ends by its deadline, and what AWS refuses has one meaning."""

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from notify_people.aws_call import AwsCallError, aws_call
from notify_people.channels.address import allowed_base_url, is_allowed
from notify_people.deadline import Deadline
from notify_people.errors import TimeBudgetExceededError
from notify_people.timed_call import CallTimeoutError, timed_call


class Clock:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_deadline_shares_out_what_is_left() -> None:
    clock = Clock()
    deadline = Deadline.after(9, clock)

    assert deadline.remaining() == 9
    assert deadline.within(2).remaining() == 2
    assert deadline.within(20).remaining() == 9
    assert deadline.earlier(2).remaining() == 7
    assert deadline.earlier(8).remaining() == 6
    clock.now += 10
    assert deadline.remaining() == 0
    with pytest.raises(TimeBudgetExceededError, match=r"^0\.0 s of the invocation are left"):
        deadline.require(1, "send")


def test_a_call_that_hangs_is_left_behind() -> None:
    hangs = threading.Event()
    with pytest.raises(CallTimeoutError):
        timed_call(Deadline.after(1.05), "hang", lambda: hangs.wait(30))
    hangs.set()


def test_the_error_of_a_call_is_raised() -> None:
    def fail() -> None:
        raise TimeoutError("that of the call")

    with pytest.raises(TimeoutError, match="that of the call"):
        timed_call(Deadline.after(10), "fail", fail)


def test_an_answer_that_was_cut_off_is_an_error() -> None:
    def publish(**_parameters: Any) -> Mapping[str, Any]:
        return {}

    with pytest.raises(AwsCallError, match="the answer was cut off"):
        aws_call(Deadline.after(10), "publish", publish, "MessageId")


def test_a_call_to_aws_that_hangs_is_an_error() -> None:
    hangs = threading.Event()

    def publish(**_parameters: Any) -> Mapping[str, Any]:
        hangs.wait(30)
        return {}

    with pytest.raises(AwsCallError, match=r"did not answer \(its time is over\)"):
        aws_call(Deadline.after(1.05), "publish late", publish, "MessageId")
    hangs.set()


@pytest.mark.parametrize(
    ("code", "status", "is_lasting"),
    [
        ("AuthorizationError", 403, True),
        ("NotFound", 404, True),
        ("Throttling", 400, False),
        ("ThrottledException", 429, False),
        ("InternalError", 500, False),
    ],
)
def test_a_refusal_lasts_or_not(code: str, status: int, *, is_lasting: bool) -> None:
    error = AwsCallError(code, {"ResponseMetadata": {"HTTPStatusCode": status}})

    assert error.is_lasting is is_lasting


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("https://hooks.slack.com/services/T0/B0/X", True),
        ("https://prod-1.westus.logic.azure.com:443/workflows/1?sig=x", True),
        ("http://127.0.0.1:8080/slack", True),
        ("http://[::1]/slack", True),
        ("http://localhost/slack", True),
        ("http://hooks.slack.com/", False),
        ("http://127.0.0.1.example.net/", False),
        ("ftp://127.0.0.1/", False),
        ("https://user@hooks.slack.com/", False),
        ("https://hooks.slack.com/#part", False),
        ("https://", False),
        ("https://xn--/", False),
        ("https://host\x00/", False),
        ("", False),
    ],
)
def test_notices_go_by_https_or_to_this_machine(address: str, *, allowed: bool) -> None:
    assert is_allowed(address) is allowed


def test_a_base_url_is_a_whole_host() -> None:
    assert allowed_base_url("https://events.pagerduty.com/") == "https://events.pagerduty.com"
    assert allowed_base_url("https://events.pagerduty.com/v2") is None
