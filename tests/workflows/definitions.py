"""
`make check`: asl-validator over the definitions of workflows.

    python -m workflows.definitions

cfn-lint reads a definition only where it stands in a template, and ours are files. asl-validator
knows the fields of each state, the syntax of paths and ARNs, and finds a state that does not exist
or is not reached. Without npm, or without its registry, it is not there: this says so, and passes.
"""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
DEFINITIONS = ("statemachines/*.asl.yaml", "docs/*/*.asl.yaml")
VALIDATOR = ROOT / ".tools/workflows/node_modules/asl-validator/dist/bin/asl-validator.js"

SUBSTITUTES = {"Partition": "aws"}
"""What a template puts in place of `${...}`. Every other name gets an ARN."""

ARN = "arn:aws:lambda:us-east-1:123456789012:function:example"


def definitions() -> list[Path]:
    """Every definition of the repository."""
    return sorted(path for pattern in DEFINITIONS for path in ROOT.glob(pattern))


def filled(text: str) -> str:
    """The definition with its substitutions filled in, as CloudFormation would."""
    return re.sub(r"\$\{(\w+)\}", lambda name: SUBSTITUTES.get(name[1], ARN), text)


def validated(paths: Iterable[Path], validator: Path) -> int:
    """Print what asl-validator says of each definition, and return its exit code."""
    with TemporaryDirectory() as folder:
        names = list[str]()
        for path in paths:
            copy = Path(folder, *path.parts[-2:])
            copy.parent.mkdir(exist_ok=True)
            copy.write_text(filled(path.read_text()))
            names += ["--yaml-path", str(copy.relative_to(folder))]
        ran = subprocess.run(  # noqa: S603 - the pinned validator, with our own files
            ["node", validator, *names],  # noqa: S607 - whatever node there is
            cwd=folder,
            check=False,
        )
    return ran.returncode


def main(paths: Iterable[Path] | None = None, validator: Path = VALIDATOR) -> int:
    found = definitions() if paths is None else list(paths)
    if not found:
        print("There is no definition of a workflow")
        return 1
    if not validator.exists():
        print("NOT VALIDATED: workflows. asl-validator, which npm fetches, is missing.")
        return 0
    return validated(found, validator)


if __name__ == "__main__":
    sys.exit(main())
