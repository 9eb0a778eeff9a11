"""`make pictures` with a real browser. Skipped where there is none; `.ci/run` installs one."""

from pathlib import Path

import pytest

from pictures.render import find_browser
from pictures_checkout import PicturesCheckout

pytestmark = [
    pytest.mark.campaign,
    pytest.mark.skipif(find_browser() is None, reason="there is no Chromium or Chrome"),
]


def test_the_picture_that_is_missing_is_drawn_and_no_other_is_rewritten(tmp_path: Path) -> None:
    checkout = PicturesCheckout(tmp_path)
    missing = checkout.pictures / "inbox-dark.png"
    missing.unlink()
    before = checkout.contents()

    drawn = checkout.draw()
    again = checkout.draw(PATH="")

    after = checkout.contents()
    changed = {name for name, content in after.items() if before.get(name) != content}
    assert drawn.returncode == 0, drawn.stderr
    assert after["inbox-dark.png"].startswith(b"\x89PNG")
    assert changed <= {"inbox-dark.png", "drawn.json"}
    assert again.stdout == "Every picture is up to date.\n"


def test_no_box_is_drawn_in_place_of_an_emoji(tmp_path: Path) -> None:
    checkout = PicturesCheckout(tmp_path)
    (checkout.pictures / "chat-light.png").unlink()
    before = checkout.contents()
    fonts = tmp_path / "fonts.conf"
    fonts.write_text(f"<fontconfig><cachedir>{tmp_path}/cache</cachedir></fontconfig>")

    drawn = checkout.draw(FONTCONFIG_FILE=str(fonts))

    assert drawn.returncode == 1
    assert drawn.stderr.startswith("No font of this machine has ✅ ❌ in colour. ")
    assert checkout.contents() == before
