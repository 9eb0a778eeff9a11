"""
`python -m pictures.render` draws the pictures that are out of date, with a browser of this machine.

A picture whose page is unchanged is not rewritten: another browser would draw other bytes.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from pictures.drawn import file_of, out_of_date, record
from pictures.pages import FOLDER, pages
from pictures.png import with_palette

SCALE = 2
"""Pixels of a picture for each pixel of the page, for screens with a high resolution."""

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--default-background-color=00000000",
    f"--force-device-scale-factor={SCALE}",
)

_MEASURE = (FOLDER / "measure.js").read_text()
_WINDOW = "--window-size=1000,1000"
"""In which a page is measured."""


def find_browser() -> str | None:
    """The first browser on the path, if there is one."""
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


def main() -> None:
    """Draw the pictures that are out of date. Without any, no browser is needed."""
    wanted = pages()
    names = out_of_date(wanted)
    if not names:
        print("Every picture is up to date.")
        return
    print(f"Out of date: {', '.join(names)}.")
    browser = find_browser()
    if browser is None:
        sys.exit(f"Drawing needs one of these browsers on the path: {', '.join(_BROWSERS)}.")
    with TemporaryDirectory() as scratch:
        for name in names:
            file_of(name).write_bytes(_draw(browser, wanted[name], Path(scratch)))
            record(wanted, name)
            print(f"Drawn: {file_of(name).name}, {file_of(name).stat().st_size / 1000:.0f} kB.")


def _draw(browser: str, page: str, scratch: Path) -> bytes:
    """The picture of a page."""
    source, picture = scratch / "page.html", scratch / "picture.png"
    source.write_text(page.replace("</body>", f"<script>{_MEASURE}</script></body>"))
    width, height = _measured(_browse(browser, scratch, _WINDOW, "--dump-dom", source.as_uri()))
    source.write_text(page)
    # The browser reports success even when it could not write the picture.
    picture.unlink(missing_ok=True)
    window = f"--window-size={width},{height}"
    _browse(browser, scratch, window, f"--screenshot={picture}", source.as_uri())
    if not picture.exists():
        sys.exit("The browser did not write the picture.")
    return with_palette(picture.read_bytes())


def _measured(dom: str) -> tuple[int, int]:
    """The width and height of a page, in its own pixels, from what measure.js left in the DOM."""
    size = re.search(r'data-size="(\d+),(\d+)"', dom)
    missing = re.search(r'data-missing="([^"]*)"', dom)
    if size is None or missing is None:
        sys.exit("The browser did not run docs/pictures/measure.js.")
    if missing[1]:
        sys.exit(
            f"No font of this machine has {missing[1]} in colour. "
            "Install Noto Color Emoji: on Debian and Ubuntu, fonts-noto-color-emoji."
        )
    return int(size[1]), int(size[2])


def _browse(browser: str, scratch: Path, *arguments: str) -> str:
    with TemporaryDirectory(dir=scratch) as profile:
        return subprocess.run(
            [browser, *OPTIONS, f"--user-data-dir={profile}", *arguments],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout


if __name__ == "__main__":
    main()
