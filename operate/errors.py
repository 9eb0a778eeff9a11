"""
The errors that end a command, split by the exit status. Each text is one line with advice.

OperateError                        1: the operator sees to what the text names, and tries again
 +- ArgumentError                   2: the operator changes an argument; nothing was called
"""


def plain(text: str) -> str:
    """Return text in one line without control characters, which could change a terminal."""
    return "".join(sign if sign.isprintable() else " " if sign.isspace() else "?" for sign in text)


class OperateError(Exception):
    """
    The command cannot do its work. The text never holds a credential, or text of AWS.

    `code` is AWS's error code, or botocore's name for a call without an answer.
    """

    exit_status = 1

    def __init__(self, text: str, code: str | None = None) -> None:
        super().__init__(plain(text))
        self.code = code


class ArgumentError(OperateError):
    """
    An argument of the command is missing or wrong. Raised before any call.

    `option` is the argument without `--`: `from` is `FROM` for `make`. It is None if the command
    has no such argument.
    """

    exit_status = 2

    def __init__(self, option: str | None, problem: str) -> None:
        name = option and option.upper().replace("-", "_")
        super().__init__(f"{name} (--{option}): {problem}" if option else problem)
