"""The states of clusters, end to end: what Atlas lists and what the table knows, in a report."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from behaviour.report.conftest import DAY, Reports
from behaviour.rows import rows
from local_stack.atlas import ABSENT
from local_stack.faults import Answer
from local_stack.refusal import atlas_error
from local_stack.steps import DEDICATED_LIST
from local_stack.wire import Selection

SNAPSHOTS = Selection("atlas", "snapshots")


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
    reports.cluster("made-later", tags=tags).created = reports.world.clock()
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


def test_each_cluster_is_judged_by_its_own_tags(reports: Reports) -> None:
    """A restore of 40 minutes and of a snapshot of 6 hours, of 40 days ago and of yesterday."""
    tags = {
        "orders": {"restore-test": "30d"},
        "stock": {"restore-test": "30 days", "rto": "30m"},
        "crm": {"rto": "2h", "rpo": "0"},
    }
    for name, said in tags.items():
        reports.cluster(name, tags=[{"key": key, "value": said[key]} for key in said])
        reports.restored(name, days=40)
        reports.world.atlas.add_snapshot(reports.world.group, name)
    found = reports.clusters()

    assert {name: one["state"] for name, one in found.items()} == {
        "orders": "overdue",
        "stock": "tested",
        "crm": "tested",
    }
    assert "9 over its window of 30 days" in found["orders"]["why"]
    assert found["stock"]["remarks"].startswith("tag restore-test=30 days cannot be read")
    assert [found[name]["rtoSeconds"] for name in tags] == [None, 1800, 7200]
    assert [found[name]["windowDays"] for name in tags] == [30, 90, 90]
    assert found["stock"]["tags"] == "restore-test=30 days; rto=30m"
    assert "or the days of their tags" in reports.page()


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
    assert "add Project Backup Recovery Operator" in found["tested"]["fix"]


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

    html = reports.page().encode()
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


@pytest.mark.fault("F111")
def test_a_failure_without_a_date_stays_one_when_the_table_learns_of_it(reports: Reports) -> None:
    """It ended before it was first seen, so it is not of the day on which it was seen."""
    reports.cluster("orders")
    reports.restored("orders", days=20)
    failed = reports.restored("orders", days=3)
    failed.set(failed=True, finishedAt=None)
    assert reports.states() == {"orders": "failed"}

    reports.world.check(reports.target(failed, "dedicated"))

    assert reports.states() == {"orders": "failed"}


REFUSALS = {
    "of the other kind": atlas_error(400, "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API", "Not here."),
    "unsupported": atlas_error(400, "FEATURE_UNSUPPORTED", "Not for this cluster."),
    "about backups": atlas_error(400, "TOO_MANY_BACKUPS", "Wait."),
}


@pytest.mark.fault("F111")
@pytest.mark.parametrize("step", [DEDICATED_LIST, SNAPSHOTS], ids=["restores", "snapshots"])
@pytest.mark.parametrize("refusal", rows(REFUSALS, "of the other kind"))
def test_a_refusal_about_a_cluster_with_backups_is_no_answer(
    reports: Reports, step: Selection, refusal: Answer
) -> None:
    reports.cluster("orders")
    reports.restored("orders", is_known=True)
    reports.world.inject(step, refusal, times=None)

    assert reports.clusters()["orders"]["unread"]
    assert "1 cluster could not be read as a whole." in reports.json()["concerns"]


def test_a_cluster_of_whose_backups_nothing_is_said_has_none_if_atlas_says_so_when_asked(
    reports: Reports,
) -> None:
    reports.cluster("orders", backupEnabled=ABSENT)
    refusal = atlas_error(404, "BACKUP_CONFIG_NOT_FOUND", "No backups.")
    for step in (DEDICATED_LIST, SNAPSHOTS):
        reports.world.inject(step, refusal, times=None)

    found = reports.clusters()["orders"]

    assert (found["state"], found["unread"], found["remarks"]) == ("never", None, "no snapshot")


def taken(hours: float, **fields: object) -> dict[str, object]:
    moment = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
    return {"createdAt": moment, "status": "completed", "snapshotType": "scheduled", **fields}


SNAPSHOT_LISTS: dict[str, tuple[list[object], str]] = {
    "a fallback in capitals": ([taken(1, snapshotType="FALLBACK")], "fallback"),
    "of the future": ([taken(-9000)], "no snapshot"),
    "newest without a date": ([taken(30), taken(1, createdAt=None)], "snapshots not read"),
    "an entry of another form": ([None, taken(30)], "snapshots not read"),
    "one under way": ([taken(1), taken(0, status="inProgress", createdAt=None)], ""),
}


@pytest.mark.fault("F113")
@pytest.mark.parametrize(
    ("listed", "remark"), rows(SNAPSHOT_LISTS, "newest without a date", "of the future")
)
def test_a_snapshot_of_another_form_saves_nobody(
    reports: Reports, listed: list[object], remark: str
) -> None:
    reports.cluster("orders")
    reports.restored("orders")
    answer = Answer.json(200, {"results": listed, "links": []})
    reports.world.inject(SNAPSHOTS, answer, times=None)

    found = reports.clusters()["orders"]["remarks"] or ""

    assert remark in found
    assert bool(found) == bool(remark)


@pytest.mark.fault("F111")
def test_a_project_that_the_list_leaves_out_is_named(reports: Reports) -> None:
    """The list of all projects may lag, or a role may be gone."""
    world = reports.world
    other = secrets.token_hex(12)
    reports.cluster("orders")
    world.atlas.add_cluster(other, "other", "dedicated").created = reports.at - 400 * DAY
    world.environment(project_ids="all").sweep()
    reports.projects = ("all",)
    shown = {"results": [{"id": world.group, "name": "mine"}], "links": []}
    world.inject(Selection("atlas", "projects"), Answer.json(200, shown), times=None)

    reports.make()

    assert set(reports.json()["unreadProjects"]) == {other}
