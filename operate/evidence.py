"""
The restores of a period, for an auditor, as CSV and JSON: `make evidence FROM=... TO=...`.

It reads the table of restore jobs with your own AWS credentials, and changes nothing in AWS.
docs/evidence.md says what the files hold and which permissions are needed.

Exit status: 0 if everything was written; 1 if AWS or the disk refused, and nothing was written;
2 if an argument is wrong; 3 if all but the items that could not be read was written.
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from operate.aws import ONE_TRY, PATIENT, Aws
from operate.command_line import run
from operate.deployed_stack import read_stack
from operate.errors import OperateError, plain
from operate.evidence_arguments import EvidenceArguments
from operate.evidence_files import EvidenceFiles
from operate.objectives import Objectives
from operate.restore_evidence import Summary, UnreadableItemError, began_at, read_evidence
from operate.restore_items import Item, read_pages
from restore_watch import __version__
from restore_watch.model.status_change import utc_text

PAGE = "docs/evidence.md"
"""The page with the policy that this command needs."""

UNREADABLE = 3

_SHOWN = 20


class EvidenceCommand:
    """Collects and writes the evidence that the arguments ask for."""

    def __init__(self, wanted: EvidenceArguments, aws: Aws, now: datetime) -> None:
        self._wanted = wanted
        self._aws = aws
        self._now = now
        self._files = EvidenceFiles(wanted.names)

    def run(self) -> int:
        """Write the files. Return the exit status. Raises OperateError."""
        table, own = self._wanted.table or "", Objectives()
        if self._wanted.stack:
            stack = read_stack(self._aws, self._wanted.stack)
            table, own = stack.table_name, stack.objectives
        summary = Summary(self._wanted.objectives(own))
        self._collect(table, summary)
        notes = self._wanted.period.notes(self._now)
        digest = self._files.write({**self._about(table), **summary.as_json(), "notes": notes})
        names = self._files.names
        for line in (*summary.lines(), f"{names.csv}: SHA-256 {digest}", names.json):
            sys.stdout.write(f"{line}\n")
        for note in notes:
            _warn(f"note: {note}")
        return _report_unreadable(summary)

    def _collect(self, table: str, summary: Summary) -> None:
        read, wanted = 0, self._wanted
        pages = read_pages(self._aws, table, wanted.group_id, wanted.cluster_name)
        with Console(stderr=True).status("Reading the table") as status:
            for count, page in pages:
                for item in page:
                    self._add(item, summary)
                read += count
                status.update(f"{read:,} items read, {summary.restores:,} restores of the period")

    def _add(self, item: Item, summary: Summary) -> None:
        try:
            # The cheap half first: most items may be of other periods.
            if began_at(item) in self._wanted.period:
                evidence = read_evidence(item, summary.objectives, self._now)
                self._files.add(evidence)
                summary.add(evidence)
        except UnreadableItemError:
            summary.add_unreadable(item)

    def _about(self, table: str) -> Mapping[str, Any]:
        wanted = self._wanted
        return {
            "madeAt": utc_text(self._now),
            "version": __version__,
            "account": self._account(),
            "region": self._aws.region,
            "stack": wanted.stack,
            "table": table,
            "period": {"from": utc_text(wanted.period.start), "until": utc_text(wanted.period.end)},
            "groupId": wanted.group_id,
            "clusterName": wanted.cluster_name,
        }

    def _account(self) -> str | None:
        """The number of the AWS account. None if STS cannot be reached, which is no failure."""
        try:
            answer = self._aws.ask("sts", "get_caller_identity", "Account", config=ONE_TRY)
        except OperateError:
            return None
        return str(answer["Account"])


def _report_unreadable(summary: Summary) -> int:
    if not summary.unreadable:
        return 0
    for key in summary.unreadable[:_SHOWN]:
        _warn(f"cannot read the item {key['cluster']} {key['restoreId']}")
    _warn(
        f"items that this version cannot read: {len(summary.unreadable)}. The JSON lists them "
        "under `unreadable`. Use the version that wrote them"
    )
    return UNREADABLE


def _warn(text: str) -> None:
    sys.stderr.write(f"evidence: {plain(text)}\n")


def _evidence(words: Sequence[str] | None) -> int:
    now = datetime.now(UTC)
    wanted = EvidenceArguments.read(words, __doc__, now)
    with Aws(PAGE, PATIENT) as aws:
        return EvidenceCommand(wanted, aws, now).run()


def main(words: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    return run("evidence", lambda: _evidence(words), "stopped; nothing was written")


if __name__ == "__main__":
    sys.exit(main())
