"""The environment variables of a function, and those that all functions have."""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Annotated, Self

from pydantic import Field, PlainValidator, ValidationError

from foundation.errors import ConfigurationError
from foundation.outside import FromOutside, unreadable

POWERTOOLS = ("POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_LOG_LEVEL")
"""Powertools reads these itself. Without them its logs and metrics have no name."""

_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_METRICS = {"yes": True, "no": False, "all": True, "essential": True, "none": False}
"""METRICS by its word. The last three are of templates before 2.0."""

# A FIFO topic needs a group id with every message.
_STANDARD_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[\w-]+")


def _log_level(text: str) -> str:
    level = text.upper()
    if level not in _LOG_LEVELS:
        raise unreadable(f"expected one of {', '.join(_LOG_LEVELS)}")
    return level


def wants_metrics(word: str) -> bool:
    """Read METRICS by its word."""
    if word not in _METRICS:
        raise unreadable("expected one of yes, no")
    return _METRICS[word]


def _standard_topic(text: str) -> str:
    if not _STANDARD_TOPIC.fullmatch(text):
        raise unreadable("expected the ARN of a standard SNS topic")
    return text


TopicArn = Annotated[str, PlainValidator(_standard_topic)]
"""The ARN of a topic that is not FIFO."""


def number_in(is_allowed: Callable[[float], bool], expected: str) -> PlainValidator:
    """Read an allowed number, in any form that CloudFormation takes."""

    def read(text: str) -> float:
        with suppress(ValueError):
            if text.isascii() and is_allowed(number := float(text)):
                return number
        raise unreadable(expected)

    return PlainValidator(read)


def word_of(words: Iterable[str]) -> PlainValidator:
    """Read one of these words."""
    known = {str(word): word for word in words}

    def read(text: str) -> str:
        if text not in known:
            raise unreadable(f"expected one of {', '.join(known)}")
        return known[text]

    return PlainValidator(read)


class FromEnvironment(FromOutside):
    """The variables that all functions have. Each field names its variable."""

    service_name: str = Field(alias="POWERTOOLS_SERVICE_NAME")
    metrics_namespace: str = Field(alias="POWERTOOLS_METRICS_NAMESPACE")
    log_level: Annotated[str, PlainValidator(_log_level)] = Field(alias="POWERTOOLS_LOG_LEVEL")
    metrics: Annotated[bool, PlainValidator(wants_metrics)] = Field(default=True, alias="METRICS")

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """
        Read the variables, without spaces around them. An empty variable counts as absent.

        Raises ConfigurationError that names the missing variables, or the first wrong variable.
        """
        stripped = {name: value.strip() for name, value in environment.items()}
        given = {name: value for name, value in stripped.items() if value}
        try:
            return cls.read(given)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_context=False, include_input=False)
        missing = [str(field["loc"][0]) for field in wrong if field["type"] == "missing"]
        if missing:
            names = ", ".join(sorted(missing, key=POWERTOOLS.__contains__))
            raise ConfigurationError(f"environment variables missing or empty: {names}")
        raise ConfigurationError(f"{wrong[0]['loc'][0]}: {wrong[0]['msg']}")
