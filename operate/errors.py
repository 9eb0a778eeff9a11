"""
The errors that end a command, split by the exit status. Each text is one line with advice.

OperateError                        1: the operator sees to what the text names, and tries again
 +- ArgumentError                   2: the operator changes an argument; nothing was called

argparse reports by itself, with 2, what it can see in a single argument.
"""


def plain(text: str) -> str:
    """Return text in one line without control characters, which could change a terminal."""
    return "".join(map(_shown, text))


def _shown(sign: str) -> str:
    if sign.isprintable():
        return sign
    return " " if sign.isspace() else "?"


class OperateError(Exception):
    """`code`: AWS's or botocore's. The text never holds a credential, or text of AWS."""

    exit_status = 1

    def __init__(self, text: str, code: str | None = None) -> None:
        super().__init__(plain(text))
        self.code = code


class ArgumentError(OperateError):
    """An argument contradicts another or samconfig.toml, or cannot be passed on to SAM."""

    exit_status = 2
