"""The CDK's app on the page makes of a release the template of the release, and no other."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from contract.documents import page
from deploy import ROOT, release

PYTHON = ROOT / ".tools" / "cdk" / "bin" / "python"

pytestmark = pytest.mark.campaign


def test_what_the_cdk_synthesizes_is_the_template_of_the_release(tmp_path: Path) -> None:
    """Its own check of templates takes a quarter of a minute, and is not what is tested."""
    made = release.write(tmp_path, is_changed=False)
    (app,) = re.findall(r"```python\n(.*?)```", page("deploying"), re.DOTALL)
    (made / "app.py").write_text(app)
    subprocess.run(  # noqa: S603 - our own app
        [PYTHON, "app.py"],
        env=os.environ | {"CDK_OUTDIR": str(tmp_path / "out"), "CDK_VALIDATION": "false"},
        check=True,
        cwd=made,
    )

    synthesized = json.loads((tmp_path / "out" / "RestoreWatch.template.json").read_text())
    released = yaml.safe_load((made / release.TRANSFORMED).read_text())
    # The version of the format is a date to YAML.
    assert synthesized == json.loads(json.dumps(released, default=str))
