"""
`make check`: cfn-lint and checkov over the two templates of a release.

They are template.yaml, with the code in a bucket, and what SAM makes of it.

    python -m security.template

checkov evaluates no condition of a template: a property that is there under a condition is there.
So it reads two stacks too, one with every option and one with the keys of AWS. Nothing here uses
the network. It fails for a finding that docs/security.md does not explain, and for a row there
that explains nothing.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from contract.deployed_template import CHECKOUT, EVERYTHING, READERS, Stack, source_template
from deploy.released_template import released_template, transformed
from foundation import __version__
from security.explained import TEMPLATE_CHECK, Finding, differences, explained

CHECKOV = CHECKOUT / ".tools" / "security" / "bin" / "checkov"
RELEASED = "released"
TRANSFORMED = "transformed"

type Json = dict[str, Any]


def templates() -> dict[str, Json]:
    """Return the templates that are checked. Their own exceptions for cfn-lint do not count."""
    written = released_template(source_template(), __version__)
    read = {
        RELEASED: written,
        TRANSFORMED: transformed(written),
        "with the keys of AWS": Stack(**READERS).template(),
        "with every option": Stack(**EVERYTHING, **READERS).template(),
    }
    return {
        name: {**template, "Metadata": {**template["Metadata"], "cfn-lint": {}}}
        for name, template in read.items()
    }


def linted(template: Json) -> set[Finding]:
    """
    Return what cfn-lint finds. It decides conditions itself. No resource may have exceptions.

    An empty file stands in place of `.cfnlintrc` of the home and of the project, which it reads.
    """
    # Imported here, because it takes half a second, and the tests import this file.
    from cfnlint.api import lint  # type: ignore[import-untyped]  # noqa: PLC0415
    from cfnlint.config import ManualArgs  # type: ignore[import-untyped]  # noqa: PLC0415

    for name, resource in template["Resources"].items():
        if "cfn-lint" in resource.get("Metadata", {}):
            msg = f"{name} has exceptions for cfn-lint itself; explain them in docs/security.md"
            raise RuntimeError(msg)
    config = ManualArgs(regions=["us-east-1"], config_file=os.devnull)
    matches = lint(json.dumps(template), config=config)
    return {
        Finding(match.rule.id, str((match.path or ["", "template"])[1]), match.message)
        for match in matches
    }


def checked(read: Mapping[str, Json]) -> set[Finding]:
    """Return what checkov finds. It must have read every template, and skipped nothing itself."""
    with TemporaryDirectory() as folder:
        files = {Path(folder, f"{number}.json"): one for number, one in enumerate(read.values())}
        for path, template in files.items():
            path.write_text(json.dumps(template))
        reports = _checkov(list(files), folder)
    results = [report["results"] for report in reports]
    unread = {path.name for path in files}
    for result in results:
        if result["parsing_errors"]:
            raise RuntimeError(f"checkov could not read a template: {result['parsing_errors']}")
        if result["skipped_checks"]:
            raise RuntimeError("a template skips a check itself; explain it in docs/security.md")
        unread -= {
            Path(one["file_path"]).name for one in result["passed_checks"] + result["failed_checks"]
        }
    if unread:
        raise RuntimeError(f"checkov checked nothing in {', '.join(sorted(unread))}")
    return {
        Finding(one["check_id"], one["resource"].rpartition(".")[2], one["check_name"])
        for result in results
        for one in result["failed_checks"]
    }


def _checkov(files: list[Path], home: str) -> list[Json]:
    ran = subprocess.run(  # noqa: S603 - the pinned checkov, with our own files
        [
            *(CHECKOV, "--framework", "cloudformation", "--skip-download", "--compact"),
            *("--output", "json", *(word for path in files for word in ("--file", path))),
        ],
        cwd=home,
        # Without the configuration and the variables of whoever runs it.
        env={"PATH": os.environ["PATH"], "HOME": home, "CKV_PARSE_ERROR_FAIL": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        reports = json.loads(ran.stdout)
    except ValueError as error:
        raise RuntimeError(f"checkov failed: {ran.stderr[-2000:]}") from error
    return reports if isinstance(reports, list) else [reports]


def main() -> None:
    read = templates()
    found = linted(read[RELEASED]) | linted(read[TRANSFORMED]) | checked(read)
    expected = {one for one in explained() if TEMPLATE_CHECK.fullmatch(one.check)}
    different = differences(found, expected)
    for line in different:
        print(line, file=sys.stderr)
    if different:
        sys.exit(1)
    print(f"cfn-lint and checkov: {len(found)} findings, each explained in docs/security.md.")


if __name__ == "__main__":
    main()
