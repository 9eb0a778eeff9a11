"""
`python -m demo.sample` writes docs/sample/: the report of the demo's fleet, for a fixed week.

What writes it is the function's own code, in this process, with an emulated Atlas and an emulated
AWS. Clock and ids are fixed, so the files are the same each time, until the code, the fleet or the
version changes. The contract tests compare them.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from demo.fleet import DATA, HOUR, RECORDED, furnish_data, furnish_fleet, validation
from foundation.clock import utc_text
from foundation.deadline import Deadline
from local_stack.atlas import AtlasEmulator, EmulatedRestore
from local_stack.clock import Clock
from local_stack.connections import connect
from local_stack.environment import PLENTY, Environment
from local_stack.function_queue import sqs_record
from local_stack.restores import same_ids
from local_stack.stack import LocalStack
from restore_watch.measuring.measurer import Measurer
from restore_watch.report.report_bucket import ReportBucket
from restore_watch.report.report_settings import ReportSettings
from restore_watch.report.reporter import Reporter

FOLDER = Path(__file__).parents[1] / "docs" / "sample"

GROUP = "6a1f3c9e5b7d204e8c61f0a3"
AT = datetime(2026, 11, 30, 6, tzinfo=UTC)
"""A Monday, when the schedule makes the report of the week before."""

OBJECTIVES = {"RTO_MINUTES": "60", "RPO_MINUTES": "1440"}


class FixedWorld:
    """The surroundings of an environment, whose clock moves only by what is asked of it."""

    def __init__(self, stack: LocalStack, clock: Clock) -> None:
        self.stack = stack
        self.clock = clock
        self.said: list[str] = []
        self._begun = clock()

    def now(self) -> datetime:
        return self.clock()

    def uptime(self) -> float:
        return (self.clock() - self._begun).total_seconds()

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def go_to(self, moment: datetime) -> None:
        self.pass_time((moment - self.clock()).total_seconds())


def files() -> Mapping[str, bytes]:
    """Return the files of the report by name."""
    clock = Clock(AT - timedelta(days=RECORDED))
    with same_ids(), LocalStack(clock=clock) as stack, closing(connect(stack)) as connections:
        world = FixedWorld(stack, clock)
        environment = Environment(
            world, connections, sleep=world.pass_time, project_ids=(GROUP,), metrics=False
        )
        _watch(world, environment)
        settings = ReportSettings.from_environment(
            {**stack.report_environment, "ATLAS_PROJECT_IDS": GROUP, "REPORT": "weekly"}
            | OBJECTIVES
        )
        bucket = ReportBucket(connections.s3, settings.bucket, environment.wires.clock)
        reporter = Reporter(settings, environment.wires, bucket)
        event = {"action": "report", "scheduledTime": utc_text(AT)}
        made = reporter.answer(event, Deadline.after(PLENTY, world.uptime), None)
        return dict(_read(connections.s3, made))


def _watch(world: FixedWorld, environment: Environment) -> None:
    """Begin to watch, and record each restore and each verdict at its time."""
    atlas = world.stack.atlas
    atlas.add_project(GROUP)
    environment.sweep()
    world.go_to(AT)
    seen = furnish_fleet(atlas, GROUP)
    seen.append((_failed_restore(atlas), None))
    newest = {restore.cluster: restore for restore, _ in reversed(seen)}
    measured = [newest[cluster] for cluster in DATA]
    for restore, verdict in sorted(seen, key=lambda one: _end(one[0])):
        world.go_to(_end(restore) + timedelta(seconds=7))
        environment.answer(restore.event)
        if restore in measured:
            _measure(world, environment, restore)
        if verdict:
            world.go_to(_end(restore) + HOUR)
            environment.answer(validation(restore, verdict))
    world.go_to(AT)
    environment.sweep()


def _measure(world: FixedWorld, environment: Environment, restore: EmulatedRestore) -> None:
    """Measure a restore as the queue has it measured, when Atlas has figures of its target."""
    furnish_data(world.stack.atlas, restore)
    messages = [one.event for one in world.stack.received()]
    (ended,) = [one for one in messages if one["id"] == f"{restore.restore_id}:COMPLETED"]
    world.go_to(_end(restore) + timedelta(minutes=46))
    event = {"Records": [sqs_record(restore.restore_id, json.dumps(ended), number=3)]}
    result = Measurer(environment.wires).answer(event, Deadline.after(PLENTY, world.uptime))
    assert result == {"batchItemFailures": []}


def _failed_restore(atlas: AtlasEmulator) -> EmulatedRestore:
    """Let a restore fail, as one does in the demo."""
    began = AT - timedelta(days=3, hours=2)
    restore = atlas.start_restore(
        *(GROUP, "reports-flex", "flex"),
        target_cluster="drill",
        timeline=("RUNNING", "FAILED"),
        at=began,
    )
    restore.run_to_end_at(began + timedelta(minutes=9))
    return restore


def _end(restore: EmulatedRestore) -> datetime:
    assert restore.finished is not None
    return restore.finished


def _read(s3: Any, made: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    for name in made["files"]:
        answer = s3.get_object(Bucket=made["bucket"], Key=made["prefix"] + name)
        yield name, answer["Body"].read()


def main() -> None:
    """Write the files to the folder that is named, or to docs/sample/."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(exist_ok=True)
    for name, body in files().items():
        (folder / name).write_bytes(body)


if __name__ == "__main__":
    main()
