"""An operator who runs commands in a checkout, with the local AWS and credentials of his own."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from contract.documents import ROOT
from local_stack.aws import REGION, key_id_of
from local_stack.stack import LocalStack
from local_stack.template import STACK_NAME
from local_stack.wire import Call
from operate.__main__ import main
from produced import Produced

OPERATOR_KEY_ID = "AKIAOPERATOROPERATOR"


@dataclass(frozen=True)
class Ran:
    """What a command printed and wrote. `restores` has those of the JSON by their ids."""

    status: int
    stdout: str
    stderr: str
    rows: list[dict[str, str]]
    whole: dict[str, Any]

    @property
    def restores(self) -> dict[str, dict[str, Any]]:
        return {one["restoreId"]: one for one in self.whole["restores"]}

    @property
    def ids(self) -> set[str]:
        """The restores of the CSV."""
        return {row["restoreId"] for row in self.rows}


def run_doctor(environment: Mapping[str, str], produced: Produced, *words: str) -> tuple[int, str]:
    """Run the doctor in this process. Return its exit status, and what it prints."""
    with (
        patch.dict(os.environ, environment, clear=True),
        redirect_stdout(io.StringIO()) as printed,
        redirect_stderr(printed),
    ):
        status = ended("doctor", "--stack", STACK_NAME, *words)
    produced.add("logs", printed.getvalue())
    return status, printed.getvalue()


def ended(*words: str) -> int:
    """Run a command in this process and return its exit status."""
    try:
        return main(words)
    except SystemExit as error:  # of argparse
        return int(error.code or 0)


class Operator:
    """Runs a command in a process, or the same in this one."""

    def __init__(self, folder: Path, stack: LocalStack, produced: Produced) -> None:
        self._stack = stack
        self._produced = produced
        self.out = folder / "evidence"
        self.period = around_now()
        self.usual = (*("--from", self.period[0], "--to", self.period[1]), "--out", str(self.out))

    @property
    def environment(self) -> dict[str, str]:
        """Without the files, the variables and the jobs of those who run the tests."""
        others = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "MAKE"))
        }
        return {
            **others,
            "AWS_ACCESS_KEY_ID": OPERATOR_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": "operator",
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self._stack.aws.url,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def evidence(self, *words: str, without: Sequence[str] = (), **variables: str) -> Ran:
        """
        Run the command for a period around now, unless the words name another one.

        The table is named, because CloudFormation's client takes 100 ms to make. The environment
        has these variables, and is `without` others.
        """
        usual = self.usual[4:] if "--from" in words else self.usual
        is_named = {"--stack", "--table"} & set(words)
        table = () if is_named else ("--table", self._stack.table_name)
        environment = {
            name: value
            for name, value in (self.environment | variables).items()
            if name not in without
        }
        with (
            patch.dict(os.environ, environment, clear=True),
            redirect_stdout(io.StringIO()) as stdout,
            redirect_stderr(io.StringIO()) as stderr,
        ):
            status = ended("evidence", *usual, *table, *words)
        return self._ran(status, stdout.getvalue(), stderr.getvalue())

    def run(self, *words: str) -> Ran:
        """Run a command in a process, as the operator does."""
        with self.start(*words) as running:
            stdout, stderr = running.communicate()
        return self._ran(running.returncode, stdout, stderr)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command in a process that a test can interrupt."""
        return subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "operate", *words],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def calls(self) -> list[Call]:
        """What the operator called in AWS since the calls were last forgotten."""
        return [call for call in self._stack.aws.wire.calls if key_id_of(call) == OPERATOR_KEY_ID]

    def _ran(self, status: int, stdout: str, stderr: str) -> Ran:
        table, whole = "", ""
        if self.out.with_suffix(".json").exists():
            table, whole = (
                self.out.with_suffix(suffix).read_text(encoding="utf-8-sig")
                for suffix in (".csv", ".json")
            )
            for suffix in (".csv", ".json"):
                self.out.with_suffix(suffix).unlink()
        for text in (table, whole, stdout, stderr):
            self._produced.add("evidence", text)
        rows = list(csv.DictReader(io.StringIO(table)))
        return Ran(status, stdout, stderr, rows, json.loads(whole) if whole else {})


def around_now() -> Sequence[str]:
    """Yesterday and tomorrow, so that no test depends on the hour."""
    today = datetime.now(UTC).date()
    return str(today - timedelta(days=1)), str(today + timedelta(days=1))
