"""
`PYTHONPATH=docs python -m pictures.render` draws every picture with a browser of this machine.

Beside the pictures, `drawn.json` keeps the SHA-256 of the page that each was drawn from.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from pictures.pages import FOLDER, pages
from pictures.png import with_palette

DRAWN = FOLDER / "drawn.json"
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


_WINDOW = "--window-size=1000,1000"
"""In which a page is measured."""


def hashes() -> dict[str, str]:
    """The SHA-256 of every picture's page."""
    return {name: hashlib.sha256(page.encode()).hexdigest() for name, page in pages().items()}


def find_browser() -> str | None:
    """The first browser on the path, if there is one."""
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


def main() -> None:
    """Draw every picture."""
    browser = find_browser()
    if browser is None:
        sys.exit(f"Drawing needs one of these browsers on the path: {', '.join(_BROWSERS)}.")
    with TemporaryDirectory() as scratch:
        for name, page in pages().items():
            _draw(browser, page, FOLDER / f"{name}.png", Path(scratch))
    DRAWN.write_text(json.dumps(hashes(), indent=2) + "\n")


def _draw(browser: str, page: str, picture: Path, scratch: Path) -> None:
    source = scratch / "page.html"
    source.write_text(page)
    width, height = _size(_browse(browser, scratch, _WINDOW, "--dump-dom", source.as_uri()))
    # The browser reports success even when it could not write the picture.
    picture.unlink(missing_ok=True)
    window = f"--window-size={width},{height}"
    _browse(browser, scratch, window, f"--screenshot={picture}", source.as_uri())
    picture.write_bytes(with_palette(picture.read_bytes()))
    print(f"{picture.name}: {width} by {height}, {picture.stat().st_size / 1000:.0f} kB")


def _size(dom: str) -> tuple[int, int]:
    """What the page's script measured, in pixels of the page."""
    found = re.search(r'data-size="(\d+),(\d+)"', dom)
    if found is None:
        sys.exit("The browser did not run the script of the page.")
    return int(found[1]), int(found[2])


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
