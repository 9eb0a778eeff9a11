"""An emulated Atlas with one service account and one API key, and a client of it."""

from collections import deque
from datetime import UTC, datetime

import httpx

from local_stack.atlas import AtlasEmulator, Clock, EmulatedRestore, Kind

GROUP = "5f0000000000000000000a01"
RESTORE = "6b4a0f800000000000000b01"
ACCEPT = "application/vnd.atlas.2025-03-12+json"
ACCOUNT = ("mdb_sa_id_emulated", "mdb_sa_sk_emulated secret/+")
KEY = ("emulated", "11111111-2222-3333-4444-555555555555")
NOON = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)

type Value = str | list[str]
"""A query parameter, or one that is repeated."""

PATHS: dict[Kind, str] = {
    "flex": "flexClusters/{}/backup/restoreJobs/{}",
    "dedicated": "clusters/{}/backup/restoreJobs/{}",
    "tenant": "clusters/{}/backup/tenant/restores/{}",
    "collection": "clusters/{}/collectionRestoreJobs/{}",
}


class Place:
    """An emulator with a clock that stands still, and a client of it."""

    def __init__(self, atlas: AtlasEmulator, clock: Clock) -> None:
        self.atlas = atlas
        self.clock = clock
        self.digest = httpx.Client(
            base_url=atlas.url,
            auth=httpx.DigestAuth(*KEY),
            headers={"Accept": ACCEPT},
            trust_env=False,
        )

    def start(self, kind: Kind = "flex", count: int = 1) -> list[EmulatedRestore]:
        """Start jobs of one cluster a minute apart and return them, the newest first."""
        restores = deque[EmulatedRestore]()
        for _ in range(count):
            self.clock.advance(60)
            restores.appendleft(self.atlas.start_restore(GROUP, "source", kind))
        return list(restores)

    def url(self, kind: Kind, cluster: str = "source", group: str = GROUP) -> str:
        return f"/api/atlas/v2/groups/{group}/{PATHS[kind].format(cluster, RESTORE)}"

    def get(self, kind: Kind, cluster: str = "source", **query: str) -> httpx.Response:
        return self.digest.get(self.url(kind, cluster), params=query)

    def list(self, kind: Kind, cluster: str = "source", **query: str) -> httpx.Response:
        path = self.url(kind, cluster).removesuffix(f"/{RESTORE}")
        return self.digest.get(path, params=query)

    def of_project(self, path: str, group: str = GROUP, /, **query: Value) -> httpx.Response:
        return self.digest.get(f"/api/atlas/v2/groups/{group}/{path}", params=query)

    def projects(self, **query: str) -> httpx.Response:
        return self.digest.get("/api/atlas/v2/groups", params=query)

    def token(self, **form: str) -> httpx.Response:
        form = form or {"grant_type": "client_credentials"}
        return self.digest.post("/api/oauth/token", auth=ACCOUNT, data=form)

    def bearer(self, token: str, kind: Kind = "flex") -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return self.digest.get(self.url(kind), headers=headers, auth=None)
