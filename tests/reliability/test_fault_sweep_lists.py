"""Lists of restore jobs that show something else than a GET: F68."""

import pytest

from local_stack.atlas import EmulatedRestore
from reliability.campaign import Campaign, Stored
from reliability.steps import ATLAS
from reliability.sweeping import FLEX_LIST, Sweeps, ended, many_jobs, record_like
from restore_watch.atlas.pages import page_for
from restore_watch.sweep.follow.lists import NEWER_JOBS

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize

FINISHED = ["RUNNING", "COMPLETED"]


@pytest.mark.fault("F68")
def test_one_list_call_asks_about_all_jobs_of_a_cluster(
    campaign: Campaign, sweeps: Sweeps, twins: list[EmulatedRestore]
) -> None:
    for job in twins:
        job.advance()

    assert sweeps.sweep()["changed"] == 2
    assert [call.operation for call in sweeps.questions()] == ["flex_list"]
    assert ended(campaign, *twins)


@pytest.mark.fault("F68")
def test_a_list_that_is_older_than_the_table_changes_nothing(
    campaign: Campaign, sweeps: Sweeps, twins: list[EmulatedRestore]
) -> None:
    late, other = twins
    campaign.atlas.lag_lists(late)
    late.advance()
    campaign.check(late)
    assert ended(campaign, late)
    # It has left the index; a third job makes the sweep ask for the list that shows it.
    third = campaign.job(cluster=late.cluster, timeline=FINISHED)
    record_like(campaign, other, third)
    result = sweeps.sweep()

    assert (result["open"], result["changed"], result["failures"]) == (2, 0, [])
    assert ended(campaign, late)
    assert campaign.published(late) == ["RUNNING", "COMPLETED"]


@pytest.mark.fault("F68")
def test_a_list_that_goes_back_and_forth_repeats_no_message(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    job, other = many_jobs(campaign, 2, clusters=1, timeline=["PENDING", "RUNNING", "COMPLETED"])
    campaign.atlas.lag_lists(job)
    job.advance()
    campaign.check(job)
    for number in range(4):
        if number % 2:
            campaign.atlas.catch_up_lists(job)
        else:
            campaign.atlas.lag_lists(other)
        assert sweeps.sweep()["changed"] == 0
    assert campaign.stored(job) == Stored("RUNNING", 2, 2)
    job.advance()

    assert sweeps.sweep()["changed"] == 1
    assert campaign.published(job) == ["PENDING", "RUNNING", "COMPLETED"]


@pytest.mark.fault("F68")
@cases("omitted", [1, 2], ids=["one", "all"])
def test_a_job_that_the_list_does_not_show_is_asked_about_by_name(
    campaign: Campaign, sweeps: Sweeps, twins: list[EmulatedRestore], omitted: int
) -> None:
    for job in twins[:omitted]:
        campaign.atlas.omit_from_lists(job)
    for job in twins:
        job.advance()
    result = sweeps.sweep()

    assert (result["checked"], result["changed"], result["failures"]) == (2, 2, [])
    assert [call.operation for call in sweeps.questions()] == ["flex_list", *["flex"] * omitted]
    assert ended(campaign, *twins)


@pytest.mark.fault("F68")
def test_a_list_that_shows_none_of_the_jobs_is_left_alone_for_an_hour(
    campaign: Campaign, sweeps: Sweeps, twins: list[EmulatedRestore]
) -> None:
    for job in twins:
        campaign.atlas.omit_from_lists(job)
    for _ in range(4):
        assert sweeps.sweep()["checked"] == 2
        campaign.pass_time(60)
    # It may be of no use once.
    assert campaign.count(FLEX_LIST) == 2
    assert campaign.count(ATLAS) == 8
    campaign.pass_time(3600)
    for job in twins:
        campaign.atlas.catch_up_lists(job)
    sweeps.sweep()

    assert campaign.count(FLEX_LIST) == 3
    # A list may lag: one job in turn is asked about.
    assert campaign.count(ATLAS) == 9


@pytest.mark.fault("F68")
def test_jobs_beyond_the_first_page_of_an_unordered_list_are_asked_about_by_name(
    campaign: Campaign, sweeps: Sweeps, twins: list[EmulatedRestore]
) -> None:
    campaign.atlas.behaviour.list_order = "oldest first"
    for _ in range(page_for(NEWER_JOBS + 2).size):
        older = campaign.job(cluster=twins[0].cluster)
        older.scheduled = twins[0].scheduled.replace(year=2020)
    for job in twins:
        job.advance()

    assert sweeps.sweep()["changed"] == 2
    assert [call.operation for call in sweeps.questions()] == ["flex_list", "flex", "flex"]
    assert ended(campaign, *twins)


@pytest.mark.fault("F68")
def test_a_list_that_shows_more_jobs_does_not_make_the_sweep_follow_them(
    campaign: Campaign, sweeps: Sweeps, twins: list[EmulatedRestore]
) -> None:
    strangers = [campaign.job(cluster=twins[0].cluster) for _ in range(3)]
    result = sweeps.sweep()

    assert (result["open"], result["found"], result["checked"]) == (2, 0, 2)
    assert [campaign.item(job) for job in strangers] == [None] * 3
