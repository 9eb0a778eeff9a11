"""
docs/troubleshooting.md has a row for every text that the functions raise or log, and no other.

The source is read, not run: each of its sentences is on the page, under the error class that it is
given to, and each row consists of what stands in the source. `test_canaries.py` looks up every text
that the other tests met, as a whole. What Lambda itself says has the words of AWS's own programs.
"""

import ast
import inspect
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import botocore.exceptions
import httpx
import pytest
import samcli  # type: ignore[import-untyped]
from awslambdaric import bootstrap  # type: ignore[import-untyped]
from botocore.session import get_session

from contract.documents import ROOT, page
from contract.error_texts import LOGGED, PEOPLE, WATCH, ErrorText, row_of
from restore_watch.atlas.roles import RECOVERY_OPERATOR_FIRST
from restore_watch.report.files.months_and_weeks import Sign
from restore_watch.report.restores.what_a_restore_proves import Destination
from troubleshooting import page as generator
from troubleshooting.page import ANY, Chapter, classes, of_lambda

LAMBDA = of_lambda()
SHOWN = [
    (part.title, text)
    for part in (*WATCH.sections, *PEOPLE.sections)
    for row in part.rows
    for text in row.texts
]

FOR_READERS = {
    *(
        "restore_notice",
        "what_to_do_next",
        "watch_notice",
        "notices",
        "notice",
        "severity_and_paging",
    ),
    *(
        "validation_notice",
        "credentials_notice",
        "missing_subscription_notice",
        "notification_test_notice",
        "mail",
        "pagerduty",
        "slack",
        "teams",
        "chat",
        "fixes_of_errors",
        "diagnosis",
    ),
    *("html_page", "words", "report_message", "cluster_state", "restore_evidence", "fleet"),
    *("cluster_remarks", "needs_look", "not_restorable", "wording", "judge_fleet", "reporter"),
    *("cluster_tags", "measurement"),
}
"""Modules and folders whose sentences are those of notices, of diagnoses and of reports."""

NO_TEXTS = {
    "Atlas restore {}: {}": "a subject",
    "Atlas restore watch {}: {}": "a subject",
    "Atlas restore watch test: {}": "a subject",
    "Atlas credentials renewed: {}": "a subject",
    "Atlas credentials expire within {} day{}: {}": "a subject",
    "Atlas credentials have expired: {}": "a subject",
    "start a sweep": "a step that fails with an error of AWS",
    "its link has expired": "a reason beside a text",
    "Atlas does not know it": "a reason beside a text",
    "Atlas refuses it, and its project is no longer watched": "a reason beside a text",
    "an item holds at least one change": "caught where it is raised",
    "expected a date to which the retention can be added": "caught where it is raised",
    "expected a whole number": "caught where it is raised",
    **dict.fromkeys(
        (
            *("expected the name of a host", "expected a host with its port", "expected a port"),
            *("expected a connection string that names hosts", "expected the name of a database"),
            *("expected a number of things", "expected a number of documents"),
            *("expected a namespace", "expected a list"),
        ),
        "counts as not said, or is caught where it is raised",
    ),
    "expected a duration in ISO 8601, of days or less": "a text and its detail",
    "nothing to measure": "nothing failed",
    "not measured yet": "nothing failed",
    "sent already": "nothing failed",
    "e-mail subscriptions": "nothing failed",
    "not wanted": "nothing failed",
    "all projects": "the name of a trouble in the table",
    **{
        f"{kind} jobs of a cluster": "the name of a trouble in the table"
        for kind in ("flex", "dedicated", "collection")
    },
    **dict.fromkeys(map(str, Sign), "a month of a cluster in a report"),
    **dict.fromkeys(map(str, Destination), "where a restore wrote, in a report"),
    "not a date": "a value beside a text",
    "the value is not as expected: expected an object": "a text and its detail",
    "expected a date in ISO 8601, within the years 1 to 9999 in UTC too": "a detail of a text",
    "the status of the API": "the name of what a diagnosis reads",
    "any role": "the role for what a diagnosis reads",
    "the service account": "the name of what is asked once a day",
    "The credentials were renewed": "nothing is wrong",
    **dict.fromkeys(
        (
            *(
                "read the table",
                "write to the table",
                "store the report",
                "read the report",
                "answer a workflow",
            ),
            *("post to {}", "publish to {}", "send an e-mail", "write what was sent"),
            "look at the topic of {}",
            "wait for the sweep that has the lease",
            "wait for the check that publishes this change",
            *("an object", "an empty list", "something else"),
            *("Flex snapshots", "dedicated snapshots", "sharded snapshots"),
            *("a role in the organization", RECOVERY_OPERATOR_FIRST),
            "a URL must be text",
            "a date must be text in ISO 8601",
            "a date must lie within the years 1 to 9999, in UTC too",
        ),
        "a name in angle brackets, of which the page has another example",
    ),
}
"""Other sentences that are no text for an operator, and why."""

_SENTENCE = re.compile(r"[A-Za-z]{2,} [a-z]")


@cache
def modules() -> dict[Path, ast.Module]:
    """What stands in the source of the functions, without docstrings."""
    paths = sorted((ROOT / "functions").rglob("*.py"))
    found = {path: ast.parse(path.read_text()) for path in paths}
    for node in (node for tree in found.values() for node in ast.walk(tree)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = ""
    return found


def literals(node: ast.AST) -> Iterator[str]:
    """Every literal, with {} for what varies."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            said = [one.value if isinstance(one, ast.Constant) else "{}" for one in parts]
            yield "".join(map(str, said))
        case _:
            for child in ast.iter_child_nodes(node):
                yield from literals(child)


def sentences() -> set[str]:
    return {
        text
        for path, tree in modules().items()
        if FOR_READERS.isdisjoint({path.stem, path.parent.name})
        for text in literals(tree)
        if _SENTENCE.search(text) and "attribute_" not in text
    }


def raised() -> Iterator[tuple[str, str]]:
    """Each sentence with the error class that it is given to, at once or as a variable above."""
    errors = {*classes(WATCH.errors), *classes(PEOPLE.errors)}
    for tree in modules().values():
        assigned = defaultdict[str, list[str]](list)
        for node in sorted(ast.walk(tree), key=lambda one: getattr(one, "lineno", 0)):
            match node:
                case ast.FunctionDef():
                    assigned.clear()
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value)
                    | ast.AugAssign(target=ast.Name(id=name), value=value)
                ):
                    assigned[name] += literals(value)
                case ast.Call(func=ast.Name(id=error), args=args) if error in errors:
                    for one in args:
                        given = (
                            assigned.pop(one.id, []) if isinstance(one, ast.Name) else literals(one)
                        )
                        yield from ((error, text) for text in given if _SENTENCE.search(text))


def is_among(text: str, lines: Iterable[str]) -> bool:
    parts = re.split(r"\{\w*\}", text.strip())
    return any(map(re.compile(".*".join(map(re.escape, parts))).search, lines))


def test_every_sentence_of_the_code_is_on_the_page_or_no_text_for_an_operator() -> None:
    lines = page("troubleshooting").splitlines()

    assert [one for one in sentences() - NO_TEXTS.keys() if not is_among(one, lines)] == []
    assert NO_TEXTS.keys() <= sentences()


def test_every_sentence_of_an_error_is_in_the_section_of_its_class() -> None:
    found = set(raised())

    assert len(found) > 50
    assert [
        (error, text)
        for error, text in found
        if not is_among(text, [shown for title, shown in SHOWN if title == error])
    ] == []


def names_of_libraries() -> set[str]:
    """Codes in AWS's models, and the errors of botocore and httpx, without `Error` at the end."""
    found = {"AccessDenied", "AccessDeniedException"}
    for service in ("dynamodb", "s3", "secretsmanager", "sns"):
        for shape in get_session().get_service_model(service).error_shapes:
            found |= {shape.name, shape.metadata.get("error", {}).get("code", shape.name)}
    return {one.removesuffix("Error") for one in (*found, *dir(botocore.exceptions), *dir(httpx))}


def test_every_row_consists_of_what_stands_in_the_source() -> None:
    said = {
        re.sub(r"^\W+|\W+$", "", part)
        for tree in modules().values()
        for text in literals(tree)
        for part in re.split(r"\{\w*\}", text)
    }
    words = sorted((one for one in said if re.search(r"[A-Za-z]", one)), key=len, reverse=True)
    known = re.compile(rf"\b({'|'.join(map(re.escape, words))})\b")
    dead = {
        (title, name.removesuffix("Error"), text)
        for title, text in SHOWN
        for name in re.findall(r"[A-Za-z]+", known.sub("|", re.sub(r"<\w+>", "|", text)))
    }

    assert [one for one in dead if one[1] not in names_of_libraries()] == []


def test_no_row_hides_another_one() -> None:
    """Of rows that fit a text, the first one counts."""
    assert [
        text
        for chapter in (WATCH, PEOPLE)
        for part in chapter.sections
        for row in part.rows
        for text in row.texts
        if row_of(chapter, ErrorText(part.title, text)) is not row
    ] == []


def test_the_page_is_generated() -> None:
    assert page("troubleshooting") == generator.page(), "out of date; `make docs` writes it"


@pytest.mark.parametrize("chapter", [WATCH, PEOPLE], ids=lambda one: one.title)
def test_every_error_class_has_its_section_with_rows(chapter: Chapter) -> None:
    defined = {
        name
        for name, one in inspect.getmembers(chapter.errors, inspect.isclass)
        if issubclass(one, Exception) and not one.__subclasses__()
    }

    assert set(classes(chapter.errors)) == defined
    assert {part.title for part in chapter.sections} - {ANY, LOGGED} == defined
    assert [part.title for part in chapter.sections if not part.rows] == []


def test_the_index_leads_to_every_section_and_each_of_its_words_to_one() -> None:
    found = {words: generator.places(words) for words in generator.index_words()}
    reached = {place.anchor for places in found.values() for place in places}

    assert [words for words, places in found.items() if not places] == []
    assert {place.anchor for place in generator.all_places()} - reached == set()


def test_every_name_that_varies_is_explained_and_no_other() -> None:
    texts = [text for _, text in SHOWN] + [text for row in LAMBDA.rows for text in row.texts]
    used = {name for text in texts for name in re.findall(r"<(\w+)>", text)}

    assert {*WATCH.varies, *PEOPLE.varies} == used


def test_what_lambda_says_has_the_words_of_its_own_programs() -> None:
    """No test waits a minute for them: the emulator is what Lambda runs a function with."""
    emulator = Path(samcli.__file__).parent / "local" / "rapid" / "aws-lambda-rie-x86_64"
    programs = (emulator.read_bytes(), inspect.getsource(bootstrap).encode())
    words = {
        part.strip().encode()
        for row in LAMBDA.rows
        for text in row.texts
        for part in re.split(r"<\w+>|: |'\w*'", text)
    }

    assert len(words) > 5
    assert [one for one in words if not any(one in program for program in programs)] == []
