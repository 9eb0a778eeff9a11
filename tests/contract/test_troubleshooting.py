"""
docs/troubleshooting.md has every text that the functions raise or log, in the very words.

Two ways, because each finds what the other does not. The real code is made to fail in every way
that the page names, so its wording is right with all that is composed around it. And each sentence
in the source is on the page, also one that nobody thought of. Beside them, `test_canaries.py` looks
up every text that the other tests met. What Lambda itself says is AWS's: its words are those of
AWS's own programs.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import samcli  # type: ignore[import-untyped]
from awslambdaric import bootstrap  # type: ignore[import-untyped]
from awslambdaric.lambda_runtime_exception import FaultException  # type: ignore[import-untyped]
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from contract.documents import ROOT, page
from contract.error_texts import ANY, LOGGED, PEOPLE, WATCH, ErrorText, pattern, row_of
from contract.people_error_texts import people_error_texts
from contract.watch_error_texts import watch_error_texts
from restore_watch.model.fixes import fix_named
from troubleshooting import page as generator
from troubleshooting.page import Chapter, Row, classes, of_lambda

TEXTS = {WATCH.title: watch_error_texts, PEOPLE.title: people_error_texts}


@cache
def texts(title: str) -> list[ErrorText]:
    return sorted(set(TEXTS[title]()))


def placed(chapter: Chapter) -> dict[ErrorText, Row | None]:
    """Every text of the function, each with the row where a reader finds it."""
    return {one: row_of(chapter, one) for one in texts(chapter.title)}


every_chapter = pytest.mark.parametrize("chapter", [WATCH, PEOPLE], ids=lambda one: one.title)


@every_chapter
def test_the_code_makes_every_text_of_the_page(chapter: Chapter) -> None:
    found = {
        (one.title, text)
        for one, row in placed(chapter).items()
        for text in (row.texts if row else ())
        if pattern(text).fullmatch(one.text)
    }
    shown = {
        (part.title, text) for part in chapter.sections for row in part.rows for text in row.texts
    }

    assert sorted(shown - found) == []


@every_chapter
def test_every_text_that_the_code_makes_here_is_on_the_page(chapter: Chapter) -> None:
    assert [one for one, row in placed(chapter).items() if row is None] == []


def test_the_page_is_generated() -> None:
    assert page("troubleshooting") == generator.page(), "out of date; `make docs` writes it"


@every_chapter
def test_every_error_class_has_its_section_with_rows(chapter: Chapter) -> None:
    raised = {
        name
        for name, one in inspect.getmembers(chapter.errors, inspect.isclass)
        if issubclass(one, Exception) and not one.__subclasses__()
    }
    empty = [part.title for part in chapter.sections if not part.rows]

    assert set(classes(chapter.errors)) == raised
    assert {part.title for part in chapter.sections} - {ANY, LOGGED} == raised
    assert empty == []


def test_every_name_that_varies_is_explained_and_no_other() -> None:
    explained = {name for one in (WATCH, PEOPLE, LAMBDA) for name in one.varies}
    used = {
        name
        for part in (*WATCH.sections, *PEOPLE.sections, LAMBDA.section)
        for row in part.rows
        for text in row.texts
        for name in re.findall(r"<(\w+)>", text)
    }

    assert explained == used


# Texts of AWS, which our code cannot be made to say

LAMBDA = of_lambda()

EMULATOR = Path(samcli.__file__).parent / "local" / "rapid" / "aws-lambda-rie-x86_64"
"""What Lambda runs a function with, as AWS gives it away. No test waits a minute for its words."""

OF_THE_EMULATOR = {
    "Task timed out after <n> seconds": ("Task timed out after %.2f seconds",),
    "Runtime exited with error: signal: killed": (
        "Runtime exited with error: %s",
        "signal: killed",
    ),
}
OF_THE_RUNTIME = {
    "Unable to import module '<module>': <missing>": "nothing_has.this_name",
    "Handler 'lambda_handler' missing on module '<module>'": "troubleshooting.page.lambda_handler",
}
"""Texts of the process that runs Python in Lambda, and a handler of which it says them."""


def test_every_text_of_lambda_is_proven_here() -> None:
    texts = [text for row in LAMBDA.section.rows for text in row.texts]

    assert sorted(texts) == sorted([*OF_THE_EMULATOR, *OF_THE_RUNTIME])


@pytest.mark.parametrize("words", OF_THE_EMULATOR.values(), ids=OF_THE_EMULATOR)
def test_lambda_has_the_words(words: tuple[str, ...]) -> None:
    program = EMULATOR.read_bytes()

    assert [one for one in words if one.encode() not in program] == []


@pytest.mark.parametrize(("text", "handler"), OF_THE_RUNTIME.items())
def test_the_runtime_of_python_says_it(text: str, handler: str) -> None:
    with pytest.raises(FaultException) as raised:
        bootstrap._get_handler(handler)  # noqa: SLF001 - what it calls first of all

    assert pattern(text).fullmatch(raised.value.msg)


# The source

_SENTENCE = re.compile(r"[A-Za-z]{2,} [a-z]")

FOR_READERS = (
    *("restore_notice", "restore_steps", "watch_notice", "notices", "selection"),
    *("notice", "validation_notice", "mail", "pager", "slack", "teams", "chat"),
)
"""Modules of `notify_people` whose sentences are those of the notices."""

NO_TEXTS = {
    "Atlas restore {}: {}": "a subject",
    "Atlas restore watch {}: {}": "a subject",
    "Atlas restore watch test: {}": "a subject",
    "an item holds at least one change": "caught where it is raised",
    "sent already": "nothing failed",
    "older than what was sent": "nothing failed",
    "not wanted": "nothing failed",
    "all projects": "the name of a trouble in the table",
    " jobs of a cluster": "the end of such a name",
    "not a date": "a value beside a text",
    "the status of the API": "the name of what a diagnosis reads",
    "any role": "the role for what a diagnosis reads",
}
"""Other sentences that are no text for an operator, and why."""


@cache
def sentences() -> list[tuple[str, str]]:
    """Every literal of several words, with {} for what varies, and its module. No docstring."""
    return list(_sentences())


def _sentences() -> Iterator[tuple[str, str]]:
    folders = (
        ROOT / "functions" / name for name in ("foundation", "restore_watch", "notify_people")
    )
    for path in (one for folder in folders for one in sorted(folder.rglob("*.py"))):
        if "notify_people" in path.parts and path.stem in FOR_READERS:
            continue
        # These say what to do: a diagnosis, and a message about the watch.
        if path.parent.name == "diagnosis" or path.stem == "fixes":
            continue
        tree = ast.parse(path.read_text())
        nodes = list(ast.walk(tree))
        docstrings = {node.value for node in nodes if isinstance(node, ast.Expr)}
        composed = [node for node in nodes if isinstance(node, ast.JoinedStr)]
        parts = {part for node in composed for part in ast.walk(node)}.difference(composed)
        passed = docstrings | parts
        for node in nodes:
            text = _literal(node) if node not in passed else ""
            if _SENTENCE.search(text) and "attribute_" not in text:
                yield path.stem, text


def _literal(node: ast.AST) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(
                str(one.value) if isinstance(one, ast.Constant) else "{}" for one in parts
            )
    return ""


def test_every_sentence_of_the_code_is_on_the_page_or_no_text_for_an_operator() -> None:
    lines = page("troubleshooting").splitlines()

    def is_there(text: str) -> bool:
        parts = re.split(r"\{\w*\}", text.strip())
        return any(map(re.compile(".*".join(map(re.escape, parts))).search, lines))

    assert [one for one in sentences() if one[1] not in NO_TEXTS and not is_there(one[1])] == []


def test_every_exception_is_a_sentence_of_the_code() -> None:
    assert NO_TEXTS.keys() <= {text for _, text in sentences()}


# What people are told

NAMES = {
    *yaml_parse((ROOT / "template.yaml").read_text())["Parameters"],
    *("Project Read Only", "Project Backup Manager", "API access list", "NAT gateway"),
}


@pytest.mark.parametrize("name", classes(WATCH.errors))
def test_the_page_names_what_people_are_told(name: str) -> None:
    """What to set, to give or to repair, for each error."""
    (part,) = (one for one in WATCH.sections if one.title == name)
    page_says = " ".join(row.do for row in part.rows)
    told = fix_named(name) + fix_named(name, of_stack=True)

    assert {name for name in NAMES if name in told} <= {name for name in NAMES if name in page_says}
