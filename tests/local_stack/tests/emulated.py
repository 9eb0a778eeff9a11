"""An emulated Atlas with one service account and one API key, and a client of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx

from local_stack.atlas import AtlasEmulator, Clock, EmulatedRestore, Kind

GROUP = "5f0000000000000000000a01"
RESTORE = "6b4a0f800000000000000b01"
ACCOUNT = ("mdb_sa_id_emulated", "mdb_sa_sk_emulated secret/+")
KEY = ("emulated", "11111111-2222-3333-4444-555555555555")
NOON = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)

PATHS: dict[Kind, str] = {
    "flex": "flexClusters/source/backup/restoreJobs",
    "dedicated": "clusters/source/backup/restoreJobs",
    "tenant": "clusters/source/backup/tenant/restores",
    "collection": "clusters/source/collectionRestoreJobs",
}


class Place:
    """An emulator with a clock that stands still, and a client of it."""

    def __init__(self, atlas: AtlasEmulator, clock: Clock) -> None:
        self.atlas = atlas
        self.clock = clock
        self.digest = httpx.Client(
            base_url=atlas.url,
            auth=httpx.DigestAuth(*KEY),
            headers={"Accept": "application/vnd.atlas.2025-03-12+json"},
            trust_env=False,
        )

    def start(self, kind: Kind = "flex", *timeline: str, **facts: Any) -> EmulatedRestore:
        """Start a job of the cluster `source`."""
        facts.setdefault("restore_id", RESTORE)
        return self.atlas.start_restore(GROUP, "source", kind, timeline=timeline or None, **facts)

    def of_project(self, path: str, **query: str | list[str]) -> httpx.Response:
        return self.digest.get(f"/api/atlas/v2/groups/{GROUP}/{path}", params=query)

    def get(self, kind: Kind = "flex") -> httpx.Response:
        return self.of_project(f"{PATHS[kind]}/{RESTORE}")

    def list(self, kind: Kind = "flex", **query: str) -> httpx.Response:
        return self.of_project(PATHS[kind], **query)

    def token(self, secret: str = ACCOUNT[1]) -> httpx.Response:
        form = {"grant_type": "client_credentials"}
        return self.digest.post("/api/oauth/token", auth=(ACCOUNT[0], secret), data=form)


type Change = Callable[[Place], object]
"""What a test does to the emulator."""
