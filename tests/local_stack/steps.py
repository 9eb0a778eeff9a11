"""The steps of checks and sweeps as the wires see them, and what Atlas answers when it refuses."""

from collections.abc import Mapping

from local_stack.refusal import atlas_error
from local_stack.wire import Answer, Call, Selection


def _update(*texts: bytes) -> Selection:
    return Selection(
        "dynamodb", "UpdateItem", lambda call: all(text in call.body for text in texts)
    )


# The steps of a check that finds a change, in this order.
SECRET = Selection("secretsmanager", "GetSecretValue")
TOKEN = Selection("atlas", "token")
FLEX = Selection("atlas", "flex")
RECORD = _update(b"list_append")
PUBLISH = Selection("sns", "Publish")
ACKNOWLEDGE = _update(b'"SET #publishedSequence')

# The question to Atlas for other kinds of restore job.
DEDICATED = Selection("atlas", "dedicated")
TENANT = Selection("atlas", "tenant")
QUESTION = Selection("atlas", None, lambda call: call.operation != "token")

# After Atlas gave no job: the update that never takes place and returns what is pending.
RECALL = _update(b'"SET #sequence = if_not_exists')

# A validation is appended to the history, instead of a change.
VALIDATE = _update(b'"SET #observedAt')

# A measurement is appended in the same way. Its questions to Atlas, in their order.
HOSTS = Selection("atlas", "dedicated_cluster")
PROCESSES = Selection("atlas", "processes")
DATABASES = Selection("atlas", "databases")
FIGURES = Selection("atlas", "figures")
RESTORED_COLLECTIONS = Selection("atlas", "restored_collections")

# Workflows that wait.
WAIT = _update(b"ADD #waiting")
TELL = Selection("states", None, lambda call: call.operation.startswith("SendTask"))

# The steps that only a sweep takes.
TAKE_LEASE = _update(b'"SET #owner')
QUERY = Selection("dynamodb", "Query")
FLEX_LIST = Selection("atlas", "flex_list")
DEDICATED_LIST = Selection("atlas", "dedicated_list")
COLLECTION_LIST = Selection("atlas", "collection_list")
MISS = _update(b'"SET #missingSince')
LEAVE = _update(b'"REMOVE #openShard')
WAIT_FOR_LEASE = _update(b'"SET #waitingUntil')
GIVE_BACK_LEASE = _update(b"REMOVE #owner")

INVOKE = Selection("lambda", "Invoke")

# The steps that find jobs which nobody named.
EVENTS = Selection("atlas", "events")
FLEX_CLUSTERS = Selection("atlas", "flex_clusters")
BEGIN_PROJECT = _update(b'"SET #firstMark', b'"sweeps"')
MOVE_MARK = _update(b'"SET #mark', b'"sweeps"')
SERVICE_ACCOUNT = Selection("atlas", "service_account")
NOTE_EXPIRY = _update(b'"SET #credentials', b'"sweeps"')
PROJECTS = Selection("atlas", "projects")
NOTE_NAME = _update(b'"SET #name = :name, #expiresAt')
LOOK_UP_NAME = _update(b'"SET #name = if_not_exists')
NOTE_WATCH = _update(b"#watchVersion = :watchVersion", b'"sweeps"')

UNKNOWN_JOB = atlas_error(404, "RESOURCE_NOT_FOUND", "There is no such restore job.")
MISSING_ROLE = atlas_error(401, "USER_UNAUTHORIZED", "This credential has no role for it.")


def too_many_requests(headers: Mapping[str, str] | None = None) -> Answer:
    """Atlas's 429."""
    return atlas_error(429, "RATE_LIMITED_TOKEN_BUCKET", "Too much.", headers=headers)


def about(*names: str) -> Selection:
    """The calls that name one of these: a project, a cluster or a job."""

    def names_one(call: Call) -> bool:
        return any(name in call.path or name.encode() in call.body for name in names)

    return Selection(when=names_one)
