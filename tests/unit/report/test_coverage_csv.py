"""coverage.csv and report.json: what they say of a cluster."""

import hashlib
import json
import re
from csv import DictReader
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restore_watch.model.objectives import Objectives
from restore_watch.model.restore_target import RestoreKind
from restore_watch.model.validation import Verdict
from restore_watch.report.files.coverage_columns import COLUMNS
from restore_watch.report.files.measurement_columns import MEASUREMENT_COLUMNS
from restore_watch.report.files.report_files import report_files
from restore_watch.report.files.report_json import report_json
from restore_watch.report.judging.policy import Policy
from restore_watch.report.period import DAY
from restore_watch.report.report import Report
from restore_watch.report.restores.what_a_restore_proves import DatedVerdict, Rung
from restore_watch.report.snapshot import Snapshot
from unit.report.reports import (
    END,
    HOUR,
    NO_ROLE,
    changed,
    cluster,
    fleet,
    group,
    report,
    restore,
    rows,
)

TAGS = {"restore-test": "60d", "tier": "prod", "owner": "team"}
LEDGER = cluster(tags=TAGS)
GOOD = restore(LEDGER, END - 3 * DAY, verdict=Verdict.PASSED)
LATER = restore(LEDGER, END - 2 * DAY, 2, deliveryType="DOWNLOAD")
FAILED = restore(LEDGER, END - DAY, 3, status="FAILED")
POLICY = Policy(required_tag=("tier", "prod"))


def whole(made: Report, **files: bytes) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(report_json(made, files))
    return read


def test_a_line_has_what_the_state_rests_on() -> None:
    (row,) = rows(report([(LEDGER, [GOOD, LATER, FAILED])], policy=POLICY))

    assert row == {
        "groupId": group(0),
        "projectName": "catalogue",
        "clusterName": "ledger",
        "clusterId": LEDGER.id,
        "kind": "dedicated",
        "createdAt": "2024-05-03T00:00:00.000000Z",
        "state": "failed",
        "why": "Atlas could not finish the restore of 29 Nov 2026.",
        "remarks": "",
        "rung": "verified",
        "lastTestAt": "2026-11-27T00:42:00.000000Z",
        "days": "2",
        "restoreId": GOOD.job.restore_id,
        "durationSeconds": "2520",
        "rtoMet": "true",
        "snapshotAgeSeconds": "10800",
        "rpoMet": "true",
        "failedRestoreId": FAILED.job.restore_id,
        "lastAttemptId": FAILED.job.restore_id,
        "lastAttemptAt": "2026-11-29T00:42:00.000000Z",
        "lastAttempt": "FAILED",
        "lastAttemptVerdict": "",
        "newestSnapshotAt": "2026-11-30T01:00:00.000000Z",
        "backups": "true",
        "pointInTime": "true",
        "paused": "false",
        "unread": "",
        "unreadSince": "",
        "fix": "",
        "decidedBy": FAILED.job.restore_id,
        "restoredTo": "same project",
        "targetProjectId": group(0),
        "targetDeploymentItemName": "drill",
        "snapshotId": "",
        "verdict": "",
        "detail": "",
        "validatedBy": "",
        "validatedAt": "",
        "verdictSeconds": "",
        "newestSnapshotId": "",
        "newestSnapshotBytes": "",
        "tags": "owner=team; restore-test=60d; tier=prod",
        "rtoSeconds": "3600",
        "rpoSeconds": "86400",
        "windowDays": "60",
        **dict.fromkeys(MEASUREMENT_COLUMNS, ""),
        "lastAttemptMeasurement": "",
    }


def test_a_line_has_the_newest_snapshot() -> None:
    newest = Snapshot(END, id="5e7e00128f8ce03996a47179", size=41_200_000_000)
    (row,) = rows(report([(LEDGER, [GOOD])], snapshots={LEDGER.key: newest}))

    assert row["newestSnapshotAt"] == "2026-11-30T00:00:00.000000Z"
    assert row["newestSnapshotId"] == "5e7e00128f8ce03996a47179"
    assert row["newestSnapshotBytes"] == "41200000000"


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"rto": "4h", "rpo": "1d12h"}, ("14400", "129600", "90")),
        ({"rto": "0", "rpo": "0"}, ("", "", "90")),
        ({"restore-test": "30d"}, ("3600", "86400", "30")),
        ({"rto": "4 hours", "restore-test": "0"}, ("3600", "86400", "90")),
    ],
    ids=["own", "none", "window", "unreadable"],
)
def test_a_line_has_the_objectives_of_the_cluster(
    tags: dict[str, str], said: tuple[str, str, str]
) -> None:
    (row,) = rows(report([(cluster(tags=tags), [GOOD])]))

    assert (row["rtoSeconds"], row["rpoSeconds"], row["windowDays"]) == said


@pytest.mark.parametrize(
    "fields",
    [{"tags": {"restore-test": "exempt"}}, {"is_internal": True}],
    ids=["exempt", "not required"],
)
def test_no_restore_decides_on_a_cluster_that_needs_no_test(fields: dict[str, Any]) -> None:
    (row,) = rows(report([(cluster(**fields), [GOOD, FAILED])]))

    assert row["failedRestoreId"] == FAILED.job.restore_id
    decides = ("decidedBy", "restoredTo", "targetProjectId", "snapshotId", "verdict", "validatedAt")
    assert {row[name] for name in decides} == {""}


def test_a_test_is_judged_by_the_objectives_of_its_cluster() -> None:
    (row,) = rows(report([(cluster(tags={"rto": "42m", "rpo": "179m"}), [GOOD])]))

    assert (row["rtoMet"], row["rpoMet"]) == ("true", "false")


def test_the_tags_of_a_line_are_in_order_and_cut() -> None:
    tags = {f"key-{number}": "v" * 90 for number in range(9, 0, -1)}
    (row,) = rows(report([(cluster(tags=tags), [])]))

    assert row["tags"].startswith(f"key-1={'v' * 90}; key-2=v")
    assert row["tags"].endswith("v…")
    assert len(row["tags"]) == 500


def test_tags_that_fit_are_not_cut() -> None:
    (row,) = rows(report([(cluster(tags={"a": "v" * 498}), [])]))

    assert row["tags"] == f"a={'v' * 498}"


tag_texts = st.text(st.sampled_from("ab;=\\ "), max_size=6)


@given(st.dictionaries(tag_texts, tag_texts, max_size=4))
def test_the_tags_of_a_line_are_read_as_they_were(tags: dict[str, str]) -> None:
    made = report([(cluster(tags=tags), [])])
    (one,) = whole(made)["clusters"]

    read: list[str] = [""]
    for escaped, separator, sign in re.findall(r"\\(.)|(; |=)|(.)", one["tags"] or ""):
        if separator:
            read.append("")
        read[-1] += escaped + sign
    pairs = zip(read[::2], read[1::2], strict=False)
    assert list(pairs) == sorted(tags.items())


def test_the_newest_attempt_may_be_a_verdict_on_an_older_restore() -> None:
    judged = restore(LEDGER, END - 5 * DAY, 4, verdict=Verdict.FAILED)
    late = replace(judged, verdicts=(DatedVerdict(END - HOUR, Verdict.FAILED),))
    (row,) = rows(report([(LEDGER, [late, GOOD])]))

    assert (row["lastAttempt"], row["lastAttemptVerdict"]) == ("COMPLETED", "FAILED")
    assert row["lastAttemptAt"] == "2026-11-29T23:00:00.000000Z"


def test_what_could_not_be_read_stands_in_the_line_with_its_fix() -> None:
    snapshots = {LEDGER.key: Snapshot(None, unread=NO_ROLE)}
    for made in (
        report([(LEDGER, [])], {"ledger": NO_ROLE}),
        report([(LEDGER, [GOOD])], snapshots=snapshots),
    ):
        (row,) = rows(made)

        assert row["unread"] == NO_ROLE.problem
        assert row["unreadSince"] == "2026-09-03T06:00:00.000000Z"
        assert row["fix"] == NO_ROLE.fix


def test_the_remarks_of_a_line_are_separated() -> None:
    one = cluster(has_backups=False, is_paused=True)

    assert rows(report([(one, [])]))[0]["remarks"] == "backups off; paused"


@pytest.mark.fault("F112")
def test_lines_begin_with_the_worst_and_no_cell_is_a_formula() -> None:
    made = fleet(11, name=lambda usual: f'=HYPERLINK("https://evil.example";"{usual}")\n@x')
    hostile = {"=rto": "1", "rto": "=cmd|' /C calc'!A0", "rpo": "4h;=1+1\n@x"}
    (tagged,) = report([(cluster(tags=hostile), [])]).coverage.clusters
    made = changed(made, clusters=[*made.coverage.clusters, tagged])

    assert [row["state"] for row in rows(made)] == [
        str(one.state) for one in made.coverage.in_order
    ]
    cells = [cell for row in rows(made) for cell in row.values()]
    assert any("HYPERLINK" in cell for cell in cells)
    assert not any(";=" in cell.replace(" ", "") for cell in cells)
    assert [cell for cell in cells if cell.startswith(("=", "@", "+", "-", "\t"))] == []
    assert not any("\n" in cell for cell in cells)


def test_within_a_state_the_worst_comes_first_and_what_is_well_goes_by_name() -> None:
    overdue = [
        (cluster(name), [restore(cluster(name), END - days * DAY)])
        for name, days in (("accounts", 119), ("ledger", 295), ("billing", 200))
    ]
    young, old = cluster("young", created_at=END - 200 * DAY), cluster("old")
    tested = [
        (cluster(name), [restore(cluster(name), END - days * DAY)])
        for name, days in (("stock", 80), ("cards", 2))
    ]

    names = [
        row["clusterName"] for row in rows(report([*tested, (young, []), (old, []), *overdue]))
    ]

    assert names == ["ledger", "billing", "accounts", "old", "young", "cards", "stock"]


def test_without_a_watched_project_there_is_only_the_head() -> None:
    made = changed(fleet(11), is_configured=False, clusters=[])

    assert rows(made) == []
    assert whole(made)["clusters"] is None
    assert whole(made)["counts"]["clusters"] is None


def test_the_json_has_everything_else() -> None:
    made = changed(
        report([(LEDGER, [GOOD, FAILED])], policy=Policy(Rung.VERIFIED, 30 * DAY, POLICY[2])),
        unread_projects={group(1): NO_ROLE},
        unwatched_projects=[group(9), group(3)],
        unreadable=[{"cluster": "a", "restoreId": "b"}],
        degraded=[""],
        objectives=Objectives(rto=timedelta(minutes=90)),
        snapshots={LEDGER.key: Snapshot(None, unread=NO_ROLE)},
    )
    said = whole(made, **{"report.html": b"page", "coverage.csv": b"lines"})

    since = "2026-09-03T06:00:00.000000Z"
    unread = {"problem": NO_ROLE.problem, "since": since, "fix": NO_ROLE.fix}
    (one,) = said.pop("clusters")
    assert list(one) == [*COLUMNS, "measurement"]
    assert [each["outcome"] for each in said.pop("restores")] == ["COMPLETED", "FAILED"]
    assert [each["clusterName"] for each in said.pop("dueNext")] == ["ledger"]
    assert said.pop("limits")[0].startswith("A good test is")
    counts = said.pop("counts")
    assert counts["restores"]["COMPLETED"] == counts["restores"]["FAILED"] == 1
    assert counts["clusters"]["failed"] == 1
    assert said == {
        "headline": "1 of 1 cluster needs a look.",
        "needsAttention": True,
        "concerns": [
            "1 of 1 cluster needs a look.",
            "1 project and 2 clusters could not be read as a whole.",
            "1 restore failed.",
            "The watch is degraded.",
        ],
        "version": "2.0.0",
        "account": "123456789012",
        "region": "eu-west-1",
        "stack": "atlas-restore-watch",
        "period": {"from": "2026-11-23", "to": "2026-11-29"},
        "askedAt": "2026-11-30T06:00:00.000000Z",
        "readAt": "2026-11-30T06:00:00.000000Z",
        "statesHoldAt": "2026-11-30T00:00:00.000000Z",
        "watchedSince": "2025-11-03T09:00:00.000000Z",
        "restoreTestCounts": "verified",
        "restoreTestDays": 30,
        "restoreTestTag": "tier=prod",
        "rtoSeconds": 5400.0,
        "rpoSeconds": None,
        "medianSeconds": 2520.0,
        "unwatchedProjects": {group(9): None, group(3): "payments"},
        "unreadProjects": {group(1): unread},
        "unreadableItems": [{"cluster": "a", "restoreId": "b"}],
        "degraded": [""],
        "credentialsExpireAt": "2027-03-01T00:00:00.000000Z",
        "missingInMonth": [],
        "files": {
            "coverage.csv": {"sha256": hashlib.sha256(b"lines").hexdigest()},
            "report.html": {"sha256": hashlib.sha256(b"page").hexdigest()},
        },
    }


@pytest.mark.parametrize("kind", [RestoreKind.DEDICATED, RestoreKind.FLEX], ids=str)
def test_a_start_without_a_date_is_the_moment_of_the_id_in_every_file(kind: RestoreKind) -> None:
    slow = restore(
        LEDGER, END - 3 * DAY, took=5 * HOUR, restoreScheduledDate=None, kind=kind, verdict=None
    )
    made = report([(LEDGER, [slow])])

    files = {name: content.decode("utf-8-sig") for name, content in report_files(made).items()}

    (line,) = DictReader(StringIO(files["restores.csv"], newline=""))
    (row,) = rows(made)
    in_json = json.loads(files["report.json"])
    for said in (line, row):
        assert (said["durationSeconds"], said["rtoMet"]) == ("18000", "false")
    for said in (*in_json["restores"], *in_json["clusters"]):
        assert (said["durationSeconds"], said["rtoMet"]) == (5 * 60 * 60, False)
    assert in_json["medianSeconds"] == 5 * 60 * 60
    assert "RTO not known" not in row["remarks"]
    assert "over the RTO" in row["remarks"]
    (end,) = re.findall(r'<td class="end">(.*?)</td>', files["report.html"])
    assert "late" in end
    assert slow.job.duration_seconds is None
