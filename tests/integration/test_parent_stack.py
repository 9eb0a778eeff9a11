"""The example of a parent stack is packaged with what was built, as `sam deploy` does it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from local_stack.aws import REGION, AwsEmulator

CHECKOUT = Path(__file__).parents[2]
BUCKET = "uploads"

pytestmark = pytest.mark.timeout(100)


def test_the_parent_is_packaged_with_the_built_application(tmp_path: Path) -> None:
    packaged = tmp_path / "packaged.yaml"
    with AwsEmulator() as aws:
        s3 = aws.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        command = [
            *(str(Path(sys.executable).with_name("sam")), "package", "--s3-bucket", BUCKET),
            *("--template-file", "docs/parent-template.yaml"),
            *("--output-template-file", str(packaged)),
        ]
        variables = {
            "AWS_ENDPOINT_URL": aws.url,
            "AWS_ACCESS_KEY_ID": "AKIAPACKAGEPACKAGEPA",
            "AWS_SECRET_ACCESS_KEY": "package",
            "AWS_DEFAULT_REGION": REGION,
            "SAM_CLI_TELEMETRY": "0",
        }
        subprocess.run(  # noqa: S603 - our own command
            command, cwd=CHECKOUT, env=os.environ | variables, check=True, capture_output=True
        )
        parent = yaml_parse(packaged.read_text())
        key = parent["Resources"]["RestoreWatch"]["Properties"]["Location"].rpartition("/")[2]
        child = yaml_parse(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode())
        uploaded = {one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]}

    functions = ("RestoreWatchFunction", "NotifyPeopleFunction")
    code = [child["Resources"][name]["Properties"]["CodeUri"] for name in functions]
    layer = child["Resources"]["DependenciesLayer"]["Properties"]["ContentUri"]
    assert {one.rpartition("/")[2] for one in (*code, layer)} <= uploaded
    assert code[0] != code[1]
