"""A tick of the local stack sends the function what its schedule sends."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, override

import pytest

from local_stack.runtime import Invocation, Outcome
from local_stack.stack import ROOT, LocalStack

pytestmark = pytest.mark.timeout(30)

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  AtlasSecretArn: { Type: String }
  AtlasBaseUrl: { Type: String }
Resources:
  RestoreWatchFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/
      Handler: restore_watch.handler.lambda_handler
      Runtime: python3.13
      MemorySize: 512
      Timeout: 60
      Events:
        Schedule:
          Type: ScheduleV2
          Properties:
            ScheduleExpression: rate(1 minute)
            Input: '{"action": "sweep", "scheduledTime": "<aws.scheduler.scheduled-time>"}'
  StatusChangesTopic:
    Type: AWS::SNS::Topic
"""


class Recorder(LocalStack):
    """A stack that keeps events instead of invoking the function, so it need not be built."""

    def __init__(self, template: Path) -> None:
        super().__init__(template=template)
        self.events: list[Any] = []

    @override
    def invoke(self, event: Any) -> Invocation:
        self.events.append(event)
        return Invocation(Outcome.RESULT, "swept", 1)


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    file = tmp_path / "template.yaml"
    file.write_text(TEMPLATE)
    with Recorder(file) as recorder:
        yield recorder


def test_a_tick_names_the_scheduled_moment(recorder: Recorder) -> None:
    invocation = recorder.tick(datetime(2026, 5, 4, 12, 0, 30, tzinfo=UTC))

    assert recorder.events[-1] == {"action": "sweep", "scheduledTime": "2026-05-04T12:00:30Z"}
    assert invocation.result == "swept"


def test_a_tick_is_scheduled_for_now_by_default(recorder: Recorder) -> None:
    before = datetime.now(UTC)
    recorder.tick()
    named = datetime.fromisoformat(recorder.events[-1]["scheduledTime"])

    assert timedelta(seconds=-1) < named - before < timedelta(seconds=5)


def test_the_schedule_of_this_project_has_an_input() -> None:
    with Recorder(ROOT / "template.yaml") as recorder:
        recorder.tick()

    assert isinstance(recorder.events[-1], dict)
