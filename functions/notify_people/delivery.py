"""One message on one channel, once: claim the subjects of its notices, send, and note that."""

import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from foundation.repeating import repeat
from foundation.timed_call import LEAST_TIME
from notify_people.channels.channel import Channel
from notify_people.channels.channels import Channels
from notify_people.channels.sent_table import SentTable
from notify_people.errors import (
    ChannelFailedError,
    ChannelUnavailableError,
    NotifyPeopleError,
    SendingElsewhereError,
)
from notify_people.telemetry import Telemetry
from notify_people.words.notice import Notice

NOTE_TIME = 4.0
"""Seconds of a channel's time that are kept for noting what was sent."""

CLAIM_WAIT = 3.0
"""Seconds that all notices of a message together wait for claims, which usually last a second."""

CLAIM_PAUSE = 0.5
"""Seconds between two tries to claim a notice that is being sent elsewhere."""

EMAIL_PAUSE = 0.6
"""
Seconds before each e-mail, the first of an invocation too: its environment may just have sent mail.

SNS turns a subscription off above 10 e-mails a second. The two environments that the trigger
invokes at once send at most four in any second; a call that was left behind may be a fifth.
"""


@dataclass(eq=False)
class OutgoingNotice:
    """A notice to send. `records`: the ids of the messages in SQS that hold it."""

    notice: Notice
    is_wanted: bool = True
    records: list[str] = field(default_factory=list)
    has_failed: bool = False


@dataclass(frozen=True)
class Delivery:
    """Sends each notice at least once on every channel, and never after a newer notice."""

    channels: Channels
    sent: SentTable
    telemetry: Telemetry
    sleep: Callable[[float], None] = time.sleep

    def deliver(
        self, channel: Channel, notices: Sequence[OutgoingNotice], deadline: Deadline
    ) -> NotifyPeopleError | None:
        """
        Send the new notices in one message, and note each. Return the channel's error.

        That error fails every notice of the message. Any other, such as a claim of another
        invocation, fails its notice alone.
        """
        claim, waiting = secrets.token_hex(8), deadline.within(CLAIM_WAIT)
        claimed: list[OutgoingNotice] = []
        try:
            for outgoing in notices:
                is_claimed = self._claim(channel, outgoing, claim, waiting, deadline)
                if is_claimed:
                    claimed.append(outgoing)
            if claimed:
                self._send(channel, [outgoing.notice for outgoing in claimed], claim, deadline)
        except NotifyPeopleError as error:
            return self.fail(claimed, error, channel)
        except Exception as error:  # noqa: BLE001 - our own fault at a channel is not the others'
            bug = ChannelFailedError(f"{channel}: this is a bug: {type(error).__name__}")
            return self.fail(notices, bug, channel)
        for outgoing in claimed:
            self._note(channel, outgoing, deadline)
        return None

    def fail(
        self,
        notices: Iterable[OutgoingNotice],
        error: NotifyPeopleError,
        channel: Channel | None = None,
    ) -> NotifyPeopleError:
        """Have SQS deliver the notices again. Return the error."""
        for outgoing in notices:
            outgoing.has_failed = True
            self.telemetry.report_failure(error, channel, outgoing.notice)
        return error

    def _claim(
        self,
        channel: Channel,
        outgoing: OutgoingNotice,
        claim: str,
        waiting: Deadline,
        deadline: Deadline,
    ) -> bool:
        """Claim the notice. False if it was sent, is outdated, or cannot be claimed in time."""
        notice = outgoing.notice

        def wait_after(error: ApplicationError, _tries: int) -> float | None:
            is_sending = isinstance(error, SendingElsewhereError)
            return CLAIM_PAUSE if is_sending and waiting.remaining() else None

        claiming = partial(self.sent.claim, notice.about, channel, notice.order, claim, deadline)
        try:
            sent = repeat(claiming, wait_after, self.sleep)
        except NotifyPeopleError as error:
            self.fail([outgoing], error, channel)
            return False
        if sent == notice.order:
            self.telemetry.report_sent(channel, notice, "sent already")
        elif sent is not None:
            self.telemetry.report_dropped(channel, notice)
        return sent is None

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
            # Keep the claims while a call that was left behind may still send: no newer notice may
            # overtake it.
            may_be_sent = isinstance(error, ChannelUnavailableError) and error.may_be_sent
            if not may_be_sent:
                self._release(channel, notices, claim, deadline)
            raise

    def _release(
        self, channel: Channel, notices: Sequence[Notice], claim: str, deadline: Deadline
    ) -> None:
        """Give the claims back. If that fails, a claim expires by itself."""
        for notice in notices:
            with suppress(NotifyPeopleError):
                self.sent.release(notice.about, channel, claim, deadline)

    def _note(self, channel: Channel, outgoing: OutgoingNotice, deadline: Deadline) -> None:
        """Note that the notice was sent. If that fails, SQS delivers it again."""
        notice = outgoing.notice
        try:
            self.sent.note(notice.about, channel, notice.order, deadline)
            self.telemetry.report_sent(channel, notice)
        except NotifyPeopleError as error:
            self.fail([outgoing], error, channel)
