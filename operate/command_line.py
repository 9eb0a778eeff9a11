"""The parts that commands share: the words of the command line, and the exit status."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from typing import NoReturn, override

from operate.errors import INTERRUPTED, ArgumentError, OperateError


class _OneLineParser(ArgumentParser):
    @override
    def error(self, message: str) -> NoReturn:
        raise ArgumentError(None, message)


def read_words(
    program: str, description: str | None, words: Sequence[str] | None, names: Sequence[str]
) -> dict[str, str | None]:
    """
    Return the value given for each name, None without a value.

    `words`: None for the words of the command line. Raises ArgumentError.
    """
    parser = _OneLineParser(
        prog=f"python -m operate.{program}",
        allow_abbrev=False,
        description=description,
        formatter_class=RawDescriptionHelpFormatter,
    )
    for name in names:
        parser.add_argument(f"--{name}")
    return vars(parser.parse_args(words))


def run(program: str, command: Callable[[], int], stopped: str = "") -> int:
    """
    Run a command and return its exit status. An OperateError is one line.

    `stopped` is the text to show after Ctrl-C has stopped it.
    """
    try:
        return command()
    except OperateError as error:
        status, said = error.exit_status, str(error)
    except KeyboardInterrupt:
        # A half-read answer complains when it is dropped.
        sys.unraisablehook = lambda _: None
        status, said = INTERRUPTED, stopped
    if said:
        sys.stderr.write(f"{program}: {said}\n")
    return status
