"""What a client keeps in mind of the clusters it asked for."""

import json
from typing import Any

import httpx

from restore_watch.atlas.client import CLUSTERS_REMEMBERED, AtlasClient
from restore_watch.atlas.credentials import ApiKey
from restore_watch.deadline import Deadline
from restore_watch.restore_job import RestoreTarget

GROUP = "5f0000000000000000000a01"
RESTORE = "6b4a0f800000000000000b01"


def answer(status: int, said: dict[str, Any]) -> httpx.Response:
    """Not read yet, as one that comes over a network."""
    return httpx.Response(status, stream=httpx.ByteStream(json.dumps(said).encode()))


class DedicatedOnly:
    """An Atlas without Flex clusters; `asked` are the kinds of endpoint that were tried."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        flex = "/flexClusters/" in request.url.path
        self.asked.append("flex" if flex else "dedicated")
        if flex:
            said = {"error": 400, "errorCode": "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API"}
            return answer(400, said)
        return answer(200, {"id": RESTORE, "deliveryType": "automated"})


def test_the_cluster_asked_for_longest_ago_is_forgotten_first() -> None:
    atlas = DedicatedOnly()
    with httpx.Client(transport=httpx.MockTransport(atlas)) as http:
        client = AtlasClient("https://cloud.mongodb.com", http)

        def ask(number: int) -> list[str]:
            atlas.asked.clear()
            target = RestoreTarget.model_validate(
                {"groupId": GROUP, "clusterName": f"orders-{number}", "restoreId": RESTORE}
            )
            client.get_restore_job(target, ApiKey("public", "private"), Deadline.after(60))
            return list(atlas.asked)

        for number in range(CLUSTERS_REMEMBERED):
            assert ask(number) == ["flex", "dedicated"]
        assert ask(0) == ["dedicated"]

        assert ask(CLUSTERS_REMEMBERED) == ["flex", "dedicated"]
        assert ask(0) == ["dedicated"]
        assert ask(1) == ["flex", "dedicated"]
