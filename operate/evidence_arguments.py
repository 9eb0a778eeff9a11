"""The arguments of `make evidence`, checked before any call."""

import re
from argparse import RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from re import Pattern
from typing import Self

from operate.command_line import OneLineParser
from operate.deployed_stack import DEFAULT_NAME, STACK_NAME
from operate.errors import ArgumentError
from operate.evidence_files import Names
from operate.objectives import seconds
from operate.period import Period, read_period

_GROUP_ID = re.compile(r"[a-f0-9]{24}")
_CLUSTER_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-]{0,63}")
_TABLE_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}")

_FORMS: dict[str, tuple[Pattern[str], str]] = {
    "STACK": (STACK_NAME, f"the name of a stack, such as {DEFAULT_NAME}"),
    "TABLE": (_TABLE_NAME, "the name of a table, the stack's output TableName"),
    "PROJECT": (_GROUP_ID, "the id of a project, 24 of 0-9 and a-f"),
    "CLUSTER": (_CLUSTER_NAME, "a cluster's letters, digits and hyphens"),
}


@dataclass(frozen=True)
class EvidenceArguments:
    """
    What the command is asked for.

    `stack` is None if `table` names the table. `rto` and `rpo` are seconds, 0 for none; if they are
    None, the stack's own count.
    """

    period: Period
    names: Names
    stack: str | None
    table: str | None
    group_id: str | None
    cluster_name: str | None
    rto: float | None
    rpo: float | None

    @classmethod
    def read(cls, words: Sequence[str] | None, description: str | None, now: datetime) -> Self:
        """Read the words of the command line. Raises ArgumentError."""
        parser = OneLineParser(
            prog="python -m operate.evidence",
            allow_abbrev=False,
            description=description,
            formatter_class=RawDescriptionHelpFormatter,
        )
        for name in ("from", "to", *map(str.lower, _FORMS), "rto", "rpo"):
            parser.add_argument(f"--{name}")
        parser.add_argument("--out", default="evidence")
        given = {name.upper(): text for name, text in vars(parser.parse_args(words)).items()}
        for name, (form, expected) in _FORMS.items():
            text = given[name]
            if text is not None and not form.fullmatch(text):
                raise ArgumentError(name, f"{text[:60]!a} is not {expected}")
        if given["CLUSTER"] and not given["PROJECT"]:
            raise ArgumentError("CLUSTER", "needs PROJECT, because other projects may have one too")
        if given["STACK"] and given["TABLE"]:
            raise ArgumentError("TABLE", "stands in place of STACK; expected one of them")
        return cls(
            period=read_period(given["FROM"], given["TO"], now),
            names=Names.of(given["OUT"]),
            stack=None if given["TABLE"] else given["STACK"] or DEFAULT_NAME,
            table=given["TABLE"],
            group_id=given["PROJECT"],
            cluster_name=given["CLUSTER"],
            rto=_objective("RTO", given["RTO"]),
            rpo=_objective("RPO", given["RPO"]),
        )


def _objective(name: str, text: str | None) -> float | None:
    try:
        return None if text is None else seconds(text)
    except ValueError as error:
        raise ArgumentError(name, str(error)) from None
