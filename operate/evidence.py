"""
The restores of a period, for an auditor, as CSV and JSON.

It reads the table of restore jobs with your own AWS credentials, and changes nothing in AWS.
docs/report.md says what the files hold and which permissions are needed.

Exit status: 0 if everything was written; 1 if AWS or the disk refused, and nothing was written;
2 if an argument is wrong; 3 if all but the items that could not be read was written.
"""

import re
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from foundation import __version__
from foundation.clock import in_utc, utc_text
from foundation.retention import RETENTION
from operate.aws import LOOKING, PATIENT, Aws
from operate.deployed_stack import DEFAULT_NAME, TABLE_OUTPUT, read_stack, read_stack_name
from operate.errors import ArgumentError, OperateError, plain
from operate.evidence_files import EvidenceFiles, read_out
from operate.evidence_summary import EvidenceSummary
from operate.text_of_form import text_of_form
from restore_watch.model.objectives import Objectives
from restore_watch.report.restores.stored_restores import (
    UnreadableItemError,
    began_at,
    is_restore,
    read_evidence,
    shown_key,
)

STOPPED = "stopped; nothing was written"

RTO_PARAMETER, RPO_PARAMETER = "RtoMinutes", "RpoMinutes"
"""The stack's own objectives. A stack of an older version has no such parameters."""

_read_number = text_of_form(
    r"[0-9]{1,7}(\.[0-9]{1,6})?", "a number of minutes; expected one such as 60, or 0 for none"
)

type Item = Mapping[str, Any]
"""An item in DynamoDB's types."""


class Arguments(Namespace):
    """The arguments of the command. `rto`, `rpo`: zero for none; None for the stack's own."""

    start: datetime
    end: datetime
    stack: str
    table: str | None
    project: str | None
    cluster: str | None
    rto: timedelta | None
    rpo: timedelta | None
    out: Path

    def check(self, now: datetime) -> None:
        """Raises ArgumentError if the arguments contradict each other, or the clock."""
        if self.cluster and not self.project:
            raise ArgumentError("--cluster needs --project: other projects may have one too")
        if self.start >= self.end:
            raise ArgumentError("--to must be later than --from")
        if self.start > now:
            raise ArgumentError("--from is in the future, so no restore can have begun")

    def includes(self, moment: datetime) -> bool:
        """Whether the moment is in the period."""
        return self.start <= moment < self.end

    def notes(self, now: datetime) -> list[str]:
        """Return notes on the period for a reader of the evidence."""
        oldest = now - RETENTION
        notes = []
        if self.start < oldest:
            notes.append(
                f"The table keeps a restore for {RETENTION.days} days after its last change: those "
                f"that began before {oldest:%Y-%m-%d} may be missing."
            )
        if self.end > now:
            notes.append("The period has not ended: more restores may begin in it.")
        return notes

    def objectives(self, parameters: Mapping[str, str]) -> Objectives:
        """Return the given objectives, otherwise the stack's own."""
        rto, rpo = (
            read_minutes(parameters.get(name, "0")) if given is None else given
            for name, given in ((RTO_PARAMETER, self.rto), (RPO_PARAMETER, self.rpo))
        )
        return Objectives(rto=rto or None, rpo=rpo or None)


def add_arguments(line: ArgumentParser) -> None:
    """Add the arguments of the command."""
    a_day = "a UTC date such as 2026-11-01"
    line.add_argument(
        "--from", dest="start", metavar="FROM", type=_read_moment, required=True, help=a_day
    )
    line.add_argument(
        "--to",
        dest="end",
        metavar="TO",
        type=_read_end,
        required=True,
        help="the last day, or a moment",
    )
    source = line.add_mutually_exclusive_group()
    source.add_argument(
        "--stack", type=read_stack_name, default=DEFAULT_NAME, help="default: %(default)s"
    )
    table = r"[a-zA-Z0-9_.-]{3,255}", "the name of a table, the stack's output TableName"
    source.add_argument("--table", type=text_of_form(*table), help="of a stack that is gone")
    project = r"[a-f0-9]{24}", "the id of a project, 24 of 0-9 and a-f"
    line.add_argument("--project", type=text_of_form(*project), help="id of a single project")
    cluster = r"[a-zA-Z0-9][a-zA-Z0-9-]{0,63}", "a cluster's letters, digits and hyphens"
    line.add_argument(
        "--cluster", type=text_of_form(*cluster), help="a single cluster of this project"
    )
    line.add_argument(
        "--rto", type=read_minutes, metavar="MINUTES", help="default: the stack's own; 0 for none"
    )
    line.add_argument("--rpo", type=read_minutes, metavar="MINUTES", help="the same")
    line.add_argument(
        "--out",
        type=read_out,
        default="evidence",
        help="the files without .csv and .json; default: %(default)s",
    )


def read_minutes(text: str) -> timedelta:
    """Read a number of minutes; 0 is for none. Raises ArgumentTypeError."""
    return timedelta(minutes=float(_read_number(text)))


def _read_moment(text: str) -> datetime:
    """A moment without an offset is UTC."""
    with suppress(ValueError):
        # ISO 8601 has weeks as well, whose first day Python returns.
        if re.match(r"\d{4}-\d{2}-\d{2}", text):
            return in_utc(datetime.fromisoformat(text))
    expected = "expected a UTC date such as 2026-11-01, or a moment such as 2026-11-01T08:00:00Z"
    raise ArgumentTypeError(f"{text[:60]!a} is not a date; {expected}")


def _read_end(text: str) -> datetime:
    """A day is included, a moment is not."""
    end = _read_moment(text)
    with suppress(ValueError, OverflowError):
        date.fromisoformat(text)
        end += timedelta(days=1)
    return end


def _write_evidence(wanted: Arguments, aws: Aws, now: datetime) -> int:
    stack = None if wanted.table else read_stack(aws, wanted.stack)
    table = stack.output(TABLE_OUTPUT) if stack else str(wanted.table)
    summary = EvidenceSummary(wanted.objectives(stack.parameters if stack else {}))
    files = EvidenceFiles(wanted.out)
    read = 0
    with Console(stderr=True).status("Reading the table") as status:
        for items in _read_table(aws, table, wanted):
            for item in items:
                _add(item, wanted, now, files, summary)
            read += len(items)
            status.update(f"{read:,} items read, {summary.restores:,} restores of the period")
    notes = wanted.notes(now)
    about = {
        "madeAt": utc_text(now),
        "version": __version__,
        "account": _account(aws),
        "region": aws.region,
        "stack": stack and stack.name,
        "table": table,
        "period": {"from": utc_text(wanted.start), "until": utc_text(wanted.end)},
        "groupId": wanted.project,
        "clusterName": wanted.cluster,
    }
    digest = files.write({**about, **summary.as_json(), "notes": notes})
    for line in (*summary.lines(), f"{files.csv}: SHA-256 {digest}", files.json):
        sys.stdout.write(f"{line}\n")
    for note in notes:
        _warn(f"note: {note}")
    return _report_unreadable(summary)


def _read_table(aws: Aws, table: str, wanted: Arguments) -> Iterator[list[Item]]:
    """
    Yield the items of each page of the table, or of a cluster, which is one partition.

    Reads are consistent. They cost twice as much, which is cents for 100,000 jobs, and show even an
    item that was stored a second ago. Raises OperateError.
    """
    not_ours = (
        f"The table {table} is not the table of restore jobs: the stack's output TableName is"
    )
    fixes = {
        "ResourceNotFoundException": f"There is no table {table} in {aws.region}. Name it with "
        "--table, and its region with AWS_REGION",
        "ValidationException": not_ours,
    }
    partition = {
        "KeyConditionExpression": "#cluster = :cluster",
        "ExpressionAttributeNames": {"#cluster": "cluster"},
        "ExpressionAttributeValues": {":cluster": {"S": f"{wanted.project}/{wanted.cluster}"}},
    }
    operation, what = ("query", partition) if wanted.cluster else ("scan", {})
    for items in aws.pages(
        "dynamodb", operation, "Items", fixes=fixes, TableName=table, ConsistentRead=True, **what
    ):
        if any(
            "S" not in item.get(name, ()) for item in items for name in ("cluster", "restoreId")
        ):
            raise OperateError(not_ours)
        yield items


def _add(
    item: Item, wanted: Arguments, now: datetime, files: EvidenceFiles, summary: EvidenceSummary
) -> None:
    if not is_restore(item, wanted.project):
        return
    try:
        # The cheap half first: most items may be of other periods.
        if wanted.includes(began_at(item)):
            evidence = read_evidence(item, now)
            files.add(evidence, summary.objectives)
            summary.add_restore(evidence)
    except UnreadableItemError:
        summary.unreadable.append(shown_key(item))


def _account(aws: Aws) -> str | None:
    """Return the number of the AWS account. None if STS does not answer, which is no failure."""
    with suppress(OperateError):
        return str(aws.ask("sts", "get_caller_identity", "Account", config=LOOKING)["Account"])
    return None


def _report_unreadable(summary: EvidenceSummary) -> int:
    if not summary.unreadable:
        return 0
    for key in summary.unreadable[:20]:
        _warn(f"cannot read the item {key['cluster']} {key['restoreId']}")
    _warn(
        f"items that this version cannot read: {len(summary.unreadable)}. The JSON lists them "
        "under `unreadable`. Use the version that wrote them"
    )
    return 3


def _warn(text: str) -> None:
    sys.stderr.write(f"evidence: {plain(text)}\n")


def run(given: Namespace) -> int:
    """Run the command and return its exit status. Raises OperateError."""
    now = datetime.now(UTC)
    wanted = Arguments(**vars(given))
    wanted.check(now)
    with Aws("docs/report.md", PATIENT) as aws:
        return _write_evidence(wanted, aws, now)
