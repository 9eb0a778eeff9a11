"""What the whole test run produced, kept as text, so that one test can search all of it."""

import json
import os
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import pytest

from local_stack.canaries import CANARIES, SECRET_MASK

SOURCES = ("logs", "results", "errors", "messages", "items", "requests", "files", "reports")
"""
From the function: its log lines, the results and errors of its invocations, what a subscriber
received, what the table held, what was sent to AWS, and the files of a report. From pytest: what a
test printed, logged or failed with.
"""

FORBIDDEN = (
    *CANARIES,
    # These words come before any token and any digest response.
    "Bearer ",
    'Digest username="',
    SECRET_MASK,
    # The hosts of download URLs: the emulator's, and those in recordings of the real Atlas.
    ".downloads.example.net",
    ".mongodb-dev.net",
)
"""The forbidden words. Every token of the emulator begins with one of the canaries."""


@dataclass(frozen=True)
class Piece:
    """One text, and the test from which it comes."""

    source: str
    text: str
    test: str


class Produced:
    """Keeps each text once for each test."""

    def __init__(self) -> None:
        self._tests: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)

    def add(self, source: str, value: Any) -> None:
        """Keep a text, or any other value as JSON, for the test that is running."""
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        self._add(source, text, os.environ.get("PYTEST_CURRENT_TEST", "between tests"))

    def add_report(self, report: pytest.TestReport) -> None:
        """Keep what a test printed, logged and failed with."""
        for title, text in report.sections:
            self._add("reports", f"{title}\n{text}", report.nodeid)
        self._add("reports", report.longreprtext, report.nodeid)

    def pieces(self, source: str | None = None) -> list[Piece]:
        return [
            Piece(kind, text, test)
            for (kind, text), tests in self._tests.items()
            for test in tests
            if source in {None, kind}
        ]

    def found(self) -> list[tuple[str, str, str]]:
        """Return the forbidden words with their source and test, but never the text itself."""
        return [
            (word, piece.source, piece.test)
            for piece in self.pieces()
            for word in FORBIDDEN
            if word in piece.text
        ]

    def _add(self, source: str, text: str, test: str) -> None:
        assert source in SOURCES, source
        if text:
            self._tests[source, text][test] = None
