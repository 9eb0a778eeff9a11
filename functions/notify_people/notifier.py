"""A batch of messages: read each, put it into words, and send all of them on every channel."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from foundation.deadline import Deadline
from foundation.service import service
from notify_people.channels.channel import Channel
from notify_people.channels.channels import Channels
from notify_people.delivery import Delivery, Entry
from notify_people.errors import ChannelUnavailableError
from notify_people.message import Message, read_message
from notify_people.selection import PAGED, Change, is_wanted
from notify_people.telemetry import Telemetry
from notify_people.words.notice import Notice, Paging

CHANNEL_TIME = 20.0
"""Seconds for one message on a channel at most, which is less than the life of a claim."""

FAILURES = 2
"""After this many messages have failed, a channel is not tried again in the batch."""


@service
class Notifier:
    """Notifies people of what is in the queue, and of what the stack itself notices."""

    channels: Channels
    delivery: Delivery
    telemetry: Telemetry
    changes: AbstractSet[Change]
    notice_of: Callable[[Message], Notice]

    def answer(self, records: Iterable[Mapping[str, Any]], deadline: Deadline) -> Mapping[str, Any]:
        """
        Handle an SQS batch. Return `batchItemFailures`: the messages that SQS delivers again.

        A message that fails does not affect the others, even if our own code fails at it.
        """
        failed: list[str] = []
        entries: dict[tuple[str, int], Entry] = {}
        for record in records:
            try:
                entry = self._read(record["body"])
            except Exception as error:  # noqa: BLE001 - our own fault too is of one message
                self.telemetry.count_unreadable(error)
                failed.append(record["messageId"])
                continue
            if entry is not None:
                # SQS may deliver a message twice in one batch.
                key = entry.notice.subject, entry.notice.order
                entries.setdefault(key, entry).records.append(record["messageId"])
        in_order = sorted(entries.values(), key=lambda one: (one.notice.at, one.notice.order))
        self.send(in_order, deadline)
        for entry in entries.values():
            failed += entry.records if entry.has_failed else ()
        return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}

    def send(
        self, entries: Sequence[Entry], deadline: Deadline, without: Channel | None = None
    ) -> None:
        """
        Send the entries on the channels, the most urgent first, and note in them what failed.

        Each message is tried within an equal share of the time that is left for the channels.
        """
        if not entries:
            return
        channels, problem = self.channels.set_up(deadline)
        if problem is not None:
            self.delivery.fail(entries, problem)
        for place, channel in enumerate(channels):
            if channel is not without:
                self._send_on(channel, entries, len(channels) - place, deadline)

    def _read(self, text: str) -> Entry | None:
        """Return the notice, and whether people want it; None if nobody needs it."""
        message = read_message(text)
        notice = self.notice_of(message)
        wanted = is_wanted(message, self.changes)
        # An alert is closed even if people do not want to hear of the end.
        is_closing = notice.paging is Paging.RESOLVE and not PAGED.isdisjoint(self.changes)
        if wanted or is_closing:
            return Entry(notice, wanted)
        self.telemetry.report_unwanted(notice.event_type)
        return None

    def _send_on(
        self, channel: Channel, entries: Sequence[Entry], channels_left: int, deadline: Deadline
    ) -> None:
        failures = 0
        for message in _messages(channel, entries):
            if failures >= FAILURES:
                text = f"{channel} failed for notices before this one, so it was not tried"
                self.delivery.fail(message, ChannelUnavailableError(text), channel)
                continue
            share = min(CHANNEL_TIME, deadline.remaining() / channels_left)
            error = self.delivery.deliver(channel, message, deadline.within(share))
            if isinstance(error, ChannelUnavailableError):
                # The others do not wait for a channel that did not answer in time.
                failures += FAILURES if error.is_late else 1


def _messages(channel: Channel, entries: Iterable[Entry]) -> list[list[Entry]]:
    """Return what each message of the channel says: an e-mail all, any other one a notice."""
    if channel is Channel.PAGER:
        # Nobody is paged for a good end or for progress.
        return [[one] for one in entries if one.notice.paging is not Paging.NOTHING]
    wanted = [one for one in entries if one.is_wanted]
    return [wanted] if channel is Channel.EMAIL else [[one] for one in wanted]
