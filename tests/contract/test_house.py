"""The bounds of the house, beside those that ruff and the import contracts hold."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path for folder in ("functions", "operate") for path in ROOT.glob(f"{folder}/**/*.py")
)

LONGEST_FILE, LONGEST_FUNCTION, MOST_ATTRIBUTES = 250, 40, 7
"""Lines of a file and of a function, and the attributes of a class that changes."""


def test_files_functions_and_classes_keep_their_bounds() -> None:
    beyond: dict[str, int] = {}
    for path in FILES:
        text = path.read_text()
        beyond |= _beyond(LONGEST_FILE, {path.name: len(text.splitlines())})
        nodes = list(ast.walk(ast.parse(text)))
        functions = {one.name: _lines(one) for one in nodes if isinstance(one, ast.FunctionDef)}
        beyond |= _beyond(LONGEST_FUNCTION, functions)
        classes = {one.name: _attributes(one) for one in nodes if isinstance(one, ast.ClassDef)}
        beyond |= _beyond(MOST_ATTRIBUTES, classes)

    assert beyond == {}


def _beyond(bound: int, counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count > bound}


def _lines(function: ast.FunctionDef) -> int:
    return (function.end_lineno or 0) - function.lineno + 1


def _attributes(one: ast.ClassDef) -> int:
    """How many attributes its methods set."""
    stored = (
        node
        for node in ast.walk(one)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    )
    return len({node.attr for node in stored if ast.unparse(node.value) == "self"})
