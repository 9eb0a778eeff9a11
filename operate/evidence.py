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

from operate.aws_clients import AwsClients
from operate.aws_refusal import called
from operate.deployed_stack import read_stack
from operate.errors import INTERRUPTED, OperateError
from operate.evidence_arguments import EvidenceArguments
from operate.evidence_files import EvidenceFiles
from operate.objectives import Objectives
from operate.restore_evidence import UnreadableItemError, began_at, read_evidence
from operate.restore_items import Item, RestoreItems
from operate.summary import Summary
from restore_watch import __version__
from restore_watch.model.status_change import utc_text

PAGE = "docs/evidence.md"
"""The page with the policy that this command needs."""

UNREADABLE = 3

_SHOWN = 20


class EvidenceCommand:
    """Collects and writes the evidence that the arguments ask for."""

    def __init__(self, wanted: EvidenceArguments, aws: AwsClients, now: datetime) -> None:
        self._wanted = wanted
        self._aws = aws
        self._now = now
        self._objectives = Objectives()
        self._table = wanted.table or ""

    def run(self, progress: Console, results: Console) -> int:
        """Write the files. Return the exit status. Raises OperateError."""
        self._find_table()
        files = EvidenceFiles(self._wanted.names)
        summary = self._collect(files, progress)
        notes = self._wanted.period.notes(self._now)
        digest = files.write({**self._about(), **summary.as_json(), "notes": notes})
        for line in (*summary.lines(), f"{files.names.csv}: SHA-256 {digest}", files.names.json):
            _say(results, line)
        for note in notes:
            _say(progress, f"evidence: note: {note}")
        return _report_unreadable(summary, progress)

    def _find_table(self) -> None:
        own = Objectives()
        if self._wanted.stack:
            stack = read_stack(self._aws.cloudformation, self._wanted.stack, PAGE)
            self._table, own = stack.table_name, stack.objectives
        rto, rpo = self._wanted.rto, self._wanted.rpo
        self._objectives = Objectives(
            rto=own.rto if rto is None else rto or None, rpo=own.rpo if rpo is None else rpo or None
        )

    def _collect(self, files: EvidenceFiles, progress: Console) -> Summary:
        summary = Summary(self._objectives)
        items = RestoreItems(self._aws.dynamodb, self._table, PAGE)
        read = 0
        with progress.status("Reading the table") as status:
            for count, page in items.pages(self._wanted.group_id, self._wanted.cluster_name):
                for item in page:
                    self._add(item, summary, files)
                read += count
                status.update(f"{read:,} items read, {summary.restores:,} restores of the period")
        return summary

    def _add(self, item: Item, summary: Summary, files: EvidenceFiles) -> None:
        try:
            # The cheap half first: most items may be of other periods.
            if began_at(item) in self._wanted.period:
                evidence = read_evidence(item, self._objectives, self._now)
                files.add(evidence)
                summary.add(evidence)
        except UnreadableItemError:
            summary.add_unreadable(item)

    def _about(self) -> Mapping[str, Any]:
        wanted = self._wanted
        return {
            "madeAt": utc_text(self._now),
            "version": __version__,
            "account": self._account(),
            "region": self._aws.region,
            "stack": wanted.stack,
            "table": self._table,
            "period": {"from": utc_text(wanted.period.start), "until": utc_text(wanted.period.end)},
            "groupId": wanted.group_id,
            "clusterName": wanted.cluster_name,
        }

    def _account(self) -> str | None:
        """The number of the AWS account. None if STS cannot be reached, which is no failure."""
        action = "sts:GetCallerIdentity"
        try:
            answer = called(
                action, self._aws.sts.get_caller_identity, "Account", policy_page=PAGE, fixes={}
            )
        except OperateError:
            return None
        return str(answer["Account"])


def main(words: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status. Errors are one line each."""
    now = datetime.now(UTC)
    progress, results = Console(stderr=True), Console()
    try:
        wanted = EvidenceArguments.read(words, __doc__, now)
        with AwsClients() as aws:
            return EvidenceCommand(wanted, aws, now).run(progress, results)
    except OperateError as error:
        _say(progress, f"evidence: {error}")
        return error.exit_status
    except KeyboardInterrupt:
        _say(progress, "evidence: stopped; nothing was written")
        return INTERRUPTED


def _report_unreadable(summary: Summary, progress: Console) -> int:
    if not summary.unreadable:
        return 0
    for key in summary.unreadable[:_SHOWN]:
        _say(progress, f"evidence: cannot read the item {key['cluster']} {key['restoreId']}")
    _say(
        progress,
        f"evidence: items that this version cannot read: {len(summary.unreadable)}. The JSON lists "
        "them under `unreadable`. Use the version that wrote them",
    )
    return UNREADABLE


def _say(console: Console, line: object) -> None:
    console.print(str(line), markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
