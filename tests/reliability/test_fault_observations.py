"""What Atlas says is believed, and what cannot be read is not taken for read: F85, F86, F90."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from local_stack.atlas import EmulatedRestore, Kind
from local_stack.faults import Ask
from local_stack.loopback import Line
from local_stack.refusal import atlas_error
from local_stack.restores import date
from local_stack.wire import Answer, Injected, Selection
from reliability.campaign import Campaign, item_key
from reliability.campaign import rewrite as rewrite_item
from reliability.finding import COLLECTION_LIST, EVENTS, FLEX_CLUSTERS, Finds
from reliability.steps import ATLAS, MISSING_ROLE, UNKNOWN_JOB
from reliability.sweeping import DEDICATED_LIST, FLEX_LIST, Sweeps, many_jobs

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

LISTS: Mapping[Kind, Selection] = {
    "flex": FLEX_LIST,
    "dedicated": DEDICATED_LIST,
    "collection": COLLECTION_LIST,
}
RUNNING_THEN_FAILED = ["RUNNING", "FAILED"]


@dataclass(frozen=True)
class Rewritten:
    """The entries of a list, each as `change` returns it."""

    change: Callable[[dict[str, Any]], Any]

    def play(self, _line: Line, ask: Ask, /) -> Answer:
        answer = ask()
        body = json.loads(answer.body)
        if answer.status == 200:
            body["results"] = [self.change(entry) for entry in body["results"]]
        return Answer(answer.status, answer.headers, json.dumps(body))


def rewrite(
    campaign: Campaign, step: Selection, change: Callable[[dict[str, Any]], Any]
) -> Injected:
    return campaign.inject(step, Rewritten(change), times=None)


def with_fields(**fields: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda entry: entry | fields


OPTIONAL: Sequence[tuple[Kind, Mapping[str, Any]]] = (
    ("flex", {"expirationDate": ""}),
    ("flex", {"snapshotFinishedDate": 1_777_809_600_000, "targetDeploymentItemName": {"name": 1}}),
    ("dedicated", {"timestamp": [], "targetGroupId": 7}),
    ("collection", {"snapshotId": {}, "targetClusterName": 5}),
)


@pytest.mark.fault("F85")
@cases(("kind", "fields"), OPTIONAL)
def test_a_field_that_decides_nothing_and_cannot_be_read_is_null(
    campaign: Campaign, finds: Finds, kind: Kind, fields: Mapping[str, Any]
) -> None:
    finds.tick()
    jobs = finds.ended_jobs(kind)
    rewrite(campaign, LISTS[kind], with_fields(**fields))
    finds.ticks(16)

    assert finds.reported_once(jobs)
    assert finds.said() == []


UNREADABLE: Mapping[str, tuple[Selection, Callable[[dict[str, Any]], Any]]] = {
    "status": (FLEX_LIST, with_fields(status={"name": "RUNNING"})),
    "finish-date": (DEDICATED_LIST, with_fields(finishedAt="yesterday")),
    "state": (COLLECTION_LIST, with_fields(state=None)),
    "id": (FLEX_LIST, with_fields(id={"$oid": 1})),
    "entry": (FLEX_LIST, lambda _: "a job"),
    "cluster": (FLEX_CLUSTERS, with_fields(name=None)),
}


@pytest.mark.fault("F85")
@cases("what", UNREADABLE)
def test_an_entry_that_cannot_be_read_is_reported_and_its_restores_are_found_after_the_repair(
    campaign: Campaign, finds: Finds, what: str
) -> None:
    step, change = UNREADABLE[what]
    finds.ended_jobs(cluster="before")
    finds.ticks(2)
    mark = finds.mark
    jobs = finds.ended_jobs()
    rewrite(campaign, step, change)
    finds.ticks(5)
    # Longer than a mark reaches back.
    finds.ticks(8, minutes=12)
    said_meanwhile = finds.said()
    campaign.heal()
    finds.tick(15)
    finds.ticks(4)

    assert finds.mark > mark
    assert finds.reported_once(jobs)
    since = said_meanwhile[0].partition(":")[2]
    assert said_meanwhile == [f"degraded:{since}"]
    assert finds.said() == [f"degraded:{since}", f"recovered:{since}"]


@pytest.mark.fault("F85")
def test_an_old_entry_that_cannot_be_read_keeps_nothing_behind(
    campaign: Campaign, finds: Finds
) -> None:
    finds.tick()
    (job,) = finds.ended_jobs("flex")
    long_ago = f"{int(campaign.clock().timestamp()) - 9 * 24 * 3600:08x}" + "0" * 16
    entry = job.body("flex")
    for odd in (
        {"id": long_ago, "status": 7},
        {"id": 7, "restoreScheduledDate": "2020-01-01T00:00:00Z"},
    ):
        campaign.atlas.add_to_list(campaign.group, job.cluster, "flex", entry | odd)
    finds.ticks(20)

    assert (finds.reported_once([job]), finds.behind, finds.said()) == (True, set(), [])


# One path for what Atlas says


def older(job: EmulatedRestore) -> Answer:
    return Answer.json(200, job.body("flex") | {"status": "RUNNING"})


DISAGREEING: Mapping[str, Answer | None] = {
    "503": Answer(503),
    "400": atlas_error(400, "SOMETHING_NEW", "No."),
    "404": atlas_error(404, "RESOURCE_NOT_FOUND", "Unknown."),
    "odd": Answer.json(200, {"id": 7}),
    "older": None,
}


@pytest.mark.fault("F86")
@cases("answer", DISAGREEING)
def test_the_end_that_a_list_shows_is_recorded_although_the_jobs_own_endpoint_says_less(
    campaign: Campaign, finds: Finds, answer: str
) -> None:
    finds.tick()
    job = campaign.job(timeline=RUNNING_THEN_FAILED)
    finds.ticks(2)
    campaign.inject(ATLAS, DISAGREEING[answer] or older(job), times=None)
    job.run_to_end()
    finds.ticks(3)

    assert campaign.published(job) == RUNNING_THEN_FAILED


@pytest.mark.fault("F86")
def test_the_end_that_the_jobs_own_endpoint_shows_is_recorded_although_lists_say_less(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    jobs = many_jobs(campaign, 3, clusters=1, timeline=RUNNING_THEN_FAILED)
    for job in jobs:
        campaign.atlas.lag_lists(job)
        job.run_to_end()
    for _ in range(len(jobs)):
        campaign.pass_time(60)
        sweeps.sweep()

    assert [campaign.published(job)[-1:] for job in jobs] == [["FAILED"]] * 3


@pytest.mark.fault("F86")
def test_what_a_page_shows_is_recorded_although_the_next_page_is_refused(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    jobs = many_jobs(campaign, 3, clusters=1, timeline=RUNNING_THEN_FAILED)
    jobs[0].run_to_end()
    link = {"rel": "next", "href": "?pageNum=2"}
    first = Answer.json(200, {"links": [link], "results": [jobs[0].body("flex")]})
    second = Selection("atlas", "flex_list", lambda call: call.query["pageNum"] == "2")
    campaign.inject(second, Answer(429, {"Retry-After": "60"}), times=None)
    campaign.inject(FLEX_LIST, first, times=None)
    result = sweeps.sweep()

    assert (result["changed"], result["notReached"]) == (1, 2)
    assert campaign.published(jobs[0]) == RUNNING_THEN_FAILED


@pytest.mark.fault("F86")
@cases("answer", ["503", "400", "odd"])
def test_a_job_whose_own_endpoint_fails_is_a_trouble_although_lists_answer(
    campaign: Campaign, finds: Finds, answer: str
) -> None:
    finds.tick()
    campaign.job(timeline=RUNNING_THEN_FAILED)
    finds.ticks(2)
    refusal = DISAGREEING[answer]
    assert refusal is not None
    campaign.inject(ATLAS, refusal, times=None)
    finds.ticks(5)
    said_meanwhile = finds.said()
    campaign.heal()
    finds.ticks(5)

    since = said_meanwhile[0].partition(":")[2]
    assert finds.said() == [f"degraded:{since}", f"recovered:{since}"]


@pytest.mark.fault("F86")
def test_one_job_that_fails_among_others_that_answer_is_reported_too(
    campaign: Campaign, finds: Finds
) -> None:
    finds.tick()
    jobs = [campaign.job(cluster=f"many-{n}", timeline=RUNNING_THEN_FAILED) for n in range(3)]
    finds.ticks(2)
    bad = Selection("atlas", "flex", lambda call: call.path.endswith(jobs[0].restore_id))
    campaign.inject(bad, Answer(503), times=None)
    finds.ticks(8)

    (degraded,) = finds.said()
    assert degraded.startswith("degraded:")


@pytest.mark.fault("F86")
def test_a_sweep_in_which_every_job_of_a_cluster_failed_is_no_outage(
    campaign: Campaign, finds: Finds
) -> None:
    finds.tick()
    for _ in range(8):
        campaign.job(cluster="many", timeline=RUNNING_THEN_FAILED)
    finds.ticks(2)
    campaign.atlas.lock_out(campaign.group)
    finds.tick()
    campaign.atlas.admit(campaign.group)
    finds.ticks(9)

    assert finds.said() == []


@pytest.mark.fault("F86", "F83")
def test_a_job_that_a_list_shows_is_followed_although_its_own_endpoint_does_not_know_it(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    (job,) = many_jobs(campaign, 1, timeline=["RUNNING", "COMPLETED"])
    unknown = atlas_error(404, "RESOURCE_NOT_FOUND", "Unknown.")
    campaign.inject(ATLAS, unknown, times=None)
    for minutes in (1, 25 * 60, 5, 5, 5, 5):
        campaign.pass_time(minutes * 60)
        sweeps.sweep()
    job.run_to_end()
    campaign.pass_time(300)
    sweeps.sweep()

    assert campaign.published(job) == ["RUNNING", "COMPLETED"]


@pytest.mark.fault("F93", "F83")
def test_a_refused_job_of_a_project_that_is_no_longer_watched_leaves_after_seven_days(
    campaign: Campaign, finds: Finds
) -> None:
    finds.tick()
    job = campaign.job(timeline=RUNNING_THEN_FAILED)
    finds.ticks(2)
    campaign.atlas.lock_out(campaign.group)
    named = finds.sweeps.environment(project_ids=("6a1f3c9e5b7d204e8c61f0ff",))
    campaign.atlas.add_project("6a1f3c9e5b7d204e8c61f0ff")
    are_open = []
    for minutes in (1, 5, 7 * 24 * 60 - 60, 5, 5, 5, 60, 5, 5, 5):
        finds.tick(minutes, named)
        item = campaign.item(job)
        are_open.append(item is not None and "openShard" in item)

    assert (are_open[3], are_open[-1]) == (True, False)


@pytest.mark.fault("F90")
def test_a_job_that_a_list_shows_almost_an_hour_late_is_found(
    campaign: Campaign, finds: Finds
) -> None:
    finds.tick()
    jobs = finds.ended_jobs()
    for job in jobs:
        campaign.atlas.omit_from_lists(job)
    finds.ticks(55)
    for job in jobs:
        campaign.atlas.catch_up_lists(job)
    finds.ticks(16)

    assert finds.reported_once(jobs)


@pytest.mark.fault("F91")
@cases("status", [400, 404])
def test_a_cluster_that_never_answered_and_refuses_with_an_unknown_code_is_a_warning(
    campaign: Campaign, finds: Finds, status: int
) -> None:
    ended = finds.ended_jobs("dedicated")
    finds.ticks(2)
    campaign.atlas.add_cluster(campaign.group, "odd", "dedicated")
    is_of_odd = Selection("atlas", "dedicated_list", lambda call: "/odd/" in call.path)
    campaign.inject(is_of_odd, atlas_error(status, "SOMETHING_NEW", "No."), times=None)
    results = finds.ticks(40)

    assert finds.reported_once(ended)
    assert finds.said() == []
    assert [one for result in results for one in result["failures"]] == []
    warnings = [line for line in finds.sweeps.logged("WARNING") if "SOMETHING_NEW" in str(line)]
    assert len(warnings) == 1


# Lists that do not end, and refusals that name a time

NEXT = [{"rel": "next", "href": "?pageNum=2"}]
ENDLESS: Mapping[str, tuple[Selection, Callable[[Sequence[Any]], Sequence[Any]]]] = {
    "jobs that repeat": (FLEX_LIST, lambda entries: entries),
    "no jobs": (FLEX_LIST, lambda _: []),
    "clusters that repeat": (FLEX_CLUSTERS, lambda entries: entries[:1]),
    "no clusters": (FLEX_CLUSTERS, lambda _: []),
}


@dataclass(frozen=True)
class Endless:
    """A list of which every page says that more is to follow."""

    entries: Callable[[Sequence[Any]], Sequence[Any]]

    def play(self, _line: Line, ask: Ask, /) -> Answer:
        answer = ask()
        body = json.loads(answer.body)
        body |= {"results": self.entries(body["results"]), "links": NEXT}
        return Answer(answer.status, answer.headers, json.dumps(body))


@pytest.mark.fault("F85", "F69")
@cases("what", ENDLESS)
def test_a_list_that_never_ends_is_reported_bounded_and_read_after_the_repair(
    campaign: Campaign, finds: Finds, what: str
) -> None:
    step, entries = ENDLESS[what]
    finds.ended_jobs("flex", cluster="before")
    finds.ticks(2)
    campaign.inject(step, Endless(entries), times=None)
    jobs = finds.ended_jobs("flex", cluster="later")
    finds.ticks(5)
    finds.ticks(6, minutes=15)
    said_meanwhile = finds.said()
    assert campaign.count(step) < 5
    campaign.heal()
    finds.tick(15)
    finds.ticks(4)

    assert [one.partition(":")[0] for one in said_meanwhile] == ["degraded"]
    assert [one.partition(":")[0] for one in finds.said()] == ["degraded", "recovered"]
    assert finds.reported_once(jobs)


@pytest.mark.fault("F69")
def test_a_list_of_projects_that_repeats_its_page_is_asked_for_twice(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    projects = Selection("atlas", "projects")
    campaign.atlas.add_project(campaign.group)
    page = {"links": NEXT, "results": [{"id": campaign.group}]}
    campaign.inject(projects, Answer.json(200, page), times=None)
    result = sweeps.sweep(sweeps.environment(project_ids="all"))

    assert campaign.count(projects) == 2
    assert [one["groupId"] for one in result["failures"]] == [None]


@pytest.mark.fault("F99", "F86")
@cases("wait", ["30", "900"])
def test_a_503_that_names_a_time_hides_no_trouble_and_no_restore(
    campaign: Campaign, finds: Finds, wait: str
) -> None:
    finds.ended_jobs("flex")
    finds.ticks(2)
    for step in (FLEX_LIST, EVENTS):
        campaign.inject(step, Answer(503, {"Retry-After": wait}), times=None)
    flex, dedicated = finds.ended_jobs("flex"), finds.ended_jobs("dedicated")
    finds.ticks(20)

    assert [one.partition(":")[0] for one in finds.said()] == ["degraded"]
    assert finds.reported_once(dedicated)
    campaign.heal()
    finds.ticks(20)
    assert finds.reported_once(flex)


@pytest.mark.fault("F86")
@cases(("cluster", "headers"), [("many", {"Retry-After": "900"}), ("one", {})])
def test_a_job_that_fails_is_a_trouble_although_another_one_is_answered_in_its_turn(
    campaign: Campaign, sweeps: Sweeps, cluster: str, headers: Mapping[str, str]
) -> None:
    finds = Finds(campaign, sweeps)
    names = ["many-0", "many-1"] if cluster == "many" else ["one", "one"]
    jobs = [campaign.job(cluster=name, timeline=RUNNING_THEN_FAILED) for name in names]
    finds.ticks(2)
    bad = Selection("atlas", "flex", lambda call: call.path.endswith(jobs[0].restore_id))
    campaign.inject(bad, Answer(503, headers), times=None)
    campaign.atlas.lag_lists(jobs[0])
    jobs[0].run_to_end()
    finds.ticks(15)

    assert [one.partition(":")[0] for one in finds.said()] == ["degraded"]


@pytest.mark.fault("F91")
def test_a_cold_start_does_not_excuse_what_was_reported(campaign: Campaign, finds: Finds) -> None:
    finds.ended_jobs("dedicated")
    finds.ticks(2)
    refusal = atlas_error(400, "SOMETHING_NEW", "No.")
    campaign.inject(DEDICATED_LIST, refusal, times=None)
    finds.ticks(20)
    cold = finds.environment()
    for number in range(24):
        finds.tick(application=[cold, finds.application][number // 6 % 2])

    assert [one.partition(":")[0] for one in finds.said()] == ["degraded"]


@pytest.mark.fault("F89", "F85")
@cases("is_known", [True, False])
def test_an_item_that_cannot_be_read_is_reported(
    campaign: Campaign, finds: Finds, *, is_known: bool
) -> None:
    finds.tick()
    job = campaign.job(timeline=RUNNING_THEN_FAILED)
    if is_known:
        finds.ticks(2)
        rewrite_item(campaign, job, "SET #history = :bad", bad={"L": [{"S": "PENDING"}]})
    else:
        bad = {"status": {"S": "RUNNING"}, "history": {"S": "x"}}
        campaign.stack.put_items([{**item_key(job), **bad}])
    job.run_to_end()
    finds.ticks(20)

    assert [one.partition(":")[0] for one in finds.said()] == ["degraded"]


@pytest.mark.fault("F93")
def test_a_refused_cluster_that_was_deleted_degrades_its_project_for_a_day_at_most(
    campaign: Campaign, finds: Finds
) -> None:
    finds.ended_jobs("dedicated")
    campaign.atlas.add_cluster(campaign.group, "other", "flex")
    finds.ticks(3)
    for step in (DEDICATED_LIST, COLLECTION_LIST):
        campaign.inject(step, MISSING_ROLE, times=None)
    finds.ticks(20)
    campaign.atlas.remove_cluster(campaign.group, "orders-dedicated")
    finds.ticks(26, minutes=60)
    finds.ticks(6)

    assert [one.partition(":")[0] for one in finds.said()] == ["degraded", "recovered"]


@pytest.mark.fault("F83")
def test_a_job_of_which_every_answer_is_not_found_leaves_the_index(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    (job,) = many_jobs(campaign, 1, timeline=["RUNNING", "COMPLETED"])
    of_its_cluster = Selection("atlas", None, lambda call: job.cluster in call.path)
    campaign.inject(of_its_cluster, UNKNOWN_JOB, times=None)
    for _ in range(30):
        campaign.pass_time(3600)
        sweeps.sweep()

    item = campaign.item(job)
    assert item is not None
    assert "openShard" not in item


@pytest.mark.fault("F86", "F83")
def test_an_older_link_that_a_list_shows_does_not_end_a_download(
    campaign: Campaign, finds: Finds
) -> None:
    finds.tick()
    job, _ = (
        campaign.job("dedicated", cluster="orders", delivery_type="download") for _ in range(2)
    )
    finds.ticks(2)
    job.advance()
    finds.tick()
    campaign.pass_time(50 * 60)
    campaign.atlas.lag_lists(job)
    job.set(expiresAt=date(campaign.atlas.now() + timedelta(hours=1)))
    finds.ticks(18, minutes=5)
    job.set(expired=True)
    finds.ticks(4, minutes=5)

    assert campaign.published(job)[-1] == "EXPIRED"


@pytest.mark.fault("F85")
def test_an_old_dedicated_entry_without_an_id_keeps_nothing_behind(
    campaign: Campaign, finds: Finds
) -> None:
    finds.tick()
    (job,) = finds.ended_jobs("dedicated")
    old = job.body("dedicated") | {"id": None, "finishedAt": "2020-01-01T00:00:00Z"}
    campaign.atlas.add_to_list(campaign.group, job.cluster, "dedicated", old)
    finds.ticks(20)

    assert (finds.reported_once([job]), finds.said()) == (True, [])
