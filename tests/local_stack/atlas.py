"""
The Atlas Admin API on a loopback port, and what a test can do to it.

How it answers is in `answers`; whom it lets in, in `access`; what is there, in `clusters`.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.wrappers import Request

from local_stack.access import Access, Role
from local_stack.answers import Answers
from local_stack.behaviour import Behaviour, RateLimit
from local_stack.canaries import CANARY_DOWNLOAD_TOKEN
from local_stack.clock import Clock
from local_stack.clusters import Clusters
from local_stack.faults import Answer
from local_stack.jobs import CLASSES, defaults_of
from local_stack.limits import Buckets
from local_stack.loopback import LINE, Line, LoopbackServer
from local_stack.restores import (
    EmulatedRestore,
    FlagRestore,
    Kind,
    object_id,
)
from local_stack.routes import in_group, operation_of
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
    "in_group",
]


class AtlasEmulator:
    """The part of Atlas that serves restores. Within its block it answers at `url`."""

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self.clock = clock or Clock()
        self.behaviour = Behaviour()
        self.wire = Wire(self._serve, operation_of)
        self._lock = threading.RLock()
        self._access = Access(self.behaviour, self.clock)
        self._buckets = Buckets(self.clock)
        self._clusters = Clusters(self.behaviour)
        self._answers = Answers(self.behaviour, self._access, self._clusters, self._buckets)
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
            for state in (self._access, self._answers, self._buckets, self._clusters):
                state.clear()
            self.behaviour.reset()
        self.wire.heal()
        self.wire.clear()

    # Credentials

    def add_service_account(
        self, client_id: str, client_secret: str, roles: Iterable[Role] = (Role.BACKUP_MANAGER,)
    ) -> None:
        with self._lock:
            self._access.oauth.secrets[client_id] = client_secret
            self._access.roles[client_id] = frozenset(roles)

    def add_api_key(
        self, public_key: str, private_key: str, roles: Iterable[Role] = (Role.BACKUP_MANAGER,)
    ) -> None:
        with self._lock:
            self._access.digest.keys[public_key] = private_key
            self._access.roles[public_key] = frozenset(roles)

    def grant(self, name: str, *roles: Role) -> None:
        """Give the credential of this client id or public key these roles and no other."""
        with self._lock:
            self._access.roles[name] = frozenset(roles)

    def rotate_service_account(self, client_id: str, client_secret: str) -> None:
        """Refuse the old secret from now on. Tokens that were issued for it stay valid."""
        with self._lock:
            self._access.oauth.secrets[client_id] = client_secret

    def rotate_api_key(self, public_key: str, private_key: str) -> None:
        with self._lock:
            self._access.digest.keys[public_key] = private_key

    def remove_credential(self, name: str) -> None:
        """Refuse this client id or public key from now on, and every token issued to it."""
        with self._lock:
            self._access.remove(name)

    def expire_tokens(self) -> None:
        with self._lock:
            self._access.oauth.expire_tokens()

    def expire_nonces(self) -> None:
        with self._lock:
            self._access.digest.expire_nonces()

    def tokens_alive(self, client_id: str) -> int:
        with self._lock:
            return self._access.oauth.alive(client_id)

    # Clusters and their restores

    def add_group(self, group_id: str) -> None:
        with self._lock:
            self._clusters.add_group(group_id)

    def add_cluster(self, group_id: str, name: str, kind: Kind) -> None:
        """Add a cluster. Adding it again with another kind upgrades it; its restore jobs stay."""
        with self._lock:
            self._clusters.add(group_id, name, kind)

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
        default, steps = defaults_of(kind, delivery_type)
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
            else CLASSES[kind](**facts)
        )
        with self._lock:
            self._clusters.add_restore(restore, kind)
        return restore

    def hide_restore(self, restore: EmulatedRestore) -> None:
        """From now on the job is unknown; its cluster stays."""
        with self._lock:
            self._clusters.hide(restore)

    def show_restore(self, restore: EmulatedRestore) -> None:
        """A hidden job is known again, at the step it has reached."""
        with self._lock:
            self._clusters.show(restore)

    # What lists show

    def lag_lists(self, restore: EmulatedRestore) -> None:
        """From now on, lists show the job as it is now; a GET shows how it goes on."""
        with self._lock:
            self._clusters.listed_as[restore] = restore.frozen()

    def omit_from_lists(self, restore: EmulatedRestore) -> None:
        """From now on, lists do not show the job; a GET does."""
        with self._lock:
            self._clusters.listed_as[restore] = None

    def catch_up_lists(self, restore: EmulatedRestore) -> None:
        """Lists show the job again, at the step it has reached."""
        with self._lock:
            self._clusters.listed_as.pop(restore, None)

    def add_to_list(self, group_id: str, cluster: str, kind: Kind, entry: Any) -> None:
        """From now on, this list shows `entry`, any JSON, before its jobs."""
        with self._lock:
            self._clusters.additions[kind, group_id, cluster].append(entry)

    # What others use up

    def keep_bucket(self, group_id: str, kind: Kind, remaining: int) -> None:
        """From now on, this is left of the bucket, as if others used the rest; 0 is a 429."""
        with self._lock:
            self._buckets.keep((kind, group_id), remaining)

    def release_bucket(self, group_id: str, kind: Kind) -> None:
        """Fill a kept bucket; from now on it empties and refills by itself."""
        with self._lock:
            self._buckets.release((kind, group_id))

    # Chosen answers

    def serve(
        self, group_id: str, cluster: str, kind: Kind, restore_id: str, body: Answer | bytes | Any
    ) -> None:
        """
        This endpoint answers every authorized request with `body`.

        An Answer is sent as it is, bytes are the body of a 200, any other value is a job's JSON.
        """
        with self._lock:
            self._answers.served[kind, group_id, cluster, restore_id] = body

    def script(self, operation: str, *answers: Answer) -> None:
        """The next authorized requests of an endpoint get these answers, one each."""
        with self._lock:
            self._answers.scripts[operation].extend(answers)

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with self._lock:
            answer = self._answers.answer(Request(environ))
        if self.behaviour.latency:
            line: Line = environ[LINE]
            line.wait(self.behaviour.latency)
        start_response(answer.status_line, [("Server", "mdbws"), *answer.headers])
        return [answer.body]
