"""The states of clusters, end to end: what Atlas lists and what the table knows, in a report."""

from datetime import datetime, timedelta

import pytest

from behaviour.report.conftest import DAY, Reports


def test_each_cluster_has_the_state_that_its_restores_prove(reports: Reports) -> None:
    """A restore from before the installation counts, because Atlas lists it."""
    reports.settings["RESTORE_TEST_TAG"] = "tier=production"
    tags = [{"key": "tier", "value": "production"}]
    for name in ("tested", "overdue", "never", "downloaded", "part", "failed", "known"):
        reports.cluster(name, tags=tags)
    for name in ("new", "again"):
        reports.cluster(name, days=20, tags=tags)
    reports.cluster("flex", "flex", tags=tags)
    reports.cluster("copy", tags=[*tags, {"key": "restore-test", "value": "exempt:a copy"}])
    reports.cluster("own", tags=tags, internalClusterRole="SYSTEM")
    reports.cluster("lacks-tag")
    reports.cluster("made-later", days=-1, tags=tags)
    # Atlas says so of each old restore.
    reports.restored("tested").set(expired=True)
    reports.restored("flex", "flex")
    reports.restored("again", days=40)
    reports.restored("overdue", days=200)
    reports.restored("part", "collection", is_known=True)
    reports.restored("known", is_known=True)
    reports.restored("failed", days=50)
    reports.restored("failed", days=3).set(failed=True, finishedAt=None)
    reports.restored("downloaded").set(deliveryType="download")
    world = reports.world
    world.atlas.hide_restore(next(iter(world.atlas.restores(world.group, "known"))))

    assert reports.states() == {
        "failed": "failed",
        "overdue": "overdue",
        **dict.fromkeys(("downloaded", "never", "part"), "never"),
        **dict.fromkeys(("again", "new"), "new"),
        **dict.fromkeys(("flex", "known", "tested"), "tested"),
        "copy": "exempt",
        **dict.fromkeys(("lacks-tag", "own"), "not required"),
    }


def test_a_verdict_on_an_open_restore_outlives_its_end_in_the_list(reports: Reports) -> None:
    """The pipeline reports a failed test before a sweep sees that the restore has completed."""
    world = reports.world
    reports.cluster("orders", "flex")
    job = world.job("flex", cluster="orders", timeline=["RUNNING", "COMPLETED"])
    world.check(job)
    verdict = {"action": "record-validation", **job.event, "verdict": "FAILED"}
    world.environment().answer(verdict)
    job.run_to_end()
    reports.event["scheduledTime"] = (world.clock() + DAY).isoformat()
    world.pass_time(DAY.total_seconds())

    assert reports.states() == {"orders": "failed"}


def test_a_restore_without_the_date_of_its_end_counts_from_its_beginning(reports: Reports) -> None:
    reports.cluster("orders", "flex")
    reports.restored("orders", "flex", days=300).drop("restoreFinishedDate")

    assert reports.states() == {"orders": "overdue"}


def test_a_cluster_in_both_lists_is_the_flex_one(reports: Reports) -> None:
    """Atlas lists a Flex cluster that was an M2 among the dedicated ones too."""
    reports.cluster("twin", "flex")
    reports.cluster("listed-again").said = {"name": "twin"}
    with reports.read_only():
        found = reports.clusters()

    assert {name: (one["kind"], one["state"]) for name, one in found.items()} == {
        "twin": ("flex", "never")
    }


@pytest.mark.parametrize("kind", ["flex", "dedicated", "sharded"])
def test_the_newest_completed_snapshot_of_each_kind_is_shown(reports: Reports, kind: str) -> None:
    world, of = reports.world, "flex" if kind == "flex" else "dedicated"
    said = {"clusterType": "SHARDED"} if kind == "sharded" else {}
    reports.cluster("orders", of, **said)  # type: ignore[arg-type]
    for hours, status in ((30, "completed"), (3, "completed"), (1, "failed")):
        age = timedelta(hours=hours)
        world.atlas.add_snapshot(world.group, "orders", status=status, age=age, kind=of)  # type: ignore[arg-type]

    newest = reports.clusters()["orders"]["newestSnapshotAt"]

    words = {"flex": "flex_snapshots", "dedicated": "snapshots", "sharded": "sharded_snapshots"}
    assert words[kind] in [call.operation for call in reports.asked()]

    expected = world.clock() - timedelta(hours=3)
    # A Flex snapshot is dated by its end.
    assert abs(datetime.fromisoformat(newest) - expected) < timedelta(minutes=2)


def test_without_the_role_a_dedicated_cluster_is_told_only_by_the_table(reports: Reports) -> None:
    for name in ("tested", "known"):
        reports.cluster(name)
        reports.restored(name, is_known=name == "known")
    reports.cluster("flex", "flex")
    reports.restored("flex", "flex")
    with reports.read_only():
        found = reports.clusters()

    states = {name: one["state"] for name, one in found.items()}
    assert states == {"tested": "cannot tell", "known": "tested", "flex": "tested"}
    assert "Project Backup Manager" in found["tested"]["fix"]


def test_more_restores_than_a_page_are_not_called_never(reports: Reports) -> None:
    """Nobody documents the order of the list: here, the newest ones are on the second page."""
    world = reports.world
    for name in ("new-first", "old-first"):
        reports.cluster(name)
        newest = reports.at - 100 * DAY
        world.atlas.add_ended_restores(world.group, name, "dedicated", 101, newest=newest)
    world.atlas.order_list(world.group, "old-first", "oldest first")

    assert reports.states() == {"new-first": "overdue", "old-first": "cannot tell"}


def test_months_before_the_oldest_restore_on_a_full_page_were_not_seen(reports: Reports) -> None:
    world, newest = reports.world, reports.at - 100 * DAY
    reports.cluster("orders")
    world.atlas.add_ended_restores(world.group, "orders", "dedicated", 101, newest=newest)
    reports.make()

    (html,) = (body for key, body in reports.files().items() if key.endswith("html"))
    assert html.count(b'"#ABSENT" x=') >= 8


def test_a_free_cluster_and_one_without_backups_cost_no_question(reports: Reports) -> None:
    reports.cluster("free").provider_name = "TENANT"
    reports.cluster("off", backupEnabled=False)
    reports.cluster("odd").said = {"name": "odd/../name"}
    reports.cluster("orders")
    reports.world.stack.forget_calls()

    states = reports.states()

    assert states["free"] == "not required"
    assert states["off"] == "never"
    assert states["odd/../name"] == "cannot tell"
    asked = reports.asked()
    assert {call.method for call in asked} == {"GET"}
    assert sorted(call.operation for call in asked) == [
        *("dedicated_clusters", "dedicated_list", "flex_clusters", "projects", "snapshots")
    ]


def test_without_a_watched_project_there_are_restores_and_no_clusters(reports: Reports) -> None:
    reports.projects = ()
    reports.event["scheduledTime"] = (reports.world.clock() + DAY).isoformat()
    reports.world.recorded_job("flex")
    reports.world.pass_time(DAY.total_seconds())

    result = reports.make()

    assert reports.asked() == []
    assert reports.json()["clusters"] is None
    assert result["counts"]["restores"]["OPEN"] == 1
