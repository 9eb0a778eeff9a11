"""The path of a message: read it, put it into words, send it on every channel, note that."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from foundation.deadline import Deadline
from foundation.service import service
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

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

CHANNEL_TIME = 20.0
"""Seconds for one channel at most, which is less than the life of a claim."""

NOTE_TIME = 4.0
"""Seconds of CHANNEL_TIME that are kept for noting that the notice was sent."""

CLAIM_TRIES = 7
CLAIM_PAUSE = 0.5
"""Tries, and seconds between two. Another environment usually sends within a second."""

FAILURES = 2
"""After this many notices have failed, a channel is not tried again in the batch."""


@dataclass
class Batch:
    """
    The channels, as one invocation has seen them.

    The rest of the batch does not wait for `silent` channels: they did not answer in time, or
    `failed` for several notices.
    """

    channels: Sequence[Channel] | None = None
    problem: NotifyPeopleError | None = None
    silent: set[Channel] = field(default_factory=set)
    failed: Counter[Channel] = field(default_factory=Counter)

    def note(self, channel: Channel, error: ChannelUnavailableError) -> None:
        """Note that the channel did not take a notice."""
        self.failed[channel] += 1
        if error.is_late or self.failed[channel] >= FAILURES:
            self.silent.add(channel)


@service
class Notifier:
    """Notifies people: at least once on every channel, and never of a change after a newer one."""

    channels: Channels
    sent: SentTable
    telemetry: Telemetry
    changes: AbstractSet[Change]
    notice_of: Callable[[Message], Notice]
    sleep: Callable[[float], None] = time.sleep

    def answer(self, event: dict[str, Any], deadline: Deadline) -> Mapping[str, Any]:
        """
        Handle an SQS batch. Return `batchItemFailures`: the messages that SQS delivers again.

        A message that fails does not affect the others, even if our own code fails at it.
        """
        batch = Batch()

        def handle(record: "SQSRecord") -> None:
            try:
                self.notify(record.body, deadline, batch)
            except NotifyPeopleError:
                raise  # reported already
            except Exception as error:
                self.telemetry.crashed(error)
                raise

        # A new one each time: it keeps the records of its batch.
        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        return process_partial_response(event, handle, processor)

    def notify(self, text: str, deadline: Deadline, batch: Batch) -> None:
        """
        Notify people of the message in this text.

        Every channel is tried within an equal share of the time that is left, and each success is
        noted. Then the first error is raised, so that SQS delivers the message again. Only the
        channels that failed get it again.
        """
        read = self._read(text)
        if read is None:
            return
        notice, wanted = read
        if batch.channels is None:
            batch.channels, batch.problem = self.channels.set_up(deadline)
        errors: list[NotifyPeopleError] = []
        if batch.problem is not None:
            errors.append(batch.problem)
            self.telemetry.failed(batch.problem, notice=notice)
        # Nobody is paged for a good end or for progress.
        is_paged = notice.paging is not Paging.NOTHING
        channels = [one for one in batch.channels if (is_paged if one is Channel.PAGER else wanted)]
        for place, channel in enumerate(channels):
            left = sum(one not in batch.silent for one in channels[place:])
            share = min(CHANNEL_TIME, deadline.remaining() / max(left, 1))
            error = self._try(channel, notice, deadline.within(share), batch)
            if error is not None:
                errors.append(error)
                self.telemetry.failed(error, channel, notice)
        if errors:
            raise errors[0]

    def _read(self, text: str) -> tuple[Notice, bool] | None:
        """Return the notice, and whether people want it; None if nobody needs it."""
        try:
            message = read_message(text)
        except NotifyPeopleError as error:
            self.telemetry.failed(error)
            raise
        notice = self.notice_of(message)
        wanted = is_wanted(message, self.changes)
        # An alert is closed even if people do not want to hear of the end.
        is_closing = notice.paging is Paging.RESOLVE and not PAGED.isdisjoint(self.changes)
        if wanted or is_closing:
            return notice, wanted
        self.telemetry.unwanted(notice.event_type)
        return None

    def _try(
        self, channel: Channel, notice: Notice, deadline: Deadline, batch: Batch
    ) -> NotifyPeopleError | None:
        """Send the notice on one channel. Return the error, None without one. The others go on."""
        if channel in batch.silent:
            return ChannelUnavailableError(
                f"{channel} failed for notices before this one, so it was not tried"
            )
        try:
            self._deliver(channel, notice, deadline)
        except ChannelUnavailableError as error:
            batch.note(channel, error)
            return error
        except NotifyPeopleError as error:
            return error
        except Exception as error:  # noqa: BLE001 - our own fault at one channel is not the others'
            return ChannelFailedError(f"{channel}: this is a bug: {type(error).__name__}")
        return None

    def _claim(self, channel: Channel, notice: Notice, deadline: Deadline) -> tuple[Standing, str]:
        """Claim the notice. Wait a little if another environment sends one about the subject."""
        return Retrying(
            retry=retry_if_exception_type(SendingElsewhereError),
            stop=stop_after_attempt(CLAIM_TRIES),
            wait=wait_fixed(CLAIM_PAUSE),
            sleep=self.sleep,
            reraise=True,
        )(self.sent.claim, notice.subject, channel, notice.order, deadline)

    def _deliver(self, channel: Channel, notice: Notice, deadline: Deadline) -> None:
        standing, claim = self._claim(channel, notice, deadline)
        if standing is Standing.SENT:
            self.telemetry.sent_before(channel, notice)
            return
        if standing is Standing.OUTDATED:
            self.telemetry.dropped(channel, notice)
            return
        try:
            self.channels.send(channel, notice, deadline.earlier(NOTE_TIME))
        except Exception as error:
            may_be_sent = isinstance(error, ChannelUnavailableError) and error.may_be_sent
            # Keep the claim while a call that was left behind may still send: no newer notice may
            # overtake it. If the release fails, the claim expires by itself.
            if not may_be_sent:
                with suppress(NotifyPeopleError):
                    self.sent.release(notice.subject, channel, claim, deadline)
            raise
        self.sent.note(notice.subject, channel, notice.order, deadline)
        self.telemetry.sent(channel, notice)
