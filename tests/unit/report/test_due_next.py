"""The clusters whose test is due next, in their order, and the command that starts one."""

import argparse
import json
import shlex
from copy import replace
from typing import Any

import pytest

from restore_watch.model.restore_target import RestoreKind
from restore_watch.report.cluster import Cluster
from restore_watch.report.files.html_page import html_page
from restore_watch.report.files.report_json import report_json
from restore_watch.report.judging.cluster_state import ClusterState
from restore_watch.report.period import DAY
from restore_watch.report.report_message import message_of_report
from restore_watch.report.restores.what_a_restore_proves import Restore
from restore_watch.report.snapshot import Snapshot
from restore_watch.report.words.due_next import SHOWN, due_next
from unit.report.parsed_page import ParsedPage
from unit.report.reports import END, HOUR, NO_ROLE, USUAL, changed, cluster, report, restore

SNAPSHOT = Snapshot(END - HOUR, id="5e7e00128f8ce03996a47179", size=41_200_000_000)


def good_test(name: str, days: float, **fields: Any) -> tuple[Cluster, list[Restore]]:
    one = cluster(name, **fields)
    return one, [restore(one, END - days * DAY)]


def bad_test(name: str, days: float) -> tuple[Cluster, list[Restore]]:
    one = cluster(name)
    return one, [restore(one, END - days * DAY, status="FAILED")]


def made(name: str, days: float) -> tuple[Cluster, list[Restore]]:
    return cluster(name, created_at=END - days * DAY), []


FLEET = [
    good_test("ledger", 10),
    good_test("search", 85),
    good_test("stock", 40),
    good_test("crm", 120),
    bad_test("cards", 3),
    made("new", 20),
    made("never", 300),
    good_test("no-backups", 200, has_backups=False),
    good_test("exempted", 200, tags={"restore-test": "exempt"}),
]


def test_what_is_due_for_longest_comes_first_and_then_what_runs_out_first() -> None:
    due = due_next(report(FLEET))

    told = [(each.judged.cluster.name, each.why) for each in due]
    assert told == [
        ("never", "never tested"),
        ("crm", "ran out on 31 Oct 2026"),
        ("cards", "failed on 27 Nov 2026"),
        ("search", "runs out on 5 Dec 2026"),
        ("stock", "runs out on 19 Jan 2027"),
    ]


def test_a_test_that_is_as_old_as_its_window_has_not_run_out() -> None:
    ended_then = restore(cluster(), END - 90 * DAY - USUAL)
    (due,) = due_next(report([(cluster(), [ended_then])]))

    assert due.at == END
    assert (due.judged.state, due.why) == (ClusterState.TESTED, "runs out on 30 Nov 2026")


def test_the_json_has_what_a_program_needs_to_start_the_test() -> None:
    fallback = SNAPSHOT._replace(is_fallback=True)
    made = report([good_test("ledger", 10)], snapshots={cluster().key: fallback})
    (said,) = json.loads(report_json(made, {}))["dueNext"]

    assert said.pop("command").startswith("atlas backups restores start automated ")
    assert said == {
        "groupId": cluster().group_id,
        "clusterName": "ledger",
        "dueAt": "2027-02-18T00:42:00.000000Z",
        "why": "runs out on 18 Feb 2027",
        "lastDurationSeconds": 2520,
        "newestSnapshotId": "5e7e00128f8ce03996a47179",
        "newestSnapshotBytes": 41_200_000_000,
        "newestSnapshotIsFallback": True,
    }


def test_of_a_cluster_that_nobody_can_tell_nothing_is_due() -> None:
    assert due_next(report([good_test("ledger", 300)], unread={"ledger": NO_ROLE})) == []


def test_a_cluster_of_which_not_all_was_read_is_not_due() -> None:
    (judged,) = report([good_test("ledger", 10)]).coverage.clusters
    made = changed(report([]), clusters=[replace(judged, unread=NO_ROLE)])

    assert due_next(made) == []


def test_an_undated_restore_does_not_hide_how_long_the_one_before_took() -> None:
    ledger, own = good_test("ledger", 10)
    undated = restore(ledger, END - 5 * DAY, 2, restoreFinishedDate=None)
    (due,) = due_next(report([(ledger, [*own, undated])]))

    assert due.took == 42 * 60


def test_a_cluster_of_which_atlas_says_no_date_is_due_now() -> None:
    (first, _) = due_next(report([good_test("ledger", 300), (cluster("old", created_at=None), [])]))

    assert (first.judged.cluster.name, first.at) == ("old", None)


def parser_of_the_atlas_cli() -> argparse.ArgumentParser:
    """`atlas backups restores start` as documented: one argument, flags with a value each."""
    parser = argparse.ArgumentParser(exit_on_error=False, allow_abbrev=False)
    parser.add_argument("method", choices=["automated", "download", "pointInTime"])
    for flag in ("clusterName", "snapshotId", "targetClusterName", "targetProjectId"):
        parser.add_argument(f"--{flag}", required=True)
    for flag in ("oplogInc", "oplogTs", "output", "pointInTimeUTCSeconds", "profile", "projectId"):
        parser.add_argument(f"--{flag}")
    return parser


def command_of(**fields: Any) -> str | None:
    of_report = report([good_test("ledger", 10)], snapshots={cluster().key: SNAPSHOT})
    (due,) = due_next(changed(of_report, **fields))
    return due.command


def test_the_command_is_refused_as_it_stands_and_with_one_target_replaced() -> None:
    command = command_of() or ""
    assert command.startswith("atlas backups restores start automated --projectId 0000")
    for one_replaced in (
        command,
        command.replace("YOUR TEST PROJECT", "a" * 24),
        command.replace("YOUR TEST CLUSTER", "drill"),
    ):
        _, others = parser_of_the_atlas_cli().parse_known_args(shlex.split(one_replaced)[4:])
        assert others  # the Atlas CLI takes one argument

    both = command.replace("YOUR TEST PROJECT", "a" * 24).replace("YOUR TEST CLUSTER", "drill")
    read = parser_of_the_atlas_cli().parse_args(shlex.split(both)[4:])
    assert vars(read) == vars(read) | {
        "method": "automated",
        "projectId": cluster().group_id,
        "clusterName": "ledger",
        "snapshotId": SNAPSHOT.id,
        "targetProjectId": "a" * 24,
        "targetClusterName": "drill",
    }


@pytest.mark.parametrize("odd", [None, "", "$(reboot)", "5e7e00128f8ce03996a47179;reboot"])
def test_there_is_no_command_for_a_snapshot_of_another_form(odd: str | None) -> None:
    snapshot = SNAPSHOT._replace(id=odd)

    assert command_of(snapshots={cluster().key: snapshot}) is None


def test_there_is_no_command_for_a_name_of_another_form() -> None:
    odd = cluster("led$(reboot)ger")
    (due,) = due_next(report([(odd, [])], snapshots={odd.key: SNAPSHOT}))

    assert due.command is None


def test_page_json_and_message_name_the_same_first_cluster() -> None:
    of_report = report([*FLEET, good_test("flex", 89, kind=RestoreKind.FLEX)])
    of_report = changed(of_report, snapshots={cluster("crm").key: SNAPSHOT})
    text = ParsedPage(html_page(of_report)).text
    said = json.loads(report_json(of_report, {}))["dueNext"]
    first = message_of_report(of_report, "b", "k").event["data"]["dueNext"]

    assert len(said) == SHOWN
    assert said[0] == said[0] | {"clusterName": "never", "why": "never tested", "command": None}
    assert first == first | {"clusterName": "never", "projectName": "catalogue"}
    assert "never in catalogue : never tested. No command: Atlas names no newest snapshot." in text
    shown = "ran out on 31 Oct 2026; the last took 42 min; newest snapshot 41.2 GB."
    assert shown in text
    assert said[1]["command"] in text


@pytest.mark.parametrize(
    ("name", "snapshot", "said"),
    [
        ("ledger", SNAPSHOT._replace(id=None), "41.2 GB. No command: Atlas names no id of the"),
        ("ledger", SNAPSHOT._replace(id="7"), "41.2 GB. No command: Atlas names no id of the"),
        ("ledger", Snapshot(None), "42 min. No command: Atlas names no newest snapshot."),
        ("ledger", None, "42 min. No command: Atlas names no newest snapshot."),
        ("ledger", Snapshot(None, unread=NO_ROLE), "42 min. No command: the newest snapshot could"),
        ("led$ger", SNAPSHOT, "41.2 GB. No command: the cluster has a name of an unknown form."),
    ],
    ids=["no id", "an odd id", "no snapshot", "nothing read", "unread", "an odd name"],
)
def test_the_page_says_why_there_is_no_command(
    name: str, snapshot: Snapshot | None, said: str
) -> None:
    """The size of a snapshot is shown without a command too."""
    snapshots = {cluster(name).key: snapshot} if snapshot else {}
    made = report([good_test(name, 10)], snapshots=snapshots)

    assert said in ParsedPage(html_page(made)).text


@pytest.mark.parametrize("is_fallback", [True, False])
def test_the_command_for_a_fallback_comes_with_a_word(*, is_fallback: bool) -> None:
    snapshot = SNAPSHOT._replace(is_fallback=is_fallback)
    made = report([good_test("ledger", 10)], snapshots={cluster().key: snapshot})
    text = ParsedPage(html_page(made)).text
    (said,) = json.loads(report_json(made, {}))["dueNext"]
    warning = "41.2 GB. The newest snapshot is a fallback, which may be inconsistent."

    assert said["newestSnapshotIsFallback"] == is_fallback
    assert said["command"] in text
    assert (warning in text) == is_fallback


def test_without_a_cluster_that_needs_a_test_nothing_is_due() -> None:
    exempt = replace(cluster(), tags={"restore-test": "exempt"})
    of_report = report([(exempt, [])])

    assert message_of_report(of_report, "b", "k").event["data"]["dueNext"] is None
    assert "Due next" not in ParsedPage(html_page(of_report)).text
