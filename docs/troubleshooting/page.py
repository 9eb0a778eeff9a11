"""
`PYTHONPATH=docs:functions python -m troubleshooting.page` writes docs/troubleshooting.md.

What happened and who can do something about it come from the error classes and the trees in their
modules. What to do about each text comes from watch.toml and people.toml, beside this file: it has
links and commands, and a function that runs needs none of that. What takes several steps is in
repairs.md. The contract tests find every text of the code that has no row, and every row whose text
the code does not have. lambda.toml has texts of AWS.
"""

import inspect
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import notify_people.errors
import restore_watch.errors

FOLDER = Path(__file__).parent
PAGE = FOLDER.with_suffix(".md")

_HEAD = """\
# Troubleshooting

What does this error mean, and what do I do?

<!-- `make docs` writes this page from the error classes and docs/troubleshooting/*.toml -->

An error text is the `message` of a log line, the `errorMessage` of an invocation, the `message` in
the `failures` of a [sweep](events.md#a-sweep) or in the message of a
[degraded watch](messages.md#when-the-watch-cannot-see). Search this page for some words of it that
are not names or numbers. If several rows fit, the first one counts. The doctor, which the event
`{"action": "diagnose"}` asks for, finds most of these by itself.

[Errors](errors.md) has the classes: which of them to retry, and what AWS repeats. The latest texts:

```sh
aws logs tail <LogGroupName> --since 1h --follow
```
"""


@dataclass(frozen=True)
class Row:
    """One or more texts, and what to do about them. `<names>` in a text vary."""

    texts: tuple[str, ...]
    do: str


@dataclass(frozen=True)
class Section:
    """The rows of an error class, or of log lines. `lead` says what happened and who can help."""

    title: str
    lead: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Chapter:
    """What one function says. `varies` has what the names in angle brackets stand for."""

    title: str
    errors: ModuleType
    sections: tuple[Section, ...]
    varies: Mapping[str, str]


@dataclass(frozen=True)
class OfLambda:
    """What Lambda itself says of both functions."""

    section: Section
    varies: Mapping[str, str]


def of_lambda() -> OfLambda:
    """The texts of AWS, as the page has them."""
    said = tomllib.loads((FOLDER / "lambda.toml").read_text())
    rows = tuple(Row(tuple(row["texts"]), _line(row["do"])) for row in said["rows"])
    return OfLambda(Section("Lambda itself", _line(said["lead"]), rows), said["varies"])


def chapters() -> tuple[Chapter, Chapter]:
    """Both functions, as the page has them."""
    return (
        _chapter("The function that watches", restore_watch.errors, "watch.toml"),
        _chapter("The function that notifies people", notify_people.errors, "people.toml"),
    )


def page() -> str:
    """The whole page."""
    both, others = chapters(), of_lambda()
    tables = (part for chapter in both for part in _of_chapter(chapter))
    of_aws = _of_section(others.section, "##")
    repairs = (FOLDER / "repairs.md").read_text()
    return "\n".join((_HEAD, *tables, *of_aws, repairs, *_varying((*both, others))))


def classes(errors: ModuleType) -> Sequence[str]:
    """The names of the error classes that are raised, in the order of the tree."""
    return tuple(_remedies(errors))


def _chapter(title: str, errors: ModuleType, file: str) -> Chapter:
    said = tomllib.loads((FOLDER / file).read_text())
    varies = {name: _line(meaning) for name, meaning in said.pop("varies").items()}
    remedies = _remedies(errors)
    # Classes in the order of their tree, and log lines after them.
    order = [*remedies, *(name for name in said if name not in remedies)]
    return Chapter(
        title,
        errors,
        tuple(
            Section(
                name,
                _lead(errors, name, remedies),
                tuple(Row(tuple(row["texts"]), _line(row["do"])) for row in said.get(name, ())),
            )
            for name in order
        ),
        varies,
    )


def _remedies(errors: ModuleType) -> dict[str, str]:
    """Who does what about each class that is raised: the right side of the tree of the module."""
    tree = re.findall(r"^[ |]*\+- (\w+)(?: +(.+))?$", inspect.getdoc(errors) or "", re.MULTILINE)
    return {name: remedy for name, remedy in tree if remedy}


def _lead(errors: ModuleType, name: str, remedies: Mapping[str, str]) -> str:
    if name not in remedies:
        return ""
    what = inspect.getdoc(getattr(errors, name)) or ""
    who = remedies[name].partition(";")[0]
    return f"{_line(what.partition('\n\n')[0])} **{who[0].upper()}{who[1:]}.**"


def _of_chapter(chapter: Chapter) -> Iterator[str]:
    yield f"## {chapter.title}\n"
    for section in chapter.sections:
        yield from _of_section(section, "###")


def _of_section(section: Section, level: str) -> Iterator[str]:
    yield f"{level} {section.title}\n"
    if section.lead:
        yield f"{section.lead}\n"
    yield "| text | what to do |\n| --- | --- |"
    yield from (f"| {'<br>'.join(map(_as_code, row.texts))} | {row.do} |" for row in section.rows)
    yield ""


def _as_code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _varying(all_of_them: Sequence[Chapter | OfLambda]) -> Iterator[str]:
    meanings = {name: meaning for one in all_of_them for name, meaning in one.varies.items()}
    yield "## What varies\n"
    yield "| in the texts | stands for |\n| --- | --- |"
    yield from (f"| `<{name}>` | {meanings[name]} |" for name in sorted(meanings))
    yield ""


def _line(text: str) -> str:
    return " ".join(text.split())


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
