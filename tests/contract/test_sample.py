"""docs/sample/ has the report that the code makes now of the demo's fleet."""

import subprocess
import sys
from pathlib import Path

import pytest

from contract.documents import ROOT

SAMPLE = ROOT / "docs" / "sample"


@pytest.mark.campaign
def test_the_sample_report_is_what_the_code_writes_now(tmp_path: Path) -> None:
    subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "demo.sample", tmp_path],
        cwd=ROOT,
        env={"PYTHONPATH": "functions:tests:.", "AWS_DEFAULT_REGION": "us-east-1"},
        check=True,
    )

    def contents(folder: Path) -> dict[str, str]:
        return {path.name: path.read_text() for path in folder.iterdir()}

    written = contents(tmp_path)
    assert written.keys() == {"report.html", "coverage.csv", "restores.csv", "report.json"}
    assert contents(SAMPLE) == written, "out of date; `make docs` writes it"
