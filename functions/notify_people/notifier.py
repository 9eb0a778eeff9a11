"""
A batch of messages: read each, put it into words, and send it once on every channel.

To send a notice, claim its subject, send, and note that it was sent.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tenacity import Retrying, retry_if_exception_type, wait_fixed

from foundation.deadline import Deadline
from foundation.service import service
from foundation.timed_call import LEAST_TIME
from notify_people.channels.channel import Channel
from notify_people.channels.channels import Channels
from notify_people.channels.sent_table import SentTable, Standing
from notify_people.errors import (
    ChannelFailedError,
    ChannelUnavailableError,
    NotifyPeopleError,
    SendingElsewhereError,
)
from notify_people.message import Message, read_message
from notify_people.selection import PAGED, Change, is_wanted
from notify_people.telemetry import Telemetry
from notify_people.words.notice import Notice, Paging

CHANNEL_TIME = 20.0
"""Seconds for one message on a channel at most, which is less than the life of a claim."""

FAILURES = 2
"""After this many messages have failed, a channel is not tried again in the batch."""

NOTE_TIME = 4.0
"""Seconds of the time of a channel that are kept for noting what was sent."""

CLAIM_WAIT = 3.0
CLAIM_PAUSE = 0.5
"""
Seconds that a message waits for the claims of others, all of its notices together, and seconds
between two tries. Another environment usually sends within a second.
"""

EMAIL_PAUSE = 0.6
"""
Seconds before each e-mail, the first of an invocation too: its environment may just have sent mail.

SNS turns a subscription off above 10 e-mails a second. So much time between two is at most two in
any second. The trigger invokes two environments at once, so together they send at most four; a call
that was left behind may be a fifth.
"""


@dataclass(eq=False)
class Entry:
    """A message of a batch: its notice, and the SQS records that hold it."""

    notice: Notice
    is_wanted: bool = True
    records: list[str] = field(default_factory=list)
    has_failed: bool = False


@service
class Delivery:
    """Sends each notice at least once on every channel, and never after a newer notice."""

    channels: Channels
    sent: SentTable
    telemetry: Telemetry
    sleep: Callable[[float], None] = time.sleep

    def deliver(
        self, channel: Channel, entries: Sequence[Entry], deadline: Deadline
    ) -> NotifyPeopleError | None:
        """
        Send the new entries as one message, and note each. Return the channel's error.

        An error of the channel fails every entry of the message. An error of one entry, such as a
        claim of another invocation, fails that entry alone.
        """
        claim, waiting = secrets.token_hex(8), deadline.within(CLAIM_WAIT)
        try:
            new = [
                entry for entry in entries if self._is_new(channel, entry, claim, waiting, deadline)
            ]
            if new:
                self._send(channel, [entry.notice for entry in new], claim, deadline)
        except NotifyPeopleError as error:
            return self.fail(new, error, channel)
        except Exception as error:  # noqa: BLE001 - our own fault at one channel is not the others'
            bug = ChannelFailedError(f"{channel}: this is a bug: {type(error).__name__}")
            return self.fail(entries, bug, channel)
        for entry in new:
            self._note(channel, entry, deadline)
        return None

    def fail(
        self, entries: Iterable[Entry], error: NotifyPeopleError, channel: Channel | None = None
    ) -> NotifyPeopleError:
        """Have SQS deliver the entries again. Return the error."""
        for entry in entries:
            entry.has_failed = True
            self.telemetry.count_failed(error, channel, entry.notice)
        return error

    def _is_new(
        self, channel: Channel, entry: Entry, claim: str, waiting: Deadline, deadline: Deadline
    ) -> bool:
        """
        Claim the notice. False if it was sent, is outdated, or cannot be claimed.

        Wait a little if another environment sends a notice about the same subject.
        """
        notice = entry.notice
        retrying = Retrying(
            retry=retry_if_exception_type(SendingElsewhereError),
            stop=lambda _: not waiting.remaining(),
            wait=wait_fixed(CLAIM_PAUSE),
            sleep=self.sleep,
            reraise=True,
        )
        try:
            standing = retrying(
                self.sent.claim, notice.subject, channel, notice.order, claim, deadline
            )
        except NotifyPeopleError as error:
            self.fail([entry], error, channel)
            return False
        if standing is Standing.SENT:
            self.telemetry.report_repetition(channel, notice)
        elif standing is Standing.OUTDATED:
            self.telemetry.count_dropped(channel, notice)
        return standing is Standing.NEW

    def _send(
        self, channel: Channel, notices: Sequence[Notice], claim: str, deadline: Deadline
    ) -> None:
        sending = deadline.earlier(NOTE_TIME)
        try:
            if channel is Channel.EMAIL:
                sending.require(EMAIL_PAUSE + LEAST_TIME, "send an e-mail")
                self.sleep(EMAIL_PAUSE)
            self.channels.send(channel, notices, sending)
        except Exception as error:
            may_be_sent = isinstance(error, ChannelUnavailableError) and error.may_be_sent
            # Keep the claims while a call that was left behind may still send: no newer notice may
            # overtake it. If a release fails, the claim expires by itself.
            for notice in notices if not may_be_sent else ():
                with suppress(NotifyPeopleError):
                    self.sent.release(notice.subject, channel, claim, deadline)
            raise

    def _note(self, channel: Channel, entry: Entry, deadline: Deadline) -> None:
        notice = entry.notice
        try:
            self.sent.note(notice.subject, channel, notice.order, deadline)
        except NotifyPeopleError as error:
            self.fail([entry], error, channel)
        else:
            self.telemetry.count_sent(channel, notice)


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
            except Exception as error:  # noqa: BLE001 - our own fault too concerns one message
                self.telemetry.count_unreadable(error)
                failed.append(record["messageId"])
                continue
            if entry is not None:
                # SQS may deliver a message twice in one batch.
                key = entry.notice.subject, entry.notice.order
                entries.setdefault(key, entry).records.append(record["messageId"])
        in_order = sorted(entries.values(), key=lambda entry: (entry.notice.at, entry.notice.order))
        self.send(in_order, deadline)
        for entry in entries.values():
            failed += entry.records if entry.has_failed else ()
        return {"batchItemFailures": [{"itemIdentifier": record} for record in failed]}

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
    """Return the entries of each message: an e-mail has all, any other message has a notice."""
    if channel is Channel.PAGER:
        # Nobody is paged for a good end or for progress.
        return [[entry] for entry in entries if entry.notice.paging is not Paging.NOTHING]
    wanted = [entry for entry in entries if entry.is_wanted]
    return [wanted] if channel is Channel.EMAIL else [[entry] for entry in wanted]
