"""
Deploys what `make build` has built, with `sam deploy`.

The parameters come from the command line and from samconfig.toml. SAM's output passes through. A
stack that was installed from a release is not moved to this checkout without a yes.

Exit status: SAM's own; 1 without a yes, and 2 if an argument or samconfig.toml is wrong, or there
is nobody to ask, and SAM was not called.

    .venv/bin/python -m operate deploy --email you@example.com -- --no-confirm-changeset
"""

import os
import subprocess
import sys
import tomllib
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from operate.aws import Aws
from operate.deployed_stack import DEFAULT_NAME, read_stack, read_stack_name
from operate.errors import ArgumentError, OperateError
from operate.parameter_overrides import FILE, as_words, merged_parameters, options_of
from operate.text_of_form import text_of_form

STOPPED = "stopped. CloudFormation goes on with what it has begun"

BUILT = Path(".aws-sam/build/template.yaml")

PAGE = "docs/deploying.md"
"""The page about releases, and the permissions that a deployment needs."""

# A variable of a shell that is not set must not mean the default.
_stated = text_of_form(r"(?s).*\S.*", "a text that is not empty")

_COMPUTED = {
    "--config-env": "environment",
    "--stack-name": "stack",
    "--parameter-overrides": "parameters",
}
"""Our own arguments set these options of SAM: a second value would contradict them."""


def add_arguments(line: ArgumentParser) -> None:
    """Add the arguments of the command. What is not given keeps its value in the stack."""
    line.add_argument("--environment", type=_stated, help=f"of {FILE}: dev, small or prod")
    in_file = f"default: that of the environment, or {DEFAULT_NAME}"
    line.add_argument("--stack", type=read_stack_name, help=in_file)
    needed = "AtlasSecretArn; needed for a stack's first deployment"
    line.add_argument("--secret-arn", type=_stated, help=needed)
    projects = "AtlasProjectIds, with commas between them, or all"
    line.add_argument("--projects", type=_stated, help=projects)
    line.add_argument("--email", type=_stated, help="NotifyEmail")
    line.add_argument("--parameters", nargs="+", action="extend", default=[], metavar="NAME=VALUE")
    line.add_argument(
        "--leave-release",
        action="store_true",
        help="move a stack of a release to this checkout without a question",
    )
    line.add_argument("sam", nargs="*", metavar="-- OPTION", help="further options of sam deploy")


def command(given: Namespace, config: Mapping[str, Any]) -> list[str]:
    """Return the words that SAM is given. Raises ArgumentError."""
    values = {**vars(given), "parameters": as_words(merged_parameters(given, config))}
    stated: list[str] = []
    for option, name in _COMPUTED.items():
        if values[name]:
            stated += [option, values[name]]
    for option in (word.partition("=")[0] for word in given.sam):
        if option in _COMPUTED:
            raise ArgumentError(f"{option} of sam is computed: use --{_COMPUTED[option]}")
    return ["deploy", *stated, *given.sam]


def _ask_before_a_release_is_left(given: Namespace, config: Any) -> None:
    """Raise OperateError without a yes, and ArgumentError if there is nobody to ask."""
    if given.leave_release:
        return
    found = _release_bucket(given, config)
    if found is None:
        return
    name, bucket = found
    said = (
        f"The stack {name} was installed from a release, in the bucket {bucket}. This moves it to "
        "the code of this checkout, and takes its parameters ReleaseBucket and ReleasePrefix away. "
        f"{PAGE} says how to change a parameter, or to upgrade, with the release"
    )
    if not sys.stdin.isatty():
        raise ArgumentError(f"{said}. To move it, add --leave-release")
    sys.stdout.write(f"{said}.\nMove it? [y/N] ")
    sys.stdout.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise OperateError("nothing was changed")


def _release_bucket(given: Namespace, config: Any) -> tuple[str, str] | None:
    """Return the stack and the bucket of its release. None if AWS shows none: SAM says the rest."""
    options = options_of(config, given.environment)
    name = given.stack or options.get("stack_name", DEFAULT_NAME)
    line = ArgumentParser(add_help=False, allow_abbrev=False)
    for option in ("region", "profile"):
        line.add_argument(f"--{option}", nargs="?", default=options.get(option))
    stated, _ = line.parse_known_args(given.sam)
    try:
        with Aws(PAGE, region_name=stated.region, profile_name=stated.profile) as aws:
            bucket = read_stack(aws, name).parameters.get("ReleaseBucket")
    except OperateError:
        return None
    return (name, bucket) if bucket else None


def _run(words: Sequence[str]) -> tuple[int, bytes]:
    """Run SAM and show its output at once. Return its exit status and its error output."""
    said = b""
    with subprocess.Popen(  # noqa: S603 - our own program, and each argument is one word of it
        [sys.executable, "-m", "samcli", *words],
        env=os.environ | {"SAM_CLI_TELEMETRY": "0"},
        stderr=subprocess.PIPE,
        bufsize=0,
    ) as sam:
        # SAM gets Ctrl-C too, and ends by itself.
        while sam.stderr and (some := os.read(sam.stderr.fileno(), 65536)):
            sys.stderr.buffer.write(some)
            sys.stderr.buffer.flush()
            said += some
    return sam.returncode, said


def run(given: Namespace) -> int:
    """Run the command and return its exit status. Raises OperateError."""
    if not BUILT.exists():
        raise ArgumentError(f"there is no {BUILT} in this folder: run make build in the checkout")
    question = ["make", "--question", "build"]  # the checkout's own Makefile knows
    if subprocess.run(question, capture_output=True, check=False).returncode == 1:  # noqa: S603 - our own command
        raise ArgumentError("what was built is not this checkout: run make build, or make deploy")
    try:
        config = tomllib.loads(FILE.read_text())
    except (OSError, ValueError) as error:
        raise ArgumentError(f"{FILE} cannot be read: {error}") from error
    words = command(given, config)
    _ask_before_a_release_is_left(given, config)
    status, said = _run(words)
    # SAM names the parameter if a new stack has no value for it.
    if status and not given.secret_arn and b"AtlasSecretArn" in said:
        sys.stderr.write(
            "The first deployment of a stack needs --secret-arn <ARN of the secret with the Atlas "
            "credentials>.\n"
        )
    return status
