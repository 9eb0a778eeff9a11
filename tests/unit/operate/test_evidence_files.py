"""The two files of evidence."""

import codecs
import csv
import hashlib
import io
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operate.errors import ArgumentError, OperateError
from operate.evidence_files import COLUMNS, EvidenceFiles, Names
from operate.objectives import Objectives
from operate.restore_evidence import RestoreEvidence, read_evidence
from restore_watch.model.restore_job import RestoreJob
from strategies import jobs, plain_job
from unit.operate.restores import NOON, item_of, verdict_on

FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")


def evidence(job: RestoreJob) -> RestoreEvidence:
    return read_evidence(item_of(job), Objectives(), NOON)


def written(
    names: Names, *restores: RestoreEvidence
) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """Write the files. Return the rows of the CSV and the JSON."""
    files = EvidenceFiles(names)
    for one in restores:
        files.add(one)
    files.write({"made": "by a test"})
    rows = csv.DictReader(io.StringIO(names.csv.read_text(encoding="utf-8-sig", newline="")))
    return list(rows), json.loads(names.json.read_text(encoding="utf-8"))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def names(tmp_path: Path) -> Names:
    return Names.of(str(tmp_path / "evidence"))


def test_restores_are_in_the_order_in_which_they_began(names: Names) -> None:
    restores = [
        evidence(plain_job(restore_scheduled_date=NOON + timedelta(hours=hour), cluster_name=name))
        for hour, name in ((2, "c"), (1, "b"), (1, "a"), (-9, "d"))
    ]
    rows, whole = written(names, *restores)

    assert [row["clusterName"] for row in rows] == ["d", "a", "b", "c"]
    assert [one["clusterName"] for one in whole["restores"]] == ["d", "a", "b", "c"]


def test_the_json_proves_which_csv_belongs_to_it(names: Names) -> None:
    _, whole = written(names, evidence(plain_job()))

    assert whole["csv"] == {
        "file": "evidence.csv",
        "sha256": sha256(names.csv),
    }
    assert whole["made"] == "by a test"


def test_excel_knows_the_csv_as_utf_8(names: Names) -> None:
    """By its byte order mark. Without one it is read in the code page of Windows."""
    written(names, evidence(plain_job(delivery_type="Zürich")))

    assert names.csv.read_bytes().startswith(codecs.BOM_UTF8)
    assert "Zürich".encode() in names.csv.read_bytes()


def test_a_period_without_restores_has_a_heading_and_an_empty_list(names: Names) -> None:
    rows, whole = written(names)

    assert rows == []
    assert names.csv.read_text(encoding="utf-8-sig").strip().split(",") == list(COLUMNS)
    assert whole["restores"] == []


@settings(max_examples=30)
@given(st.lists(jobs(), max_size=3, unique_by=lambda job: job.restore_id))
def test_any_restore_comes_back_from_both_files(
    tmp_path_factory: pytest.TempPathFactory, given_jobs: list[RestoreJob]
) -> None:
    restores = {job.restore_id: evidence(job) for job in given_jobs}
    rows, whole = written(
        Names.of(str(tmp_path_factory.mktemp("any") / "evidence")), *restores.values()
    )

    assert {one["restoreId"]: one for one in whole["restores"]} == {
        name: {**one.facts, "changes": list(one.changes), "validations": []}
        for name, one in restores.items()
    }
    assert {row["restoreId"] for row in rows} == restores.keys()
    for row in rows:
        facts = restores[row["restoreId"]].facts
        assert row["durationSeconds"] == str(facts["durationSeconds"]).replace("None", "")
        assert row["kind"] == facts["kind"]
        assert not any(
            value.lstrip(" \"'").startswith(FORMULA) and value[0] != "'"
            for value in row.values()
            if value
        )
        assert all("\n" not in value and "\r" not in value for value in row.values())


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
        ("two\nlines\x00\x1b[31m", "two lines  [31m"),
    ],
)
def test_no_cell_is_a_formula_or_has_a_second_line(names: Names, text: str, cell: str) -> None:
    job = plain_job(delivery_type=text)
    rows, whole = written(names, evidence(job))

    assert rows[0]["deliveryType"] == cell
    assert len(names.csv.read_bytes().splitlines()) == 2
    assert whole["restores"][0]["deliveryType"] == text


def test_truth_and_absence_have_one_form_each(names: Names) -> None:
    began = NOON - timedelta(hours=2)
    job = plain_job(status="COMPLETED", restore_scheduled_date=began, restore_finished_date=NOON)
    rows, _ = written(names, read_evidence(item_of(job), Objectives(rto=60.0), NOON))

    assert (rows[0]["rtoMet"], rows[0]["rpoMet"], rows[0]["verdict"]) == ("false", "", "")


@pytest.mark.parametrize(
    ("validated_at", "cell"),
    [("2026-05-04T11:00:00Z", "2026-05-04T11:00:00Z"), (None, "2026-05-04T12:00:00.000000Z")],
)
def test_a_line_has_the_last_verdict_and_when_it_was_found_or_recorded(
    names: Names, validated_at: str | None, cell: str
) -> None:
    job = plain_job(status="COMPLETED")
    item = item_of(job)
    for word in ("FAILED", "PASSED"):
        said = {"validatedBy": "=drill", "validatedAt": validated_at}
        item["history"]["L"].append(verdict_on(job, word, **said))
    rows, whole = written(names, read_evidence(item, Objectives(), NOON))

    assert (rows[0]["verdict"], rows[0]["validatedBy"]) == ("PASSED", "'=drill")
    assert rows[0]["validatedAt"] == cell
    assert rows[0]["changes"] == "1"
    assert [one["verdict"] for one in whole["restores"][0]["validations"]] == ["FAILED", "PASSED"]


@pytest.mark.parametrize(
    ("first", "second", "last"),
    [
        ("11:00:00Z", "10:00:00Z", "FAILED"),
        ("10:00:00Z", "11:00:00Z", "PASSED"),
        ("11:00:00.5Z", "11:00:00Z", "FAILED"),
        ("11:00:00Z", "11:00:00Z", "PASSED"),
        ("12:00:01Z", None, "FAILED"),
        ("11:59:59Z", None, "PASSED"),
    ],
)
def test_the_last_verdict_is_that_of_the_last_test(
    names: Names, first: str, second: str | None, last: str
) -> None:
    """A verdict may be delivered late. One without a moment was found when it was recorded."""
    job = plain_job(status="COMPLETED")
    item = item_of(job)
    for word, moment in (("FAILED", first), ("PASSED", second)):
        tested = moment and f"2026-05-04T{moment}"
        item["history"]["L"].append(verdict_on(job, word, validatedAt=tested))
    rows, _ = written(names, read_evidence(item, Objectives(), NOON))

    assert rows[0]["verdict"] == last


def test_the_csv_is_replaced_first_and_both_are_complete_by_then(
    names: Names, monkeypatch: pytest.MonkeyPatch
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


def test_a_file_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        OperateError, match=r"^the evidence cannot be written: File name too long: '.+'$"
    ):
        written(Names.of(str(tmp_path / ("a" * 250))))


@pytest.mark.parametrize("old", [[], ["old"]], ids=["new", "old"])
@pytest.mark.parametrize("taken", ["csv", "json"])
def test_a_file_that_cannot_be_replaced_leaves_the_other_as_it_was(
    names: Names, old: list[str], taken: str
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
def test_a_full_disk_is_one_line_and_leaves_what_was_there(names: Names, size: int) -> None:
    """The last bytes of a file are written when it is closed."""
    names.csv.write_text("old")

    with (
        full_disk(size),
        pytest.raises(OperateError, match=r"^the evidence cannot be written: File too large"),
    ):
        written(names, *(evidence(plain_job(restore_id=f"{n:024x}")) for n in range(12)))

    assert [path.read_text() for path in names.csv.parent.iterdir()] == ["old"]


def test_two_runs_at_once_do_not_mix_their_files(names: Names) -> None:
    first = EvidenceFiles(names)
    first.add(evidence(plain_job(cluster_name="first")))
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
    with pytest.raises(ArgumentError, match=r"^OUT \(--out\): "):
        Names.of(out)


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert Names.of("~/audit.2026").csv == tmp_path / "audit.2026.csv"
