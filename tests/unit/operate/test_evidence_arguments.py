"""The arguments of `make evidence`."""

from datetime import UTC, datetime

import pytest

from operate.errors import ArgumentError
from operate.evidence_arguments import EvidenceArguments

NOW = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
PERIOD = ("--from", "2026-11-01", "--to", "2026-11-25")
GROUP = "5f0000000000000000000a01"


def read(*words: str) -> EvidenceArguments:
    return EvidenceArguments.read([*PERIOD, *words], "what it does", NOW)


def test_a_period_is_enough() -> None:
    wanted = read()

    assert (wanted.stack, wanted.table) == ("atlas-restore-watch", None)
    assert (wanted.group_id, wanted.cluster_name) == (None, None)
    assert (wanted.rto, wanted.rpo) == (None, None)
    assert wanted.names.csv.name == "evidence.csv"


def test_everything_can_be_given() -> None:
    words = f"--stack two --project {GROUP} --cluster orders --rto 60 --rpo 0 --out /tmp/audit"
    wanted = read(*words.split())

    assert (wanted.stack, wanted.table) == ("two", None)
    assert (wanted.group_id, wanted.cluster_name) == (GROUP, "orders")
    assert (wanted.rto, wanted.rpo) == (3600, 0)
    assert str(wanted.names.json) == "/tmp/audit.json"  # noqa: S108 - it is not written


def test_a_table_stands_in_place_of_a_stack() -> None:
    assert (read("--table", "restores").stack, read("--table", "restores").table) == (
        None,
        "restores",
    )


UPPER = GROUP.upper()
MINUTES = "is not a number of minutes; expected one such as 60, or 0 for none"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--stack -x", "argument --stack: expected one argument"),
        (
            "--stack 1st",
            "STACK (--stack): '1st' is not the name of a stack, such as atlas-restore-watch",
        ),
        (
            "--table a/b",
            "TABLE (--table): 'a/b' is not the name of a table, the stack's output TableName",
        ),
        (
            f"--project {UPPER}",
            f"PROJECT (--project): '{UPPER}' is not the id of a project, 24 of 0-9 and a-f",
        ),
        (
            f"--project {GROUP} --cluster or_ders",
            "CLUSTER (--cluster): 'or_ders' is not a cluster's letters, digits and hyphens",
        ),
        (
            "--cluster orders",
            "CLUSTER (--cluster): needs PROJECT, because other projects may have one too",
        ),
        (
            "--stack one --table two",
            "TABLE (--table): stands in place of STACK; expected one of them",
        ),
        ("--rto soon", f"RTO (--rto): 'soon' {MINUTES}"),
        ("--rpo=-1", f"RPO (--rpo): '-1' {MINUTES}"),
        ("--out /no/such/folder/evidence", "OUT (--out): there is no folder '/no/such/folder'"),
        ("--pro x", "unrecognized arguments: --pro x"),
    ],
)
def test_says_in_one_line_what_is_wrong(words: str, line: str) -> None:
    with pytest.raises(ArgumentError) as raised:
        read(*words.split())

    assert str(raised.value) == line
    assert raised.value.exit_status == 2
