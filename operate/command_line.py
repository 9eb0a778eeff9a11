"""The parts that commands share: the arguments, and the exit status."""

import argparse
import re
import sys
from collections.abc import Callable, Sequence

from operate.errors import ArgumentError, OperateError


class CommandLine(argparse.ArgumentParser):
    """The arguments of a command. Each has a name that `make` knows, in small letters."""

    def __init__(self, program: str, description: str | None) -> None:
        super().__init__(
            prog=f"python -m operate.{program}",
            allow_abbrev=False,
            description=description,
            exit_on_error=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    def read[N: argparse.Namespace](self, words: Sequence[str] | None, given: N) -> N:
        """Read the words into `given`, None for those of the process. Raises ArgumentError."""
        try:
            return self.parse_args(words, given)
        except argparse.ArgumentError as error:
            option = error.argument_name
            raise ArgumentError(option and option.removeprefix("--"), error.message) from None


def text_of_form(form: str, expected: str) -> Callable[[str], str]:
    """Return the type of an argument that is a text of this form."""

    def read(text: str) -> str:
        if not re.fullmatch(form, text):
            raise argparse.ArgumentTypeError(f"{text[:60]!a} is not {expected}")
        return text

    return read


def run(program: str, command: Callable[[], int], stopped: str = "") -> int:
    """Run a command and return its exit status. `stopped` is the text to show after Ctrl-C."""
    try:
        return command()
    except OperateError as error:
        status, said = error.exit_status, str(error)
    except KeyboardInterrupt:
        # A half-read answer complains when it is dropped.
        sys.unraisablehook = lambda _: None
        status, said = 130, stopped  # 128 and the number of SIGINT
    if said:
        sys.stderr.write(f"{program}: {said}\n")
    return status
