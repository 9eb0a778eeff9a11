"""A duration as the tags of a cluster say it. Pure."""

import re
from datetime import timedelta

_DURATION = re.compile(r"(?:([0-9]{1,4})d)?(?:([0-9]{1,5})h)?(?:([0-9]{1,6})m)?")


def read_duration(text: str) -> timedelta | None:
    """Read days, hours and minutes, such as `2d`, `4h` or `1d12h`; None for another form."""
    parts = _DURATION.fullmatch(text.strip().lower())
    if parts is None or not any(parts.groups()):
        return None
    days, hours, minutes = (int(part or 0) for part in parts.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)
