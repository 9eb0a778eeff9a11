"""`make doctor`, as an operator runs it."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import pytest

from integration.checking import ROOT
from integration.operators import Operator
from integration.test_pending import refuse_publications
from local_stack.aws import aws_error
from local_stack.template import STACK_NAME
from local_stack.wire import Fault
from observed_stack import ObservedStack
from operate.doctor import main
from produced import Produced

type Doctor = Callable[..., tuple[int, str]]


@pytest.fixture
def environment(
    stack: ObservedStack, tmp_path: Path, produced: Produced
) -> Iterator[dict[str, str]]:
    yield Operator(tmp_path, stack, produced).environment | {"COLUMNS": "400"}
    stack.reset()


@pytest.fixture
def doctor(environment: dict[str, str], produced: Produced) -> Doctor:
    """Run the command in this process. Return its exit status, and what it prints."""

    def run(*words: str) -> tuple[int, str]:
        with (
            patch.dict(os.environ, environment, clear=True),
            redirect_stdout(io.StringIO()) as printed,
            redirect_stderr(printed),
        ):
            status = main(["--stack", STACK_NAME, *words])
        produced.add("logs", printed.getvalue())
        return status, printed.getvalue()

    return run


def rows(printed: str) -> dict[str, str]:
    """The mark of each check."""
    lines = [line.split(maxsplit=1) for line in printed.splitlines() if line.strip()]
    return {rest[0].split("  ")[0]: mark for mark, *rest in lines if rest}


def test_make_doctor_prints_a_table(stack: ObservedStack, environment: dict[str, str]) -> None:
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


def test_a_function_that_does_not_start_is_the_only_line(
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

    assert (status, list(rows(printed))[1:2]) == (1, ["function"])
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
            env=environment | {"PYTHONPATH": str(ROOT / "functions")},
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
