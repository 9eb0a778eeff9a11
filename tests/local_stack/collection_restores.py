"""Collection restore jobs as Atlas's specification describes them; none was ever recorded."""

from typing import Any

from local_stack.restores import EmulatedRestore, Kind, date

COLLECTION_TIMELINE = ("INITIALIZING", "IN_PROGRESS", "FINALIZING", "SUCCESSFUL")

_FINISHED = "+finished"
_ENDS = {"SUCCESSFUL", "FAILED", "CANCELED"}


class CollectionRestore(EmulatedRestore):
    """
    A restore of some collections. Its steps are its states; any word is allowed.

    `WORD+finished` is a word with a finish date.
    """

    def _enter(self, step: str) -> None:
        if step in _ENDS or step.endswith(_FINISHED):
            self.finished = self.clock()

    def _body(self, _kind: Kind | None, _host: str, /) -> dict[str, Any]:
        is_done = self.step == "SUCCESSFUL"
        body: dict[str, Any] = {
            "collectionSuffix": "_restored",
            "collections": [
                {"sourceNamespace": "sales.orders", "targetNamespace": "sales.orders_restored"}
            ],
            "createdAt": date(self.scheduled),
            "databaseSuffix": "",
            "databases": [],
            "id": self.restore_id,
            "indexStatus": {
                "failedCollectionCount": 0,
                "state": "SUCCESSFUL" if is_done else "IN_PROGRESS",
            },
            "indexStrategy": "ALL",
            "restoredDocuments": 20_000 if is_done else 15_500,
            "snapshotId": self.snapshot_id,
            "state": self.step.removesuffix(_FINISHED),
            "targetClusterName": self.target_cluster,
            "targetGroupId": self.target_group,
            "totalDocuments": 20_000,
            "writeStrategy": "CREATE_NEW",
        }
        if self.finished is not None:
            body["finishedAt"] = date(self.finished)
            if not is_done:
                # Free text: nobody says what Atlas writes into it.
                body["errorMessage"] = f"Stopped while reading {self.download_url}"
        return body
