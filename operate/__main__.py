"""
The operator's commands, with your own AWS credentials and region.

    .venv/bin/python -m operate doctor --stack NAME

`make build` makes .venv.
"""

import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from typing import Any

try:
    from operate import doctor
    from operate.errors import OperateError
except (ModuleNotFoundError, SyntaxError) as error:
    sys.exit(f"Use .venv/bin/python, which `make build` makes: {error}")

COMMANDS = {"doctor": doctor}
"""Each has STOPPED too, what to say after Ctrl-C, and `wrong_argument`."""


def command_line() -> ArgumentParser:
    """Return the parser of every command."""
    style: Any = {"allow_abbrev": False, "formatter_class": RawDescriptionHelpFormatter}
    line = ArgumentParser(prog="python -m operate", description=__doc__, **style)
    commands = line.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        about = str(module.__doc__).strip()
        summary = about.partition("\n")[0]
        module.add_arguments(commands.add_parser(name, help=summary, description=about, **style))
    return line


def main(words: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status. A wrong argument is argparse's own exit, with 2."""
    line = command_line()
    given = line.parse_args(words)
    command = COMMANDS[given.command]
    if problem := command.wrong_argument(given):
        line.error(problem)
    # The AWS CLI reads AWS_REGION first. boto3 reads the other variable alone.
    if region := os.environ.get("AWS_REGION"):
        os.environ["AWS_DEFAULT_REGION"] = region
    try:
        return int(command.run(given))
    except OperateError as error:
        status, said = 1, str(error)
    except KeyboardInterrupt:
        # A half-read answer complains when it is dropped.
        sys.unraisablehook = lambda _: None
        status, said = 130, command.STOPPED  # 128 and the number of SIGINT
    sys.stderr.write(f"{given.command}: {said}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
