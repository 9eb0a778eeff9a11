"""
The error that ends a command with 1. Its text is one line with advice.

argparse reports by itself, with 2, what it can see in an argument.
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

    def __init__(self, text: str, code: str | None = None) -> None:
        super().__init__(plain(text))
        self.code = code
