"""What a part of the benchmark prints: tables of figures, and its targets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from rich import box
from rich.console import Console
from rich.table import Column, Table

type Row = Sequence[str]
"""The cells of a row: its name first."""


@dataclass(frozen=True)
class Target:
    """A performance target. `met` is true if the value in the text `measured` reaches it."""

    name: str
    aim: str
    measured: str
    met: bool

    @classmethod
    def at_most(
        cls, limit: float, name: str, value: float, unit: str = "", digits: int = 0
    ) -> Self:
        measured = f"{value:,.{digits}f}{unit}"
        return cls(name, f"at most {limit:g}{unit}", measured, met=value <= limit)

    @property
    def row(self) -> Row:
        verdict = "[green]met[/]" if self.met else "[red]missed[/]"
        return (self.name, self.aim, self.measured, verdict)


class Report:
    """Tables, in the order in which they are added. Targets are the last one."""

    def __init__(self, *targets: Target) -> None:
        self._targets = targets
        self._tables = list[Table]()

    def table(self, head: Row, *rows: Row) -> None:
        name, *figures = head
        columns = (Column(figure, justify="right") for figure in figures)
        table = Table(Column(name, no_wrap=True), *columns, box=box.SIMPLE_HEAD)
        for row in rows:
            table.add_row(*row)
        self._tables.append(table)

    def show(self, console: Console) -> None:
        self.table(("target", "aim", "measured", ""), *(target.row for target in self._targets))
        console.print(*self._tables)
