"""The pictures: each is drawn from what the code says now, and shown in light and dark."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from behaviour.rows import rows
from contract.documents import DOCUMENTS, README, ROOT
from pictures.drawn import out_of_date
from pictures.pages import FOLDER, THEMES, pages
from pictures_checkout import PicturesCheckout

RECOVERED = "test_people_get_what_is_stored[email-project-recovered].txt"


def test_every_picture_is_drawn_from_what_the_golden_files_say_now() -> None:
    assert out_of_date(pages()) == [], "out of date; `make pictures` draws them"
    without_a_page = {path.stem for path in FOLDER.glob("*.png")} - set(pages())
    assert without_a_page == set(), "nothing draws them: delete the files"


def test_every_picture_is_shown_in_light_and_dark() -> None:
    shown = {
        (document.parent / name).resolve()
        for document in DOCUMENTS
        for name in re.findall(r'src(?:set)?="([^"]+)"', document.read_text())
    }
    both = {
        path.with_name(f"{path.stem.rpartition('-')[0]}-{theme}.png")
        for path in shown
        for theme in THEMES
    }

    assert shown == both == set(FOLDER.glob("*.png"))


def test_the_words_for_the_picture_of_the_sample_count_what_the_sample_counts() -> None:
    (words,) = re.findall(r'alt="The top of a report: ([^"]+)"', README.read_text())
    sample = json.loads((ROOT / "docs" / "sample" / "report.json").read_text())
    counts = sample["counts"]["clusters"]

    assert words.startswith(sample["headline"].rstrip("."))
    assert [counts[state] for state in ("failed", "overdue", "never")] == [2, 1, 1]
    assert words.endswith("two failed, one is overdue, one was never tested")


def test_no_picture_of_a_report_names_a_version_which_a_release_would_make_wrong() -> None:
    named = [
        name
        for name, page in pages().items()
        if name.startswith(("report-", "sample-"))
        if re.search(r"\d\.\d+\.\d", re.sub("<[^>]+>", "", page.partition("<body")[2]))
    ]

    assert named == []


@pytest.fixture
def checkout(tmp_path: Path) -> PicturesCheckout:
    return PicturesCheckout(tmp_path)


@pytest.mark.campaign
def test_where_no_word_changed_no_browser_is_needed(checkout: PicturesCheckout) -> None:
    before = checkout.contents()

    made = checkout.draw(PATH="")

    assert (made.returncode, made.stdout) == (0, "Every picture is up to date.\n"), made.stderr
    assert checkout.contents() == before


def change_a_word(checkout: PicturesCheckout) -> None:
    golden = checkout.golden / RECOVERED
    golden.write_text(golden.read_text().replace("Subject: ", "Subject: Look, ", 1))


def take_a_picture_of_another_branch(checkout: PicturesCheckout) -> None:
    shutil.copy(checkout.pictures / "teams-light.png", checkout.pictures / "teams-dark.png")


def lose_a_picture(checkout: PicturesCheckout) -> None:
    (checkout.pictures / "chat-light.png").unlink()


def lose_the_record(checkout: PicturesCheckout) -> None:
    (checkout.pictures / "drawn.json").unlink()


CHANGES: dict[str, tuple[Callable[[PicturesCheckout], None], list[str]]] = {
    "a changed word": (change_a_word, ["inbox-light", "inbox-dark"]),
    "another branch": (take_a_picture_of_another_branch, ["teams-dark"]),
    "no picture": (lose_a_picture, ["chat-light"]),
    "no record": (lose_the_record, []),
}


@pytest.mark.parametrize(("change", "names"), rows(CHANGES, "a changed word"))
def test_the_pictures_that_need_a_browser_are_named_and_nothing_is_written(
    checkout: PicturesCheckout, change: Callable[[PicturesCheckout], None], names: list[str]
) -> None:
    """Without a record, every picture is drawn."""
    change(checkout)
    before = checkout.contents()

    made = checkout.draw(PATH="")

    assert made.returncode == 1
    assert made.stdout == f"Out of date: {', '.join(names or pages())}.\n"
    assert made.stderr.startswith("Drawing needs one of these browsers on the path: chromium, ")
    assert checkout.contents() == before


UNREADABLE = {
    "a conflict": "<<<<<<< HEAD\n{}",
    "a list": "[]",
    "an older form": '{"chat-light": "a99344"}',
}


@pytest.mark.campaign
@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_a_record_with_conflicts_or_of_an_older_form_is_named(
    checkout: PicturesCheckout, text: str
) -> None:
    record = checkout.pictures / "drawn.json"
    record.write_text(text)

    made = checkout.draw(PATH="")

    assert made.returncode == 1
    assert made.stderr == f"{record} cannot be read: delete it, and every picture is drawn again.\n"
