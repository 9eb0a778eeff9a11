"""
The two files of evidence: CSV with a line for each restore, and JSON with everything.

Until they are written, each restore waits in memory, as the text of its line and of its JSON.
"""

import hashlib
import json
import os
from argparse import ArgumentTypeError
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from errno import EISDIR
from itertools import chain
from pathlib import Path
from secrets import token_hex
from typing import Any

from operate.errors import OperateError
from restore_watch.model.objectives import Objectives
from restore_watch.report.files.restores_csv import line_of_restore, restores_csv
from restore_watch.report.restores.restore_evidence import RestoreEvidence


def read_out(out: str) -> Path:
    """Return where both names begin. Raises ArgumentTypeError."""
    try:
        path = Path(out).expanduser()
    except RuntimeError:
        raise ArgumentTypeError(f"there is no home folder for {out!a}") from None
    if out.endswith("/") or path.name in {"", ".."} or path.suffix in {".csv", ".json"}:
        raise ArgumentTypeError(f"{out!a} is not a name without .csv and .json")
    if not path.parent.is_dir():
        raise ArgumentTypeError(f"there is no folder {str(path.parent)!a}")
    return path


class EvidenceFiles:
    """Takes restores in any order, and writes them at the end."""

    def __init__(self, out: Path) -> None:
        self.csv = out.with_name(f"{out.name}.csv")
        self.json = out.with_name(f"{out.name}.json")
        self._restores: list[tuple[str, str, str, str, str]] = []
        """When each began, its cluster and its id, its line, and its JSON."""

    def add(self, evidence: RestoreEvidence, objectives: Objectives) -> None:
        """Keep a restore until the files are written."""
        facts, line = evidence.facts(objectives), line_of_restore(evidence, objectives)
        said = {**facts, "changes": evidence.changes, "validations": evidence.validations}
        self._restores.append((*evidence.place, line, json.dumps(said)))

    def write(self, summary: Mapping[str, Any]) -> str:
        """
        Write both files. Return the SHA-256 of the CSV. Raises OperateError.

        The JSON is `summary`, then `csv` with the name and the SHA-256, then `restores`. Files of
        the same names are replaced when both are complete, the JSON last. If even that is
        interrupted, its SHA-256 shows that it does not belong to the CSV.
        """
        self._restores.sort()
        table = restores_csv(line for *_, line, _ in self._restores)
        digest = hashlib.sha256(table.encode()).hexdigest()
        csv_file = {"file": self.csv.name, "sha256": digest}
        head = json.dumps({**summary, "csv": csv_file}, indent=2).removesuffix("\n}")
        restores = (
            f"{',' if number else ''}\n    {said}"
            for number, (*_, said) in enumerate(self._restores)
        )
        whole = chain([f'{head},\n  "restores": ['], restores, ["\n  ]\n}\n"])
        try:
            with _part(self.csv, [table]) as first, _part(self.json, whole) as second:
                first.replace(self.csv)
                second.replace(self.json)
        except OSError as error:
            where = f": {str(error.filename)!a}" if error.filename else ""
            raise OperateError(f"the evidence cannot be written: {error.strerror}{where}") from None
        return digest


@contextmanager
def _part(path: Path, texts: Iterable[str]) -> Iterator[Path]:
    """A complete file beside `path`, of this run alone. Removed after the block if still there."""
    if path.is_dir():
        raise IsADirectoryError(EISDIR, os.strerror(EISDIR), str(path))
    part = path.with_name(f"{path.name}.{token_hex(4)}.part")
    try:
        with part.open("x", encoding="utf-8", newline="") as file:
            file.writelines(texts)
        yield part
    finally:
        with suppress(OSError):
            part.unlink()
