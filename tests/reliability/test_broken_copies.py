"""
Did the model test anything? Copies of the product, each broken in one place, are played by it.

A broken copy has another table, topic or watch, and is the product in all else. Most send what the
product sends, with one parameter changed. While nothing fails, each of them works.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from hypothesis import Phase, seed, settings
from hypothesis.stateful import get_state_machine_test

from local_stack.stack import LocalStack
from reliability.model import GROUP, RestoreModel
from reliability.test_model import BOUNDED
from restore_watch.check import CheckResult, JobChecker
from restore_watch.deadline import Deadline
from restore_watch.item import Recorded
from restore_watch.restore_job import RestoreJob, RestoreKind, RestoreTarget
from restore_watch.status_change import StatusChange
from restore_watch.table import RestoreJobsTable
from restore_watch.topic import StatusChangesTopic

UNTIL_CAUGHT = settings(BOUNDED, phases=[Phase.generate], report_multiple_bugs=False, database=None)
"""The bounds of the model itself; what was caught is not made smaller."""

SEED = 3
"""One seed, so that a catch is no matter of luck; others tried catch as well."""

type Parameters = dict[str, Any]


class Client:
    """A boto3 client that calls one operation with other parameters."""

    def __init__(
        self, client: Any, operation: str, change: Callable[[Any, Parameters], Parameters]
    ) -> None:
        self._client = client
        self._operation = operation
        self._change = change

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        if name != self._operation:
            return call
        return lambda **parameters: call(**self._change(self._client, parameters))


def records(parameters: Parameters) -> bool:
    """Whether an UpdateItem records a change."""
    return ":change" in parameters["ExpressionAttributeValues"]


def without_condition(_: Any, parameters: Parameters) -> Parameters:
    """Record whatever was seen, whatever is stored."""
    if not records(parameters):
        return parameters
    values = parameters["ExpressionAttributeValues"]
    # DynamoDB takes no value that no expression asks for.
    asked = {name: value for name, value in values.items() if not name.startswith(":kept")}
    kept = {name: value for name, value in parameters.items() if name != "ConditionExpression"}
    return kept | {"ExpressionAttributeValues": asked}


def condition_in_a_read(client: Any, parameters: Parameters) -> Parameters:
    """Look first, and then record: what is stored may have changed in between."""
    if not records(parameters):
        return parameters
    item = client.get_item(
        TableName=parameters["TableName"], Key=parameters["Key"], ConsistentRead=True
    ).get("Item", {})
    values = parameters["ExpressionAttributeValues"]
    stays = [value for name, value in values.items() if name.startswith(":kept")]
    if item.get("status") in stays:
        return parameters
    return without_condition(client, parameters)


def condition_without_order(_: Any, parameters: Parameters) -> Parameters:
    """Record whatever differs: a slow check takes back what a faster one recorded."""
    if not records(parameters):
        return parameters
    values = parameters["ExpressionAttributeValues"]
    stays = {":kept0": values[":status"]}
    rest = {name: value for name, value in values.items() if not name.startswith(":kept")}
    return parameters | {
        "ConditionExpression": "attribute_not_exists(#status) OR NOT #status IN (:kept0)",
        "ExpressionAttributeValues": stays | rest,
    }


def history_of_one(_: Any, parameters: Parameters) -> Parameters:
    """The first change begins the history; no further one is appended."""
    if not records(parameters):
        return parameters
    appended = "list_append(if_not_exists(#history, :nothing), :change)"
    begun = "if_not_exists(#history, :change)"
    assert appended in parameters["UpdateExpression"]
    values = parameters["ExpressionAttributeValues"]
    return parameters | {
        "UpdateExpression": parameters["UpdateExpression"].replace(appended, begun),
        "ExpressionAttributeValues": {
            name: value for name, value in values.items() if name != ":nothing"
        },
    }


def acknowledge_all(_: Any, parameters: Parameters) -> Parameters:
    """Acknowledge what is recorded by now, and not what was published."""
    update = parameters["UpdateExpression"]
    if not update.startswith("SET #publishedSequence = :sequence"):
        return parameters
    return parameters | {
        "UpdateExpression": update.replace(":sequence", "#sequence", 1),
        "ExpressionAttributeNames": parameters["ExpressionAttributeNames"]
        | {"#sequence": "sequence"},
    }


def id_of_the_publication(_: Any, parameters: Parameters) -> Parameters:
    """Every publication has an id of its own."""
    event = json.loads(parameters["Message"])
    event["id"] += f":{datetime.now(UTC).isoformat()}"
    return parameters | {"Message": json.dumps(event)}


def time_of_the_publication(_: Any, parameters: Parameters) -> Parameters:
    """A message tells when it was published, and not when the change was observed."""
    event = json.loads(parameters["Message"])
    event["time"] = datetime.now(UTC).isoformat()
    return parameters | {"Message": json.dumps(event)}


class AcknowledgesFirst(RestoreJobsTable):
    """What is recorded counts as published before it is."""

    def record(self, job: RestoreJob, observed_at: datetime, deadline: Deadline) -> Recorded:
        recorded = super().record(job, observed_at, deadline)
        if recorded.pending:
            super().acknowledge(recorded, deadline)
        return recorded


class NeverAcknowledges(RestoreJobsTable):
    """What was published stays pending."""

    def acknowledge(self, recorded: Recorded, deadline: Deadline) -> None: ...


class NewestFirst(Recorded):
    """What is pending, in the wrong order."""

    @property
    def pending(self) -> tuple[StatusChange, ...]:
        return super().pending[::-1]


class ListsNewestFirst(RestoreJobsTable):
    def record(self, job: RestoreJob, observed_at: datetime, deadline: Deadline) -> Recorded:
        return NewestFirst(**vars(super().record(job, observed_at, deadline)))


class OnlyNewest(Recorded):
    """What is pending, but for all that a newer change has overtaken."""

    @property
    def pending(self) -> tuple[StatusChange, ...]:
        return super().pending[-1:]


class ListsOnlyNewest(RestoreJobsTable):
    def record(self, job: RestoreJob, observed_at: datetime, deadline: Deadline) -> Recorded:
        return OnlyNewest(**vars(super().record(job, observed_at, deadline)))


class LeavesToOthers(JobChecker):
    """What a check that overlaps has recorded is left to that one, be it alive or not."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.sleep = self._leave
        self._left = False

    def check(self, target: RestoreTarget, deadline: Deadline) -> CheckResult:
        self._left = False
        return super().check(target, deadline)

    def _leave(self, _: float) -> None:
        self._left = True

    def _publish(self, recorded: Recorded, deadline: Deadline) -> tuple[StatusChange, ...]:
        return () if self._left else super()._publish(recorded, deadline)


@dataclass(frozen=True)
class Defect:
    """What is broken, and how the reports of the model may begin."""

    reports: set[str]
    watch: Callable[..., JobChecker] = JobChecker
    table: Callable[[Any, str], RestoreJobsTable] = RestoreJobsTable
    topic: Callable[[Any, str], StatusChangesTopic] = StatusChangesTopic


def update_item(change: Callable[[Any, Parameters], Parameters]) -> Callable[..., RestoreJobsTable]:
    return lambda client, name: RestoreJobsTable(Client(client, "update_item", change), name)  # type: ignore[arg-type]


def publish(change: Callable[[Any, Parameters], Parameters]) -> Callable[..., StatusChangesTopic]:
    return lambda client, arn: StatusChangesTopic(Client(client, "publish", change), arn)  # type: ignore[arg-type]


DEFECTS = {
    "writes without a condition": Defect({"I3"}, table=update_item(without_condition)),
    "looks before it writes": Defect({"I3"}, table=update_item(condition_in_a_read)),
    "writes an older status": Defect({"I3"}, table=update_item(condition_without_order)),
    "appends nothing to the history": Defect({"I3"}, table=update_item(history_of_one)),
    "acknowledges before it publishes": Defect({"I1"}, table=AcknowledgesFirst),
    "answers before others have published": Defect({"I1"}, LeavesToOthers),
    "acknowledges what others recorded": Defect(
        # An end that was never published also stays in the index of open jobs.
        {"I1", "I4"},
        table=update_item(acknowledge_all),
    ),
    "never acknowledges": Defect({"I4"}, table=NeverAcknowledges),
    "publishes the newest change first": Defect({"I3"}, table=ListsNewestFirst),
    "publishes the newest change only": Defect({"I1"}, table=ListsOnlyNewest),
    "publishes again with another id": Defect({"I1", "I2"}, topic=publish(id_of_the_publication)),
    "publishes again with another time": Defect({"I2"}, topic=publish(time_of_the_publication)),
}


def model_of(defect: Defect, stack: LocalStack) -> type[RestoreModel]:
    class BrokenModel(RestoreModel):
        tally: ClassVar[Counter[str]] = Counter()

        def environment(self, slot: int) -> JobChecker:
            watch = super().environment(slot)
            watch.table = defect.table(self._pool[slot].dynamodb, stack.table_name)
            watch.topic = defect.topic(self._pool[slot].sns, stack.topic_arn)
            return defect.watch(**vars(watch))

    BrokenModel.stack = stack
    return BrokenModel


defects = pytest.mark.parametrize("defect", DEFECTS.values(), ids=DEFECTS)


@defects
def test_a_broken_copy_works_while_nothing_fails(defect: Defect, stack: LocalStack) -> None:
    model = model_of(defect, stack)()
    model.a_restore_begins((RestoreKind.FLEX, "RESTORE", ["RUNNING"]), named=True)

    model.check(0)

    (outcome,) = model.outcomes
    assert isinstance(outcome, CheckResult)
    assert (outcome.job.status, outcome.changed) == ("RUNNING", True)
    item = stack.item(GROUP, model.restore.cluster, model.restore.restore_id)
    assert item is not None
    assert item["status"] == "RUNNING"
    (message,) = model.messages
    assert message.event["data"]["status"] == "RUNNING"


@defects
@pytest.mark.timeout(900)  # as much as the model may take, which ends at the first catch
def test_the_model_catches_a_broken_copy(defect: Defect, stack: LocalStack) -> None:
    play = seed(SEED)(get_state_machine_test(model_of(defect, stack), settings=UNTIL_CAUGHT))

    with pytest.raises(AssertionError) as caught:
        play()

    assert str(caught.value).partition(":")[0] in defect.reports
