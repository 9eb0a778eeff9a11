"""Environment variables → Settings of the watch. The report and measuring read them too."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, PlainValidator

from foundation.environment import FromEnvironment, TopicArn, number_in, word_of
from foundation.outside import unreadable
from restore_watch.atlas.allowed_base_url import DEFAULT_BASE_URL, allowed_base_url

PROJECTS_LIMIT = 100
"""Ids of projects at most: Lambda allows a function 4,096 bytes of environment variables."""

_PROJECT_ID = re.compile(r"[0-9a-fA-F]{24}")


@dataclass(frozen=True)
class Settings:
    """
    The operator's choices when the stack was deployed.

    `hot_rounds`: whether a sweep asks about hot jobs again and again, and a check starts one.
    `project_ids`: the projects to watch, "all" for every project that the credentials can read.
    `stack_name`: the service of logs and metrics, and the stack's name in messages.
    `own_name`: by which Lambda calls the function.
    `rto`: how long a restore may take, None for as long as it likes.
    `memory_megabytes`: the memory that Lambda gives the function, 0 if nobody knows.
    The rest is for a diagnosis: whether the stack measures restores; and, "" if absent, the
    schedule's group and the topics of people.
    """

    atlas_secret_id: str
    table_name: str
    topic_arn: str
    atlas_base_url: str
    log_level: str
    hot_rounds: bool
    project_ids: tuple[str, ...] | Literal["all"]
    stack_name: str
    own_name: str = ""
    memory_megabytes: int = 0
    metrics: bool = True
    rto: timedelta | None = None
    measures: bool = False
    schedule_group: str = ""
    email_topic_arn: str = ""
    chat_topic_arn: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Raise ConfigurationError that names the missing variables, or the wrong variable."""
        read = _Variables.of(environment)
        return cls(
            atlas_secret_id=read.atlas_secret_id,
            table_name=read.table_name,
            topic_arn=read.topic_arn,
            atlas_base_url=read.atlas_base_url,
            log_level=read.log_level,
            hot_rounds=read.hot_rounds == "yes",
            project_ids=read.project_ids,
            stack_name=read.service_name,
            own_name=read.own_name,
            memory_megabytes=read.memory_megabytes,
            metrics=read.metrics,
            rto=objective_of(read.rto_minutes),
            measures=read.measure == "yes",
            schedule_group=read.schedule_group,
            email_topic_arn=read.email_topic_arn,
            chat_topic_arn=read.chat_topic_arn,
        )


def objective_of(minutes: float) -> timedelta | None:
    """Return the objective of so many minutes, None if it is not set."""
    return timedelta(minutes=minutes) or None


def _base_url(text: str) -> str:
    base_url = allowed_base_url(text, loopback=True)
    if base_url is None:
        raise unreadable(
            f"expected https and one of MongoDB's own hosts, such as {DEFAULT_BASE_URL}; plain "
            "http is for loopback only"
        )
    return base_url


def _project_ids(text: str) -> tuple[str, ...] | Literal["all"]:
    if text.casefold() == "all":
        return "all"
    given = [part.strip() for part in text.split(",") if part.strip()]
    for number, project_id in enumerate(given, start=1):
        if not _PROJECT_ID.fullmatch(project_id):
            raise unreadable(
                "expected ids of 24 hexadecimal digits, with commas between them, or all; entry "
                f"{number} is not an id"
            )
    # An id that is named twice is watched once.
    ids = tuple(dict.fromkeys(project_id.lower() for project_id in given))
    if len(ids) > PROJECTS_LIMIT:
        raise unreadable(f"expected at most {PROJECTS_LIMIT} ids, or all; got {len(ids)}")
    return ids


_BaseUrl = Annotated[str, PlainValidator(_base_url)]
_ProjectIds = Annotated[tuple[str, ...] | Literal["all"], PlainValidator(_project_ids)]
Minutes = Annotated[
    float,
    number_in(lambda minutes: 0 <= minutes < 10**8, "expected a number of minutes, or 0 for none"),
]
"""Of an objective, 0 for none."""

_YesOrNo = Annotated[str, word_of(("yes", "no"))]


class _Variables(FromEnvironment):
    atlas_secret_id: str = Field(alias="ATLAS_SECRET_ID")
    table_name: str = Field(alias="TABLE_NAME")
    topic_arn: TopicArn = Field(alias="TOPIC_ARN")
    atlas_base_url: _BaseUrl = Field(default=DEFAULT_BASE_URL, alias="ATLAS_BASE_URL")
    hot_rounds: _YesOrNo = Field(default="yes", alias="HOT_ROUNDS")
    project_ids: _ProjectIds = Field(default=(), alias="ATLAS_PROJECT_IDS")
    rto_minutes: Minutes = Field(default=0, alias="RTO_MINUTES")
    own_name: str = Field(default="", alias="AWS_LAMBDA_FUNCTION_NAME")
    memory_megabytes: int = Field(default=0, alias="AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
    measure: _YesOrNo = Field(default="no", alias="MEASURE")
    schedule_group: str = Field(default="", alias="SCHEDULE_GROUP")
    email_topic_arn: str = Field(default="", alias="EMAIL_TOPIC_ARN")
    chat_topic_arn: str = Field(default="", alias="CHAT_TOPIC_ARN")
