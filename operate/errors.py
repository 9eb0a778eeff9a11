"""
The errors that end a command, split by the exit status. Each text is one line with advice.

OperateError                        1: the operator sees to what the text names, and tries again
 +- RefusedError                    1: the same; AWS answered with an error code
 +- ArgumentError                   2: the operator changes an argument; nothing was called
"""

INTERRUPTED = 130
"""The exit status of a command that Ctrl-C has stopped: 128 and the number of SIGINT."""


def plain(text: str) -> str:
    """Return text in one line without control characters, which could change a terminal."""
    return "".join(sign if sign.isprintable() else " " if sign.isspace() else "?" for sign in text)


class OperateError(Exception):
    """The command cannot do its work. The text never holds a credential, or text of AWS."""

    exit_status = 1

    def __init__(self, text: str) -> None:
        super().__init__(plain(text))


class RefusedError(OperateError):
    """AWS has answered with the error code `code`."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


class ArgumentError(OperateError):
    """
    An argument of the command is missing or wrong. Raised before any call.

    `name` is the argument as `make` knows it, such as `FROM`, which is `--from` without `make`. It
    is None if the command has no such argument.
    """

    exit_status = 2

    def __init__(self, name: str | None, problem: str) -> None:
        super().__init__(
            f"{name} (--{name.lower().replace('_', '-')}): {problem}" if name else problem
        )
