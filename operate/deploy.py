"""
Deploys the stack with `sam deploy`: `make deploy`.

The parameters come from the command line and from samconfig.toml. SAM's output passes through. A
stack that was installed from a release is not moved to this checkout without a yes.

Exit status: SAM's own; 1 without a yes, and 2 if an argument or samconfig.toml is wrong, or there
is nobody to ask, and SAM was not called.
"""

import os
import subprocess
import sys
import tomllib
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from operate.aws import LOOKING, Aws
from operate.command_line import CommandLine, run
from operate.deployed_stack import DEFAULT_NAME, read_stack
from operate.errors import ArgumentError, OperateError
from operate.parameter_overrides import FILE, as_words, merged, options_of, words_of

_ARGUMENTS = "environment stack secret-arn projects email parameters args leave-release"

PAGE = "docs/deploying.md"
"""The page about releases, and the permissions that a deployment needs."""

_COMPUTED = {
    "--config-env": "environment",
    "--stack-name": "stack",
    "--parameter-overrides": "parameters",
}
"""Our own arguments set these options of SAM: a second value would contradict them."""


def command(given: Mapping[str, str | None], config: Mapping[str, Any]) -> list[str]:
    """Return the words of `sam deploy`. Raises ArgumentError."""
    values = {**given, "parameters": as_words(merged(given, config))}
    stated = [(option, text) for option, name in _COMPUTED.items() if (text := values[name])]
    further = words_of(given["args"] or "", "ARGS")
    for option in (word.partition("=")[0] for word in further):
        if option in _COMPUTED:
            instead = _COMPUTED[option].upper()
            raise ArgumentError(None, f"ARGS: expected no {option}, use {instead}")
    return ["sam", "deploy", *chain.from_iterable(stated), *further]


def _ask_before_a_release_is_left(given: Mapping[str, str | None], config: Any) -> None:
    """Raise OperateError without a yes, and ArgumentError if there is nobody to ask."""
    if given["leave_release"] == "yes" or (found := _release_bucket(given, config)) is None:
        return
    name, bucket = found
    said = (
        f"The stack {name} was installed from a release, in the bucket {bucket}. This moves it to "
        "the code of this checkout, and takes its parameters ReleaseBucket and ReleasePrefix away. "
        f"{PAGE} says how to change a parameter, or to upgrade, with the release"
    )
    if not sys.stdin.isatty():
        raise ArgumentError(None, f"{said}. To move it, add LEAVE_RELEASE=yes")
    sys.stdout.write(f"{said}.\nMove it? [y/N] ")
    sys.stdout.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise OperateError("nothing was changed")


def _release_bucket(given: Mapping[str, str | None], config: Any) -> tuple[str, str] | None:
    """Return the stack and the bucket of its release. None if AWS shows none: SAM says the rest."""
    options = options_of(config, given["environment"])
    words = words_of(given["args"] or "", "ARGS")
    name = given["stack"] or options.get("stack_name", DEFAULT_NAME)
    line = ArgumentParser(add_help=False, allow_abbrev=False)
    for option in ("region", "profile"):
        line.add_argument(f"--{option}", nargs="?", default=options.get(option))
    stated, _ = line.parse_known_args(words)
    try:
        with Aws(PAGE, LOOKING, region_name=stated.region, profile_name=stated.profile) as aws:
            bucket = read_stack(aws, name).parameters.get("ReleaseBucket")
    except OperateError:
        return None
    return (name, bucket) if bucket else None


def _run(words: Sequence[str]) -> tuple[int, bytes]:
    """Run SAM and show its output at once. Return its exit status and its error output."""
    said = b""
    try:
        # Our own program, and each argument is one word of it.
        sam = subprocess.Popen(words, stderr=subprocess.PIPE, bufsize=0)  # noqa: S603
    except OSError as error:
        raise OperateError(f"sam cannot be run ({type(error).__name__}). Run make build") from None
    with sam:
        # SAM gets Ctrl-C too, and ends by itself.
        while sam.stderr and (some := os.read(sam.stderr.fileno(), 65536)):
            sys.stderr.buffer.write(some)
            sys.stderr.buffer.flush()
            said += some
    return sam.returncode, said


def _deploy() -> int:
    line = CommandLine("deploy", __doc__)
    for name in _ARGUMENTS.split():
        line.add_argument(f"--{name}")
    given = vars(line.read(None, Namespace()))
    try:
        config = tomllib.loads(FILE.read_text())
    except (OSError, ValueError) as error:
        raise ArgumentError(None, f"{FILE} cannot be read: {error}") from error
    words = command(given, config)
    _ask_before_a_release_is_left(given, config)
    status, said = _run(words)
    # SAM names the parameter if a new stack has no value for it.
    if status and not given["secret_arn"] and b"AtlasSecretArn" in said:
        sys.stderr.write(
            "The first deployment of a stack needs SECRET_ARN=<ARN of the secret with the Atlas "
            "credentials>.\n"
        )
    return status


if __name__ == "__main__":
    sys.exit(run("deploy", _deploy))
