"""
The Atlas Admin API on a loopback port, and what a test can do to it.

How it answers is in `answers`; whom it lets in, in `access`; what is there, in `inventory`.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Self
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.http import http_date
from werkzeug.wrappers import Request

from local_stack.access import Access, Role
from local_stack.answers import Answers
from local_stack.behaviour import Behaviour, RateLimit
from local_stack.canaries import CANARY_DOWNLOAD_TOKEN
from local_stack.clock import Clock
from local_stack.inventory import Inventory
from local_stack.limits import Buckets
from local_stack.loopback import LINE, Line, LoopbackServer
from local_stack.projects import ABSENT, EmulatedCluster
from local_stack.refusal import atlas_error
from local_stack.restores import EmulatedRestore, Kind
from local_stack.routes import Family, in_group, operation_of
from local_stack.service_accounts import LONG, AccountSecret
from local_stack.wire import Wire

__all__ = [
    "ABSENT",
    "CANARY_DOWNLOAD_TOKEN",
    "AtlasEmulator",
    "Behaviour",
    "Clock",
    "EmulatedCluster",
    "EmulatedRestore",
    "Family",
    "Kind",
    "RateLimit",
    "Role",
    "in_group",
]


class AtlasEmulator(Inventory):
    """The part of Atlas that serves restores. Within its block it answers at `url`."""

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        super().__init__(clock or Clock(), Behaviour())
        self.wire = Wire(self._serve, operation_of)
        self._access = Access(self.behaviour, self.clock)
        self._buckets = Buckets(self.clock)
        self._answers = Answers(self, self._access, self._buckets)
        self._server = LoopbackServer(self.wire)

    @property
    def url(self) -> str:
        return self._server.url

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def clear(self) -> None:
        """
        Remove projects, events, faults and changed behaviour; credentials and tokens stay.

        All limits start anew: what was asked or issued before counts towards none of them.
        """
        with self._lock:
            for state in (self._access, self._buckets):
                state.clear()
            self.empty()
            self.behaviour.reset()
        self.wire.heal()
        self.wire.clear()

    # Credentials

    def add_service_account(
        self, client_id: str, client_secret: str, roles: Iterable[Role] = (Role.BACKUP_MANAGER,)
    ) -> None:
        with self._lock:
            self._access.oauth.accounts.rotate(client_id, client_secret)
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

    def make_account_of_project(self, client_id: str, group_id: str) -> None:
        """Let a service account belong to this project instead of the organization."""
        with self._lock:
            self._access.oauth.accounts.projects[client_id] = group_id

    def rotate_service_account(
        self, client_id: str, client_secret: str, life: timedelta = LONG
    ) -> None:
        """
        Make a new secret, and delete the old one, which is refused from now on.

        Whether tokens that were issued for it live on is a behaviour.
        """
        with self._lock:
            self._access.oauth.accounts.rotate(client_id, client_secret, life)

    def add_secret(self, client_id: str, client_secret: str, life: timedelta = LONG) -> None:
        """Give a service account one more secret."""
        with self._lock:
            self._access.oauth.accounts.add(client_id, client_secret, life)

    def secrets_of(self, client_id: str) -> list[AccountSecret]:
        """The secrets of a service account, which a test may change."""
        return self._access.oauth.accounts.of(client_id)

    def rotate_api_key(self, public_key: str, private_key: str) -> None:
        with self._lock:
            self._access.digest.keys[public_key] = private_key

    def remove_credential(self, name: str) -> None:
        """Refuse this client id or public key from now on, and every token issued to it."""
        with self._lock:
            self._access.remove(name)

    def expire_tokens(self, client_id: str | None = None) -> None:
        """Expire the tokens of one service account, or all."""
        with self._lock:
            self._access.oauth.expire_tokens(client_id)

    def expire_nonces(self) -> None:
        with self._lock:
            self._access.digest.expire_nonces()

    def tokens_alive(self, client_id: str) -> int:
        with self._lock:
            return self._access.oauth.alive(client_id)

    def lock_out(self, group_id: str, family: Family | None = None) -> None:
        """Refuse everything in a project, or one family of its endpoints, to every credential."""
        detail = f"Project {group_id} is not open to this credential."
        answer = atlas_error(401, "USER_UNAUTHORIZED", detail)
        with self._lock:
            self._access.locked_out[group_id, family] = answer

    def admit(self, group_id: str) -> None:
        """End every lockout of a project."""
        with self._lock:
            for key in [key for key in self._access.locked_out if key[0] == group_id]:
                del self._access.locked_out[key]

    # What others use up

    def keep_bucket(self, group_id: str, family: Family, remaining: int) -> None:
        """From now on, this is left of the bucket, as if others used the rest; 0 is a 429."""
        with self._lock:
            self._buckets.keep((family, group_id), remaining)

    def release_bucket(self, group_id: str, family: Family) -> None:
        """Fill a kept bucket; from now on it empties and refills by itself."""
        with self._lock:
            self._buckets.release((family, group_id))

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with self._lock:
            answer = self._answers.answer(Request(environ))
        if self.behaviour.latency:
            line: Line = environ[LINE]
            line.wait(self.behaviour.latency)
        headers = [("Server", "mdbws"), *answer.headers]
        if not any(name.lower() == "date" for name, _ in headers):
            headers.append(("Date", http_date(self.now())))
        start_response(answer.status_line, headers)
        return [answer.body]
