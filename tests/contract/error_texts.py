"""Error texts in a log and in a failed invocation, and where docs/troubleshooting.md has them."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

import notify_people.errors
import restore_watch.errors
from troubleshooting.page import ANY, Chapter, Row, chapters

WATCH, PEOPLE = chapters()

LOGGED = "Warnings in the log"


class ErrorText(NamedTuple):
    """The title of a section of the page, and a text that belongs there."""

    title: str
    text: str


@cache
def pattern(text: str) -> re.Pattern[str]:
    """Fits a text of the page. Atlas may leave out the details of a refusal."""
    parts = re.split(r"(: <detail>|…|<\w+>)", text)
    varying = {": <detail>": "(?:: .+)?", "…": ".*"}
    return re.compile(
        "".join(
            varying.get(part, ".+") if number % 2 else re.escape(part)
            for number, part in enumerate(parts)
        )
    )


def row_of(chapter: Chapter, one: ErrorText) -> Row | None:
    """The first row that fits."""
    titles = (one.title, ANY)
    rows = (row for part in chapter.sections if part.title in titles for row in part.rows)
    return next(
        (row for row in rows if any(pattern(text).fullmatch(one.text) for text in row.texts)), None
    )


def logged(output: str) -> Iterator[ErrorText]:
    """The warnings and errors in what a function has written."""
    for line in output.splitlines():
        is_print = line.startswith("telemetry failed")
        entry = {"message": line} if is_print else _object(line)
        # Metrics have no message. With a `reason`, the message is not the text of the error.
        if "message" in entry and entry.get("level", "WARNING") in {"WARNING", "ERROR"}:
            name = entry.get("error", "") if "reason" not in entry else ""
            yield ErrorText(name if _is_ours(name) else LOGGED, entry["message"])


def raised(payload: str) -> Iterator[ErrorText]:
    """The error of a function in what Lambda says of an invocation that failed."""
    failed = _object(payload)
    if _is_ours(failed.get("errorType", "")):
        yield ErrorText(failed["errorType"], failed["errorMessage"])


def is_on_the_page(one: ErrorText) -> bool:
    """Whether a reader finds the text under either function."""
    return any(row_of(chapter, one) for chapter in (WATCH, PEOPLE))


def _object(text: str) -> dict[str, Any]:
    with suppress(ValueError):
        found = json.loads(text)
        return found if isinstance(found, dict) else {}
    return {}


def _is_ours(name: str) -> bool:
    return any(hasattr(one, name) for one in (restore_watch.errors, notify_people.errors))
