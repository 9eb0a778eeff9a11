"""What cannot be read is said, with since when and the fix; the rest is reported."""

import secrets
from collections.abc import Mapping
from typing import Any

import pytest

from behaviour.report.conftest import DAY, Reports
from behaviour.rows import rows
from local_stack.faults import Action, Answer, Close
from local_stack.refusal import atlas_error
from local_stack.steps import DEDICATED_LIST, FLEX_CLUSTERS, MISSING_ROLE, too_many_requests
from local_stack.wire import Selection

CLUSTERS = Selection("atlas", "dedicated_clusters")
PROJECTS = Selection("atlas", "projects")
SNAPSHOTS = Selection("atlas", "snapshots")

FAULTS: dict[str, tuple[Action, str]] = {
    "401": (
        MISSING_ROLE,
        "add Project Backup Recovery Operator",
    ),
    "403": (atlas_error(403, "FORBIDDEN", "Not for you."), "Give the service account"),
    "404": (atlas_error(404, "GROUP_NOT_FOUND", "No such project."), "AtlasProjectIds"),
    "429": (too_many_requests(), "half of each rate limit"),
    "500": (Answer(500), "status.mongodb.com"),
    "silence": (Close(), "status.mongodb.com"),
    "html": (Answer(200, {"Content-Type": "text/html"}, "<html>"), "newest version"),
}


def furnish(reports: Reports) -> None:
    """One cluster that the table knows to be tested, one that only Atlas knows, and a Flex one."""
    for name in ("known", "unknown"):
        reports.cluster(name)
        reports.restored(name, is_known=name == "known")
    reports.cluster("flex", "flex")
    reports.restored("flex", "flex")


def unread_project(reports: Reports) -> Mapping[str, Any]:
    ((group_id, unread),) = reports.json()["unreadProjects"].items()
    return {"groupId": group_id, **unread}


@pytest.mark.fault("F111")
@pytest.mark.parametrize(("action", "fix"), rows(FAULTS, "401", "silence"))
def test_a_list_of_restores_that_cannot_be_read(reports: Reports, action: Action, fix: str) -> None:
    furnish(reports)
    since = (reports.at - 30 * DAY).isoformat()
    trouble = {"since": since, "error": "AtlasError", "message": "refused"}
    reports.world.rewrite_bookkeeping(troubles={"dedicated jobs of a cluster": trouble})
    reports.world.inject(DEDICATED_LIST, action, times=None)

    found = reports.clusters()

    assert {name: one["state"] for name, one in found.items()} == {
        "unknown": "cannot tell",
        "flex": "tested",
        "known": "tested",
    }
    assert fix in found["unknown"]["fix"]
    assert found["unknown"]["unreadSince"][:10] == since[:10]
    (message,) = reports.messages()
    assert message.event["data"]["needAttention"][0]["state"] == "cannot tell"


@pytest.mark.fault("F111")
@pytest.mark.parametrize(("action", "fix"), rows(FAULTS, "404"))
def test_a_list_of_clusters_that_cannot_be_read(reports: Reports, action: Action, fix: str) -> None:
    """The clusters that the table knows stand in."""
    furnish(reports)
    reports.restored("gone", days=300, is_known=True)
    reports.world.inject(CLUSTERS, action, times=None)

    states = reports.states()

    assert states == {"gone": "cannot tell", "flex": "tested", "known": "tested"}
    assert unread_project(reports)["groupId"] == reports.world.group
    assert fix in unread_project(reports)["fix"]


@pytest.mark.fault("F111")
@pytest.mark.parametrize("action", rows({name: FAULTS[name][0] for name in ("429", "500")}, "429"))
def test_what_passes_leaves_no_trace(reports: Reports, action: Action) -> None:
    furnish(reports)
    for step in (PROJECTS, CLUSTERS, FLEX_CLUSTERS, DEDICATED_LIST, SNAPSHOTS):
        reports.world.inject(step, action, times=2)

    assert set(reports.states().values()) == {"tested"}
    assert reports.json()["unreadProjects"] == {}


@pytest.mark.fault("F111")
def test_a_cluster_that_is_listed_and_not_found_is_not_called_never(reports: Reports) -> None:
    reports.cluster("orders")
    reports.restored("orders")
    not_found = atlas_error(404, "CLUSTER_NOT_FOUND", "No such cluster.")
    reports.world.inject(DEDICATED_LIST, not_found, times=None)

    found = reports.clusters()["orders"]

    assert found["state"] == "cannot tell"
    assert "ask for the period again in an hour" in found["fix"]


@pytest.mark.fault("F111")
def test_snapshots_that_cannot_be_read(reports: Reports) -> None:
    furnish(reports)
    reports.world.inject(SNAPSHOTS, MISSING_ROLE, times=None)

    known = reports.clusters()["known"]

    assert known["state"] == "tested"
    assert "Project Read Only" in known["fix"]


@pytest.mark.fault("F111")
@pytest.mark.parametrize("clusters", rows({"3": 3, "50": 50}, "50"))
def test_a_family_that_only_refuses_is_asked_three_times_in_a_project(
    reports: Reports, clusters: int
) -> None:
    """There is no role for it. Each cluster says so all the same."""
    names = [f"orders-{number}" for number in range(clusters)]
    for name in names:
        reports.cluster(name)

    with reports.read_only():
        found = reports.clusters()

    # A refusal may cost a second call, with a new token.
    asked = {call.path for call in reports.asked() if call.operation == "dedicated_list"}
    assert len(asked) == 3
    assert found.keys() == set(names)
    assert {one["state"] for one in found.values()} == {"cannot tell"}
    (said,) = {(one["why"], one["fix"]) for one in found.values()}
    assert "Atlas answered 401 for the list of dedicated restore jobs" in said[0]
    assert "add Project Backup Recovery Operator" in said[1]


@pytest.mark.fault("F111")
def test_a_family_that_refuses_some_clusters_is_asked_about_each(reports: Reports) -> None:
    for number in range(8):
        reports.cluster(f"orders-{number}")
        reports.restored(f"orders-{number}")
    refused = Selection("atlas", "dedicated_list", lambda call: "orders-1/" in call.path)
    reports.world.inject(refused, MISSING_ROLE, times=None)

    states = reports.states()

    assert states.pop("orders-1") == "cannot tell"
    assert set(states.values()) == {"tested"}


@pytest.mark.fault("F111")
def test_the_list_of_all_projects_is_refused(reports: Reports) -> None:
    """The projects that the watch knows are reported."""
    furnish(reports)
    world = reports.world
    world.environment(project_ids="all").sweep()
    reports.projects = ("all",)
    world.inject(PROJECTS, MISSING_ROLE, times=None)

    assert set(reports.states()) >= {"known", "unknown", "flex"}
    assert unread_project(reports)["groupId"] == ""
    assert "AtlasProjectIds" in unread_project(reports)["fix"]


@pytest.mark.fault("F130")
@pytest.mark.parametrize(
    "action",
    rows(
        {
            "500": Answer(500),
            "429": too_many_requests(),
            "429-for-hours": too_many_requests({"Retry-After": "7200"}),
        },
        "429-for-hours",
    ),
)
def test_a_list_that_named_projects_do_not_need_delays_no_report(
    reports: Reports, action: Action
) -> None:
    """Their names are in the table."""
    furnish(reports)
    world = reports.world
    world.rewrite_bookkeeping(name="Payments")
    world.inject(PROJECTS, action, times=None)
    begun = world.clock()

    found = reports.clusters()

    assert (world.clock() - begun).total_seconds() < 30
    assert {one["projectName"] for one in found.values()} == {"Payments"}
    assert {found[name]["state"] for name in ("known", "unknown", "flex")} == {"tested"}
    assert reports.json()["unwatchedProjects"] is None
    assert reports.json()["unreadProjects"] == {}
    assert (
        "Whether the credentials see other projects could not be read." in reports.json()["limits"]
    )


def test_a_list_that_named_projects_do_not_need_is_asked_once_more(reports: Reports) -> None:
    furnish(reports)
    reports.world.rewrite_bookkeeping(name="Payments")
    reports.world.inject(PROJECTS, Answer(500), times=1)

    found = reports.clusters()

    assert reports.world.count(PROJECTS) == 2
    assert {one["projectName"] for one in found.values()} == {f"Project {reports.world.group[-4:]}"}


def test_all_projects_on_several_pages(reports: Reports) -> None:
    furnish(reports)
    other = secrets.token_hex(12)
    reports.world.atlas.add_cluster(other, "other", "flex").created = reports.at - 10 * DAY
    reports.world.atlas.behaviour.largest_page = 1
    reports.projects = ("all",)

    found = reports.clusters()

    assert (found["other"]["state"], found["other"]["projectName"]) == (
        "new",
        f"Project {other[-4:]}",
    )
    assert set(found) >= {"known", "flex", "other"}


def test_more_clusters_than_a_page_are_not_passed_over(reports: Reports) -> None:
    furnish(reports)
    reports.world.atlas.behaviour.largest_page_of_clusters = 1

    reports.make()

    assert "more clusters" in unread_project(reports)["problem"]


@pytest.mark.fault("F111")
def test_what_the_time_did_not_reach_is_said(reports: Reports) -> None:
    """The time to ask is over with the sixth question, and that to write begins."""
    world, jumps = reports.world, iter([*5 * [0], 845])
    names = [f"cluster-{number}" for number in range(40)]
    for name in names:
        reports.cluster(name)
        reports.restored(name)
    with world.whenever(DEDICATED_LIST, lambda: world.pass_time(next(jumps, 0))):
        found = reports.clusters()

    states = [one["state"] for one in found.values()]
    assert set(found) == set(names)
    assert set(states) == {"tested", "cannot tell"}
    late = next(one for one in found.values() if one["state"] == "cannot tell")
    assert "The time of the report was over" in late["unread"]
    assert "Ask for the period again" in late["fix"]
    assert len(reports.messages()) == 1


@pytest.mark.fault("F111")
def test_clusters_of_a_silent_project_that_were_never_asked_about(reports: Reports) -> None:
    """More time would not help: Atlas is out of order."""
    world, jumps = reports.world, iter([820])
    names = [f"cluster-{number}" for number in range(150)]
    for name in names:
        reports.cluster(name)
    for step in (DEDICATED_LIST, SNAPSHOTS):
        world.inject(step, Answer(500), times=None)
    with world.whenever(CLUSTERS, lambda: world.pass_time(next(jumps, 0))):
        found = reports.clusters()

    whys = [found[name]["unread"] for name in names]
    assert {one["state"] for one in found.values()} == {"cannot tell"}
    assert any("did not answer other questions about this project" in why for why in whys)
    assert not any("The time of the report was over" in why for why in whys)
    assert all("status.mongodb.com" in one["fix"] for one in found.values())


def test_the_reserve_of_other_tools_is_kept(reports: Reports) -> None:
    """What the first answer finds under way goes on; the rest waits for the next round."""
    world, names = reports.world, [f"cluster-{number}" for number in range(40)]
    for name in names:
        reports.cluster(name)
    world.atlas.keep_bucket(world.group, "dedicated", 10)

    assert reports.states() == dict.fromkeys(names, "never")
    assert world.naps.count(10) >= 1


@pytest.mark.parametrize(
    ("tag", "days", "is_listed"),
    rows(
        {
            "within 90 days": ("", 60, True),
            "beyond 90 days": ("", 100, False),
            "within 150 days": ("150d", 100, True),
            "beyond 150 days": ("150d", 160, False),
            "beyond 7 days": ("7d", 60, False),
        },
        "within 150 days",
        "beyond 7 days",
    ),
)
def test_an_unreadable_item_matters_within_the_window_of_its_cluster(
    reports: Reports, tag: str, *, days: int, is_listed: bool
) -> None:
    world = reports.world
    reports.cluster("orders", tags=[{"key": "restore-test", "value": tag}] if tag else [])
    job = reports.restored("orders", days=days, is_known=True)
    world.rewrite(job, history=[{"status": {"form": "of 2031"}}])
    reports.make()

    assert bool(reports.json()["unreadableItems"]) == is_listed


@pytest.mark.fault("F111")
def test_an_item_of_a_newer_version_is_listed(reports: Reports) -> None:
    furnish(reports)
    world = reports.world
    (job,) = world.atlas.restores(world.group, "known")
    world.rewrite(job, history=[{"status": {"form": "of 2031"}}])

    assert reports.states()["known"] == "tested"
    (key,) = reports.json()["unreadableItems"]
    assert key == {"cluster": f"{world.group}/known", "restoreId": job.restore_id}
    (message,) = reports.messages()
    assert message.attributes["attention"] == "true"


def test_a_list_of_projects_that_is_refused_does_not_mean_that_all_are_watched(
    reports: Reports,
) -> None:
    reports.cluster("orders")
    reports.world.atlas.add_project("b" * 24)
    reports.make()
    assert list(reports.json()["unwatchedProjects"]) == ["b" * 24]

    answer = Answer.json(403, {"error": 403, "errorCode": "FORBIDDEN", "detail": "No."})
    reports.world.inject(Selection("atlas", "projects"), answer, times=None)
    reports.make()

    assert reports.json()["unwatchedProjects"] is None
