"""One invocation: a batch of messages for people, or a look at the subscriptions of e-mail."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from foundation.deadline import Deadline
from notify_people.channels.channel import Channel
from notify_people.channels.channels import Channels
from notify_people.delivery import Delivery, OutgoingNotice
from notify_people.errors import ChannelUnavailableError
from notify_people.message import RestoreMeasured, read_message
from notify_people.severity_and_paging import Paging
from notify_people.telemetry import Telemetry
from notify_people.wanted_changes import Change, closes_alert, is_wanted
from notify_people.words.missing_subscription_notice import EmailOf, missing_subscription_notice
from notify_people.words.notices import notice_of

CHANNEL_TIME = 20.0
"""Seconds for one message on a channel at most, which is less than the life of a claim."""

FAILURES = 2
"""After this many messages have failed, a channel is not tried again in the batch."""


@dataclass(frozen=True)
class Application:
    """
    Answers invocations by the queue and by the schedule.

    `measurements_count`: whether a measurement makes a restore a test. `now` gives Unix seconds.
    """

    channels: Channels
    delivery: Delivery
    telemetry: Telemetry
    changes: AbstractSet[Change]
    measurements_count: bool
    console: str
    stack: str
    now: Callable[[], float] = time.time

    def answer(self, event: Mapping[str, Any], deadline: Deadline) -> Mapping[str, Any]:
        """Return the result, plain JSON."""
        if event.get("action") == "check-email":
            return self._check_email(deadline)
        return self._notify(event["Records"], deadline)

    def _notify(
        self, records: Iterable[Mapping[str, Any]], deadline: Deadline
    ) -> Mapping[str, Any]:
        """Handle an SQS batch. Return `batchItemFailures`: the messages that SQS delivers again."""
        failed: list[str] = []
        notices: dict[tuple[str, int], OutgoingNotice] = {}
        for record in records:
            try:
                outgoing = self._read(record["body"])
            except Exception as error:  # noqa: BLE001 - our own fault too concerns this message alone
                self.telemetry.report_failure(error)
                failed.append(record["messageId"])
                continue
            if outgoing is not None:
                # SQS may deliver a message twice in a batch.
                key = outgoing.notice.about, outgoing.notice.order
                notices.setdefault(key, outgoing).records.append(record["messageId"])
        in_order = sorted(notices.values(), key=_moment_and_order)
        self._send(in_order, deadline)
        for outgoing in in_order:
            if outgoing.has_failed:
                failed += outgoing.records
        return {"batchItemFailures": [{"itemIdentifier": record} for record in failed]}

    def _check_email(self, deadline: Deadline) -> Mapping[str, int]:
        """
        Look who gets e-mail, and alarms by e-mail: SNS takes messages for nobody without an error.

        The metric raises an alarm; a notice goes to the other channels, once a day. If SNS does not
        answer, ChannelUnavailableError has Lambda try again.
        """
        topics = self.channels.email_subscriptions(deadline)
        if not topics:
            return {}
        confirmed = sum(found.confirmed for found in topics)
        pending = sum(found.pending for found in topics)
        missing = sum(found.missing for found in topics)
        self.telemetry.count_subscriptions(confirmed, pending, missing)
        at = datetime.fromtimestamp(self.now(), UTC)
        for found in topics:
            if found.missing:
                notice = missing_subscription_notice(found, at, self.stack)
                # Who gets no alarm may get the e-mail that says so.
                without = Channel.EMAIL if found.of is EmailOf.NOTICES else None
                self._send([OutgoingNotice(notice)], deadline, without=without)
        return {"confirmed": confirmed, "pending": pending}

    def _read(self, text: str) -> OutgoingNotice | None:
        """Return the notice, and whether people want it; None if nobody needs it."""
        message = read_message(text)
        if isinstance(message, RestoreMeasured) and not self._says(message):
            return None
        notice = notice_of(message, self.console, self.stack)
        wanted = is_wanted(notice.change, notice.severity, notice.paging, self.changes)
        if wanted or closes_alert(notice.paging, self.changes):
            return OutgoingNotice(notice, wanted)
        self.telemetry.report_unwanted(notice.event_type)
        return None

    def _says(self, measured: RestoreMeasured) -> bool:
        """Whether people are told. A match, or that nothing was measured, is said in the report."""
        return measured.differs and self.measurements_count

    def _send(
        self,
        notices: Sequence[OutgoingNotice],
        deadline: Deadline,
        without: Channel | None = None,
    ) -> None:
        """Send on each channel, within its share of the time. The notices know what failed."""
        if not notices:
            return
        channels, problem = self.channels.set_up(deadline)
        if problem is not None:
            self.delivery.fail(notices, problem)
        for place, channel in enumerate(channels):
            if channel is not without:
                self._send_on(channel, notices, len(channels) - place, deadline)

    def _send_on(
        self,
        channel: Channel,
        notices: Sequence[OutgoingNotice],
        channels_left: int,
        deadline: Deadline,
    ) -> None:
        failures = 0
        for message in _messages(channel, notices):
            if failures >= FAILURES:
                text = f"{channel} failed for notices before this one, so it was not tried"
                self.delivery.fail(message, ChannelUnavailableError(text), channel)
                continue
            share = min(CHANNEL_TIME, deadline.remaining() / channels_left)
            error = self.delivery.deliver(channel, message, deadline.within(share))
            if isinstance(error, ChannelUnavailableError):
                failures += 1
                if error.is_late:
                    # The others do not wait for a channel that did not answer in time.
                    failures = FAILURES


def _moment_and_order(outgoing: OutgoingNotice) -> tuple[datetime, int]:
    return outgoing.notice.at, outgoing.notice.order


def _messages(channel: Channel, notices: Sequence[OutgoingNotice]) -> list[list[OutgoingNotice]]:
    """Return the notices of each message: an e-mail has all, any other message has a notice."""
    if channel is Channel.PAGER:
        return [[outgoing] for outgoing in _of_pager(notices)]
    wanted = [outgoing for outgoing in notices if outgoing.is_wanted]
    if channel is Channel.EMAIL:
        return [wanted]
    return [[outgoing] for outgoing in wanted]


def _of_pager(notices: Iterable[OutgoingNotice]) -> Iterator[OutgoingNotice]:
    """
    Yield the notices that page somebody, or close a page. They are in order.

    Nobody is paged for a good end or for progress, or for what has ended by now: the end stands in
    the same batch. The end itself is sent, because an earlier delivery may have opened the page.
    """
    ends: dict[str, int] = {}
    paging = [outgoing for outgoing in notices if outgoing.notice.paging is not Paging.NOTHING]
    for outgoing in paging:
        notice = outgoing.notice
        if notice.paging is Paging.RESOLVE:
            ends[notice.key] = max(notice.order, ends.get(notice.key, 0))
    for outgoing in paging:
        notice = outgoing.notice
        has_ended = notice.order < ends.get(notice.key, 0)
        if notice.paging is not Paging.TRIGGER or not has_ended:
            yield outgoing
