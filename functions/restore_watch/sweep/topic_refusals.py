"""When a sweep publishes nothing more, because the topic refuses. No I/O."""

from itertools import count

REFUSALS = 3
"""After so many refusals by the topic, a sweep leaves what is pending to the next one."""


class TopicRefusals:
    """Counts the refusals of messages of one sort in a sweep. Any thread may use it."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self.are_too_many = False

    def count_refusal(self) -> None:
        """The topic refused a message."""
        if next(self._numbers) >= REFUSALS:
            self.are_too_many = True
