"""
The restores of a period, for an auditor, as CSV and JSON: `make evidence FROM=... TO=...`.

It reads the table of restore jobs with your own AWS credentials, and changes nothing in AWS.
docs/evidence.md says what the files hold and which permissions are needed.

Exit status: 0 if everything was written; 1 if AWS or the disk refused, and nothing was written;
2 if an argument is wrong; 3 if all but the items that could not be read was written.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from rich.console import Console

from foundation import __version__
from foundation.clock import in_utc
from operate.aws import ONE_TRY, PATIENT, Aws
from operate.command_line import read_words, run
from operate.deployed_stack import DEFAULT_NAME, STACK_NAME, read_stack
from operate.errors import ArgumentError, OperateError, plain
from operate.evidence_files import EvidenceFiles, Names
from operate.restore_evidence import (
    Objectives,
    Summary,
    UnreadableItemError,
    began_at,
    read_evidence,
    read_minutes,
)
from restore_watch.model.status_change import utc_text
from restore_watch.table.stored_fields import RETENTION

PAGE = "docs/evidence.md"
"""The page with the policy that this command needs."""

UNREADABLE = 3

RTO_PARAMETER, RPO_PARAMETER = "RtoMinutes", "RpoMinutes"
"""The stack's own objectives. A stack of an older version has no such parameters."""

_SHOWN = 20

_KEY = ("cluster", "restoreId")

_FORMS = {
    "STACK": (STACK_NAME, f"the name of a stack, such as {DEFAULT_NAME}"),
    "TABLE": (
        re.compile(r"[a-zA-Z0-9_.-]{3,255}"),
        "the name of a table, the stack's output TableName",
    ),
    "PROJECT": (re.compile(r"[a-f0-9]{24}"), "the id of a project, 24 of 0-9 and a-f"),
    "CLUSTER": (
        re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-]{0,63}"),
        "a cluster's letters, digits and hyphens",
    ),
}

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?")

_EXPECTED = "expected a UTC date such as 2026-11-01, or a moment such as 2026-11-01T08:00:00Z"

type Item = Mapping[str, Any]
"""An item in DynamoDB's types."""


@dataclass(frozen=True)
class Period:
    """From `start` until before `end`, in UTC."""

    start: datetime
    end: datetime

    @classmethod
    def read(cls, since: str | None, until: str | None, now: datetime) -> Self:
        """
        Read FROM and TO. A day as TO is included, a moment is not.

        A moment without an offset is UTC. Raises ArgumentError.
        """
        start, _ = _read_moment("FROM", since)
        end, is_day = _read_moment("TO", until)
        if is_day:
            try:
                end += timedelta(days=1)
            except OverflowError:
                raise ArgumentError("TO", f"{until} is too late") from None
        if start >= end:
            raise ArgumentError("TO", "must be later than FROM")
        if start > now:
            raise ArgumentError("FROM", f"{since} is in the future, so no restore can have begun")
        return cls(start, end)

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def notes(self, now: datetime) -> list[str]:
        """Return notes on this period for a reader of the evidence."""
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


def _read_moment(name: str, text: str | None) -> tuple[datetime, bool]:
    """Return the moment, and whether it is the beginning of a whole day."""
    if not text:
        raise ArgumentError(name, f"is missing; {_EXPECTED}")
    is_day = bool(_DAY.fullmatch(text))
    try:
        if is_day or _MOMENT.fullmatch(text):
            return in_utc(datetime.fromisoformat(text)), is_day
    except ValueError:
        pass
    raise ArgumentError(name, f"{text[:60]!a} is not a date; {_EXPECTED}")


@dataclass(frozen=True)
class Arguments:
    """
    The arguments of the command.

    `stack`: None if `table` names the table. `rto`, `rpo`: zero for none; None for the stack's own.
    """

    period: Period
    names: Names
    stack: str | None
    table: str | None
    group_id: str | None
    cluster_name: str | None
    rto: timedelta | None
    rpo: timedelta | None

    @classmethod
    def read(cls, words: Sequence[str] | None, now: datetime) -> Self:
        """Read the words of the command line. Raises ArgumentError."""
        names = ("from", "to", *map(str.lower, _FORMS), "rto", "rpo", "out")
        read = read_words("evidence", __doc__, words, names)
        given = {name.upper(): text for name, text in read.items()}
        for name, (form, expected) in _FORMS.items():
            text = given[name]
            if text is not None and not form.fullmatch(text):
                raise ArgumentError(name, f"{text[:60]!a} is not {expected}")
        if given["CLUSTER"] and not given["PROJECT"]:
            raise ArgumentError("CLUSTER", "needs PROJECT, because other projects may have one too")
        if given["STACK"] and given["TABLE"]:
            raise ArgumentError("TABLE", "stands in place of STACK; expected one of them")
        return cls(
            period=Period.read(given["FROM"], given["TO"], now),
            names=Names.of("evidence" if given["OUT"] is None else given["OUT"]),
            stack=None if given["TABLE"] else given["STACK"] or DEFAULT_NAME,
            table=given["TABLE"],
            group_id=given["PROJECT"],
            cluster_name=given["CLUSTER"],
            rto=_read_objective("RTO", given["RTO"]),
            rpo=_read_objective("RPO", given["RPO"]),
        )

    def objectives(self, parameters: Mapping[str, str]) -> Objectives:
        """Return the given objectives, otherwise the stack's own. Raises OperateError."""
        rto, rpo = (
            _objective_of_stack(parameters, name) if given is None else given
            for name, given in ((RTO_PARAMETER, self.rto), (RPO_PARAMETER, self.rpo))
        )
        return Objectives(rto=rto or None, rpo=rpo or None)


def _read_objective(name: str, text: str | None) -> timedelta | None:
    try:
        return None if text is None else read_minutes(text)
    except ValueError as error:
        raise ArgumentError(name, str(error)) from None


def _objective_of_stack(parameters: Mapping[str, str], name: str) -> timedelta:
    try:
        return read_minutes(parameters.get(name, "0"))
    except ValueError as error:
        msg = f"the parameter {name} of the stack is wrong: {error}"
        raise OperateError(msg) from None


def _write_evidence(wanted: Arguments, aws: Aws, now: datetime) -> int:
    """Write the files. Return the exit status. Raises OperateError."""
    stack = read_stack(aws, wanted.stack) if wanted.stack else None
    table = stack.table_name if stack else wanted.table or ""
    summary = Summary(wanted.objectives(stack.parameters if stack else {}))
    files = EvidenceFiles(wanted.names)
    read = 0
    with Console(stderr=True).status("Reading the table") as status:
        for count, jobs in _read_table(aws, table, wanted.group_id, wanted.cluster_name):
            for item in jobs:
                _add(item, wanted.period, now, files, summary)
            read += count
            status.update(f"{read:,} items read, {summary.restores:,} restores of the period")
    notes = wanted.period.notes(now)
    about = {
        "madeAt": utc_text(now),
        "version": __version__,
        "account": _account(aws),
        "region": aws.region,
        "stack": wanted.stack,
        "table": table,
        "period": {"from": utc_text(wanted.period.start), "until": utc_text(wanted.period.end)},
        "groupId": wanted.group_id,
        "clusterName": wanted.cluster_name,
    }
    digest = files.write({**about, **summary.as_json(), "notes": notes})
    for line in (*summary.lines(), f"{wanted.names.csv}: SHA-256 {digest}", wanted.names.json):
        sys.stdout.write(f"{line}\n")
    for note in notes:
        _warn(f"note: {note}")
    return _report_unreadable(summary)


def _read_table(
    aws: Aws, table: str, group_id: str | None, cluster_name: str | None
) -> Iterator[tuple[int, list[Item]]]:
    """
    Yield, for each page, the number of items read, and the jobs of the project or cluster in it.

    A cluster is one partition, which is queried; everything else is a scan. Reads are consistent.
    They cost twice as much, which is cents for 100,000 jobs, and show even an item that was stored
    a second ago. Raises OperateError.
    """
    not_ours = (
        f"The table {table} is not the table of restore jobs: the stack's output TableName is"
    )
    fixes = {
        "ResourceNotFoundException": f"There is no table {table} in {aws.region}. Name it with "
        "TABLE=..., and its region with AWS_REGION=...",
        "ValidationException": not_ours,
    }
    operation, what = "scan", {"TableName": table, "ConsistentRead": True}
    if cluster_name is not None:
        operation, what = (
            "query",
            what
            | {
                "KeyConditionExpression": "#cluster = :cluster",
                "ExpressionAttributeNames": {"#cluster": "cluster"},
                "ExpressionAttributeValues": {":cluster": {"S": f"{group_id}/{cluster_name}"}},
            },
        )
    for items in aws.pages("dynamodb", operation, "Items", fixes=fixes, **what):
        if any("S" not in item.get(name, ()) for item in items for name in _KEY):
            raise OperateError(not_ours)
        yield len(items), [item for item in items if _is_job(item, group_id)]


def _is_job(item: Item, group_id: str | None) -> bool:
    """Whether this is a job of the project. The partition key of bookkeeping has no slash."""
    project, slash, _ = item["cluster"]["S"].partition("/")
    return bool(slash) and group_id in {None, project}


def _add(item: Item, period: Period, now: datetime, files: EvidenceFiles, summary: Summary) -> None:
    try:
        # The cheap half first: most items may be of other periods.
        if began_at(item) in period:
            evidence = read_evidence(item, summary.objectives, now)
            files.add(evidence)
            summary.add(evidence)
    except UnreadableItemError:
        summary.add_unreadable(item)


def _account(aws: Aws) -> str | None:
    """Return the number of the AWS account. None if STS does not answer, which is no failure."""
    try:
        answer = aws.ask("sts", "get_caller_identity", "Account", config=ONE_TRY)
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
    wanted = Arguments.read(words, now)
    with Aws(PAGE, PATIENT) as aws:
        return _write_evidence(wanted, aws, now)


def main(words: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    return run("evidence", lambda: _evidence(words), "stopped; nothing was written")


if __name__ == "__main__":
    sys.exit(main())
