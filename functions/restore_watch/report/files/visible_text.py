"""Text from outside, without the characters that nobody can see. Pure."""

import re

# Control characters, and those that turn the direction of what follows: Unicode, UAX #9.
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    r"\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
_LINE_BREAKS = re.compile(r"[\t\n\r\x0b\x0c\x85\u2028\u2029]")


def visible(text: str) -> str:
    """Return the text in one line, with a replacement character for each that has no shape."""
    return _UNSEEN.sub("\ufffd", _LINE_BREAKS.sub(" ", text))
