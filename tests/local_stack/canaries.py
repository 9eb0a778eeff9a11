"""Secrets that open nothing.

They must never be in a log, an item, a message, a result or an error; a test looks for these words.
"""

CANARY_DOWNLOAD_TOKEN = "canaryDownloadToken12345"
CANARY_ACCESS_TOKEN = "canary-access-token"
CANARY_CLIENT_SECRET = "mdb_sa_sk_canary-client-secret"
CANARY_PRIVATE_KEY = "canary-private-key"

CANARY_WEBHOOK_TOKEN = "canaryWebhookToken"
CANARY_ROUTING_KEY = "canaryRoutingKeyOf32Characters00"

CANARIES = (
    CANARY_DOWNLOAD_TOKEN,
    CANARY_ACCESS_TOKEN,
    CANARY_CLIENT_SECRET,
    CANARY_PRIVATE_KEY,
    CANARY_WEBHOOK_TOKEN,
    CANARY_ROUTING_KEY,
)

SECRET_MASK = "mdb_sa_sk_..."
"""The beginning of what Atlas shows of every secret of a service account."""

CANARY_TASK_TOKEN = "canary-task-token"
"""The beginning of task tokens, which only `waiting` of a job's item and requests to AWS hold."""
