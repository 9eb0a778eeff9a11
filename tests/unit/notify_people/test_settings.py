"""The operator's settings are read from the environment, or refused in one clear line."""

import pytest

from foundation.errors import ConfigurationError
from notify_people.channels.channel import Channel
from notify_people.settings import Settings
from notify_people.wanted_changes import Change

CHAT = "arn:aws:sns:eu-central-1:123456789012:chat"
EMAIL = "arn:aws:sns:eu-central-1:123456789012:email"
ALARMS = "arn:aws:sns:eu-central-1:123456789012:alarms"
LEAST = {
    "SENT_TABLE_NAME": "sent",
    "CHAT_TOPIC_ARN": CHAT,
    "POWERTOOLS_SERVICE_NAME": "atlas-restore-watch",
    "POWERTOOLS_METRICS_NAMESPACE": "AtlasRestoreWatch",
    "POWERTOOLS_LOG_LEVEL": "info",
}


def refusal(**changes: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_environment(LEAST | changes)
    return str(refused.value)


def test_the_least_environment_is_accepted() -> None:
    assert Settings.from_environment(LEAST | {"PATH": "/usr/bin"}) == Settings(
        sent_table_name="sent",
        topic_arns={Channel.CHAT: CHAT},
        alarm_topic_arn=None,
        secret_id=None,
        channels=None,
        changes=frozenset(Change) - {"started", "progressed", "failed"},
        measurements_count=False,
        console="https://cloud.mongodb.com",
        stack_name="atlas-restore-watch",
        log_level="INFO",
        metrics=True,
    )


def test_everything_can_be_set() -> None:
    made = Settings.from_environment(
        LEAST
        | {
            "EMAIL_TOPIC_ARN": EMAIL,
            "ALARM_TOPIC_ARN": ALARMS,
            "NOTIFY_SECRET_ID": "people",
            "NOTIFY_CHANNELS": "email, Slack ,pager",
            "NOTIFY_CHANGES": "ended,READY",
            "ATLAS_BASE_URL": "http://127.0.0.1:8080",
        }
    )

    assert made.topic_arns == {Channel.CHAT: CHAT, Channel.EMAIL: EMAIL}
    assert made.alarm_topic_arn == ALARMS
    assert made.channels == (Channel.PAGER, Channel.SLACK, Channel.EMAIL)
    assert made.changes == {"ended", "ready"}
    assert made.console == "http://127.0.0.1:8080", "plain http is for loopback"


def test_all_means_every_change() -> None:
    assert Settings.from_environment(LEAST | {"NOTIFY_CHANGES": "all"}).changes == set(Change)


@pytest.mark.parametrize(
    ("counts", "said"), [("restored", False), ("verified", False), ("measured", True)]
)
def test_differences_are_said_only_if_measurements_count(counts: str, *, said: bool) -> None:
    made = Settings.from_environment(LEAST | {"RESTORE_TEST_COUNTS": counts})

    assert made.measurements_count is said


def test_a_missing_variable_is_named() -> None:
    assert refusal(SENT_TABLE_NAME=" ") == "environment variables missing or empty: SENT_TABLE_NAME"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CHAT_TOPIC_ARN", f"{CHAT}.fifo"),
        ("EMAIL_TOPIC_ARN", "arn:aws:sqs:eu-central-1:123456789012:email"),
        ("ALARM_TOPIC_ARN", "alarms"),
        ("NOTIFY_CHANGES", "ended,canary"),
        ("NOTIFY_CHANGES", ","),
        ("NOTIFY_CHANGES", "all,ended"),
        ("RESTORE_TEST_COUNTS", "canary"),
        ("NOTIFY_CHANNELS", "chat,canary"),
        ("NOTIFY_CHANNELS", ","),
        ("NOTIFY_CHANNELS", "slack"),
        ("NOTIFY_CHANNELS", "email"),
        ("ATLAS_BASE_URL", "http://cloud.mongodb.com"),
        ("ATLAS_BASE_URL", "https://cloud.mongodb.com/api"),
        ("ATLAS_BASE_URL", "https://user:canary@cloud.mongodb.com"),
        ("POWERTOOLS_LOG_LEVEL", "canary"),
    ],
)
def test_a_wrong_variable_is_named_and_its_value_is_not_quoted(name: str, value: str) -> None:
    text = refusal(**{name: value})

    assert text.startswith(f"{name}: ")
    assert "canary" not in text


def test_a_function_without_any_channel_does_not_start() -> None:
    assert refusal(CHAT_TOPIC_ARN="").startswith("no channel is set: expected CHAT_TOPIC_ARN")
