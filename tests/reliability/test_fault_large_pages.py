"""Lists of restore jobs whose pages are larger than what is read: F88."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from local_stack.atlas import EmulatedRestore, Kind
from local_stack.stack import CREDENTIALS
from local_stack.wire import Answer
from reliability.campaign import Campaign
from reliability.finding import COLLECTION_LIST, Finds
from reliability.steps import JSON
from reliability.sweeping import FLEX_LIST, Sweeps

pytestmark = pytest.mark.timeout(120)
cases = pytest.mark.parametrize

ROOT = Path(__file__).parents[2]
NAMESPACES = [{"sourceNamespace": "n" * 255, "targetNamespace": "n" * 255}] * 100
MEGABYTE = 1_000_000


def list_of(
    campaign: Campaign, finds: Finds, kind: Kind, count: int
) -> tuple[list[EmulatedRestore], EmulatedRestore]:
    """A list of jobs that ended long ago, and a new one that it shows last."""
    cluster = f"orders-{kind}"
    old = campaign.atlas.add_ended_restores(campaign.group, cluster, kind, count)
    campaign.atlas.order_list(campaign.group, cluster, "oldest first")
    (new,) = finds.ended_jobs(kind)
    return old[::-1], new


def pages(campaign: Campaign) -> list[tuple[int, int]]:
    """The sizes and numbers of the pages of Flex and collection jobs that were asked for."""
    return [
        (int(call.query["itemsPerPage"]), int(call.query["pageNum"]))
        for step in (FLEX_LIST, COLLECTION_LIST)
        for call in campaign.stack.atlas.wire.calls
        if step.covers(call)
    ]


def pad(jobs: Sequence[EmulatedRestore], size: int) -> None:
    for job in jobs:
        job.set(padding="x" * size)


@pytest.mark.fault("F88")
def test_collection_restores_of_a_hundred_collections_are_found(
    campaign: Campaign, finds: Finds
) -> None:
    old, new = list_of(campaign, finds, "collection", 500)
    for job in old:
        job.set(collections=NAMESPACES)
    finds.tick()

    assert finds.reported_once([new])
    assert finds.behind == set()
    asked = pages(campaign)
    assert asked == [(100, number) for number in (1, *range(1, 7))]


@pytest.mark.fault("F88")
def test_a_list_whose_pages_are_too_large_is_read_in_smaller_ones_from_then_on(
    campaign: Campaign, finds: Finds
) -> None:
    old, new = list_of(campaign, finds, "flex", 589)
    pad(old[500:], MEGABYTE // 5)
    finds.tick()

    assert finds.reported_once([new])
    assert finds.behind == set()
    # The second page has 20 MB. The entries that it begins with are read first.
    assert pages(campaign) == [
        (500, 1),
        (500, 2),
        (500, 2),
        (250, 3),
        (125, 5),
        (25, 21),
        *((25, number) for number in range(22, 25)),
    ]
    finds.ended_jobs("flex")
    finds.tick(15)
    assert pages(campaign)[:2] == [(25, 1), (25, 2)]


@pytest.mark.fault("F88")
def test_a_single_entry_that_is_too_large_keeps_its_list_unread_and_no_other(
    campaign: Campaign, finds: Finds
) -> None:
    finds.tick()
    campaign.pass_time(900)
    jobs = {name: finds.ended_jobs("flex", cluster=name)[0] for name in ("huge", "usual")}
    pad([jobs["huge"]], 10 * MEGABYTE)
    result = finds.tick()

    assert [one["clusterName"] for one in result["failures"]] == ["huge-flex"]
    assert finds.reported_once([jobs["usual"]])
    assert finds.behind == {"flex/huge-flex"}
    assert campaign.count(FLEX_LIST) <= 10
    pad([jobs["huge"]], 0)

    assert finds.tick()["failures"] == []
    assert finds.reported_once([jobs["huge"]])
    assert finds.behind == set()


@pytest.mark.fault("F88")
def test_the_large_lists_of_many_clusters_fit_into_the_memory_of_the_function(
    campaign: Campaign, sweeps: Sweeps
) -> None:
    """32 threads read 60 pages of almost 10 MB. The function has 512 MB."""
    del sweeps
    entries = [{"id": f"{number:024x}", "padding": "x" * 20_000} for number in range(490)]
    body = json.dumps({"results": entries})
    for number in range(60):
        campaign.atlas.add_cluster(campaign.group, f"cluster-{number}", "flex")
    campaign.inject(FLEX_LIST, Answer(200, JSON, body), times=None)
    program = [sys.executable, str(ROOT / "tests/reliability/large_lists.py")]
    account = CREDENTIALS["service_account"].values()

    run = subprocess.run(  # noqa: S603 - our own program
        [*program, campaign.atlas.url, campaign.group, "60", *account],
        env=os.environ | {"PYTHONPATH": str(ROOT / "functions")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    read, megabytes = map(int, run.stdout.split())
    assert read == 60 * 490
    assert megabytes < 400
