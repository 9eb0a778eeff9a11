"""Environment variables → Settings. The only reader of the environment."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Self

from foundation.environment import read_environment, standard_topic, wants_metrics
from foundation.errors import ConfigurationError
from restore_watch.atlas.credentials import DEFAULT_BASE_URL, allowed_base_url

PROJECTS_LIMIT = 100
"""Ids of projects at most: Lambda allows a function 4,096 bytes of environment variables."""

_PROJECT_ID = re.compile(r"[0-9a-fA-F]{24}")


@dataclass(frozen=True)
class Settings:
    """
    The operator's choices when the stack was deployed.

    `hot_seconds`: the time between two questions about hot jobs; 0 turns that off.
    `project_ids`: the projects to watch, "all" for every project that the credentials can read.
    `stack_name`: the service of logs and metrics, and the stack's name in messages.
    `own_name`: by which Lambda calls the function.
    `memory_megabytes`: the memory that Lambda gives the function, 0 if nobody knows.
    The rest is for a diagnosis, "" if absent: the schedule's group, and the topics of people.
    """

    atlas_secret_id: str
    table_name: str
    topic_arn: str
    atlas_base_url: str
    log_level: str
    hot_seconds: float
    project_ids: tuple[str, ...] | Literal["all"]
    stack_name: str
    own_name: str = ""
    memory_megabytes: int = 0
    metrics: bool = True
    schedule_group: str = ""
    email_topic_arn: str = ""
    chat_topic_arn: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Raise ConfigurationError that names the missing variables, or the wrong variable."""
        given = read_environment(environment, "ATLAS_SECRET_ID", "TABLE_NAME", "TOPIC_ARN")
        address = given.get("ATLAS_BASE_URL") or DEFAULT_BASE_URL
        base_url = allowed_base_url(address, loopback=True)
        if base_url is None:
            raise ConfigurationError(
                "ATLAS_BASE_URL: expected https and one of MongoDB's own hosts, such as "
                f"{DEFAULT_BASE_URL}; plain http is for loopback only"
            )
        return cls(
            atlas_secret_id=given["ATLAS_SECRET_ID"],
            table_name=given["TABLE_NAME"],
            topic_arn=standard_topic(given, "TOPIC_ARN"),
            atlas_base_url=base_url,
            log_level=given["POWERTOOLS_LOG_LEVEL"],
            hot_seconds=read_number(
                given.get("HOT_SECONDS") or "10",
                lambda seconds: seconds == 0 or 1 <= seconds <= 50,
                "HOT_SECONDS: expected seconds from 1 to 50, or 0 to turn it off",
            ),
            project_ids=_project_ids(given.get("ATLAS_PROJECT_IDS", "")),
            stack_name=given["POWERTOOLS_SERVICE_NAME"],
            own_name=given.get("AWS_LAMBDA_FUNCTION_NAME", ""),
            memory_megabytes=int(given.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE") or 0),
            metrics=wants_metrics(given),
            schedule_group=given.get("SCHEDULE_GROUP", ""),
            email_topic_arn=given.get("EMAIL_TOPIC_ARN", ""),
            chat_topic_arn=given.get("CHAT_TOPIC_ARN", ""),
        )


def _project_ids(text: str) -> tuple[str, ...] | Literal["all"]:
    if text.casefold() == "all":
        return "all"
    given = [one.strip() for one in text.split(",") if one.strip()]
    for number, one in enumerate(given, start=1):
        if not _PROJECT_ID.fullmatch(one):
            raise ConfigurationError(
                f"ATLAS_PROJECT_IDS: expected ids of 24 hexadecimal digits, with commas between "
                f"them, or all; entry {number} is not an id"
            )
    # An id that is named twice is watched once.
    ids = tuple(dict.fromkeys(one.lower() for one in given))
    if len(ids) > PROJECTS_LIMIT:
        msg = f"ATLAS_PROJECT_IDS: expected at most {PROJECTS_LIMIT} ids, or all; got {len(ids)}"
        raise ConfigurationError(msg)
    return ids


def read_number(text: str, is_allowed: Callable[[float], bool], expected: str) -> float:
    """Return an allowed number, in any form that CloudFormation takes."""
    with suppress(ValueError):
        if text.isascii() and is_allowed(number := float(text)):
            return number
    raise ConfigurationError(expected)
