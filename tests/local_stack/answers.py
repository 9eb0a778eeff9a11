"""How the emulated Atlas answers a request: who asks, the version, the limit, then the resource."""

import json
from collections.abc import Sequence
from typing import Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Request

from local_stack.access import Access
from local_stack.behaviour import RateLimit
from local_stack.faults import Answer
from local_stack.inventory import Inventory
from local_stack.limits import Buckets, Taken
from local_stack.lists import Page
from local_stack.processes import Asked, EmulatedProcess, figures
from local_stack.projects import EmulatedCluster, Project
from local_stack.refusal import Refusal, atlas_error
from local_stack.restores import CollectionRestore, EmulatedRestore, Kind
from local_stack.routes import OPERATIONS, Address, Family, Operation, matched
from local_stack.snapshots import EmulatedSnapshot, Order


class Answers:
    def __init__(self, inventory: Inventory, access: Access, buckets: Buckets) -> None:
        self._inventory = inventory
        self._behaviour = inventory.behaviour
        self._access = access
        self._buckets = buckets

    def answer(self, request: Request) -> Answer:
        try:
            name, parts = matched(request)
        except MethodNotAllowed:
            return Answer(405)
        except HTTPException:
            return atlas_error(404, "RESOURCE_NOT_FOUND", "There is nothing here.")
        if name == "token":
            return self._access.oauth.issue(request)
        operation = OPERATIONS[name]
        return self._resource(request, operation, Address(operation.family, **parts))

    def _resource(self, request: Request, operation: Operation, address: Address) -> Answer:
        family, key = operation.family, self._behaviour.envelope_key
        try:
            caller = self._access.admit(request, family, address.group_id)
            content_type = operation.content_type(request)
            limits = self._take(request, family, address.group_id)
        except Refusal as refusal:
            return _in_envelope(request, refusal.answer, key)
        try:
            body = self._body(request, address, caller)
            answer = Answer.json(200, body, content_type=content_type)
        except Refusal as refusal:
            answer = refusal.answer
        headers = {**limits, "X-Java-Method": operation.java_method}
        is_list = operation.lists and answer.status == 200
        return _dressed(request, answer, headers, None if is_list else key)

    def _body(self, request: Request, address: Address, caller: str) -> Any:
        host = request.host_url.rstrip("/")
        match address.family:
            case "system":
                return self._system(request, caller)
            case "service_account":
                return self._service_account(address)
            case "projects":
                return self._page_of(request, host, self._inventory.listed_projects())
            case "snapshots" | "sharded_snapshots" | "flex_snapshots" as family:
                kind: Kind = "flex" if family == "flex_snapshots" else "dedicated"
                snapshots = self._inventory.snapshots_of(address.group_id, address.cluster, kind)
                return self._page_of(request, host, snapshots)
            case "dedicated" if request.method == "POST":
                order = Order.of(request.get_json(silent=True))
                started = self._inventory.restore_from(address.group_id, address.cluster, order)
                return started.body("dedicated", host)
            case _:
                return self._restores(request, address)

    def _restores(self, request: Request, address: Address) -> Any:
        host = request.host_url.rstrip("/")
        family, group_id, cluster, restore_id, *_ = address
        match family:
            case "events":
                self._inventory.project(group_id)
                return self._inventory.events.page(request, group_id, host)
            case "flex_clusters" | "dedicated_clusters":
                return self._clusters(request, address)
            case "processes":
                return self._processes(request, address)
            case "collection" if address.part:
                return self._restored_collections(request, address)
            case "flex" | "dedicated" | "tenant" | "collection" as kind if restore_id:
                return self._inventory.find(kind, group_id, cluster, restore_id).body(kind, host)
            case "flex" | "dedicated" | "tenant" | "collection" as kind:
                return self._job_list(request, kind, group_id, cluster)
            case other:
                raise LookupError(other)

    def _clusters(self, request: Request, address: Address) -> Any:
        host = request.host_url.rstrip("/")
        if address.cluster:
            found = self._inventory.dedicated_cluster(address.group_id, address.cluster)
            return found.body(host)
        project = self._inventory.project(address.group_id)
        is_flex = address.family == "flex_clusters"
        return self._page_of(request, host, project.flex if is_flex else project.dedicated)

    def _processes(self, request: Request, address: Address) -> Any:
        host = request.host_url.rstrip("/")
        if not address.process_id:
            return self._page_of(request, host, self._inventory.processes(address.group_id))
        process, now = (
            self._inventory.process(address.group_id, address.process_id),
            self._inventory.now(),
        )
        names = process.cluster.data.names(now)
        if not address.database:
            page = Page.asked(request, counts=True, largest=self._behaviour.largest_page)
            return page.body(request, names, lambda name: process.database(name, host))
        if address.database not in names:
            detail = f"There is no database {address.database}."
            raise Refusal(atlas_error(404, "DATABASE_NOT_FOUND", detail, [address.database]))
        return figures(process, address.database, Asked.of(request), now, self._behaviour)

    def _restored_collections(self, request: Request, address: Address) -> Any:
        restore = self._inventory.find(
            "collection", address.group_id, address.cluster, address.restore_id
        )
        assert isinstance(restore, CollectionRestore)
        page = Page.asked(request, counts=True, largest=self._behaviour.largest_page)
        return page.body(request, restore.restored(), lambda one: one)

    def _system(self, request: Request, caller: str) -> Any:
        """Return what the specification says of it; `apiKey` is null for a service account."""
        roles = [
            {"groupId": project.group_id, "roleName": role.code}
            for project in self._inventory.listed_projects()
            for role in sorted(self._access.roles[caller])
        ]
        key = {"accessList": [], "id": "6a" * 12, "publicKey": caller, "roles": roles}
        return {
            "apiKey": key if self._access.is_api_key(caller) else None,
            "appName": "MongoDB Atlas",
            "build": "0" * 40,
            "ipAddress": request.remote_addr,
            "links": [],
            "throttling": False,
        }

    def _service_account(self, address: Address) -> Any:
        """Return what the specification says of a service account in a project."""
        self._inventory.project(address.group_id)
        if not self._access.oauth.accounts.shows(address.client_id, address.group_id):
            detail = f"There is no service account {address.client_id}."
            raise Refusal(atlas_error(404, "SERVICE_ACCOUNT_NOT_FOUND", detail))
        roles = sorted(role.code for role in self._access.roles[address.client_id])
        return self._access.oauth.accounts.body(address.client_id, roles)

    def _page_of(
        self,
        request: Request,
        host: str,
        entries: Sequence[Project | EmulatedCluster | EmulatedSnapshot | EmulatedProcess],
    ) -> Any:
        largest = self._behaviour.largest_page
        if any(isinstance(one, EmulatedCluster) for one in entries):
            largest = self._behaviour.largest_page_of_clusters
        page = Page.asked(request, counts=True, largest=largest)
        return page.body(request, entries, lambda one: one.body(host))

    def _job_list(self, request: Request, kind: Kind, group_id: str, cluster: str) -> Any:
        host = request.host_url.rstrip("/")
        entries = self._inventory.entries(kind, group_id, cluster)
        largest = self._behaviour.largest_page
        counts = kind != "collection"
        page = Page() if kind == "tenant" else Page.asked(request, counts=counts, largest=largest)

        def said(entry: Any) -> Any:
            return entry.body(kind, host) if isinstance(entry, EmulatedRestore) else entry

        return page.body(request, entries, said)

    def _take(self, request: Request, family: Family, group_id: str) -> dict[str, str]:
        """Take one token from the bucket and return the rate limit headers."""
        if family in {"projects", "system", "service_account"}:
            # Atlas's list of limits does not have them.
            return {}
        if family in {"snapshots", "sharded_snapshots"}:
            # One bucket for all of a project's cloud backups.
            family = "dedicated"
        elif family == "flex_snapshots":
            family = "flex"
        limit = self._behaviour.limit_of(family)
        taken = self._buckets.take((family, group_id), limit)
        headers = _limit_headers(limit, taken)
        if taken.retry_after is None:
            return headers
        path = request.path.lstrip("/")
        figures = [taken.retry_after, limit.capacity, limit.refill, limit.seconds]
        detail = f"The bucket of {path} is empty for {taken.retry_after} s."
        code = "RATE_LIMITED_TOKEN_BUCKET"
        raise Refusal(atlas_error(429, code, detail, [path, *figures], headers))


def _limit_headers(limit: RateLimit, taken: Taken) -> dict[str, str]:
    headers = {
        "Ratelimit-Limit": str(limit.capacity),
        "Ratelimit-Remaining": str(taken.remaining),
    }
    wait = taken.retry_after
    return headers if wait is None else {**headers, "Retry-After": str(wait)}


def _dressed(request: Request, answer: Answer, headers: dict[str, str], key: str | None) -> Answer:
    """Add envelope, indentation and the headers that every answer of a resource has."""
    headers = {**dict(answer.headers), **headers, "X-Envoy-Upstream-Service-Time": "58"}
    if not answer.body:
        return Answer(answer.status, headers)
    answer = _in_envelope(request, answer, key)
    body = answer.body
    if request.args.get("pretty") == "true":
        body = json.dumps(json.loads(body), indent=2).encode()
    return Answer(answer.status, headers, body)


def _in_envelope(request: Request, answer: Answer, key: str | None) -> Answer:
    """
    With `envelope=true` the true status is in the body, except of a digest challenge.

    The rest is below `key`, or beside the status if there is no key, as in a list.
    """
    challenges = "Www-Authenticate" in dict(answer.headers)
    if challenges or request.args.get("envelope") != "true":
        return answer
    body = json.loads(answer.body) if answer.body else {}
    content = {key: body} if body and key else body
    return Answer(200, answer.headers, json.dumps({"status": answer.status, **content}))
