"""An operator who runs commands in a checkout, with the local AWS and credentials of his own."""

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple
from unittest.mock import patch

from contract.documents import ROOT
from local_stack.aws import REGION
from local_stack.stack import LocalStack
from local_stack.template import STACK_NAME
from operate.__main__ import main
from produced import Produced

OPERATOR_KEY_ID = "AKIAOPERATOROPERATOR"


class Ran(NamedTuple):
    """The exit status of a command, and what it printed."""

    status: int
    stdout: str
    stderr: str


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
    """Runs a command in a process."""

    def __init__(self, stack: LocalStack, produced: Produced) -> None:
        self._stack = stack
        self._produced = produced

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

    def run(self, *words: str) -> Ran:
        """Run a command in a process, as the operator does."""
        with self.start(*words) as running:
            stdout, stderr = running.communicate()
        for text in (stdout, stderr):
            self._produced.add("logs", text)
        return Ran(running.returncode, stdout, stderr)

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
