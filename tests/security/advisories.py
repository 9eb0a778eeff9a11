"""
`make check` and `make audit`: known vulnerabilities of the locked packages.

    python -m security.advisories --strict

pip-audit asks the OSV database. It ends in the same way when it finds a vulnerability and when it
cannot ask, so its report is what counts. Beside the locks it audits a package that has a known
vulnerability. Without a report that says so, nothing was audited: this says that, and fails if it
is strict.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from security.explained import TEMPLATE_CHECK, Finding, differences, explained

ROOT = Path(__file__).parents[2]
PIP_AUDIT = ROOT / ".tools" / "security" / "bin" / "pip-audit"
LOCKS = (ROOT / "layers/dependencies/requirements.txt", ROOT / "tests/requirements.txt")

# CVE-2019-19844, which Django 3.0.1 fixes. No lock has Django: pip-audit accepts a name once.
CONTROL = ("django", "3.0")


class NotAuditedError(Exception):
    """No advisories could be read."""


def audited(locks: Iterable[Path], service: str | None = None) -> tuple[int, set[Finding]]:
    """Return how many packages of the locks were audited, and their known vulnerabilities."""
    with TemporaryDirectory() as folder:
        requirements = Path(folder, "requirements.txt")
        requirements.write_text("\n".join({"==".join(CONTROL), *_locked(locks)}))
        dependencies = _report(requirements, folder, service)
    known = [one for one in dependencies if (one["name"], one.get("version")) == CONTROL]
    others = [one for one in dependencies if one not in known]
    skipped = [one["name"] for one in others if "skip_reason" in one]
    if skipped or not others:
        raise NotAuditedError(f"pip-audit skipped {', '.join(skipped) or 'everything'}")
    if not any(one["vulns"] for one in known):
        raise NotAuditedError(f"No advisory of {'=='.join(CONTROL)} is known, which has one")
    return len(others), {
        Finding(vulnerability["id"], one["name"], _message(one["version"], vulnerability))
        for one in others
        for vulnerability in one["vulns"]
    }


def _locked(locks: Iterable[Path]) -> set[str]:
    """Return the packages of the locks, without the hashes, which the database does not know."""
    lines = (line for lock in locks for line in lock.read_text().splitlines())
    return {line.removesuffix("\\").strip() for line in lines if re.match(r"[\w.-]+==", line)}


def _report(requirements: Path, folder: str, service: str | None) -> list[dict[str, Any]]:
    report = Path(folder, "report.json")
    ran = subprocess.run(  # noqa: S603 - the pinned pip-audit, with our own files
        [
            *(PIP_AUDIT, "--disable-pip", "--no-deps", "--progress-spinner", "off"),
            *("--vulnerability-service", "osv", *(("--osv-url", service) if service else ())),
            *("--timeout", "10", "--cache-dir", folder),
            *("--format", "json", "--output", report),
            *("--requirement", requirements),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if not report.exists():
        said = ran.stderr.strip().splitlines() or ["pip-audit said nothing"]
        raise NotAuditedError(said[-1][:160])
    dependencies: list[dict[str, Any]] = json.loads(report.read_text())["dependencies"]
    return dependencies


def _message(version: str, vulnerability: dict[str, list[str]]) -> str:
    fixed = ", ".join(vulnerability["fix_versions"])
    return f"{version} is vulnerable; " + (f"fixed in {fixed}" if fixed else "there is no fix")


def main(arguments: list[str] | None = None, locks: Iterable[Path] = LOCKS) -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--strict", action="store_true", help="fail if no advisories can be read")
    parser.add_argument("--osv-url", help="a copy of the OSV database")
    given = parser.parse_args(arguments)
    try:
        number, found = audited(locks, given.osv_url)
    except NotAuditedError as error:
        print(f"NOT AUDITED for known vulnerabilities: no advisories can be read. {error}")
        return 1 if given.strict else 0
    expected = {one for one in explained() if not TEMPLATE_CHECK.fullmatch(one.check)}
    different = differences(found, expected)
    for line in different:
        print(line)
    print(f"pip-audit: {number} packages, {len(found)} known vulnerabilities.")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
