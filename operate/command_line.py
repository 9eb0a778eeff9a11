"""Reads the words of a command line."""

from argparse import ArgumentParser
from typing import NoReturn, override

from operate.errors import ArgumentError


class OneLineParser(ArgumentParser):
    """Says what is wrong in one line, without the usage. Raises ArgumentError."""

    @override
    def error(self, message: str) -> NoReturn:
        raise ArgumentError(None, message)
