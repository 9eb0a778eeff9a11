"""`PYTHONPATH=functions:tests python -m golden.notify_people --write` stores the golden files."""

import shutil
import sys

from golden.notify_people.cases import FOLDER, golden_files
from notify_people.channels.channel import Channel


def main() -> None:
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    for channel in Channel:
        shutil.rmtree(FOLDER / channel, ignore_errors=True)
    for path, text in golden_files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


main()
