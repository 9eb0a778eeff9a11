"""The questions of sweeps, by which the troubles of a project and of the stack are known. Pure."""

from enum import StrEnum


class Question(StrEnum):
    """Each failure is a trouble of its own. The values are the names in the table's items."""

    FLEX_JOB = "flex"
    DEDICATED_JOB = "dedicated"
    TENANT_JOB = "tenant"
    COLLECTION_JOB = "collection"
    """The known jobs of a kind, each by its own endpoint."""

    FLEX_LIST = "flex jobs of a cluster"
    DEDICATED_LIST = "dedicated jobs of a cluster"
    COLLECTION_LIST = "collection jobs of a cluster"
    """The lists of the clusters' jobs of a kind, by which unknown jobs are found."""

    EVENTS = "events"
    FLEX_CLUSTERS = "Flex clusters"
    CLUSTERS = "dedicated clusters"

    PROJECTS = "projects"
    """The list of all projects; of a project, whether that list shows it."""

    REACHED = "sweep"
    """Whether a sweep reached the project at all."""

    ITEMS = "items"
    """Whether the table takes what Atlas says about each job."""

    CREDENTIALS = "credentials"
    ALL_PROJECTS = "all projects"
    """Of the stack: whether Atlas accepts the credentials, and whether any project is seen."""


JOBS = frozenset(
    {Question.FLEX_JOB, Question.DEDICATED_JOB, Question.TENANT_JOB, Question.COLLECTION_JOB}
)
"""The questions about known jobs."""

LISTS = frozenset({Question.FLEX_LIST, Question.DEDICATED_LIST, Question.COLLECTION_LIST})
"""The questions about the lists of clusters' jobs. Tenant jobs have none."""
