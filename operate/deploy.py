"""
Deploys the stack with `sam deploy`: `make deploy`.

The parameters are those of the command line and of samconfig.toml. SAM's output passes through.

Exit status: that of SAM; 2 if an argument or samconfig.toml is wrong, and SAM was not called.
"""

import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from operate.command_line import read_words, run
from operate.errors import ArgumentError, OperateError
from operate.parameter_overrides import FILE, as_words, merged, words_of

_ARGUMENTS = ("environment", "stack", "secret-arn", "projects", "email", "parameters", "args")

_COMPUTED = {
    "--config-env": "ENVIRONMENT",
    "--parameter-overrides": "PARAMETERS",
    "--stack-name": "STACK",
}
"""Our own arguments set these options of SAM: a second value would contradict them."""

_NO_SECRET = b"AtlasSecretArn"
"""SAM names this parameter if a new stack has no value for it."""

_FIRST = (
    "The first deployment of a stack needs SECRET_ARN=<ARN of the secret with the Atlas "
    "credentials>.\n"
)


def command(given: Mapping[str, str | None], config: Mapping[str, Any]) -> list[str]:
    """Return the words of `sam deploy`. Raises ArgumentError."""
    overrides = as_words(merged(given, config))
    options = {
        "--config-env": given["environment"],
        "--stack-name": given["stack"],
        "--parameter-overrides": overrides,
    }
    stated = [word for name, text in options.items() if text for word in (name, text)]
    return ["sam", "deploy", *stated, *_further(given["args"] or "")]


def _further(text: str) -> list[str]:
    words = words_of(text, "ARGS")
    for option in (word.partition("=")[0] for word in words):
        if option in _COMPUTED:
            raise ArgumentError(None, f"ARGS: expected no {option}, use {_COMPUTED[option]}")
    return words


def _run(words: Sequence[str]) -> tuple[int, bytes]:
    """Run SAM and show its output at once. Return its exit status and its error output."""
    said = b""
    try:
        # Our own program, and each argument is one word of it.
        sam = subprocess.Popen(words, stderr=subprocess.PIPE, bufsize=0)  # noqa: S603
    except OSError as error:
        msg = f"sam cannot be run ({type(error).__name__}). Run make build"
        raise OperateError(msg) from None
    with sam:
        # SAM gets Ctrl-C too, and ends by itself.
        while sam.stderr and (some := os.read(sam.stderr.fileno(), 65536)):
            sys.stderr.buffer.write(some)
            sys.stderr.buffer.flush()
            said += some
    return sam.returncode, said


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ArgumentError(None, f"{path} cannot be read: {error}") from error


def _deploy() -> int:
    given = read_words("deploy", __doc__, None, _ARGUMENTS)
    status, said = _run(command(given, _read(FILE)))
    if status and not given["secret_arn"] and _NO_SECRET in said:
        sys.stderr.write(_FIRST)
    return status


if __name__ == "__main__":
    sys.exit(run("deploy", _deploy))
