"""Records of a sweep's log: what was asked about jobs, clusters and lists, and how that ended."""

from foundation.errors import ApplicationError
from restore_watch.asking.asked import Asked, End, Subject
from restore_watch.atlas import families
from restore_watch.atlas.families import FLEX_JOBS, jobs_of
from restore_watch.atlas.rate_limits import Bucket
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasReason,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    EndpointRetiredError,
    NotificationPendingError,
    RestoreJobNotFoundError,
)
from restore_watch.model.marks import Part
from restore_watch.model.restore_target import RestoreKind
from restore_watch.sweep.log import Acted, Fate
from restore_watch.table.open_job import OpenJob
from unit.open_jobs import open_job
from unit.scripted_atlas import GROUP

OTHER_GROUP = "5f0000000000000000000a02"
LISTED_KINDS = (RestoreKind.FLEX, RestoreKind.DEDICATED, RestoreKind.COLLECTION)
FLEX, DEDICATED, COLLECTION = LISTED_KINDS
FLEX_CLUSTERS, CLUSTERS = families.CLUSTER_LISTS


def coded(error: type[AtlasError], status: int, code: str | None = None) -> AtlasError:
    return error("refused", AtlasReason(status, error_code=code))


DOWN = AtlasUnavailableError("Atlas did not answer")
LIMITED = AtlasRateLimitError("limited")
NO_ROLE = AtlasUnauthorizedError("no role")
NOT_ALLOWED = AtlasForbiddenError("address")
RETIRED = EndpointRetiredError("no such endpoint")
UNUSED = AtlasBadRequestError("no such list")
PENDING = NotificationPendingError("not accepted")
NO_JOB = coded(RestoreJobNotFoundError, 404)
NO_CLUSTER = coded(RestoreJobNotFoundError, 404, "CLUSTER_NOT_FOUND")
NO_PROJECT = coded(RestoreJobNotFoundError, 404, "GROUP_NOT_FOUND")
NO_FILTER = coded(AtlasBadRequestError, 400, "INVALID_ATTRIBUTE")


def asked(subject: Subject, error: ApplicationError | None = None, *jobs: OpenJob) -> Asked:
    """A question that was answered, or ended with an error."""
    keys = tuple(job.key for job in jobs)
    return Asked.failed(subject, error, keys) if error else Asked(subject, End.ANSWERED, jobs=keys)


def about(job: OpenJob | int, error: ApplicationError | None = None) -> Asked:
    """A question to a job's own endpoint."""
    job = open_job(job) if isinstance(job, int) else job
    bucket = Bucket(job.target.group_id, jobs_of(job.kind or FLEX))
    return asked(Subject.in_bucket(bucket, job.target.restore_id), error, job)


def left(*jobs: OpenJob) -> Asked:
    """A task about these jobs that is left to the next sweep."""
    keys = tuple(job.key for job in jobs)
    return Asked(Subject.in_bucket(Bucket(GROUP, FLEX_JOBS)), End.LATE, jobs=keys)


def cluster(name: str = "orders", kind: RestoreKind = FLEX) -> Subject:
    """The list of a cluster's jobs, read to find unknown ones."""
    return Subject.jobs_of_cluster(GROUP, Part(kind, name))


EVENTS = Subject.in_bucket(Bucket(GROUP, families.EVENTS))
LIST_OF_CLUSTERS = Subject.in_bucket(Bucket(GROUP, CLUSTERS))
LIST_OF_PROJECTS = Subject.in_bucket(Bucket(None, families.PROJECTS))


def acted(
    job: OpenJob, fate: Fate, messages: int = 0, error: ApplicationError | None = None
) -> Acted:
    """What became of a job."""
    return Acted(job.target.group_id, job.key, fate, messages, error)
