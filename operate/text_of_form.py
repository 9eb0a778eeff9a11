"""Arguments that are a text of one form."""

import re
from argparse import ArgumentTypeError
from collections.abc import Callable


def text_of_form(form: str, expected: str) -> Callable[[str], str]:
    """Return the type of an argument that is a text of this form."""

    def read(text: str) -> str:
        if not re.fullmatch(form, text):
            raise ArgumentTypeError(f"{text[:60]!a} is not {expected}")
        return text

    return read
