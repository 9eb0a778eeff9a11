"""The token endpoint: it exchanges client credentials for bearer tokens, within Atlas's limits."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import unquote

from werkzeug.wrappers import Request

from local_stack.behaviour import Behaviour
from local_stack.canaries import CANARY_ACCESS_TOKEN
from local_stack.faults import Answer
from local_stack.refusal import Refusal, atlas_error, oauth_error
from local_stack.service_accounts import AccountSecret, ServiceAccounts


@dataclass
class _Token:
    client_id: str
    secret: AccountSecret
    ends: datetime


class TokenOffice:
    """Issues tokens that live by the clock, within both of Atlas's limits."""

    def __init__(self, behaviour: Behaviour, clock: Callable[[], datetime]) -> None:
        self.accounts = ServiceAccounts(clock)
        self._behaviour = behaviour
        self._clock = clock
        self._tokens: dict[str, _Token] = {}
        self._counted: list[str] = []
        self._requests: list[datetime] = []

    def issue(self, request: Request) -> Answer:
        try:
            self._count_request(request.path)
            client_id, secret = self._client(request)
            self._check_grant(request)
            self._check_limit(client_id)
        except Refusal as refusal:
            return refusal.answer
        name = f"{CANARY_ACCESS_TOKEN}-{secrets.token_urlsafe(24)}"
        lifetime = timedelta(hours=1)
        self._tokens[name] = _Token(client_id, secret, self._clock() + lifetime)
        self._counted.append(name)
        said = {"access_token": name, "expires_in": 3600, "token_type": "Bearer"}
        return Answer.json(200, said)

    def holder(self, token: str) -> str | None:
        """Return the client to which a token was issued, None if the token is not alive."""
        found = self._tokens.get(token)
        if found is None or found.ends <= self._clock():
            return None
        is_deleted = found.secret not in self.accounts.of(found.client_id)
        if is_deleted and not self._behaviour.tokens_outlive_secrets:
            return None
        return found.client_id

    def alive(self, client_id: str) -> int:
        return sum(self.holder(name) == client_id for name in self._tokens)

    def expire_tokens(self, client_id: str | None = None) -> None:
        for token in self._tokens.values():
            if client_id in {None, token.client_id}:
                token.ends = self._clock()

    def start_limits_anew(self) -> None:
        """Stop counting earlier requests and earlier tokens. The tokens stay valid."""
        self._requests.clear()
        self._counted.clear()

    def _count_request(self, path: str) -> None:
        now, limit = self._clock(), self._behaviour.token_requests_per_minute
        self._requests = [at for at in self._requests if now - at < timedelta(minutes=1)]
        if len(self._requests) >= limit:
            detail = f"No more than {limit} tokens are issued in a minute."
            raise Refusal(atlas_error(429, "RATE_LIMITED", detail, [path, limit, 1]))
        self._requests.append(now)

    def _client(self, request: Request) -> tuple[str, AccountSecret]:
        """Id and secret may be URL-escaped, as RFC 6749 demands and Atlas's own clients do."""
        given = request.authorization
        if given and given.type == "basic":
            client_id, secret = given.get("username") or "", given.get("password") or ""
            for read in (str, unquote):
                known = self.accounts.use(read(client_id), read(secret))
                if known is not None:
                    return read(client_id), known
        raise Refusal(oauth_error(401, "invalid_client", "The id or the secret is wrong."))

    def _check_grant(self, request: Request) -> None:
        if request.mimetype != "application/x-www-form-urlencoded":
            raise Refusal(oauth_error(400, "invalid_request", "The body is not a form."))
        if request.form.get("grant_type") != "client_credentials":
            raise Refusal(oauth_error(400, "unsupported_grant_type", "No such grant here."))

    def _check_limit(self, client_id: str) -> None:
        limit = self._behaviour.token_limit
        # An hour of the model issues tens of thousands, so they are looked at only if needed.
        if len(self._counted) < limit:
            return
        if sum(self.holder(name) == client_id for name in self._counted) >= limit:
            raise Refusal(oauth_error(403, "access_denied", "Too many tokens are alive."))
