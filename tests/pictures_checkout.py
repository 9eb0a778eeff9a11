"""A copy of the pictures, and what `make pictures` does in it."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from pictures.messages import GOLDEN
from pictures.pages import FOLDER, SAMPLE, pages
from pictures.template import ROOT


class PicturesCheckout:
    """The pictures in a folder, with what they are drawn from outside of the code."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.pictures = folder / FOLDER.relative_to(ROOT)
        self.golden = folder / GOLDEN.relative_to(ROOT)
        shutil.copytree(FOLDER, self.pictures)
        shutil.copytree(GOLDEN, self.golden)
        shutil.copytree(SAMPLE.parent, folder / SAMPLE.parent.relative_to(ROOT))
        shutil.copy(ROOT / "template.yaml", folder)
        self._record_every_picture()

    def _record_every_picture(self) -> None:
        """Nothing is out of date in the copy, even if a picture of the repository is."""
        sums = {
            name: {
                "page": hashlib.sha256(page.encode()).hexdigest(),
                "picture": hashlib.sha256((self.pictures / f"{name}.png").read_bytes()).hexdigest(),
            }
            for name, page in pages().items()
        }
        (self.pictures / "drawn.json").write_text(json.dumps(sums))

    def contents(self) -> dict[str, bytes]:
        """The files of `docs/pictures/`."""
        return {path.name: path.read_bytes() for path in self.pictures.glob("*.*")}

    def draw(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run what `make pictures` runs, with these variables."""
        sources = (self._folder / "docs", ROOT / "functions", ROOT / "tests")
        variables = {"PYTHONPATH": ":".join(map(str, sources)), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [sys.executable, "-m", "pictures.render"],
            cwd=self._folder,
            env=os.environ | variables | environment,
            capture_output=True,
            text=True,
            check=False,
        )
