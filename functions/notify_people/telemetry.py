"""The operator's view: a log line for each channel of a notice, and a metric."""

from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit

from foundation.emitting import MetricsLog, emitting
from notify_people.channels.channel import Channel
from notify_people.errors import NotifyPeopleError
from notify_people.words.notice import Notice


@dataclass(frozen=True)
class Telemetry:
    """Writes what docs/people.md describes. No message, address or key is logged."""

    logger: Logger
    metrics: MetricsLog

    def report_sent(self, channel: Channel, notice: Notice, text: str = "sent") -> None:
        """Report a notice that a channel took, now or before."""
        with emitting():
            self.logger.info(text, **_names(channel, notice))

    def report_dropped(self, channel: Channel, notice: Notice) -> None:
        """Report a notice that came after a newer notice about the same subject."""
        with emitting():
            text = "A newer notice was sent before this one, so this one is not sent"
            self.logger.warning(text, **_names(channel, notice))

    def count_subscriptions(self, confirmed: int, pending: int, missing: int) -> None:
        """Count the e-mail subscriptions that get nothing."""
        with emitting():
            self.metrics.write({"EmailSubscriptionsMissing": (MetricUnit.Count, missing)})
            self.logger.info("e-mail subscriptions", confirmed=confirmed, pending=pending)

    def report_unwanted(self, event_type: str) -> None:
        """Report a change that NOTIFY_CHANGES leaves out."""
        with emitting():
            self.logger.debug("not wanted", event_type=event_type)

    def report_failure(
        self, error: Exception, channel: Channel | None = None, notice: Notice | None = None
    ) -> None:
        """Report a notice that was not sent. The text of an error of Python may hold anything."""
        text = str(error) if isinstance(error, NotifyPeopleError) else "This is a bug"
        with emitting():
            names = _names(channel, notice) if notice else {}
            self.logger.error(text, **names, error=type(error).__name__)


def _names(channel: Channel | None, notice: Notice) -> dict[str, Any]:
    return {
        "channel": channel,
        "subject": notice.about,
        "order": notice.order,
        "event_type": notice.event_type,
    }
