"""
A stack of 1.0.0 is updated, and goes on where it was.

The template of 1.0.0 is made of today's, so that no test needs the history of the repository.
`as_of_1_0_0` differs from it in alarms, the dashboard, the report, the definition of the workflow,
and what values of parameters are refused. Its functions are today's. The items are those that the
functions of 1.0.0 wrote on 2026-11-28, when they were deployed to MiniStack: three open jobs, one
of them with a change that SNS had refused, a lease and a project. Only the day on which the project
expires was put off.
"""

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.release import TEMPLATE
from deploy.released_template import BUCKET, ZIPS
from deployed.cloud import PARAMETERS, Account, awaited
from deployed.stack import NAME, PROJECT, DeployedStack, make_deploy
from foundation import __version__
from local_stack.atlas import AtlasEmulator

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(300)]

ITEMS: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("items_of_1_0_0.json").read_text()
)


def as_of_1_0_0(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template of 1.0.0 made, of the present one."""
    old = deepcopy(dict(template))
    del old["Metadata"], old["Rules"]["ObjectivesHaveMetrics"]
    del old["Parameters"]["Metrics"], old["Parameters"]["Tracing"]
    for conditional in ("Conditions", "Resources"):
        for name in [one for one in old[conditional] if one.endswith("Alarm") or "Alarms" in one]:
            del old[conditional][name]
    del old["Conditions"]["HasTraces"], old["Resources"]["Dashboard"]
    for part in ("Conditions", "Outputs", "Parameters", "Resources"):
        for name in [one for one in old[part] if "Report" in one or one.startswith("RestoreTest")]:
            del old[part][name]
    made = {name: one["Properties"] for name, one in old["Resources"].items()}
    (statement,) = made["ScheduleRole"]["Policies"][0]["PolicyDocument"]["Statement"]
    invoked = statement["Resource"]
    statement["Resource"] = [one for one in invoked if "ReportFunction" not in str(one)]
    for function in ("RestoreWatchFunction", "NotifyPeopleFunction"):
        made[function]["Tracing"] = "Active"
        del made[function]["Environment"]["Variables"]["METRICS"]
    made["AwaitRestoreStateMachine"]["Tracing"] = {"Enabled": True}
    made["RestoreWatchFunction"]["Timeout"] = 60
    made["RestoreWatchFunction"]["Environment"]["Variables"] |= {
        "ATLAS_PROJECT_IDS": {"Ref": "AtlasProjectIds"},
        "STACK_NAME": {"Ref": "AWS::StackName"},
    }
    made["RequestQueue"]["VisibilityTimeout"] = 360
    for queue in ("RequestQueue", "NoticeQueue"):
        del made[queue]["MessageRetentionPeriod"]
    return old


def create_old_stack(account: Account, release: Path, secret_arn: str) -> None:
    """Make the stack from the zips of a release, and put the items into its table."""
    s3, bucket = account.client("s3"), account.bucket()
    for name in ZIPS.values():
        key = f"atlas-restore-watch/{__version__}/{name}"
        s3.put_object(Bucket=bucket, Key=key, Body=(release / name).read_bytes())
    old = as_of_1_0_0(yaml.safe_load((release / TEMPLATE).read_text()))
    s3.put_object(Bucket=bucket, Key=TEMPLATE, Body=json.dumps(old))
    parameters = PARAMETERS | {
        BUCKET: bucket,
        "AtlasProjectIds": PROJECT,
        "AtlasSecretArn": secret_arn,
        "NotifyEmail": "you@example.com",
    }
    account.client("cloudformation").create_stack(
        StackName=NAME,
        TemplateURL=f"{account.url}/{bucket}/{TEMPLATE}",
        Parameters=[{"ParameterKey": n, "ParameterValue": v} for n, v in parameters.items()],
        Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    awaited(lambda: account.stacks()[NAME] == "CREATE_COMPLETE", "the stack of 1.0.0")


def test_an_update_from_1_0_0_keeps_every_item_and_each_restore_goes_on_to_its_end(
    account: Account, secret_arn: str, atlas: AtlasEmulator, release: Path, tmp_path: Path
) -> None:
    create_old_stack(account, release, secret_arn)
    old = DeployedStack(account, atlas)
    table = {"TableName": old.outputs["TableName"]}
    dynamodb = account.client("dynamodb")
    for item in ITEMS:
        dynamodb.put_item(**table, Item=item)
    inbox = old.subscriber("TopicArn")

    make_deploy(account, tmp_path, "LEAVE_RELEASE=yes")

    new = DeployedStack(account, atlas)
    assert new.outputs.items() >= old.outputs.items()
    kept = dynamodb.scan(**table)["Items"]
    assert sorted(map(json.dumps, kept)) == sorted(map(json.dumps, ITEMS))

    jobs = [item for item in ITEMS if "kind" in item]
    for item in jobs:
        cluster, kind, restore_id = (
            item[name]["S"] for name in ("clusterName", "kind", "restoreId")
        )
        restore = atlas.start_restore(PROJECT, cluster, kind, restore_id=restore_id)
        restore.run_to_end()
    results = [new.sweep(), new.sweep()]

    assert [(one["open"], one["found"], one["failures"]) for one in results] == [
        (3, 0, []),
        (0, 0, []),
    ]
    published = {item["kind"]["S"]: inbox.statuses(item["restoreId"]["S"]) for item in jobs}
    assert published == {
        "flex": ["COMPLETED"],
        "dedicated": ["COMPLETED"],
        "collection": ["RUNNING", "COMPLETED"],
    }
    # The parameters of the report have their defaults.
    assert {"ReportFunctionName", "ReportBucketName"} <= new.outputs.keys() - old.outputs.keys()
    prefix = new.report()["prefix"]
    assert f"{prefix}report.html" in new.versions()
