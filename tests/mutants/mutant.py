"""What a mutant changes in the source; the tables beside this file list them."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

TABLES = Path(__file__).parent


@dataclass(frozen=True)
class Edit:
    """A text of a file under `functions/` that stands there once, and what replaces it."""

    file: str
    old: str
    new: str

    def applied(self, source: str) -> str:
        """Return the source with the change. Raises ValueError if the text is not there once."""
        if source.count(self.old) != 1:
            raise ValueError(f"{self.file} has this {source.count(self.old)} times:\n{self.old}")
        return source.replace(self.old, self.new)

    def lines(self, source: str) -> range:
        """The numbers of the lines that it changes."""
        before = source[: source.index(self.old)]
        first = before.count("\n") + 1
        return range(first, first + self.old.rstrip("\n").count("\n") + 1)


@dataclass(frozen=True)
class Mutant:
    """
    A fault of the product. `says` is what is wrong with it.

    Coverage tells which tests run the changed lines. A mutant that differs only when a process
    dies, or in a process of its own, runs `everywhere`: every test is tried.
    """

    says: str
    edits: tuple[Edit, ...]
    everywhere: bool = False


def read(paths: Iterable[Path] = ()) -> dict[str, Mutant]:
    """Return every mutant by what it says. Raises ValueError if two say the same."""
    found: dict[str, Mutant] = {}
    for path in sorted(paths or TABLES.glob("*.toml")):
        for one in map(_mutant, tomllib.loads(path.read_text())["mutant"]):
            if one.says in found:
                raise ValueError(f"two mutants say: {one.says}")
            found[one.says] = one
    return found


def _mutant(row: Mapping[str, object]) -> Mutant:
    return Mutant(str(row["says"]), tuple(_edits(row)), bool(row.get("everywhere")))


def _edits(row: Mapping[str, object]) -> Iterator[Edit]:
    several = row.get("edits")
    for one in several if isinstance(several, list) else [row]:
        yield Edit(str(one["file"]), str(one["old"]), str(one["new"]))
