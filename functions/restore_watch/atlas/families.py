"""
The families of Atlas's endpoints: what can be asked, and what is known about each.

A family is read with one role and has one rate limit in a project.
"""

from dataclasses import dataclass

from restore_watch.atlas.roles import READ_ONLY, RECOVERY_OPERATOR_FIRST
from restore_watch.model.question import Question
from restore_watch.model.restore_target import RestoreKind


@dataclass(frozen=True, eq=False, kw_only=True)
class Family:
    """
    A family of endpoints. Each exists once, so families are compared by identity.

    `name`: in messages, in the log and in the table's items. `path`: with places for the id of a
    project, and for the name of a cluster or an account. `role`: what reads it, in words for an
    operator; from the specification's x-rolesRequirements, unless a constant says more. `question`:
    the trouble of a project that cannot be asked for it. `kind`: of the clusters that it shows or
    asks about. `is_list`: whether its name is the name of a list.
    """

    name: str
    path: str
    role: str = READ_ONLY
    question: Question | None = None
    kind: RestoreKind | None = None
    is_list: bool = True

    def __str__(self) -> str:
        return self.name

    def path_of(self, *names: str) -> str:
        """Return the path for a project and its cluster or account."""
        return f"/api/atlas/v2{self.path.format(*names)}"

    @property
    def of_list(self) -> str:
        """The words for a list of it in a message."""
        return f"the list of {self.name}"

    @property
    def of_single(self) -> str:
        """The words for what a question about it asks for, unless that is a list."""
        return self.of_list if self.is_list else self.name


@dataclass(frozen=True, eq=False, kw_only=True)
class JobFamily(Family):
    """
    The restore jobs of a kind, each by its own endpoint, and the lists of a cluster's jobs.

    `question` is about single jobs, and `list_question` about the lists. `clusters`: the list that
    shows the clusters with such jobs.
    """

    kind: RestoreKind
    question: Question
    list_question: Question
    clusters: Family
    is_list: bool = False

    @property
    def of_list(self) -> str:
        """The words for the list of a cluster's jobs in a message."""
        return f"the list of {self.name} restore jobs"

    @property
    def of_single(self) -> str:
        """The words for a single job in a message."""
        return f"a {self.name} restore job"


API_STATUS = Family(name="the status of the API", path="", role="any role", is_list=False)
SERVICE_ACCOUNT = Family(
    name="the service account", path="/groups/{}/serviceAccounts/{}", is_list=False
)

PROJECTS = Family(
    name="projects",
    path="/groups",
    role="a role in the organization",
    question=Question.PROJECTS,
)
EVENTS = Family(name="events", path="/groups/{}/events", question=Question.EVENTS)
FLEX_CLUSTERS = Family(
    name="Flex clusters",
    path="/groups/{}/flexClusters",
    question=Question.FLEX_CLUSTERS,
    kind=RestoreKind.FLEX,
)
DEDICATED_CLUSTERS = Family(
    name="dedicated clusters",
    path="/groups/{}/clusters",
    question=Question.CLUSTERS,
    kind=RestoreKind.DEDICATED,
)

PROCESSES = Family(name="processes", path="/groups/{}/processes")
"""The processes of a project, their databases, and the databases' figures: one rate limit."""

FLEX_SNAPSHOTS = Family(
    name="Flex snapshots",
    path="/groups/{}/flexClusters/{}/backup/snapshots",
    kind=RestoreKind.FLEX,
)
DEDICATED_SNAPSHOTS = Family(
    name="dedicated snapshots",
    path="/groups/{}/clusters/{}/backup/snapshots",
    kind=RestoreKind.DEDICATED,
)
SHARDED_SNAPSHOTS = Family(
    name="sharded snapshots",
    path="/groups/{}/clusters/{}/backup/snapshots/shardedClusters",
    kind=RestoreKind.DEDICATED,
)

FLEX_JOBS = JobFamily(
    name="flex",
    path="/groups/{}/flexClusters/{}/backup/restoreJobs",
    kind=RestoreKind.FLEX,
    question=Question.FLEX_JOB,
    list_question=Question.FLEX_LIST,
    clusters=FLEX_CLUSTERS,
)
DEDICATED_JOBS = JobFamily(
    name="dedicated",
    path="/groups/{}/clusters/{}/backup/restoreJobs",
    role=RECOVERY_OPERATOR_FIRST,
    kind=RestoreKind.DEDICATED,
    question=Question.DEDICATED_JOB,
    list_question=Question.DEDICATED_LIST,
    clusters=DEDICATED_CLUSTERS,
)
COLLECTION_JOBS = JobFamily(
    name="collection",
    path="/groups/{}/clusters/{}/collectionRestoreJobs",
    role=RECOVERY_OPERATOR_FIRST,
    kind=RestoreKind.COLLECTION,
    question=Question.COLLECTION_JOB,
    list_question=Question.COLLECTION_LIST,
    clusters=DEDICATED_CLUSTERS,
)
TENANT_JOBS = JobFamily(
    name="tenant",
    path="/groups/{}/clusters/{}/backup/tenant/restores",
    kind=RestoreKind.TENANT,
    question=Question.TENANT_JOB,
    # Atlas retired the lists of tenant jobs; those jobs are in the lists of Flex clusters.
    list_question=Question.FLEX_LIST,
    clusters=FLEX_CLUSTERS,
)

LISTED_JOBS = (FLEX_JOBS, DEDICATED_JOBS, COLLECTION_JOBS)
"""The families whose lists are read to find jobs."""

LISTED_KINDS = tuple(family.kind for family in LISTED_JOBS)
"""Their kinds."""

CLUSTER_LISTS = (FLEX_CLUSTERS, DEDICATED_CLUSTERS)
"""The lists of the clusters of a project."""

_OF_KIND = {family.kind: family for family in (*LISTED_JOBS, TENANT_JOBS)}


def jobs_of(kind: RestoreKind) -> JobFamily:
    """Return the family of the restore jobs of a kind."""
    return _OF_KIND[kind]


def _families_by_question() -> dict[Question, Family]:
    families: dict[Question, Family] = {}
    for family in (PROJECTS, EVENTS, *CLUSTER_LISTS, *LISTED_JOBS, TENANT_JOBS):
        if family.question is not None:
            families[family.question] = family
    # Without tenant jobs: they share the question about the lists of Flex clusters.
    for family in LISTED_JOBS:
        families[family.list_question] = family
    return families


_OF_QUESTION = _families_by_question()


def family_of(question: Question) -> Family:
    """Return the family that is asked a question to Atlas about a project or its jobs."""
    return _OF_QUESTION[question]
