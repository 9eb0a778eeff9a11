"""Did the model test anything? It plays broken copies of the product, and has to catch each."""

from collections import Counter
from collections.abc import Mapping
from copy import copy
from typing import ClassVar

import pytest
from hypothesis import Phase, seed, settings
from hypothesis.errors import FlakyFailure, FlakyStrategyDefinition
from hypothesis.stateful import get_state_machine_test

from local_stack.stack import LocalStack
from local_stack.template import STACK_NAME
from reliability.broken_copies import BROKEN_COPIES, BrokenCopy
from reliability.drawn import DrawnJob
from reliability.model import RestoreModel
from reliability.test_model import BOUNDED
from reliability.token_rules import TokenRules
from reliability.world import World
from restore_watch.aws.step_functions import Workflows
from restore_watch.check.check import JobChecker
from restore_watch.model.restore_job import RestoreKind
from restore_watch.model.results import CheckResult
from restore_watch.sweep.parts import SweepOptions
from restore_watch.sweep.sweep import Sweeper
from restore_watch.telemetry.telemetry import Telemetry
from restore_watch.threads.workers import Workers

UNTIL_CAUGHT = settings(
    BOUNDED,
    max_examples=8,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    database=None,
)
"""Few examples of each seed, because each seed draws other rules. A catch is not made smaller."""

SEEDS = range(32)
"""They are fixed, so that a catch is not a matter of luck."""

broken_copies = pytest.mark.parametrize("broken", BROKEN_COPIES.values(), ids=BROKEN_COPIES)


def model_of(broken: BrokenCopy, stack: LocalStack) -> type[RestoreModel]:
    class BrokenModel(TokenRules if broken.waits else RestoreModel):  # type: ignore[misc]
        tally: ClassVar[Counter[str]] = Counter()
        watches = broken.watches

        def checker(self, world: World, slot: int) -> JobChecker:
            product = super().checker(world, slot)
            clients = world.clients[slot]
            clock = product.outbox.clock
            client = broken.client(stack.atlas.url, clients.http, now=clock.unix, sleep=clock.sleep)
            outbox = broken.outbox(
                broken.table(clients.dynamodb, stack.table_name),
                broken.topic(clients.sns, stack.topic_arn, STACK_NAME),
                product.outbox.workflows,
                product.outbox.telemetry,
                clock,
            )
            return broken.checker(broken.session(client, product.atlas.credentials), outbox)

        def workflows(self, world: World, slot: int) -> Workflows:
            return broken.workflows(lambda: world.clients[slot].stepfunctions)

        def sweeper(
            self, world: World, slot: int, checker: JobChecker, telemetry: Telemetry
        ) -> Sweeper:
            dynamodb = world.clients[slot].dynamodb
            outbox = checker.outbox
            if broken.sweep_table:
                outbox = copy(outbox)
                outbox.table = broken.sweep_table(dynamodb, stack.table_name)
            return broken.sweeper(
                checker.atlas,
                outbox,
                broken.open_jobs(dynamodb, stack.table_name),
                broken.bookkeeping(dynamodb, stack.table_name),
                broken.lease(
                    dynamodb,
                    stack.table_name,
                    now=outbox.clock.unix,
                    sleep=outbox.clock.sleep,
                ),
                Workers(),
                telemetry,
                options=SweepOptions(
                    world.hot_seconds, rate_limit_reserve=0.5, project_ids=world.projects.ids
                ),
            )

    BrokenModel.stack = stack
    return BrokenModel


@broken_copies
@pytest.mark.campaign
def test_a_broken_copy_works_while_nothing_fails(broken: BrokenCopy, stack: LocalStack) -> None:
    model = model_of(broken, stack)()
    try:
        model.restores_begin([DrawnJob(RestoreKind.FLEX, "RESTORE", ["RUNNING"])], 400)
        job = model.job(0)
        begun = model.checks.begin(0, job)

        begun.check.run()

        outcome = begun.check.outcome
        assert isinstance(outcome, CheckResult)
        assert (outcome.job.status, outcome.changed) == ("RUNNING", True)
        item = model.world.item(job)
        assert item is not None
        assert item["status"] == "RUNNING"
        (message,) = model.world.received(job)
        assert message.event["data"]["status"] == "RUNNING"

        with model.sweeps.watched():
            swept = model.sweeps.begin(0).check
            swept.run()

        assert isinstance(swept.outcome, Mapping)
        assert swept.outcome["checked"] == 1
        assert swept.outcome["failures"] == []
    finally:
        model.world.close()


def report_on(model: type[RestoreModel]) -> str:
    """
    What the model reports at the first catch; an empty text if it catches nothing.

    The threads of a sweep ask in any order, so a second run of what failed may succeed, or fail
    earlier: then Hypothesis says neither what the first run reported nor the second.
    """
    for number in SEEDS:
        try:
            seed(number)(get_state_machine_test(model, settings=UNTIL_CAUGHT))()
        except AssertionError as caught:
            return str(caught)
        except FlakyFailure as caught:
            return next(str(one) for one in caught.exceptions if isinstance(one, AssertionError))
        except FlakyStrategyDefinition:
            continue
    return ""


@broken_copies
@pytest.mark.campaign
@pytest.mark.timeout(900)  # as much as the model may take, which ends at the first catch
def test_the_model_catches_a_broken_copy(broken: BrokenCopy, stack: LocalStack) -> None:
    model = model_of(broken, stack)

    report = report_on(model)

    print(f"caught after {model.tally['begun']} examples: {report}")
    assert report.partition(":")[0] in broken.reports
