"""The environment variables that both functions have."""

import re
from collections.abc import Mapping

from foundation.errors import ConfigurationError

POWERTOOLS = ("POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_LOG_LEVEL")
"""Powertools reads these itself. Without them its logs and metrics have no name."""

_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_METRICS = {"yes": True, "no": False, "all": True, "essential": True, "none": False}
"""METRICS by its word. The last three are of templates before 2.0."""

# A FIFO topic needs a group id with every message.
_STANDARD_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[\w-]+")


def read_environment(environment: Mapping[str, str], *required: str) -> dict[str, str]:
    """
    Return the variables, without spaces around them; the level of logs in capitals.

    Raises ConfigurationError that names the missing `required` variables, or the unknown level.
    """
    given = {name: value.strip() for name, value in environment.items()}
    missing = [name for name in (*required, *POWERTOOLS) if not given.get(name)]
    if missing:
        raise ConfigurationError(f"environment variables missing or empty: {', '.join(missing)}")
    given["POWERTOOLS_LOG_LEVEL"] = given["POWERTOOLS_LOG_LEVEL"].upper()
    if given["POWERTOOLS_LOG_LEVEL"] not in _LOG_LEVELS:
        raise ConfigurationError(f"POWERTOOLS_LOG_LEVEL: expected one of {', '.join(_LOG_LEVELS)}")
    return given


def wants_metrics(given: Mapping[str, str]) -> bool:
    """Whether to write metrics. Without METRICS, as with the oldest templates, they are written."""
    word = given.get("METRICS") or "yes"
    if word not in _METRICS:
        raise ConfigurationError("METRICS: expected one of yes, no")
    return _METRICS[word]


def standard_topic(given: Mapping[str, str], name: str) -> str:
    """Return the ARN of a topic. Raises ConfigurationError for other text and FIFO topics."""
    if not _STANDARD_TOPIC.fullmatch(given[name]):
        raise ConfigurationError(f"{name}: expected the ARN of a standard SNS topic")
    return given[name]
