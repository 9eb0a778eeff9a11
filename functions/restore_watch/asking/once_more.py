"""
When a question to Atlas that failed is asked once more.

Three policies ask again, each for those that can wait so long:

1. A call that somebody waits for is repeated after a pause, as long as its time allows
   (`foundation/repeating.py`, with Atlas's pauses in `atlas/when_to_repeat.py`).
2. A question of a sweep is asked once more at once, if it failed fast. So a dead connection costs
   nothing. This file says when. A report does not do that, because its next round is soon enough.
3. What has no answer then is left to the next round of a batch or a report, or to the next sweep.
"""

from foundation.errors import ApplicationError
from restore_watch.errors import AtlasUnavailableError

TRIES = 2
"""A question of a sweep is asked this often at most in one round."""

FAST = 2.0
"""A question that fails within these seconds, such as over a dead connection, is asked again."""


def may_ask_once_more(error: ApplicationError, seconds: float, tries: int) -> bool:
    """Whether a question that failed after these seconds, after so many tries, is asked again."""
    if tries >= TRIES or seconds >= FAST:
        return False
    return isinstance(error, AtlasUnavailableError) and error.transient
