"""The messages about the watch itself: their bodies, subjects and attributes."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import TimeBudgetExceededError
from restore_watch.aws.cloud_events import watch_cloud_event
from restore_watch.aws.topic import StatusChangesTopic
from restore_watch.errors import NotificationPendingError
from restore_watch.model.fixes import fix_named
from restore_watch.model.outage import REMOVED, Trouble, WatchChange, WatchState
from restore_watch.redaction import QUOTE_LIMIT
from strategies import utc_dates
from unit.open_jobs import NOON
from unit.scripted_atlas import GROUP, Clock
from unit.stubbed_aws import Refusal, sns

ARN = "arn:aws:sns:eu-central-1:123456789012:changes"
STACK = "restore-watch"
LONGEST_NAME = "s" * 128
"""CloudFormation takes stack names of 128 characters."""

MINUTE = timedelta(minutes=1)
DEGRADED, RECOVERED = WatchState


class Topic:
    """Publishes, and keeps what SNS was sent."""

    def __init__(self, clock: Clock, stack_name: str = STACK) -> None:
        self.clock = clock
        self.sent: list[Mapping[str, Any]] = []
        self.refusal: Refusal | None = None
        self._tested = StatusChangesTopic(sns(self._answer), ARN, stack_name)

    def _answer(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.refusal:
            raise self.refusal
        self.sent.append(parameters)
        return {"MessageId": "m-1"}

    def publish(self, which: WatchChange, seconds: float = 60.0) -> str:
        return self._tested.publish_watch(which, self.clock.deadline(seconds))

    @property
    def subject(self) -> str:
        return str(self.sent[-1]["Subject"])

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.sent[-1]["Message"])
        return body

    @property
    def attributes(self) -> dict[str, str]:
        """SNS's protocol has numbered entries."""
        read = self.sent[-1]
        return {
            read[f"MessageAttributes.entry.{number}.Name"]: read[
                f"MessageAttributes.entry.{number}.Value.StringValue"
            ]
            for number in range(1, 11)
            if f"MessageAttributes.entry.{number}.Name" in read
        }


@pytest.fixture
def topic(clock: Clock) -> Topic:
    return Topic(clock)


def change(
    state: WatchState = DEGRADED,
    group_id: str | None = GROUP,
    at: datetime = NOON + 3 * MINUTE,
    last_success_at: datetime | None = NOON - MINUTE,
) -> WatchChange:
    trouble = Trouble(NOON, "AtlasUnavailableError", "Atlas did not answer", "Wait")
    return WatchChange(state, group_id, trouble, at, last_success_at, open_jobs=2)


def test_a_degraded_project_is_published_with_why_and_since_when(topic: Topic) -> None:
    assert topic.publish(change()) == "m-1"

    assert topic.body == {
        "specversion": "1.0",
        "id": f"{GROUP}:degraded:2026-05-04T12:00:00.000000Z",
        "source": f"/groups/{GROUP}",
        "type": "atlas-restore-watch.watch-degraded.v1",
        "subject": GROUP,
        "time": "2026-05-04T12:00:00.000000Z",
        "datacontenttype": "application/json",
        "data": {
            "stack": STACK,
            "groupId": GROUP,
            "error": "AtlasUnavailableError",
            "message": "Atlas did not answer",
            "fix": "Wait",
            "reason": None,
            "since": "2026-05-04T12:00:00.000000Z",
            "lastSuccessAt": "2026-05-04T11:59:00.000000Z",
            "openJobs": 2,
        },
    }
    assert topic.sent[-1]["TopicArn"] == ARN
    assert topic.subject == f"Atlas restore watch degraded: {GROUP}"
    assert topic.attributes == {
        "type": "atlas-restore-watch.watch-degraded.v1",
        "groupId": GROUP,
    }


def test_a_recovery_is_dated_by_its_own_moment_and_keeps_the_trouble(topic: Topic) -> None:
    topic.publish(change())
    degraded = topic.body
    topic.publish(change(RECOVERED))

    assert topic.body == degraded | {
        "id": f"{GROUP}:recovered:2026-05-04T12:00:00.000000Z",
        "type": "atlas-restore-watch.watch-recovered.v1",
        "time": "2026-05-04T12:03:00.000000Z",
    }
    assert topic.subject == f"Atlas restore watch recovered: {GROUP}"
    assert topic.attributes["type"] == "atlas-restore-watch.watch-recovered.v1"


def test_a_message_about_the_stack_has_its_name_and_no_project(topic: Topic) -> None:
    topic.publish(change(group_id=None))

    assert (topic.body["subject"], topic.body["source"]) == (STACK, f"/stacks/{STACK}")
    assert topic.body["id"] == f"{STACK}:degraded:2026-05-04T12:00:00.000000Z"
    assert topic.body["data"]["groupId"] is None
    assert topic.subject == f"Atlas restore watch degraded: {STACK}"
    assert topic.attributes == {"type": "atlas-restore-watch.watch-degraded.v1"}


@pytest.mark.parametrize("state", WatchState)
@pytest.mark.parametrize("length", [1, 68, 69, 70, 71, 128])
def test_the_subject_is_shorter_than_a_hundred_characters_for_a_stack_of_any_name(
    clock: Clock, state: WatchState, length: int
) -> None:
    topic = Topic(clock, "s" * length)
    topic.publish(change(state, group_id=None))

    whole = f"Atlas restore watch {state}: {'s' * length}"
    assert len(topic.subject) == min(99, len(whole))
    assert whole.startswith(topic.subject)
    assert topic.body["subject"] == "s" * length


@pytest.mark.parametrize("group_id", [GROUP, None], ids=["project", "stack"])
def test_a_change_that_1_0_0_has_stored_gets_the_fix_of_its_error(
    topic: Topic, group_id: str | None
) -> None:
    old = Trouble(NOON, "AtlasUnauthorizedError", "No role")
    topic.publish(WatchChange(DEGRADED, group_id, old, NOON, None, 0))

    assert topic.body["data"]["fix"] == fix_named(old.error, of_stack=group_id is None)


def test_a_project_that_is_no_longer_watched_recovers_with_the_reason(topic: Topic) -> None:
    topic.publish(replace(change(RECOVERED), reason=REMOVED))

    assert topic.body["data"]["reason"] == "removed"


def test_what_was_never_seen_has_no_last_success(topic: Topic) -> None:
    topic.publish(change(last_success_at=None))

    assert topic.body["data"]["lastSuccessAt"] is None


texts = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=QUOTE_LIMIT)


@given(
    st.sampled_from(WatchState),
    st.sampled_from([GROUP, None]),
    st.builds(Trouble, utc_dates, st.just("AtlasForbiddenError"), texts),
    utc_dates,
    st.none() | utc_dates,
)
def test_a_change_has_the_same_message_each_time_and_an_id_by_its_begin(
    state: WatchState,
    group_id: str | None,
    trouble: Trouble,
    at: datetime,
    last_success_at: datetime | None,
) -> None:
    of = WatchChange(state, group_id, trouble, at, last_success_at, 3)
    later = WatchChange(state, group_id, trouble, NOON, None, 7)
    name = group_id or LONGEST_NAME

    event = watch_cloud_event(of, name)

    assert json.loads(json.dumps(event)) == watch_cloud_event(of, name)
    assert event["id"] == watch_cloud_event(later, name)["id"]
    assert len(json.dumps(event)) < 2000


@pytest.mark.parametrize("code", ["AuthorizationError", "KMSDisabled"])
def test_a_message_that_sns_refuses_stays_pending(topic: Topic, code: str) -> None:
    topic.refusal = Refusal(code)

    with pytest.raises(NotificationPendingError, match=code):
        topic.publish(change())


def test_nothing_is_published_without_the_time_for_it(topic: Topic) -> None:
    with pytest.raises(TimeBudgetExceededError):
        topic.publish(change(), seconds=0.1)

    assert topic.sent == []
