"""Why something could not be read. Pure."""

from datetime import datetime
from typing import NamedTuple


class WhyUnread(NamedTuple):
    """Why something could not be read, what helps, and since when it is known to be so, in UTC."""

    problem: str
    fix: str
    since: datetime | None = None
