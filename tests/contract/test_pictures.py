"""The pictures show what the golden files and the template say now. No browser is needed."""

import json
import re
import struct
import zlib
from pathlib import Path

import pytest

from contract.documents import DOCUMENTS, README, ROOT
from pictures.architecture import flowchart, with_flowchart
from pictures.mrkdwn import to_html
from pictures.pages import FOLDER, THEMES, pages
from pictures.png import with_palette
from pictures.render import DRAWN, hashes

OUT_OF_DATE = "out of date; `make pictures` draws it"
LIMIT = 200_000

DRAWN_NAMES = {path.stem for path in FOLDER.glob("*.png")}


def shown(document: Path) -> list[Path]:
    """The files of the pictures that a document shows, of both themes."""
    named = re.findall(r'src(?:set)?="([^"]+)"', document.read_text())
    return [(document.parent / name).resolve() for name in named]


@pytest.mark.parametrize("name", pages())
def test_every_picture_is_drawn_from_what_the_golden_files_say_now(name: str) -> None:
    assert json.loads(DRAWN.read_text()).get(name) == hashes()[name], OUT_OF_DATE


def test_no_other_picture_is_stored() -> None:
    assert set(pages()) == DRAWN_NAMES == set(json.loads(DRAWN.read_text())), OUT_OF_DATE


@pytest.mark.parametrize("name", sorted(DRAWN_NAMES))
def test_every_picture_is_small_and_shown_in_a_document(name: str) -> None:
    picture = FOLDER / f"{name}.png"

    assert picture.stat().st_size < LIMIT
    assert any(picture in shown(document) for document in DOCUMENTS)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_picture_shown_exists_in_light_and_dark(document: Path) -> None:
    files = shown(document)
    pairs = {
        path.with_name(f"{path.stem.rpartition('-')[0]}-{theme}.png")
        for path in files
        for theme in THEMES
    }

    assert set(files) == pairs
    assert [path for path in files if not path.is_file()] == []


def test_every_picture_has_a_text_for_those_who_do_not_see_it() -> None:
    for document in DOCUMENTS:
        tags = re.findall(r"<img [^>]+>", document.read_text())
        assert all(re.search(r' alt="[^"]{20,}"', tag) for tag in tags)


def test_the_pictures_are_on_the_first_screen() -> None:
    first_screen = "\n".join(README.read_text().splitlines()[:30])

    assert first_screen.count("<picture>") == 2


def test_a_page_fetches_nothing() -> None:
    for page in pages().values():
        assert not re.search(r"\b(src|href)=|url\(|@import", page)


def test_the_flowchart_is_drawn_from_the_template() -> None:
    text = README.read_text()

    assert text == with_flowchart(text), OUT_OF_DATE


def test_every_resource_that_carries_data_has_an_arrow() -> None:
    template = (ROOT / "template.yaml").read_text()
    kinds = "Serverless::Function|SQS::Queue|SNS::Topic|DynamoDB::Table"
    carriers = re.findall(rf"^  (\w+):\n    Type: AWS::(?:{kinds})$", template, re.MULTILINE)
    arrows = re.findall(r"^ +(\w+) <?-\S+ (\w+)$", flowchart(), re.MULTILINE)

    assert len(carriers) > 10
    assert set(carriers) <= {name for arrow in arrows for name in arrow}


def test_an_arrow_follows_a_failure_only_where_it_is_dotted() -> None:
    for line in re.findall(r"^ +\w+ -.*$", flowchart(), re.MULTILINE):
        assert ("-.->" in line) == line.endswith(("DeadLetterQueue", "OnFailureQueue"))


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*Kind:* Flex", "<p><b>Kind:</b> Flex</p>"),
        ("a -&gt; b &amp;lt;", "<p>a -&gt; b &amp;lt;</p>"),
        ("2 * 3 * 4", "<p>2 * 3 * 4</p>"),
        ("• `a *b*`", "<ul><li><code>a *b*</code></li></ul>"),
        ("<https://one.test|*One*>", "<p><a>*One*</a></p>"),
        ("one\n\ntwo", '<p>one</p><p class="gap"></p><p>two</p>'),
        ("&lt;script&gt;", "<p>&lt;script&gt;</p>"),
    ],
)
def test_mrkdwn_is_shown_as_slack_shows_it(text: str, html: str) -> None:
    assert to_html(text) == html


def test_a_picture_of_few_colours_keeps_every_one() -> None:
    """Four pixels, each of whose rows is filtered in another way."""
    rows = [b"\x01\x0a\x0b\x0c\xff\x00\x01\x02\x00", b"\x02\x00\x01\x00\x00\x00\x00\x00\x01"]
    header = struct.pack(">IIBBBBB", 2, 2, 8, 6, 0, 0, 0)
    made = with_palette(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"".join(rows)))
        + chunk(b"IEND", b"")
    )

    assert pixels(made) == [
        (10, 11, 12, 255),
        (10, 12, 14, 255),
        (10, 12, 12, 255),
        (10, 12, 14, 0),
    ]


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def pixels(picture: bytes) -> list[tuple[int, ...]]:
    """The colours of a picture of two by two pixels with a palette."""
    body = {name: picture.partition(name)[2] for name in (b"PLTE", b"tRNS", b"IDAT")}
    places = zlib.decompressobj().decompress(body[b"IDAT"])
    return [
        (*body[b"PLTE"][place * 3 : place * 3 + 3], body[b"tRNS"][place])
        for place in (*places[1:3], *places[4:6])
    ]
