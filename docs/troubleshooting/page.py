"""
`PYTHONPATH=docs:functions python -m troubleshooting.page` writes docs/troubleshooting.md.

The order of the classes comes from the trees in their modules. What to do about each text comes
from watch.toml and people.toml, beside this file: it has links and commands, and a function that
runs needs none of that. What takes several steps or helps with several texts is in repairs.md. The
contract tests find every text of the code that has no row, and every row whose text the code does
not have. lambda.toml has texts of AWS, index.toml the words of the index.
"""

import inspect
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import notify_people.errors
import restore_watch.errors

FOLDER = Path(__file__).parent
PAGE = FOLDER.with_suffix(".md")

_HEAD = """\
# Troubleshooting

What does this error mean, and what do I do?

<!-- `make docs` writes this page from the error classes and docs/troubleshooting/ -->

Ask [the doctor](operations.md#the-doctor) first. Otherwise look in [the index](#index), by what you
see or by words of the error text that are not names or numbers. The text is the `message` of a
log line, in the `failures` of a [sweep](events.md#a-sweep) or of a
[degraded watch](messages.md#when-the-watch-cannot-see), or the `errorMessage` of an invocation:

```sh
aws logs tail <LogGroupName> --since 1h --follow
```

The first row that fits counts. `…` stands for any words, `<names>` for [what varies](#what-varies).
*Set* means [change a parameter](deploying.md#change-a-parameter); *report* means
[upgrade](deploying.md#upgrade), and if that is no help,
[report](../CONTRIBUTING.md#report-a-bug) the log line. [Errors](errors.md) explains the classes.
"""

_INDEX_HEAD = """\
## Index

| you see | where to look |
| --- | --- |"""

_WORDS_HEAD = """
| the text has | where it is |
| --- | --- |"""

ANY = "Any error"
"""The title of the rows for the errors of all functions."""


class Place(NamedTuple):
    """A section as the index names it: the anchor of its heading, and its texts."""

    name: str
    anchor: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One or more texts, and what to do about them. `<names>` in a text vary, `…` is any text."""

    texts: tuple[str, ...]
    do: str


@dataclass(frozen=True)
class Section:
    """The rows of an error class, or of log lines."""

    title: str
    rows: tuple[Row, ...]
    lead: str = ""


@dataclass(frozen=True)
class Chapter:
    """What one package says. `varies` has what the names in angle brackets stand for."""

    title: str
    errors: ModuleType
    sections: tuple[Section, ...]
    varies: Mapping[str, str]


def of_lambda() -> Section:
    """The texts of AWS, as the page has them."""
    said = tomllib.loads((FOLDER / "lambda.toml").read_text())
    return Section("Lambda itself", _rows(said["rows"]), _line(said["lead"]))


def chapters() -> tuple[Chapter, Chapter]:
    """The packages of the functions, as the page has them."""
    return (
        _chapter("The function that watches", restore_watch.errors, "watch.toml"),
        _chapter("The function that notifies people", notify_people.errors, "people.toml"),
    )


def page() -> str:
    """The whole page."""
    both = chapters()
    of_any = next(part for chapter in both for part in chapter.sections if part.title == ANY)
    tables = (part for chapter in both for part in _of_chapter(chapter))
    of_aws = _of_section(of_lambda(), "##")
    # Without its first line, which says what the file is.
    _, _, repairs = (FOLDER / "repairs.md").read_text().partition("\n\n")
    return "\n".join(
        (
            *(_HEAD, _INDEX_HEAD, *_without_text(), _WORDS_HEAD, *_index(), ""),
            *(*_of_section(of_any, "##"), *tables, *of_aws, repairs, *_varying(both)),
        )
    )


def index_words() -> Sequence[str]:
    """The words of the index, in the order of the alphabet."""
    words: list[str] = tomllib.loads((FOLDER / "index.toml").read_text())["words"]
    return sorted(words, key=str.casefold)


def places(words: str) -> Sequence[Place]:
    """The sections with a text that has these words."""
    return [place for place in all_places() if any(words in text for text in place.texts)]


def all_places() -> Iterator[Place]:
    """Every section, in the order of the page, each with its anchor as GitHub makes it."""
    watch, people = chapters()
    of_any = [part for part in watch.sections if part.title == ANY]
    of_watch = [part for part in watch.sections if part.title != ANY]
    seen = Counter[str]()
    for part in (*of_any, *of_watch, *people.sections, of_lambda()):
        anchor = part.title.lower().replace(" ", "-")
        number = seen[anchor]
        seen[anchor] += 1
        name = f"{part.title}, of people's messages" if part in people.sections else part.title
        texts = tuple(text for row in part.rows for text in row.texts)
        yield Place(name, f"{anchor}-{number}" if number else anchor, texts)


def _without_text() -> Iterator[str]:
    for seen, place in tomllib.loads((FOLDER / "index.toml").read_text())["without_text"]:
        yield f"| {seen} | {place} |"


def _index() -> Iterator[str]:
    for words in index_words():
        found = (f"[{place.name}](#{place.anchor})" for place in places(words))
        yield f"| `{words}` | {' · '.join(found)} |"


def classes(errors: ModuleType) -> Sequence[str]:
    """The names of the error classes that are raised, in the order of the tree in their module."""
    tree = inspect.getdoc(errors) or ""
    return re.findall(r"^[ |]*\+- (\w+) +.+$", tree, re.MULTILINE)


def _chapter(title: str, errors: ModuleType, file: str) -> Chapter:
    said = tomllib.loads((FOLDER / file).read_text())
    varies = {name: _line(meaning) for name, meaning in said.pop("varies").items()}
    of_classes = classes(errors)
    # Classes in the order of their tree, and log lines after them.
    order = [*of_classes, *(name for name in said if name not in of_classes)]
    return Chapter(
        title,
        errors,
        tuple(Section(name, _rows(said.get(name, ()))) for name in order),
        varies,
    )


def _rows(said: Iterable[Mapping[str, Any]]) -> tuple[Row, ...]:
    return tuple(Row(tuple(row["texts"]), _line(row["do"])) for row in said)


def _of_chapter(chapter: Chapter) -> Iterator[str]:
    yield f"## {chapter.title}\n"
    for section in chapter.sections:
        if section.title != ANY:
            yield from _of_section(section, "###")


def _of_section(section: Section, level: str) -> Iterator[str]:
    yield f"{level} {section.title}\n"
    if section.lead:
        yield f"{section.lead}\n"
    yield "| text | do |\n| --- | --- |"
    yield from (f"| {'<br>'.join(map(_as_code, row.texts))} | {row.do} |" for row in section.rows)
    yield ""


def _as_code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _varying(both: Iterable[Chapter]) -> Iterator[str]:
    meanings = {name: meaning for chapter in both for name, meaning in chapter.varies.items()}
    yield "## What varies\n"
    yield from (f"- `<{name}>`: {meanings[name]}" for name in sorted(meanings))
    yield ""


def _line(text: str) -> str:
    return " ".join(text.split())


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
