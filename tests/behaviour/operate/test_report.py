"""`make report`, as an operator runs it: the function makes the report, and its files are here."""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import pytest

from behaviour.operators import Operator
from local_stack.faults import Truncate
from local_stack.runtime import Invocation, Outcome
from local_stack.stack import REPORT, LocalStack
from local_stack.wire import Fault
from operate import report
from produced import Produced

type Command = Callable[..., tuple[int, str]]

FILES = {"coverage.csv", "report.html", "report.json", "restores.csv"}


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack() as made:
        made.functions[made.resources[REPORT]] = made.reports.invoke
        yield made


@pytest.fixture
def command(stack: LocalStack, tmp_path: Path, produced: Produced) -> Iterator[Command]:
    """Return the exit status, and what is printed."""
    environment = Operator(tmp_path, stack, produced).environment

    def run(*words: str) -> tuple[int, str]:
        out = ("--from", "2026-11-01", "--to", "2026-11-02", "--out", str(tmp_path / "report"))
        with (
            patch.dict(os.environ, environment, clear=True),
            redirect_stdout(io.StringIO()) as printed,
            redirect_stderr(printed),
        ):
            status = report.main([*out, *words])
        return status, printed.getvalue()

    yield run
    stack.aws.wire.heal()


def test_make_report_fetches_the_files_that_the_function_wrote(
    stack: LocalStack, tmp_path: Path, produced: Produced
) -> None:
    operator = Operator(tmp_path, stack, produced)
    ran = operator.make(target="report")

    assert (ran.status, ran.stderr) == (0, "")
    assert {path.name for path in operator.out.iterdir()} == FILES
    assert set(ran.stdout.split()) == {str(path) for path in operator.out.iterdir()}
    bucket = {"Bucket": stack.resources["ReportBucket"]}
    s3, prefix = stack.aws.client("s3"), f"reports/{operator.period[1]}/"
    for path in operator.out.iterdir():
        stored = s3.get_object(**bucket, Key=prefix + path.name)["Body"].read()
        assert path.read_bytes() == stored
        produced.add("evidence", path.read_text())
    assert stack.received() == []


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--from", "tomorrow"], 1, "InvalidEventError: from: expected a UTC day such as"),
        (["--stack", "a b"], 2, "STACK (--stack): "),
        (["--out", "/dev/null/report"], 1, "'/dev/null/report/report.html' cannot be written: "),
    ],
    ids=["period", "argument", "disk"],
)
def test_what_was_refused_is_one_line(
    command: Command, words: list[str], status: int, said: str
) -> None:
    ended, printed = command(*words)

    assert ended == status
    assert printed.startswith(f"report: {said}"), printed
    assert printed.count("\n") == 1


def test_a_file_that_breaks_off_is_not_kept(
    stack: LocalStack, command: Command, tmp_path: Path
) -> None:
    cut = Fault(action=Truncate(at=100), service="s3", when=lambda call: call.method == "GET")
    with stack.aws.wire.inject(cut):
        status, printed = command()

    assert (status, list(tmp_path.glob("report/*"))) == (1, [])
    assert "broke off" in printed


def test_an_answer_of_another_form_leads_nowhere(
    stack: LocalStack, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        stack.functions, stack.resources[REPORT], lambda _: Invocation(Outcome.RESULT, {}, 0)
    )

    status, printed = command()

    assert (status, "a form that is not known" in printed) == (1, True), printed
