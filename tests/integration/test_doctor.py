"""`make doctor`, as an operator runs it."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from integration.checking import ROOT, refuse_publications
from integration.operators import Operator, run_doctor
from local_stack.aws import aws_error
from local_stack.faults import Answer, Ask
from local_stack.loopback import Line
from local_stack.template import STACK_NAME
from local_stack.wire import Call, Fault
from observed_stack import ObservedStack
from produced import Produced

KEY = "arn:aws:kms:us-east-1:123456789012:key/6f1c2a9e"

type Doctor = Callable[..., tuple[int, str]]


@pytest.fixture
def environment(
    stack: ObservedStack, tmp_path: Path, produced: Produced
) -> Iterator[dict[str, str]]:
    yield Operator(tmp_path, stack, produced).environment | {"COLUMNS": "400"}
    stack.reset()


@pytest.fixture
def doctor(environment: dict[str, str], produced: Produced) -> Doctor:
    return partial(run_doctor, environment, produced)


def rows(printed: str) -> dict[str, str]:
    """The mark of each check."""
    lines = [line.split(maxsplit=1) for line in printed.splitlines() if line.strip()]
    return {rest[0].split("  ")[0]: mark for mark, *rest in lines if rest}


def test_make_doctor_prints_a_line_for_each_check(
    stack: ObservedStack, environment: dict[str, str]
) -> None:
    stack.tick()
    ran = subprocess.run(  # noqa: S603 - our own Makefile
        ["make", "--no-print-directory", "doctor", f"STACK={STACK_NAME}"],  # noqa: S607 - whatever make there is
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    marks = rows(ran.stdout)
    assert marks["secret"] == marks["schedule"] == marks["credentials"] == "ok"
    assert marks["settings"] == "?"
    assert marks["dead letters"] == "ok"
    assert marks["publishing"] == "?"
    assert "Set AtlasProjectIds, so that every restore is found" in ran.stdout
    assert "Nothing is wrong" in ran.stdout
    assert (ran.returncode, ran.stderr) == (0, "")


def test_what_is_wrong_stands_beside_its_fix(
    stack: ObservedStack, doctor: Doctor, group: str
) -> None:
    stack.atlas.add_cluster(group, "orders", "flex")

    status, printed = doctor("--project", group, "--cluster", "ordres")

    assert status == 1
    assert rows(printed)["cluster ordres"] == "wrong"
    assert "Use orders" in printed
    assert "2 of " in printed  # the project is not watched either


def test_a_test_notification_shows_what_sns_answers(stack: ObservedStack, doctor: Doctor) -> None:
    status, printed = doctor("--test", "yes")
    assert (status, rows(printed)["test notification"]) == (0, "ok"), printed
    assert len(stack.received()) == 1

    with refuse_publications(stack):
        status, printed = doctor("--test", "yes")

    assert (status, rows(printed)["test notification"]) == (1, "wrong"), printed
    assert "NotificationRefusedError: SNS answered AuthorizationError" in printed


def test_a_function_that_does_not_start_is_one_line(
    stack: ObservedStack, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its error is what the runtime says of it."""
    environment = stack.pool.runtimes[0].environment
    monkeypatch.setitem(environment.variables, "TOPIC_ARN", "topic")
    stack.new_environments()
    try:
        status, printed = doctor()
    finally:
        monkeypatch.undo()
        stack.new_environments()

    assert (status, next(iter(rows(printed).items()))) == (1, ("function", "wrong"))
    assert "ConfigurationError: TOPIC_ARN: expected the ARN of a standard SNS topic" in printed


@pytest.mark.parametrize(
    ("words", "status", "line"),
    [
        (("--stack", "no/stack"), 2, "STACK (--stack): expected the name of a stack"),
        (("--test", "maybe"), 2, "TEST (--test): expected yes or no"),
        (("--projects", "all"), 2, "unrecognized arguments: --projects all"),
        (("--stack", "another"), 1, "There is no stack another in us-east-1"),
    ],
)
def test_a_wrong_argument_is_one_line(
    doctor: Doctor, words: tuple[str, ...], status: int, line: str
) -> None:
    ended, printed = doctor(*words)

    assert ended == status
    assert line in printed
    assert len(printed.splitlines()) == 1


def test_a_missing_permission_is_named(stack: ObservedStack, doctor: Doctor) -> None:
    denied = aws_error("cloudformation", "AccessDenied", status=403)
    with stack.aws.wire.inject(Fault(action=denied, operation="DescribeStacks")):
        status, printed = doctor()

    assert status == 1
    assert "cloudformation:DescribeStacks" in printed
    assert "docs/operations.md" in printed


def test_an_interrupted_command_ends_at_once_in_one_line(
    stack: ObservedStack, environment: dict[str, str]
) -> None:
    # Whoever runs the tests in the background ignores the signal, and every process inherits that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with (
        stack.aws.wire.hold(operation="DescribeStacks") as gate,
        subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "operate.doctor", "--stack", STACK_NAME],
            env=environment | {"PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}"},
            stderr=subprocess.PIPE,
            text=True,
        ) as running,
    ):
        signal.signal(signal.SIGINT, before)
        try:
            gate.wait_for(1)
            running.send_signal(signal.SIGINT)
            _, stderr = running.communicate(timeout=60)
        finally:
            running.kill()

    assert (running.returncode, stderr) == (130, "doctor: stopped\n")


@dataclass(frozen=True)
class WithKey:
    """CloudFormation answers as usual, of a stack with a customer managed key."""

    def play(self, _line: Line, ask: Ask, /) -> Answer:
        answer = ask()
        key = (
            f"<member><ParameterKey>TopicKmsKeyArn</ParameterKey><ParameterValue>{KEY}"
            "</ParameterValue></member>"
        )
        body = answer.body.decode().replace("</Parameters>", f"{key}</Parameters>", 1)
        headers = [one for one in answer.headers if one[0].lower() != "content-length"]
        return Answer(answer.status, headers, body)


@pytest.mark.parametrize(
    ("actions", "lacking"),
    [
        (["kms:Decrypt", "kms:GenerateDataKey*"], None),
        (["kms:Decrypt"], "does not allow kms:GenerateDataKey"),
    ],
    ids=["all", "no data keys"],
)
def test_a_key_policy_without_data_keys_is_named(
    stack: ObservedStack, doctor: Doctor, actions: list[str], lacking: str | None
) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": actions}
    policy = Answer.json(200, {"Policy": json.dumps({"Statement": [statement]})})
    with (
        stack.aws.wire.inject(Fault(action=WithKey(), operation="DescribeStacks", times=None)),
        stack.aws.wire.inject(Fault(action=policy, operation="GetKeyPolicy", times=None)),
    ):
        status, printed = doctor()

    check = "key policy: function"
    assert (status, rows(printed)[check]) == ((1, "wrong") if lacking else (0, "ok"))
    assert not lacking or lacking in printed


def is_invocation(call: Call) -> bool:
    return call.path.endswith("/invocations")


FORMS = {
    "no JSON": "<html>",
    "a list": "[]",
    "no checks": "{}",
    "checks that are no list": '{"checks": 7}',
    "a check without its parts": '{"checks": [{"check": "secret"}]}',
    "a check that is no object": '{"checks": ["secret"]}',
    "another verdict": '{"checks": [{"check": "x", "ok": [], "found": "", "fix": null}]}',
    "nothing": "",
}


@pytest.mark.parametrize("payload", FORMS.values(), ids=FORMS)
def test_an_answer_of_another_form_is_one_sentence(
    stack: ObservedStack, doctor: Doctor, payload: str
) -> None:
    answer = Answer(200, {"Content-Type": "application/json"}, payload)
    with stack.aws.wire.inject(Fault(action=answer, when=is_invocation)):
        status, printed = doctor()

    assert status == 1
    assert "the function's answer has a form that is not known" in printed
    assert len(printed.splitlines()) == 1


def test_what_is_shown_has_no_control_characters_and_cuts_no_id_and_no_command(
    stack: ObservedStack, environment: dict[str, str], doctor: Doctor
) -> None:
    environment["COLUMNS"] = "80"
    arn = f"arn:aws:sns:us-east-1:123456789012:{'n' * 90}"
    command = f"aws sns subscribe --topic-arn {arn} --protocol email"
    check = {
        "check": "project 6a1f3c9e5b7d204e8c61f0a3: \x1b]0;title\x07events",
        "ok": False,
        "found": f"Atlas\x1b[2J answered 401\nof the project {arn} and some more words here",
        "fix": f"Subscribe again, with these words that need more than one line:\n{command}",
    }
    answer = Answer.json(200, {"ok": False, "checks": [check]})
    with stack.aws.wire.inject(Fault(action=answer, when=is_invocation)):
        status, printed = doctor()

    assert status == 1
    assert {one for one in printed if not one.isprintable()} == {"\n"}
    lines = printed.splitlines()
    assert command in [line.strip() for line in lines]
    assert arn in printed
    assert all(len(line) <= 80 or arn in line for line in lines)
