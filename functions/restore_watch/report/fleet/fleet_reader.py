"""
Asks Atlas for the clusters of the watched projects, their newest restores and snapshot.

What Atlas would not answer now, because a rate limit is used up or it is out of order, is asked
again after a pause: the report has minutes. What cannot be read is no failure of the report: the
report says so.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from itertools import count

from foundation.deadline import Deadline
from restore_watch.asking.pace import Pace
from restore_watch.atlas.exchange import LEAST_EXCHANGE
from restore_watch.report.fleet.fleet import Fleet
from restore_watch.report.fleet.fleet_answers import FleetAnswers
from restore_watch.report.fleet.fleet_round import FleetRound
from restore_watch.table.bookkeeping import Books
from restore_watch.wires import Wires

PAUSE = 10.0
"""Seconds before what Atlas would not answer is asked again. Its rate limits refill in a minute."""

LONGEST_PAUSE = 60.0
"""Seconds: each round in which Atlas answers nothing makes the next pause longer, up to this."""

SILENT_TIME = 600.0
"""Seconds for which a question that Atlas does not answer is asked again and again."""

ROUNDS_IF_NOT_NEEDED = 2
"""An answer that the report does not need is not worth more than one pause."""


@dataclass(frozen=True)
class FleetReader:
    """
    Asks Atlas, and leaves half of its rate limits to other tools. One object serves a report.

    `project_ids`: the projects that the operator named, or "all". `books`: what the watch knows.
    """

    wires: Wires
    project_ids: Collection[str]
    books: Books

    def read(self, deadline: Deadline) -> Fleet:
        """Return what Atlas shows; without its list of projects, of those that the watch knows."""
        atlas, clock = self.wires.atlas, self.wires.clock
        answers = FleetAnswers(clock, self.project_ids, self.books)
        questions = answers.first_questions()
        silent_until = deadline.within(SILENT_TIME)
        pause = PAUSE
        for number in count(1):
            # In each round, Atlas's answers say anew what is left of its rate limits.
            share_left = partial(atlas.limits.share_left, since=clock.unix())
            pace = Pace(share_left)
            this_round = FleetRound(atlas, answers, pace, deadline, silent_until)
            outcome = this_round.play(questions, self.wires.workers)
            questions = outcome.still_open
            if number >= ROUNDS_IF_NOT_NEEDED:
                questions = list(filter(answers.needs, questions))
            pause = PAUSE if outcome.closed else min(2 * pause, LONGEST_PAUSE)
            if not questions or deadline.remaining() < pause + LEAST_EXCHANGE:
                break
            clock.sleep(pause)
        for question in questions:
            answers.note_unread(question, question.failure)
        answers.add_stored_names()
        return answers.fleet
