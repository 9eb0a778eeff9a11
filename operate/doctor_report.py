"""The lines of a diagnosis, as a terminal shows them."""

import textwrap
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from operate.plain_text import plain
from restore_watch.diagnosis.line import Line

_MARKS = {True: ("ok", ""), False: ("wrong", "bold red"), None: ("?", "")}

_INDENT = " " * 7

WIDEST = 120


def show(lines: Sequence[Line], console: Console) -> None:
    """
    Show each line, and what to do about it.

    Texts are wrapped between words. An id or a command stays whole, so that it can be copied.
    """
    width = max(40, min(console.width, WIDEST))
    for line in lines:
        mark, style = _MARKS[line.ok]
        first, *others = _wrapped(f"{plain(line.check)}  {plain(line.found)}", width)
        _print(console, Text.assemble((f"{mark:<7}", style), first))
        for text in (*others, *_of_fix(line.fix or "", width)):
            _print(console, Text(f"{_INDENT}{text}"))


def _of_fix(fix: str, width: int) -> Iterator[str]:
    for text in map(plain, fix.splitlines()):
        yield from [text] if text.startswith("aws ") else _wrapped(f"-> {text}", width)


def _wrapped(text: str, width: int) -> list[str]:
    width -= len(_INDENT)
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _print(console: Console, text: Text) -> None:
    console.print(text, soft_wrap=True)
