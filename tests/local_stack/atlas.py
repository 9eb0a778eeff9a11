"""The Atlas Admin API on a loopback port.

Both authentications, the three restore endpoints, and the refusals, limits and headers around them.
"""

import json
import re
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from types import TracebackType
from typing import Any, Self, assert_never
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request

from local_stack.behaviour import Behaviour, RateLimit
from local_stack.canaries import CANARY_DOWNLOAD_TOKEN
from local_stack.clock import Clock
from local_stack.digest import DigestGuard, Verdict
from local_stack.faults import Answer
from local_stack.limits import Buckets
from local_stack.loopback import LoopbackServer
from local_stack.oauth import TokenOffice
from local_stack.refusal import Refusal, atlas_error
from local_stack.restores import (
    AUTOMATED_TIMELINE,
    DOWNLOAD_TIMELINE,
    FLEX_TIMELINE,
    EmulatedRestore,
    FlagRestore,
    Kind,
    StatusRestore,
    object_id,
)
from local_stack.wire import Wire

__all__ = [
    "CANARY_DOWNLOAD_TOKEN",
    "AtlasEmulator",
    "Behaviour",
    "Clock",
    "EmulatedRestore",
    "Kind",
    "RateLimit",
    "Role",
]

_GROUP = "/api/atlas/v2/groups/<group_id>"
_ROUTES = Map(
    [
        Rule("/api/oauth/token", methods=["POST"], endpoint="token"),
        Rule(
            f"{_GROUP}/flexClusters/<cluster>/backup/restoreJobs/<restore_id>",
            methods=["GET"],
            endpoint="flex",
        ),
        Rule(
            f"{_GROUP}/clusters/<cluster>/backup/restoreJobs/<restore_id>",
            methods=["GET"],
            endpoint="dedicated",
        ),
        Rule(
            f"{_GROUP}/clusters/<cluster>/backup/tenant/restores/<restore_id>",
            methods=["GET"],
            endpoint="tenant",
        ),
    ],
    merge_slashes=False,
)

_VERSION = re.compile(r"application/vnd\.atlas\.(\d{4}-\d{2}-\d{2})\+json")
_DECLARED = {"flex": "2024-11-13", "dedicated": "2023-01-01", "tenant": "2023-01-01"}
_JAVA_METHODS = {
    "flex": "ApiAtlasFlexBackupResource::getRestoreJob",
    "dedicated": "ApiAtlasDiskBackupRestoreJobsResource::getRestoreJob",
    "tenant": "ApiAtlasTenantBackupResource::getRestoreJob",
}


class Role(StrEnum):
    READ_ONLY = "Project Read Only"
    BACKUP_MANAGER = "Project Backup Manager"


_NEEDED = {
    "flex": frozenset(Role),
    "tenant": frozenset(Role),
    "dedicated": frozenset({Role.BACKUP_MANAGER}),
}


def operation_of(request: Request) -> tuple[str, str]:
    """The wire's name for a request: its endpoint, or "other"."""
    try:
        endpoint, _ = _ROUTES.bind_to_environ(request.environ).match()
    except HTTPException:
        endpoint = "other"
    return "atlas", endpoint


class AtlasEmulator:
    """The part of Atlas that serves restores. Within its block it answers at `url`."""

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self.clock = clock or Clock()
        self.behaviour = Behaviour()
        self.wire = Wire(self._serve, operation_of)
        self._lock = threading.RLock()
        self._digest = DigestGuard(self.behaviour, self.clock)
        self._oauth = TokenOffice(self.behaviour, self.clock)
        self._roles: dict[str, frozenset[Role]] = {}
        self._buckets = Buckets(self.clock)
        self._clusters: dict[str, dict[str, Kind]] = defaultdict(dict)
        self._restores: dict[tuple[str, str, str], EmulatedRestore] = {}
        self._served: dict[tuple[str, str, str, str], Any] = {}
        self._scripts: dict[str, deque[Answer]] = defaultdict(deque)
        self._server = LoopbackServer(self.wire)

    @property
    def url(self) -> str:
        return self._server.url

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.__exit__(kind, error, trace)

    def clear(self) -> None:
        """
        Remove clusters, jobs, scripts and changed behaviour; credentials and tokens stay valid.

        All limits start anew: what was asked or issued before counts towards none of them.
        """
        with self._lock:
            for state in (self._clusters, self._restores, self._served, self._scripts):
                state.clear()
            self.behaviour.reset()
            self._buckets.refill()
            self._oauth.start_limits_anew()
            self._roles = dict.fromkeys(self._roles, frozenset({Role.BACKUP_MANAGER}))
        self.wire.heal()
        self.wire.clear()

    # Credentials

    def add_service_account(
        self, client_id: str, client_secret: str, roles: Iterable[Role] = (Role.BACKUP_MANAGER,)
    ) -> None:
        with self._lock:
            self._oauth.secrets[client_id] = client_secret
            self._roles[client_id] = frozenset(roles)

    def add_api_key(
        self, public_key: str, private_key: str, roles: Iterable[Role] = (Role.BACKUP_MANAGER,)
    ) -> None:
        with self._lock:
            self._digest.keys[public_key] = private_key
            self._roles[public_key] = frozenset(roles)

    def grant(self, name: str, *roles: Role) -> None:
        """Give the credential of this client id or public key these roles and no other."""
        with self._lock:
            self._roles[name] = frozenset(roles)

    def rotate_service_account(self, client_id: str, client_secret: str) -> None:
        """Refuse the old secret from now on. Tokens that were issued for it stay valid."""
        with self._lock:
            self._oauth.secrets[client_id] = client_secret

    def rotate_api_key(self, public_key: str, private_key: str) -> None:
        with self._lock:
            self._digest.keys[public_key] = private_key

    def remove_credential(self, name: str) -> None:
        """Refuse this client id or public key from now on, and every token issued to it."""
        with self._lock:
            self._oauth.secrets.pop(name, None)
            self._oauth.expire_tokens(name)
            self._digest.keys.pop(name, None)

    def expire_tokens(self) -> None:
        with self._lock:
            self._oauth.expire_tokens()

    def expire_nonces(self) -> None:
        with self._lock:
            self._digest.expire_nonces()

    def tokens_alive(self, client_id: str) -> int:
        with self._lock:
            return self._oauth.alive(client_id)

    # Clusters and their restores

    def add_group(self, group_id: str) -> None:
        with self._lock:
            self._clusters.setdefault(group_id, {})

    def add_cluster(self, group_id: str, name: str, kind: Kind) -> None:
        """Add a cluster. Adding it again with another kind upgrades it; its restore jobs stay."""
        with self._lock:
            self._clusters[group_id][name] = kind

    def start_restore(
        self,
        group_id: str,
        cluster: str,
        kind: Kind,
        *,
        restore_id: str | None = None,
        delivery_type: str | None = None,
        target_group: str | None = None,
        target_cluster: str | None = None,
        snapshot_id: str | None = None,
        snapshot_age: timedelta = timedelta(hours=1),
        timeline: Sequence[str] | None = None,
        every_url: bool = True,
    ) -> EmulatedRestore:
        """Return a new job at the first step of its timeline. Adds the cluster if it is missing."""
        now = self.clock()
        default, steps = _defaults(kind, delivery_type)
        facts: dict[str, Any] = {
            "group_id": group_id,
            "cluster": cluster,
            "restore_id": restore_id or object_id(now),
            "delivery_type": delivery_type or default,
            "target_group": target_group or group_id,
            "target_cluster": target_cluster or f"{cluster}-restored",
            "snapshot_id": snapshot_id or object_id(now - snapshot_age),
            "snapshot_at": now - snapshot_age,
            "timeline": steps if timeline is None else timeline,
            "clock": self.clock,
        }
        restore: EmulatedRestore = (
            FlagRestore(every_url=every_url, **facts)
            if kind == "dedicated"
            else StatusRestore(**facts)
        )
        with self._lock:
            self._clusters[group_id].setdefault(cluster, kind)
            self._restores[group_id, cluster, restore.restore_id] = restore
        return restore

    def hide_restore(self, restore: EmulatedRestore) -> None:
        """From now on the job is unknown; its cluster stays."""
        with self._lock:
            self._restores.pop((restore.group_id, restore.cluster, restore.restore_id), None)

    def show_restore(self, restore: EmulatedRestore) -> None:
        """A hidden job is known again, at the step it has reached."""
        with self._lock:
            self._restores[restore.group_id, restore.cluster, restore.restore_id] = restore

    def serve(
        self, group_id: str, cluster: str, kind: Kind, restore_id: str, body: Answer | bytes | Any
    ) -> None:
        """
        This endpoint answers every authorized request with `body`.

        An Answer is sent as it is, bytes are the body of a 200, any other value is a job's JSON.
        """
        with self._lock:
            self._served[kind, group_id, cluster, restore_id] = body

    def script(self, operation: str, *answers: Answer) -> None:
        """The next authorized requests of an endpoint get these answers, one each."""
        with self._lock:
            self._scripts[operation].extend(answers)

    # Answers

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with self._lock:
            answer = self._answer(Request(environ))
        start_response(answer.status_line, [("Server", "mdbws"), *answer.headers])
        return [answer.body]

    def _answer(self, request: Request) -> Answer:
        try:
            endpoint, names = _ROUTES.bind_to_environ(request.environ).match()
        except MethodNotAllowed:
            return Answer(405)
        except HTTPException:
            return atlas_error(404, "RESOURCE_NOT_FOUND", "There is nothing here.")
        match endpoint:
            case "token":
                return self._scripted(endpoint) or self._oauth.issue(request)
            case _:
                return self._restore_answer(request, endpoint, **names)

    def _restore_answer(
        self, request: Request, kind: Kind, group_id: str, cluster: str, restore_id: str
    ) -> Answer:
        try:
            self._admit(request, kind)
            content_type = _negotiated(request, kind)
            limits = self._take(request, kind, group_id)
        except Refusal as refusal:
            return _in_envelope(request, refusal.answer, self.behaviour.envelope_key)
        key = (kind, group_id, cluster, restore_id)
        given = self._scripted(kind) or self._served.get(key)
        if isinstance(given, Answer):
            return given
        if isinstance(given, bytes):
            return Answer(200, {"Content-Type": content_type}, given)
        try:
            job = given or self._find(*key).body(kind, request.host_url.rstrip("/"))
            answer = Answer.json(200, job, content_type=content_type)
        except Refusal as refusal:
            answer = refusal.answer
        return self._dressed(request, answer, {**limits, "X-Java-Method": _JAVA_METHODS[kind]})

    def _scripted(self, operation: str) -> Answer | None:
        script = self._scripts[operation]
        return script.popleft() if script else None

    def _admit(self, request: Request, kind: Kind) -> None:
        name = self._authenticated(request)
        address = self.behaviour.refused_address
        if address is not None:
            detail = f"Requests from {address} are not let in."
            raise Refusal(atlas_error(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", detail, [address]))
        if not self._roles[name] & _NEEDED[kind]:
            detail = "This credential has no role that allows it."
            raise Refusal(atlas_error(401, "USER_UNAUTHORIZED", detail))

    def _authenticated(self, request: Request) -> str:
        """Return the public key or client id of a request. A refused token gets no challenge."""
        given = request.authorization
        if given and given.type == "bearer":
            holder = self._oauth.holder(given.token or "")
            if holder is None:
                raise Refusal(self._unauthorized({}))
            return holder
        verdict = Verdict.REFUSED
        if given and given.type == "digest":
            uri = str(request.environ["RAW_URI"])
            verdict = self._digest.verdict(given, request.method, uri)
            if verdict is Verdict.ACCEPTED:
                return given.get("username") or ""
        challenge = self._digest.challenge(stale=verdict is Verdict.STALE)
        raise Refusal(self._unauthorized({"Www-Authenticate": challenge}))

    def _unauthorized(self, headers: dict[str, str]) -> Answer:
        """Return a 401; a challenge and a refusal have the same body."""
        body: dict[str, Any] = {"error": 401, "reason": "Unauthorized", "detail": "Who is asking?"}
        match self.behaviour.challenge_body:
            case "empty":
                return Answer(401, headers)
            case "uncoded":
                return Answer.json(401, body, headers)
            case "coded":
                return Answer.json(401, {**body, "errorCode": "UNEXPECTED_ERROR"}, headers)
            case other:
                assert_never(other)

    def _take(self, request: Request, kind: Kind, group_id: str) -> dict[str, str]:
        """Take one token from the bucket and return the rate limit headers."""
        limit = self.behaviour.rate_limit
        taken = self._buckets.take((kind, group_id), limit)
        headers = {
            "Ratelimit-Limit": str(limit.capacity),
            "Ratelimit-Remaining": str(taken.remaining),
        }
        if taken.retry_after is not None:
            path = request.path.lstrip("/")
            figures = [taken.retry_after, limit.capacity, limit.refill, limit.seconds]
            detail = f"The bucket of {path} is empty for {taken.retry_after} s."
            headers["Retry-After"] = str(taken.retry_after)
            said = headers if self.behaviour.announces_limits else {}
            code = "RATE_LIMITED_TOKEN_BUCKET"
            raise Refusal(atlas_error(429, code, detail, [path, *figures], said))
        return headers if self.behaviour.announces_limits else {}

    def _find(self, kind: Kind, group_id: str, cluster: str, restore_id: str) -> EmulatedRestore:
        """Refuse in Atlas's order: endpoint, project, cluster, its kind, then the job."""
        if kind == "tenant":
            self._check_sunset()
        if group_id not in self._clusters:
            detail = f"There is no project {group_id}."
            raise Refusal(atlas_error(404, "GROUP_NOT_FOUND", detail, [group_id]))
        actual = self._clusters[group_id].get(cluster)
        if actual is None:
            detail, names = f"Project {group_id} has no cluster {cluster}.", [cluster, group_id]
            raise Refusal(atlas_error(404, "CLUSTER_NOT_FOUND", detail, names))
        if (actual == "dedicated") != (kind == "dedicated"):
            raise Refusal(_wrong_kind(kind, cluster))
        restore = self._restores.get((group_id, cluster, restore_id))
        if restore is None or isinstance(restore, FlagRestore) != (kind == "dedicated"):
            detail, names = "There is no such restore job.", [f"Restore job {restore_id}"]
            raise Refusal(atlas_error(404, "RESOURCE_NOT_FOUND", detail, names))
        return restore

    def _check_sunset(self) -> None:
        match self.behaviour.tenant_endpoint:
            case None:
                return
            case 410:
                answer = atlas_error(410, "VERSION_GONE", "The sunset of this version is past.")
            case 405:
                answer = Answer(405)
            case status:
                answer = atlas_error(status, None, "This path leads nowhere.", None)
        raise Refusal(answer)

    def _dressed(self, request: Request, answer: Answer, headers: dict[str, str]) -> Answer:
        """Add envelope, indentation and the headers that every answer of a resource has."""
        headers = {**dict(answer.headers), **headers, "X-Envoy-Upstream-Service-Time": "58"}
        if not answer.body:
            return Answer(answer.status, headers, answer.body)
        answer = _in_envelope(request, answer, self.behaviour.envelope_key)
        indent = 2 if request.args.get("pretty") == "true" else None
        body = json.dumps(json.loads(answer.body), indent=indent)
        return Answer(answer.status, headers, body)


def _in_envelope(request: Request, answer: Answer, key: str) -> Answer:
    """With `envelope=true` the true status is in the body, except of a digest challenge."""
    challenges = "Www-Authenticate" in dict(answer.headers)
    if challenges or request.args.get("envelope") != "true":
        return answer
    content = {key: json.loads(answer.body)} if answer.body else {}
    return Answer(200, answer.headers, json.dumps({"status": answer.status, **content}))


def _defaults(kind: Kind, delivery_type: str | None) -> tuple[str, Sequence[str]]:
    if kind != "dedicated":
        return "RESTORE", FLEX_TIMELINE
    return "automated", DOWNLOAD_TIMELINE if delivery_type == "download" else AUTOMATED_TIMELINE


def _content_type(version: str) -> str:
    return f"application/vnd.atlas.{version}+json;charset=utf-8"


def _negotiated(request: Request, kind: Kind) -> str:
    """Return the content type of the resolved version: any date from the declared one on works."""
    asked = _VERSION.search(request.headers.get("Accept", ""))
    if asked is None or asked[1] < _DECLARED[kind]:
        detail = "No version of this resource has such a date."
        raise Refusal(atlas_error(406, "UNEXPECTED_ERROR", detail))
    return _content_type(_DECLARED[kind])


def _wrong_kind(kind: Kind, cluster: str) -> Answer:
    if kind == "dedicated":
        code, detail = "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API", f"{cluster} is a Flex cluster."
    else:
        code, detail = "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API", f"{cluster} is no Flex cluster."
    return atlas_error(400, code, detail, [cluster])
