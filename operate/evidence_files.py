"""
The two files of evidence: CSV with a line for each restore, and JSON with everything.

Restores come in the table's order, and are written in the order in which they began. They wait in a
temporary database on disk, so that memory does not grow with their number, and restores that have
ended give the same CSV each time.
"""

import csv
import errno
import hashlib
import io
import json
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Any, BinaryIO, Self

from operate.errors import ArgumentError, OperateError
from operate.restore_evidence import RestoreEvidence
from restore_watch.model.status_change import utc_text

COLUMNS = (
    "groupId",
    "clusterName",
    "restoreId",
    "kind",
    "deliveryType",
    "snapshotId",
    "snapshotFinishedDate",
    "targetProjectId",
    "targetDeploymentItemName",
    "restoreScheduledDate",
    "restoreFinishedDate",
    "durationSeconds",
    "rtoMet",
    "snapshotAgeSeconds",
    "rpoMet",
    "outcome",
    "atlasStatus",
    "firstObservedAt",
    "observedAt",
    "missingSince",
    "changes",
    "published",
    "verdict",
    "validatedBy",
    "validatedAt",
)

# A spreadsheet takes a cell for a formula that begins with one of these, in wide forms too: OWASP,
# CSV Injection. Where numbers have a decimal comma, a semicolon begins the next cell.
_FORMULA = re.compile(r"""(^|;)(?=[\s"']*[=+\-@\uff1d\uff0b\uff0d\uff20])""")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True)
class Names:
    """Where the two files are written."""

    csv: Path
    json: Path

    @classmethod
    def of(cls, out: str) -> Self:
        """Return the names that begin with `out`. Raises ArgumentError."""
        try:
            path = Path(out).expanduser()
        except RuntimeError:
            raise ArgumentError("OUT", f"there is no home folder for {out!a}") from None
        if out.endswith("/") or path.name in {"", ".."} or path.suffix in {".csv", ".json"}:
            raise ArgumentError("OUT", f"{out!a} is not a name without .csv and .json")
        if not path.parent.is_dir():
            raise ArgumentError("OUT", f"there is no folder {str(path.parent)!a}")
        return cls(path.with_name(f"{path.name}.csv"), path.with_name(f"{path.name}.json"))


class EvidenceFiles:
    """
    Takes restores within its block, in any order, and writes them at the end.

    Files of the same names are replaced only when both are complete, both or none. Methods raise
    OperateError.
    """

    def __init__(self, names: Names) -> None:
        self.names = names
        self._blocks = ExitStack()
        self._csv: BinaryIO
        self._json: BinaryIO
        self._restores: sqlite3.Connection

    def __enter__(self) -> Self:
        with _writing(), ExitStack() as blocks:
            self._csv = blocks.enter_context(_part(self.names.csv))
            self._json = blocks.enter_context(_part(self.names.json))
            # Without a name, SQLite keeps the database in a temporary file.
            self._restores = sqlite3.connect("", isolation_level=None)
            blocks.callback(self._restores.close)
            self._restores.execute(
                "CREATE TABLE restore (began TEXT, cluster TEXT, id TEXT, line TEXT, said TEXT, "
                "PRIMARY KEY (began, cluster, id)) WITHOUT ROWID"
            )
            self._restores.execute("BEGIN")
            self._blocks = blocks.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._blocks.close()

    def add(self, evidence: RestoreEvidence) -> None:
        """Keep a restore until the files are written."""
        facts = evidence.facts
        said = {**facts, "changes": evidence.changes, "validations": evidence.validations}
        row = (
            utc_text(evidence.began),
            f"{facts['groupId']}/{facts['clusterName']}",
            facts["restoreId"],
            _line(_cells(evidence)),
            json.dumps(said),
        )
        with _writing():
            self._restores.execute("INSERT OR REPLACE INTO restore VALUES (?, ?, ?, ?, ?)", row)

    def write(self, summary: Mapping[str, Any]) -> str:
        """
        Write both files. Return the SHA-256 of the CSV.

        The JSON is `summary`, then `csv` with the name and the SHA-256, then `restores`.
        """
        with _writing():
            digest = hashlib.sha256()
            # Without the mark, Excel reads UTF-8 in the code page of Windows.
            for line in ("\ufeff", _line(COLUMNS), *self._column("line")):
                digest.update(line.encode())
                self._csv.write(line.encode())
            csv_file = {"file": self.names.csv.name, "sha256": digest.hexdigest()}
            head = json.dumps({**summary, "csv": csv_file}, indent=2).removesuffix("\n}")
            self._json.write(f'{head},\n  "restores": ['.encode())
            for number, said in enumerate(self._column("said")):
                self._json.write(f"{',' if number else ''}\n    {said}".encode())
            self._json.write(b"\n  ]\n}\n")
            self._csv.close()
            self._json.close()
            with _free(self.names.csv), _free(self.names.json):
                Path(self._csv.name).replace(self.names.csv)
                Path(self._json.name).replace(self.names.json)
        return digest.hexdigest()

    def _column(self, name: str) -> Iterator[str]:
        rows = self._restores.execute(f"SELECT {name} FROM restore ORDER BY began, cluster, id")  # noqa: S608
        return (value for (value,) in rows)


def _cells(evidence: RestoreEvidence) -> list[str]:
    verdict = max(evidence.validations, key=_tested_at, default={})
    known = {
        **evidence.facts,
        "changes": len(evidence.changes),
        "published": sum(one["published"] for one in evidence.changes),
        "verdict": verdict.get("verdict"),
        "validatedBy": verdict.get("validatedBy"),
        "validatedAt": verdict.get("validatedAt") or verdict.get("observedAt"),
    }
    return [_cell(known[column]) for column in COLUMNS]


def _tested_at(verdict: Mapping[str, Any]) -> tuple[datetime, int]:
    """A message may arrive later than that of a later test."""
    tested = verdict["validatedAt"] or verdict["observedAt"]
    return datetime.fromisoformat(tested), verdict["sequence"]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = _CONTROLS.sub(" ", str(value))
    return _FORMULA.sub(r"\1'", text)


def _line(cells: Any) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()


@contextmanager
def _part(path: Path) -> Iterator[BinaryIO]:
    """
    A file beside `path` that is removed at the end of the block, if it is still there.

    Another run may write the same evidence, so each has its own.
    """
    part = path.with_name(f"{path.name}.{token_hex(4)}.part")
    file = part.open("xb")
    try:
        yield file
    finally:
        # A file that was written is closed already. Another one is not wanted any more.
        with suppress(OSError):
            file.close()
        with suppress(OSError):
            part.unlink(missing_ok=True)


@contextmanager
def _free(path: Path) -> Iterator[None]:
    """The file of this name is removed at the end of the block, or is back if the block fails."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    old = path.with_name(f"{path.name}.{token_hex(4)}.old")
    with suppress(FileNotFoundError):
        path.rename(old)
    try:
        yield
    except BaseException:
        try:
            old.replace(path)
        except FileNotFoundError:  # there was none
            path.unlink(missing_ok=True)
        raise
    with suppress(OSError):
        old.unlink()


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = f": {str(error.filename)!a}" if error.filename else ""
        msg = f"the evidence cannot be written: {error.strerror}{where}"
        raise OperateError(msg) from None
    except sqlite3.Error as error:
        msg = f"the evidence cannot be kept in the folder for temporary files: {error}"
        raise OperateError(msg) from None
