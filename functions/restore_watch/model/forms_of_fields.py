"""The forms of fields in Atlas's answers, in events and in our own items. Pure."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, PlainSerializer, PlainValidator, ValidationInfo

from foundation.clock import utc_text
from foundation.outside import UtcDate, unreadable, utc_date
from restore_watch.redaction import without_urls

# Atlas's own patterns of the path parameters. The specification sets no limit for a cluster name;
# Atlas's console does, 64. The limit keeps the SNS subject and the partition key short as well.
_OBJECT_ID = "[a-f0-9]{24}"
_CLUSTER_NAME = "[a-zA-Z0-9][a-zA-Z0-9-]*"
NAME_LIMIT = 64

AHEAD = timedelta(minutes=10)
"""A stored moment may lie so far in the future, because clocks differ."""

TEXT_LIMIT = 256
"""Characters kept of a text from Atlas, so that no answer is too large for an item or a message."""

is_object_id = re.compile(_OBJECT_ID).fullmatch
"""Whether a text is an id of Atlas."""


def id_made_at(object_id: str) -> datetime:
    """When Atlas made an id, in UTC: its first eight digits are Unix seconds."""
    return datetime.fromtimestamp(int(object_id[:8], 16), UTC)


def is_cluster_name(text: str) -> bool:
    """Whether the text may be the name of a cluster."""
    return len(text) <= NAME_LIMIT and re.fullmatch(_CLUSTER_NAME, text) is not None


def atlas_text(value: object) -> str:
    """Read a text of any content: cut, without URLs, and fit for a message and an item."""
    if not isinstance(value, str):
        raise unreadable("expected text")
    # A download URL in the wrong field must not be stored or published. Its replacement may be
    # longer, and a stored text must not change when it is read again, so the result is cut too.
    # JSON can contain half of a surrogate pair, which no message and no item can hold.
    short = without_urls(value[:TEXT_LIMIT])[:TEXT_LIMIT]
    return short.encode(errors="replace").decode()


def flag(value: object) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise unreadable("expected true or false")
    return value


def text_or_null(value: object) -> str | None:
    """Read a text as `atlas_text`, None if that is not possible."""
    try:
        return atlas_text(value)
    except ValueError:
        return None


def name_or_null(value: object) -> str | None:
    """Read the name of a project as `atlas_text`, None if that is not possible, or it is empty."""
    return text_or_null(value) or None


def date_or_null(value: object) -> datetime | None:
    """Read a date as `utc_date`, None if that is not possible."""
    try:
        return utc_date(value)
    except ValueError:
        return None


def _require_past(moment: datetime, info: ValidationInfo[datetime | None]) -> datetime:
    """Refuse a moment that lies too far ahead of the context to be true."""
    now = info.context
    if now is not None and moment - now > AHEAD:
        raise unreadable("expected a moment that has come")
    return moment


AtlasText = Annotated[str, PlainValidator(atlas_text)]
ProjectName = Annotated[str | None, PlainValidator(name_or_null)]
Flag = Annotated[bool, PlainValidator(flag)]
PastMoment = Annotated[UtcDate, AfterValidator(_require_past), PlainSerializer(utc_text)]
"""A moment in an item, read with the present moment as context."""
