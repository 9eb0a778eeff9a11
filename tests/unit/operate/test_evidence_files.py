"""The two files of evidence."""

import codecs
import csv
import hashlib
import io
import json
import resource
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from operate.errors import OperateError
from operate.evidence_files import EvidenceFiles, read_out
from restore_watch.model.objectives import Objectives
from restore_watch.model.restore_job import RestoreJob
from restore_watch.report.restores.restore_evidence import RestoreEvidence
from restore_watch.report.restores.stored_restores import read_evidence
from strategies import plain_job
from unit.report.stored import NOON, item_of, verdict_on


def evidence(job: RestoreJob) -> RestoreEvidence:
    return read_evidence(item_of(job), NOON)


def written(
    names: EvidenceFiles, *restores: RestoreEvidence
) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Write the files. Return the rows of the CSV and the JSON."""
    files = EvidenceFiles(names.csv.with_suffix(""))
    for one in restores:
        files.add(one, Objectives())
    files.write({"made": "by a test"})
    rows = csv.DictReader(io.StringIO(names.csv.read_text(encoding="utf-8-sig", newline="")))
    return list(rows), json.loads(names.json.read_text(encoding="utf-8"))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def names(tmp_path: Path) -> EvidenceFiles:
    """Only the names of its files are used."""
    return EvidenceFiles(tmp_path / "evidence")


def test_restores_are_in_the_order_in_which_they_began(names: EvidenceFiles) -> None:
    restores = [
        evidence(plain_job(restore_scheduled_date=NOON + timedelta(hours=hour), cluster_name=name))
        for hour, name in ((2, "c"), (1, "b"), (1, "a"), (-9, "d"))
    ]
    for rows in (written(names, *restores)[0], written(names, *restores)[1]["restores"]):
        assert [row["clusterName"] for row in rows] == ["d", "a", "b", "c"]


def test_the_json_proves_which_csv_belongs_to_it_and_excel_knows_that_as_utf_8(
    names: EvidenceFiles,
) -> None:
    """By its byte order mark. Without one it is read in the code page of Windows."""
    _, whole = written(names, evidence(plain_job(delivery_type="Zürich")))

    assert whole["csv"] == {"file": "evidence.csv", "sha256": sha256(names.csv)}
    assert whole["made"] == "by a test"
    assert names.csv.read_bytes().startswith(codecs.BOM_UTF8)
    assert "Zürich".encode() in names.csv.read_bytes()


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "' =1"),
        ("\r\n=1", "'  =1"),
        ("  =1", "'  =1"),
        ('"=1', "'\"=1"),
        ("\uff1d1", "'\uff1d1"),
        ("a;=1", "a;'=1"),
        ("a; =1;-2", "a;' =1;'-2"),
        ("a-b", "a-b"),
        ('Zürich, "übersicht"', 'Zürich, "übersicht"'),
        ("two\nlines\x00\x1b[31m", "two lines\ufffd\ufffd[31m"),
    ],
)
def test_no_cell_is_a_formula_or_has_a_second_line(
    names: EvidenceFiles, text: str, cell: str
) -> None:
    job = plain_job(delivery_type=text)
    rows, whole = written(names, evidence(job))

    assert rows[0]["deliveryType"] == cell
    assert len(names.csv.read_bytes().splitlines()) == 2
    assert whole["restores"][0]["deliveryType"] == text


NOON_EXACTLY = "2026-05-04T12:00:00.000000Z"


@pytest.mark.parametrize(
    ("first", "second", "last", "cell"),
    [
        ("11:00:00Z", "10:00:00Z", "FAILED", "2026-05-04T11:00:00Z"),
        ("10:00:00Z", "11:00:00Z", "PASSED", "2026-05-04T11:00:00Z"),
        ("11:00:00.5Z", "11:00:00Z", "FAILED", "2026-05-04T11:00:00.500000Z"),
        ("11:00:00Z", "11:00:00Z", "PASSED", "2026-05-04T11:00:00Z"),
        ("12:00:01Z", None, "FAILED", "2026-05-04T12:00:01Z"),
        ("11:59:59Z", None, "PASSED", NOON_EXACTLY),
    ],
)
def test_a_line_has_the_verdict_of_the_last_test_and_when_that_was(
    names: EvidenceFiles, first: str, second: str | None, last: str, cell: str
) -> None:
    """A verdict may be delivered late. One without a moment was found when it was recorded."""
    job = plain_job(status="COMPLETED")
    item = item_of(job)
    for word, moment in (("FAILED", first), ("PASSED", second)):
        tested = moment and f"2026-05-04T{moment}"
        said = {"validatedBy": "=drill", "validatedAt": tested}
        item["history"]["L"].append(verdict_on(job, word, **said))
    rows, whole = written(names, read_evidence(item, NOON))

    assert (rows[0]["verdict"], rows[0]["validatedBy"]) == (last, "'=drill")
    assert rows[0]["validatedAt"] == cell
    assert rows[0]["changes"] == "1"
    assert [one["verdict"] for one in whole["restores"][0]["validations"]] == ["FAILED", "PASSED"]


def test_the_csv_is_replaced_first_and_both_are_complete_by_then(
    names: EvidenceFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the command is stopped between the two, the JSON names another CSV."""
    written(names)
    before = names.json.read_bytes()
    replace, replaced = Path.replace, []

    def stop_at_the_second(part: Path, path: Path) -> Path:
        replaced.append(path)
        if len(replaced) == 2:
            assert json.loads(part.read_text())["csv"]["sha256"] == sha256(names.csv)
            raise KeyboardInterrupt
        return replace(part, path)

    monkeypatch.setattr(Path, "replace", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        written(names, evidence(plain_job()))

    assert replaced == [names.csv, names.json]
    assert names.json.read_bytes() == before
    assert json.loads(before)["csv"]["sha256"] != sha256(names.csv)
    assert set(names.csv.parent.iterdir()) == {names.csv, names.json}


@pytest.mark.parametrize("old", [[], ["old"]], ids=["new", "old"])
@pytest.mark.parametrize("taken", ["csv", "json"])
def test_a_file_that_cannot_be_replaced_leaves_the_other_as_it_was(
    names: EvidenceFiles, old: list[str], taken: str
) -> None:
    """A folder has its name."""
    other = names.csv if taken == "json" else names.json
    for text in old:
        other.write_text(text)
    getattr(names, taken).mkdir()

    with pytest.raises(OperateError, match=r"^the evidence cannot be written: Is a directory: '"):
        written(names, evidence(plain_job()))

    assert [path.read_text() for path in names.csv.parent.iterdir() if path.is_file()] == old


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file gets larger than this: Python ignores the signal, so a write fails."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


@pytest.mark.parametrize("size", [1000, 5000], ids=["at-the-end", "before"])
def test_a_full_disk_is_one_line_and_leaves_what_was_there(names: EvidenceFiles, size: int) -> None:
    """The last bytes of a file are written when it is closed."""
    names.csv.write_text("old")

    with (
        full_disk(size),
        pytest.raises(OperateError, match=r"^the evidence cannot be written: File too large"),
    ):
        written(names, *(evidence(plain_job(restore_id=f"{n:024x}")) for n in range(12)))

    assert [path.read_text() for path in names.csv.parent.iterdir()] == ["old"]


def test_two_runs_at_once_do_not_mix_their_files(names: EvidenceFiles) -> None:
    first = EvidenceFiles(names.csv.with_suffix(""))
    first.add(evidence(plain_job(cluster_name="first")), Objectives())
    rows, _ = written(names, evidence(plain_job(cluster_name="second")))
    assert [row["clusterName"] for row in rows] == ["second"]
    first.write({})

    (restore,) = json.loads(names.json.read_text(encoding="utf-8"))["restores"]
    assert restore["clusterName"] == "first"
    assert len(list(names.csv.parent.iterdir())) == 2


@pytest.mark.parametrize(
    "out",
    [
        *("", "folder/", "evidence.csv", "evidence.json", "/no/such/folder/evidence"),
        *(".", "..", "~no-such-user/evidence"),
    ],
)
def test_rejects_a_name_that_cannot_be_written(out: str) -> None:
    with pytest.raises(ArgumentTypeError):
        read_out(out)
