"""
The fields of machine messages, as pydantic reads them. Pure.

Every text loses URLs: a download URL in a wrong field must reach nobody.
"""

import re
from functools import partial
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
)
from pydantic.alias_generators import to_camel

from foundation.clock import in_utc
from notify_people.plain_text import SENTENCE_LIMIT, plain


def _require_text(value: object) -> object:
    # pydantic also reads a number as Unix time.
    if isinstance(value, str) and re.match(r"\d{4}-\d{2}-\d{2}T", value):
        return value
    msg = "a date must be text in ISO 8601"
    raise ValueError(msg)


ObjectId = Annotated[StrictStr, Field(pattern=r"^[a-f0-9]{24}$")]
# Commands contain these two, so neither has a character that a shell interprets.
ClusterName = Annotated[StrictStr, Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9-]{0,63}$")]
Subject = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9-]{1,128}$")]
Text = Annotated[StrictStr, AfterValidator(plain)]
Sentence = Annotated[StrictStr, AfterValidator(partial(plain, limit=SENTENCE_LIMIT))]
UtcDate = Annotated[AwareDatetime, BeforeValidator(_require_text), AfterValidator(in_utc)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[StrictInt, Field(ge=0, lt=10**15)]


class Read(BaseModel):
    """A part of a message. What it does not name is ignored, because a newer version may add it."""

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, extra="ignore", hide_input_in_errors=True
    )
