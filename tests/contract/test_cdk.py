"""The CDK's app makes of a release the template of the release, and no other."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from deploy import ROOT, release

PYTHON = ROOT / ".tools" / "cdk" / "bin" / "python"

pytestmark = pytest.mark.campaign


def test_what_the_cdk_synthesizes_is_the_template_of_the_release(tmp_path: Path) -> None:
    """Its own check of templates takes a quarter of a minute, and is not what is tested."""
    made = release.write(tmp_path, is_changed=False)
    subprocess.run(  # noqa: S603 - our own app
        [PYTHON, ROOT / "deploy" / "cdk" / "app.py", made],
        env=os.environ | {"CDK_OUTDIR": str(tmp_path / "out"), "CDK_VALIDATION": "false"},
        check=True,
        cwd=tmp_path,
    )

    synthesized = json.loads((tmp_path / "out" / "AtlasRestoreWatch.template.json").read_text())
    released = yaml.safe_load((made / release.TRANSFORMED).read_text())
    # The version of the format is a date to YAML.
    assert synthesized == json.loads(json.dumps(released, default=str))
