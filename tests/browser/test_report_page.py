"""The page of a report in a real browser. Skipped where there is none; `.ci/run` installs one."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, sync_playwright

from behaviour.rows import pairs
from restore_watch.model.objectives import Objectives
from restore_watch.report.files.html_page import html_page
from restore_watch.report.period import DAY
from restore_watch.report.report import Report
from unit.report.reports import END, HOUR, NO_ROLE, changed, cluster, fleet, group, report, restore
from unit.report.test_html_page import HOSTILE

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)

pytestmark = [
    pytest.mark.campaign,
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium or Chrome"),
]

REPORTS: dict[str, Callable[[], Report]] = {
    "3": lambda: fleet(3),
    "11": lambda: fleet(11),
    "well": lambda: fleet(61, is_well=True),
    "unread": lambda: changed(fleet(11), unread_projects={group(7): NO_ROLE}, degraded=[""]),
    "unwatched": lambda: changed(fleet(11), is_configured=False, clusters=[], watched_projects=0),
    "hostile": lambda: fleet(11, name=lambda usual: usual + "".join(HOSTILE)),
}

type Scheme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield running
        running.close()


def opened(
    browser: Browser, made: Report, folder: Path, width: int = 1440, scheme: Scheme = "light"
) -> tuple[Page, list[str]]:
    """The page, and all that it asks for or complains about."""
    file = folder / "report.html"
    file.write_text(html_page(made), encoding="utf-8")
    seen = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    said: list[str] = []
    seen.on("request", lambda one: said.append(one.url))
    seen.on("console", lambda one: said.append(one.text))
    seen.on("pageerror", lambda one: said.append(str(one)))
    seen.on("dialog", lambda one: said.append(one.message))
    seen.goto(file.as_uri())
    return seen, [one for one in said if one != file.as_uri()]


# What reaches over the right edge, or out of its own box, with what is folded opened.
BEYOND = """() => {
    document.querySelectorAll("details").forEach(one => one.open = true);
    return [...document.querySelectorAll("body *:not(.unseen, .unseen *, .sprite, .sprite *)")]
        .filter(one => one.getBoundingClientRect().right > innerWidth + 0.5
            || (one instanceof HTMLElement && one.clientWidth
                && one.scrollWidth > one.clientWidth + 1))
        .map(one => one.outerHTML.slice(0, 120))
}"""


LOOKS: dict[str, tuple[int, Scheme]] = {"wide": (1440, "light"), "narrow": (360, "dark")}
"""Widths of a window, and the scheme that somebody prefers. The room is the same in each scheme."""


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    pairs({name: name for name in REPORTS}, LOOKS, "hostile-narrow"),
)
def test_a_page_stays_in_its_room_asks_for_nothing_and_everybody_can_read_it(
    browser: Browser, tmp_path: Path, name: str, width: int, scheme: Scheme
) -> None:
    seen, said = opened(browser, REPORTS[name](), tmp_path, width, scheme)

    assert said == []
    assert seen.evaluate(BEYOND) == []
    assert seen.evaluate("document.documentElement.scrollWidth") == width
    assert violations(seen) == []
    seen.emulate_media(color_scheme="light" if scheme == "dark" else "dark")
    assert violations(seen, "color-contrast") == []
    seen.close()


def violations(seen: Page, *rules: str) -> list[tuple[str, list[str]]]:
    """Every rule of axe that the page breaks, or of these, with some of the elements."""
    only = {"runOnly": list(rules)} if rules else {}
    found = Axe().run(seen, options={"resultTypes": ["violations"], **only}).response
    return [(one["id"], [node["html"] for node in one["nodes"][:3]]) for one in found["violations"]]


def test_four_hundred_clusters_stay_in_their_room(browser: Browser, tmp_path: Path) -> None:
    seen, said = opened(browser, fleet(400), tmp_path, 360)

    assert said == []
    assert seen.evaluate(BEYOND) == []
    seen.set_viewport_size({"width": 1440, "height": 900})
    assert seen.evaluate(BEYOND) == []
    seen.close()


@pytest.mark.parametrize(("is_well", "pages"), [(False, 3), (True, 2)])
def test_forty_clusters_print_on_a_few_pages(
    browser: Browser, tmp_path: Path, *, is_well: bool, pages: int
) -> None:
    seen, _ = opened(browser, fleet(40, is_well=is_well), tmp_path, scheme="dark")

    printed = seen.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == pages
    seen.close()


def test_in_print_nothing_is_folded(browser: Browser, tmp_path: Path) -> None:
    """An auditor gets the printed page, and has to find each cluster in it."""
    seen, _ = opened(browser, fleet(70, is_well=True), tmp_path)
    shown = "[...document.querySelectorAll('.months tr')].filter(x => x.checkVisibility()).length"
    on_screen = seen.evaluate(shown)
    seen.emulate_media(media="print")

    heads = seen.evaluate("document.querySelectorAll('.months thead tr').length")
    assert on_screen < 70
    assert seen.evaluate(shown) == 70 + heads
    seen.close()


def test_a_month_differs_without_colour(browser: Browser, tmp_path: Path) -> None:
    """Each sign has a shape of its own, and says what it is when one points at it."""
    seen, _ = opened(browser, fleet(40), tmp_path)

    shapes = seen.evaluate("[...document.querySelectorAll('symbol')].map(x => x.innerHTML)")
    assert len(set(shapes)) == 7
    titles = seen.evaluate(
        "[...new Set([...document.querySelectorAll('use > title')].map(x => x.textContent))]"
    )
    kinds = {one.partition(": ")[2] for one in titles}
    assert {"verified by a pipeline", "no test", "restored into a cluster"} <= kinds
    seen.close()


def test_on_a_phone_each_date_has_its_word(browser: Browser, tmp_path: Path) -> None:
    seen, _ = opened(browser, fleet(11), tmp_path, 360)

    dates = seen.locator(".look td.date").all_inner_texts()
    assert dates
    assert all(date.startswith("last good ") for date in dates)
    assert all(text.startswith("scheduled ") for text in seen.locator("td.when").all_inner_texts())
    seen.close()


LABELS = """() => {
    const labels = [...document.querySelectorAll("th.bar text")];
    const boxes = labels.map(label => label.getBoundingClientRect());
    return boxes.sort((one, other) => one.left - other.left)
        .map((box, n) => n && boxes[n - 1].right > box.left).some(overlaps => overlaps);
}"""


def test_a_restore_of_days_leaves_the_labels_and_the_other_bars_readable(
    browser: Browser, tmp_path: Path
) -> None:
    ledger = cluster()
    usual = [restore(ledger, END - (10 + n) * HOUR, n, HOUR / 3) for n in range(5)]
    days = restore(ledger, END - 6 * DAY, 90, status="RUNNING", restoreFinishedDate=None)
    objectives = Objectives(HOUR / 2, 6 * HOUR)
    made = changed(report([(ledger, [*usual, days])]), objectives=objectives)
    seen, _ = opened(browser, made, tmp_path)

    assert seen.evaluate(LABELS) is False
    widths = [
        box["width"] for bar in seen.locator("td.bar rect").all() if (box := bar.bounding_box())
    ]
    assert min(widths) > max(widths) / 10
    seen.close()
