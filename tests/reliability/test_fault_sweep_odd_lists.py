"""Lists of restore jobs that are not as expected: F69."""

from collections.abc import Iterator
from typing import Any

import pytest

from local_stack.atlas import EmulatedRestore, Kind
from local_stack.wire import Action, Answer, Close, LoopbackServer, Selection, Wire
from reliability.campaign import Campaign
from reliability.steps import ATLAS, DEDICATED
from reliability.sweeping import (
    DEDICATED_LIST,
    FLEX_LIST,
    Sweeps,
    another,
    ended,
    many_jobs,
    record_like,
)

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

FINISHED = ["RUNNING", "COMPLETED"]


ODD_ENTRIES: tuple[Any, ...] = (
    None,
    5,
    [[]],
    {"status": "COMPLETED"},
    {"id": {"$oid": 1}},
    {"id": "0" * 24, "status": 7},
)


@pytest.mark.fault("F69", "F33")
@cases("clusters", [1, 4])
@cases("refusal", [Answer(500), Close()], ids=["500", "no-answer"])
def test_jobs_are_asked_about_by_name_while_lists_are_out_of_order(
    campaign: Campaign, sweeps: Sweeps, clusters: int, refusal: Action
) -> None:
    jobs = many_jobs(campaign, 2 * clusters, clusters=clusters, timeline=FINISHED)
    campaign.inject(FLEX_LIST, refusal, times=None)
    for job in jobs:
        job.advance()
    result = sweeps.sweep()

    assert (result["changed"], result["notReached"], result["failures"]) == (len(jobs), 0, [])
    assert ended(campaign, *jobs)
    assert campaign.count(FLEX_LIST) <= 2 * clusters


@pytest.mark.fault("F69")
def test_entries_of_unknown_shape_do_not_hide_the_others(
    campaign: Campaign, sweeps: Sweeps, twins: list[EmulatedRestore]
) -> None:
    for entry in ODD_ENTRIES:
        campaign.atlas.add_to_list(campaign.group, twins[0].cluster, "flex", entry)
    for job in twins:
        job.advance()
    result = sweeps.sweep()

    assert (result["checked"], result["changed"], result["failures"]) == (2, 2, [])
    assert campaign.count(ATLAS) == 0
    assert ended(campaign, *twins)


@pytest.mark.fault("F69")
@cases(
    ("kind", "wrong"),
    [("flex", {"status": []}), ("dedicated", {"deliveryType": 7})],
    ids=["flex", "dedicated"],
)
def test_a_job_whose_entry_cannot_be_read_is_asked_about_by_name(
    campaign: Campaign, sweeps: Sweeps, kind: Kind, wrong: dict[str, Any]
) -> None:
    timeline = FINISHED if kind == "flex" else ["running", "finished"]
    jobs = [campaign.job(kind, cluster="twins", timeline=timeline) for _ in range(2)]
    campaign.check(jobs[0])
    record_like(campaign, jobs[0], jobs[1])
    odd, other = jobs
    for job in jobs:
        job.advance()
    campaign.atlas.omit_from_lists(odd)
    campaign.atlas.add_to_list(campaign.group, "twins", kind, odd.body(kind) | wrong)
    campaign.stack.forget_calls()
    result = sweeps.sweep()

    assert (result["checked"], result["changed"], result["failures"]) == (2, 2, [])
    single, listed = (ATLAS, FLEX_LIST) if kind == "flex" else (DEDICATED, DEDICATED_LIST)
    assert (campaign.count(listed), campaign.count(single)) == (1, 1)
    assert ended(campaign, odd, other)


@pytest.mark.fault("F69")
@cases("first", ["older", "newer"])
def test_of_a_job_that_a_list_shows_twice_the_later_status_counts(
    campaign: Campaign, sweeps: Sweeps, twins: list[EmulatedRestore], first: str
) -> None:
    job, _ = twins
    older = job.body("flex")
    job.advance()
    if first == "older":
        campaign.atlas.add_to_list(campaign.group, job.cluster, "flex", older)
    else:
        campaign.atlas.add_to_list(campaign.group, job.cluster, "flex", job.body("flex"))
        campaign.atlas.omit_from_lists(job)
        campaign.atlas.add_to_list(campaign.group, job.cluster, "flex", older)

    assert sweeps.sweep()["changed"] == 1
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]
    assert ended(campaign, job)


NOT_A_LIST: dict[str, Answer] = {
    "not-json": Answer(200, body="<html>"),
    "404": Answer(404),
    "410": Answer(410),
}


@pytest.mark.fault("F69")
@cases("answer", list(NOT_A_LIST.values()), ids=list(NOT_A_LIST))
def test_jobs_are_asked_about_by_name_when_their_list_is_not_one(
    campaign: Campaign, sweeps: Sweeps, twins: list[EmulatedRestore], answer: Answer
) -> None:
    campaign.inject(FLEX_LIST, answer, times=None)
    for job in twins:
        job.advance()
    result = sweeps.sweep()

    assert (result["checked"], result["changed"], result["failures"]) == (2, 2, [])
    assert (campaign.count(FLEX_LIST), campaign.count(ATLAS)) == (1, 2)
    assert ended(campaign, *twins)


@pytest.fixture
def elsewhere() -> Iterator[LoopbackServer]:
    """Another host, which answers everything with an empty list."""

    def answer(_: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b'{"results": []}']

    wire = Wire(answer, lambda _: ("elsewhere", "any"))
    with LoopbackServer(wire) as server:
        yield server
        assert wire.calls == ()


@pytest.mark.fault("F69")
@cases(
    "path",
    ["/list", "/api/atlas/v2/groups/{group}/flexClusters/many-0/backup/restoreJobs?pageNum=2"],
    ids=["any", "the-same"],
)
def test_a_link_to_the_next_page_at_another_host_is_not_followed(
    campaign: Campaign,
    sweeps: Sweeps,
    twins: list[EmulatedRestore],
    elsewhere: LoopbackServer,
    path: str,
) -> None:
    first, second = twins
    third = another(campaign, first)
    for job in (first, second, third):
        job.advance()
    link = {"rel": "next", "href": elsewhere.url + path.format(group=campaign.group)}
    page = {"links": [link], "results": [first.body("flex")]}
    campaign.inject(FLEX_LIST, Answer.json(200, page))
    result = sweeps.sweep()

    assert (result["checked"], result["changed"], result["failures"]) == (3, 3, [])
    # The next page is asked for by its number, at Atlas.
    numbers = [call.query["pageNum"] for call in sweeps.questions() if "pageNum" in call.query]
    assert numbers == ["1", "2"]
    assert ended(campaign, first, second, third)


@pytest.mark.fault("F69")
def test_a_list_without_end_is_read_as_long_as_its_pages_show_more_jobs(
    campaign: Campaign, sweeps: Sweeps, twins: list[EmulatedRestore]
) -> None:
    jobs = [*twins, another(campaign, twins[0])]
    for job in jobs:
        job.advance()
    link = {"rel": "next", "href": "?pageNum=2"}
    page = {"links": [link], "results": [twins[0].body("flex")]}
    campaign.inject(FLEX_LIST, Answer.json(200, page), times=None)

    assert sweeps.sweep()["changed"] == 3
    assert (campaign.count(FLEX_LIST), campaign.count(ATLAS)) == (2, 2)
    assert campaign.count(Selection("atlas", "other")) == 0
    assert ended(campaign, *jobs)
