"""How well sweeps see a project or the stack: what fails there, and since when. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field, OnErrorOmit

from foundation.json_text import as_map
from foundation.outside import FromOutside, IfReadable
from restore_watch.model.forms_of_fields import PastMoment
from restore_watch.model.question import Question
from restore_watch.model.watch_change import Trouble, WatchChange


class Health(FromOutside):
    """
    The health of a project or the stack, as sweeps have seen it. It is kept in the table.

    Of the stack, `group_id` is None. `troubles` has the present failures, each by the name of its
    question; `failing_since` is the first one. `degraded` is the reported trouble, until it is
    over. Without troubles, it has been recovering since `recovering_since`. `unsent` are the
    changes that the topic has not accepted. `version` counts the writes: a write needs the version
    that was read.
    """

    group_id: Annotated[str | None, Field(exclude=True)]
    version: Annotated[int, Field(exclude=True)] = 0
    troubles: Annotated[Mapping[str, OnErrorOmit[Trouble]], BeforeValidator(as_map)] = {}
    failing_since: IfReadable[PastMoment] = None
    degraded: IfReadable[Trouble] = None
    recovering_since: IfReadable[PastMoment] = None
    last_success_at: IfReadable[PastMoment] = None
    unsent: tuple[OnErrorOmit[WatchChange], ...] = ()

    @property
    def is_failing(self) -> bool:
        """Whether it was not seen, or has not recovered yet."""
        return bool(self.troubles) or self.degraded is not None

    def is_gone(self, now: datetime) -> bool:
        """Whether the list of all projects has not shown the project for a day."""
        absent = self.troubles.get(Question.PROJECTS)
        return absent is not None and now - absent.since >= timedelta(days=1)
