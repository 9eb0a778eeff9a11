"""When a sweep publishes nothing more, because the topic refuses. No I/O."""

from threading import Lock

REFUSALS = 3
"""After so many refusals in a row, a sweep leaves what is pending to the next one."""


class TopicRefusals:
    """
    Counts the refusals in a row of messages of one sort in a sweep. Any thread may use it.

    Refusals of messages that are under way at the same time count as one: of a topic that refuses
    two of three messages, eight threads meet three refusals in a row within a second.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self.in_a_row = 0
        self.are_too_many = False

    def count_refusal(self, in_a_row_before: int) -> None:
        """The topic refused a message. Before it was sent, so many were refused in a row."""
        with self._lock:
            if self.in_a_row != in_a_row_before:
                return
            self.in_a_row += 1
            if self.in_a_row >= REFUSALS:
                self.are_too_many = True

    def note_acceptance(self) -> None:
        """The topic accepted a message: it does not refuse everything."""
        with self._lock:
            self.in_a_row = 0
