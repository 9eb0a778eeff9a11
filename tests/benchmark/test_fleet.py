"""The jobs that are swept are what the function records, and the prepared index is DynamoDB's."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from boto3.dynamodb.types import TypeDeserializer

from benchmark import prepared_index as index
from benchmark.atlas_process import atlas_process
from benchmark.contenders import local_stack
from benchmark.fleet import Fleet, recorded, store
from benchmark.prepared_index import pages, prepared_index, projected, size_of
from benchmark.sweeping import sweeping
from foundation.deadline import Deadline
from local_stack.in_process import Clients, clients
from local_stack.stack import LocalStack
from restore_watch.table.open_job import OpenJob
from restore_watch.table.open_jobs import OpenJobs

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with local_stack() as made:
        yield made


@pytest.fixture(scope="module")
def by(stack: LocalStack) -> Iterator[Clients]:
    made = clients(stack)
    yield made
    made.close()


def open_jobs(stack: LocalStack, by: Clients) -> list[OpenJob]:
    read = OpenJobs(by.dynamodb, stack.table_name).read(Deadline.after(30), datetime.now(UTC))
    return sorted(read, key=lambda job: job.key)


def test_items_are_what_the_function_records(stack: LocalStack) -> None:
    (restore,) = Fleet(1).restores()
    stack.atlas.add_cluster(restore.group_id, restore.cluster, "flex")
    stack.atlas.show_restore(restore)
    assert stack.invoke(restore.event).result["changed"]
    item = stack.item(restore.group_id, restore.cluster, restore.restore_id)
    assert item is not None

    made = recorded(restore, datetime.fromisoformat(item["observedAt"]))

    read = TypeDeserializer().deserialize
    assert {name: read(value) for name, value in made.items()} == item


def test_a_prepared_index_answers_like_the_table(
    stack: LocalStack, by: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.reset()
    restores = Fleet(30, jobs_of_cluster=3).restores()
    store(stack, restores)
    from_the_table = open_jobs(stack, by)
    stack.reset()
    monkeypatch.setattr(index, "PAGE_BYTES", 1000)

    with prepared_index(stack, [projected(recorded(one)) for one in restores]):
        prepared = open_jobs(stack, by)

    assert len(prepared) == 30
    assert prepared == from_the_table
    assert open_jobs(stack, by) == []


def test_a_page_has_at_most_a_megabyte() -> None:
    entry = projected(recorded(Fleet(1).restores()[0]))
    entries = [{**entry, "restoreId": {"S": f"{number:024x}"}} for number in range(7000)]

    made = [page for page in pages(entries) if page.shard == entry["openShard"]["S"]]

    assert [len(page.entries) for page in made][:-1] == [1_000_000 // size_of(entry)] * 2
    assert [page.is_last for page in made] == [False, False, True]


def test_fleets_need_a_call_for_each_cluster_and_for_one_job_in_turn() -> None:
    assert Fleet(20, jobs_of_cluster=10).least_calls == 4
    assert Fleet(20, jobs_of_cluster=1).least_calls == 20
    assert len({one.cluster for one in Fleet(20, jobs_of_cluster=10).restores()}) == 2
    assert len({one.group_id for one in Fleet(100).restores()}) == 20


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("jobs_of_cluster", "asked"), [(1, {"flex": 10}), (5, {"flex": 2, "flex_list": 2})]
)
def test_a_sweep_is_measured(
    stack: LocalStack, jobs_of_cluster: int, asked: dict[str, int]
) -> None:
    fleet = Fleet(10, jobs_of_cluster)
    with atlas_process() as atlas, sweeping(stack, atlas, fleet) as ready:
        first, second = ready.sweep(), ready.sweep()

    assert first.atlas_calls == {"token": 1, **asked}
    assert second.atlas_calls == asked
    assert (second.surplus, second.writes) == (0, 2)
    assert second.aws_calls == {"dynamodb UpdateItem": 2, "dynamodb Query": 5}
    assert 0 < second.cpu_seconds <= 2 * second.seconds
    assert 30 < second.peak_megabytes < 256
    assert {"SuccessfulSweeps", "OpenJobs"} <= set(second.metrics)


@pytest.mark.campaign
def test_few_jobs_are_estimated_by_waiting_and_computing(stack: LocalStack) -> None:
    with atlas_process() as atlas, sweeping(stack, atlas, Fleet(1)) as ready:
        sweep = replace(ready.sweep(), seconds=0.2, cpu_seconds=0.05)

    assert sweep.estimated_at(0.5) == pytest.approx(0.15 + 0.1)
    many = replace(sweep, fleet=Fleet(1000))
    assert many.estimated_at(0.5) == 0.2
    assert many.estimated_at(0.1) == pytest.approx(0.5)
