"""
Copies of the product, each broken in one place. The model has to catch every one of them.

A broken copy has one part that differs: the table, the topic, the client for Atlas, the check, or a
part of the sweep. Many send what the product sends, with one parameter changed.
Each of them works while nothing unusual happens.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from reliability.broken_checks import (
    AlwaysPatient,
    AsksInTurn,
    FinishedBeforeExpired,
    ForgetsFailures,
    ForgetsFirstSight,
    ForgetsLimits,
    IgnoresErrorCodes,
    LeavesToOthers,
    NeedsAtlasToPublish,
    OpensEnvelopesLate,
    OtherToken,
    RepeatsUnknownOutcomes,
    ReplacesEveryRefusedToken,
)
from reliability.broken_finding import (
    BelievesNoList,
    BelievesTheFuture,
    ForgetsTheFirstAttempt,
    ForgetsWhatIsRefused,
    ListsOnce,
    MovesEveryCluster,
    MovesToTheEnd,
    OverlooksEnds,
    ReadsFullPages,
    RecoversTwice,
    StopsAtAnOldJob,
    TakesAllForRead,
    lists,
    notes,
    observes,
    wakes,
)
from reliability.broken_sweeps import (
    AlwaysChanges,
    ChangesWhenItDiffers,
    ForgetsAtOnce,
    ForgetsTicks,
    IgnoresThePace,
    KeepsTheLease,
    KnowsOneUnknownWord,
    OnlyAsks,
    PublishesEnds,
    ReadyIsOver,
    SeesOnlyHigherRanks,
    asks,
    follows,
    give_back_any_lease,
    knows,
    lease_writes,
    take_any_lease,
    take_no_old_lease,
    wait_in_silence,
)
from reliability.broken_table import (
    AcknowledgesAllOrNothing,
    AcknowledgesFirst,
    ChangesWhenRepeated,
    IgnoresAFinishDate,
    ListsNewestFirst,
    ListsOnlyNewest,
    NeverAcknowledges,
    RecordsOneUnknownWord,
    acknowledge_all,
    acknowledge_any_item,
    append_to_any_item,
    condition_in_a_read,
    condition_without_order,
    history_of_one,
    id_without_the_word,
    publish,
    ready_is_final,
    update_item,
    validation_out_of_the_index,
    validation_that_expires,
    without_condition,
)
from reliability.broken_tokens import (
    AnswersFirst,
    AnswersTooEarly,
    ForgetsWhatIsDue,
    GivesUpWhatWasFound,
    NeverNotes,
    NotesFirst,
    RefusalIsAnAnswer,
    ReplacesWhoWaits,
    SaysSuccess,
    TriesGoneTokensAgain,
    drop_who_waits,
    one_waits,
    unmark_any,
)
from restore_watch.atlas.client import AtlasClient
from restore_watch.atlas.session import AtlasSession
from restore_watch.aws.step_functions import Workflows
from restore_watch.aws.topic import StatusChangesTopic
from restore_watch.check.check import JobChecker
from restore_watch.check.outbox import Outbox
from restore_watch.sweep.sweep import Sweeper
from restore_watch.table.bookkeeping import Bookkeeping
from restore_watch.table.jobs import RestoreJobsTable
from restore_watch.table.lease import SweepLease
from restore_watch.table.open_jobs import OpenJobs


@dataclass(frozen=True)
class BrokenCopy:
    """
    The parts that differ from the product, and how the model's reports may begin.

    `sweep_table` differs in sweeps alone. One that differs in what it finds, `watches` projects in
    every example. For one that differs in what workflows are told, the model plays `waits`.
    """

    reports: set[str]
    checker: Callable[..., JobChecker] = JobChecker
    outbox: Callable[..., Outbox] = Outbox
    table: Callable[[Any, str], RestoreJobsTable] = RestoreJobsTable
    topic: Callable[..., StatusChangesTopic] = StatusChangesTopic
    client: Callable[..., AtlasClient] = AtlasClient
    session: Callable[..., AtlasSession] = AtlasSession
    sweeper: Callable[..., Sweeper] = Sweeper
    sweep_table: Callable[[Any, str], RestoreJobsTable] | None = None
    open_jobs: Callable[[Any, str], OpenJobs] = OpenJobs
    lease: Callable[..., SweepLease] = SweepLease
    bookkeeping: Callable[[Any, str], Bookkeeping] = Bookkeeping
    workflows: Callable[..., Workflows] = Workflows
    watches: bool = False
    waits: bool = False


BROKEN_COPIES = {
    "writes without a condition": BrokenCopy({"I3"}, table=update_item(without_condition)),
    "looks before it writes": BrokenCopy({"I3"}, table=update_item(condition_in_a_read)),
    "writes an older status": BrokenCopy({"I3"}, table=update_item(condition_without_order)),
    "appends nothing to the history": BrokenCopy(
        {"I3", "I4", "I8"}, table=update_item(history_of_one)
    ),
    "acknowledges before it publishes": BrokenCopy({"I1", "I8"}, table=AcknowledgesFirst),
    "answers before others have published": BrokenCopy({"I1", "I4", "I8"}, outbox=LeavesToOthers),
    "acknowledges what others recorded": BrokenCopy(
        {"I1", "I4", "I8"}, table=update_item(acknowledge_all)
    ),
    "never acknowledges": BrokenCopy({"I4", "I8"}, table=NeverAcknowledges),
    "publishes the newest change first": BrokenCopy({"I1", "I3", "I8"}, table=ListsNewestFirst),
    "publishes the newest change only": BrokenCopy({"I1", "I3", "I8"}, table=ListsOnlyNewest),
    "publishes again with another id": BrokenCopy(
        {"I1", "I2", "I8"}, topic=publish(ChangesWhenRepeated("id"))
    ),
    "publishes again with another time": BrokenCopy(
        {"I1", "I2", "I8"}, topic=publish(ChangesWhenRepeated("time"))
    ),
    # Hole 1: tokens
    "requests a token after every failure": BrokenCopy(
        {"I7"}, client=partial(OtherToken, ForgetsFailures)
    ),
    "repeats a token request without an answer": BrokenCopy(
        {"I7"}, client=partial(OtherToken, RepeatsUnknownOutcomes)
    ),
    "replaces every refused token": BrokenCopy(
        {"I7"}, client=partial(OtherToken, ReplacesEveryRefusedToken)
    ),
    # Hole 2: pending changes while Atlas gives no answer
    "publishes only after an answer of Atlas": BrokenCopy({"I8"}, NeedsAtlasToPublish),
    # Hole 3: the ends of downloads
    "takes a ready download for the end": BrokenCopy({"I4"}, table=update_item(ready_is_final)),
    "takes an expired download for a ready one": BrokenCopy(
        {"I3", "I4"}, session=FinishedBeforeExpired
    ),
    # Hole 4: unknown words
    "records one unknown word": BrokenCopy({"I4"}, table=RecordsOneUnknownWord),
    "ignores the finish date of an unknown word": BrokenCopy(
        {"I3", "I4"}, table=IgnoresAFinishDate
    ),
    "gives all unknown words one id": BrokenCopy(
        {"I1", "I2", "I8"}, topic=publish(id_without_the_word)
    ),
    # Hole 6: envelopes
    "opens envelopes above authentication": BrokenCopy({"I4"}, client=OpensEnvelopesLate),
    # Hole 7: rate limits
    "sleeps out a rate limit of one among several": BrokenCopy({"I7"}, AlwaysPatient),
    "asks again while a rate limit stands": BrokenCopy({"I7"}, client=ForgetsLimits),
    # Hole 8: error codes
    "ignores Atlas's error codes": BrokenCopy({"I4", "F71", "F78"}, client=IgnoresErrorCodes),
    # Hole 9: acknowledgements
    "acknowledges an item that was recorded anew": BrokenCopy(
        {"I1", "I4", "I8"}, table=update_item(acknowledge_any_item)
    ),
    "appends to an item that was recorded anew": BrokenCopy(
        {"I2", "I3"}, table=update_item(append_to_any_item)
    ),
    "acknowledges all or nothing": BrokenCopy({"I8"}, table=AcknowledgesAllOrNothing),
    "asks about one job of a batch after the other": BrokenCopy({"F87"}, AsksInTurn),
    # Hole 10: metrics
    "measures the latency of a job that had ended": BrokenCopy(
        {"metrics"}, outbox=ForgetsFirstSight
    ),
    # Validations
    "appends a validation that no sweep sees": BrokenCopy(
        {"I8"}, table=update_item(validation_out_of_the_index)
    ),
    "lets an item with a pending validation expire": BrokenCopy(
        {"I1"}, table=update_item(validation_that_expires)
    ),
    # The lease of sweeps, and their ticks
    "sweeps beside another sweep": BrokenCopy({"F65"}, lease=lease_writes(take_any_lease)),
    "gives back the lease of another sweep": BrokenCopy(
        {"F80"}, lease=lease_writes(give_back_any_lease)
    ),
    "respects the lease of a dead sweep for ever": BrokenCopy(
        {"F66"}, lease=lease_writes(take_no_old_lease)
    ),
    "sweeps a tick twice": BrokenCopy({"F84"}, lease=ForgetsTicks),
    "keeps the lease although another sweep waits": BrokenCopy({"F95"}, lease=KeepsTheLease),
    "waits and says so to nobody": BrokenCopy({"F95"}, lease=lease_writes(wait_in_silence)),
    # What a sweep publishes
    "sweeps without publishing what is pending": BrokenCopy({"I8"}, sweeper=follows(OnlyAsks)),
    "publishes only for jobs that have ended": BrokenCopy({"I8"}, sweeper=follows(PublishesEnds)),
    # What a sweep knows
    "takes the index for the truth": BrokenCopy(
        {"I2", "I3"}, sweep_table=update_item(without_condition)
    ),
    "follows no ready download": BrokenCopy({"I4"}, open_jobs=knows(ReadyIsOver)),
    "sees only a status of higher rank": BrokenCopy({"I4"}, open_jobs=knows(SeesOnlyHigherRanks)),
    "takes all unknown words for one": BrokenCopy({"I4"}, open_jobs=knows(KnowsOneUnknownWord)),
    "writes what has not changed": BrokenCopy({"calls"}, open_jobs=knows(AlwaysChanges)),
    # How a sweep asks
    "believes a list": BrokenCopy(
        {"I2", "I3"},
        sweep_table=update_item(without_condition),
        open_jobs=knows(ChangesWhenItDiffers),
    ),
    "uses up a bucket that is low": BrokenCopy({"F73"}, sweeper=asks(IgnoresThePace)),
    # Which jobs are followed
    "forgets a missing job at once": BrokenCopy({"F83"}, sweeper=follows(ForgetsAtOnce)),
    # The marks of projects
    "stores no mark at the first attempt": BrokenCopy(
        {"F77"}, bookkeeping=ForgetsTheFirstAttempt, watches=True
    ),
    "moves a mark to the end of the listing": BrokenCopy(
        {"F76"}, bookkeeping=MovesToTheEnd, watches=True
    ),
    "believes a mark of the future": BrokenCopy(
        {"F75", "F76", "F77", "F81"}, bookkeeping=BelievesTheFuture, watches=True
    ),
    "moves the mark of a cluster that was not read": BrokenCopy(
        {"F76", "F81"}, bookkeeping=MovesEveryCluster, watches=True
    ),
    # What a listing reads
    "takes every list to descend": BrokenCopy(
        {"F75", "F76", "F77"}, sweeper=lists(StopsAtAnOldJob), watches=True
    ),
    "takes a page that is not full for the last": BrokenCopy(
        {"F75", "F76", "F77"}, sweeper=lists(ReadsFullPages), watches=True
    ),
    "overlooks a restore that has ended": BrokenCopy(
        {"F75", "F76", "F77"}, sweeper=observes(OverlooksEnds), watches=True
    ),
    # What Atlas says
    "believes no list about a job that it follows": BrokenCopy(
        {"F86", "I4"}, sweeper=observes(BelievesNoList), watches=True
    ),
    "takes an entry that cannot be read for read": BrokenCopy(
        {"F75", "F76", "F77"}, sweeper=observes(TakesAllForRead), watches=True
    ),
    "lists a woken project once": BrokenCopy({"F75"}, sweeper=wakes(ListsOnce), watches=True),
    # What it says of itself
    "forgets a degradation that the topic refused": BrokenCopy(
        {"F78"}, sweeper=notes(ForgetsWhatIsRefused), watches=True
    ),
    "publishes a recovery twice": BrokenCopy({"F78"}, topic=RecoversTwice, watches=True),
    # When a workflow is answered
    "answers workflows before it publishes": BrokenCopy({"W2"}, outbox=AnswersFirst, waits=True),
    "answers workflows before their time": BrokenCopy({"W9"}, outbox=AnswersTooEarly, waits=True),
    "notes an answer before it is sent": BrokenCopy({"W5"}, outbox=NotesFirst, waits=True),
    "does not note an answer": BrokenCopy({"I4", "W3", "W4", "W8"}, table=NeverNotes, waits=True),
    "forgets that an answer is due": BrokenCopy({"W3"}, table=ForgetsWhatIsDue, waits=True),
    # Who is answered
    "settles a job for which others wait": BrokenCopy(
        {"W5"}, table=update_item(drop_who_waits), waits=True
    ),
    "replaces who waits by what it has read": BrokenCopy(
        {"W5"}, table=ReplacesWhoWaits, waits=True
    ),
    "lets the last workflow wait only": BrokenCopy(
        {"W5"}, table=update_item(one_waits), waits=True
    ),
    "takes the mark of another workflow away": BrokenCopy(
        {"W3"}, table=update_item(unmark_any), waits=True
    ),
    # What Step Functions says, and what it is told
    "counts a refusal as an answer": BrokenCopy({"W5"}, workflows=RefusalIsAnAnswer, waits=True),
    "sends to a token that is gone for ever": BrokenCopy(
        {"I4", "W3", "W4", "W8"}, workflows=TriesGoneTokensAgain, waits=True
    ),
    "tells a success of a failed restore": BrokenCopy({"W9"}, workflows=SaysSuccess, waits=True),
    "gives up a job that was found meanwhile": BrokenCopy(
        {"W9"}, outbox=GivesUpWhatWasFound, waits=True
    ),
}
