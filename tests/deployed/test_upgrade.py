"""
A stack of 1.x is updated, and goes on where it was.

The templates of 1.x are made of today's, so that no test needs the history of the repository. They
differ from the real ones in alarms, the dashboard, what values of parameters are refused, and 1.0.0
in the definition of the workflow. Their functions are today's. The items are those that the
functions of 1.0.0 wrote on 2026-11-28, when they were deployed to MiniStack: three open jobs, one
of them with a change that SNS had refused, a lease and a project. Only the day on which the project
expires was put off.
"""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.release import TEMPLATE
from deploy.released_template import BUCKET, ZIPS
from deployed.cloud import PARAMETERS, Account, awaited
from deployed.stack import NAME, PROJECT, DeployedStack, built_checkout, deploy_checkout
from foundation import __version__
from local_stack.atlas import AtlasEmulator
from local_stack.stack import CREDENTIALS

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(300)]

ITEMS: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("items_of_1_0_0.json").read_text()
)

GONE = {
    "Architecture": "x86_64",
    "AtlasSecretKmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/secret",
    "HotSeconds": "0",
    "NoSweepMinutes": "16",
    "NotifySecretKmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/notify",
    "PagerDutyUrl": "https://events.eu.pagerduty.com",
    "RateLimitReserve": "0.2",
    "RequestSource": "com.example.drill",
    "ReservedConcurrency": "4",
    "ScheduleExpression": "rate(12 hours)",
    "TopicKmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/topic",
    "Tracing": "PassThrough",
}
"""Values other than the defaults of the parameters that 1.1.0 had and 2.0.0 has not."""

NAMED = ("SweepMinutes=60", "Metrics=yes")
"""What the update names: without the first, MiniStack sweeps too."""

PERSON = "you@example.com"

type Version = Callable[[Mapping[str, Any]], dict[str, Any]]


def as_of_1_1_0(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template of 1.1.0 made, of the present one."""
    old = deepcopy(dict(template))
    del old["Metadata"], old["Mappings"], old["Parameters"]["SweepMinutes"]
    del old["Resources"]["Dashboard"], old["Resources"]["StartSweepsPolicy"]
    del old["Conditions"]["HasHotRounds"], old["Rules"]["MeasurementsAreMade"]
    for part in ("Conditions", "Outputs", "Resources"):
        for name in [one for one in old[part] if "Alarm" in one]:
            del old[part][name]
    for part in ("Conditions", "Outputs", "Parameters", "Resources"):
        for name in [one for one in old[part] if "Measure" in one]:
            del old[part][name]
    old["Parameters"] |= {name: {"Type": "String"} for name in GONE}
    old["Parameters"]["Metrics"] = {"Type": "String", "Default": "essential"}
    made = {name: one["Properties"] for name, one in old["Resources"].items()}
    for function in ("RestoreWatchFunction", "ReportFunction", "NotifyPeopleFunction"):
        made[function]["Tracing"] = {"Ref": "Tracing"}
        made[function]["Architectures"] = [{"Ref": "Architecture"}]
    made["AwaitRestoreStateMachine"]["Tracing"] = {"Enabled": True}
    watch, people = made["RestoreWatchFunction"], made["NotifyPeopleFunction"]
    del people["Environment"]["Variables"]["ALARM_TOPIC_ARN"]
    allowed = made["NotifyPeopleFunctionRole"]["Policies"][0]["PolicyDocument"]
    allowed["Statement"] = [one for one in allowed["Statement"] if "AlarmTopic" not in str(one)]
    watch["ReservedConcurrentExecutions"] = {"Ref": "ReservedConcurrency"}
    watch["Events"]["Request"]["Properties"]["Pattern"]["source"] = [{"Ref": "RequestSource"}]
    watch["Events"]["Schedule"]["Properties"] |= {
        "ScheduleExpression": {"Ref": "ScheduleExpression"}
    }
    del watch["Environment"]["Variables"]["HOT_ROUNDS"]
    watch["Environment"]["Variables"]["HOT_SECONDS"] = {"Ref": "HotSeconds"}
    watch["Environment"]["Variables"]["RATE_LIMIT_RESERVE"] = {"Ref": "RateLimitReserve"}
    people["Environment"]["Variables"]["PAGERDUTY_BASE_URL"] = {"Ref": "PagerDutyUrl"}
    for topic in ("StatusChangesTopic", "EmailTopic", "ChatTopic"):
        made[topic]["KmsMasterKeyId"] = {"Ref": "TopicKmsKeyArn"}
    for role in ("RestoreWatchFunctionRole", "ReportFunctionRole"):
        for statement in made[role]["Policies"][0]["PolicyDocument"]["Statement"]:
            if statement.get("Sid") == "DecryptAtlasSecret":
                statement["Resource"] = {"Ref": "AtlasSecretKmsKeyArn"}
                del statement["Condition"]["StringEquals"]["kms:EncryptionContext:SecretARN"]
    return old


def as_of_1_0_0(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template of 1.0.0 made, of the present one."""
    old = as_of_1_1_0(template)
    del old["Rules"]["ObjectivesHaveMetrics"]
    del old["Parameters"]["Metrics"], old["Parameters"]["Tracing"]
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
    made["RestoreWatchFunction"]["Timeout"] = 60
    made["RestoreWatchFunction"]["Environment"]["Variables"] |= {
        "ATLAS_PROJECT_IDS": {"Ref": "AtlasProjectIds"},
        "STACK_NAME": {"Ref": "AWS::StackName"},
    }
    made["RequestQueue"]["VisibilityTimeout"] = 360
    for queue in ("RequestQueue", "NoticeQueue"):
        del made[queue]["MessageRetentionPeriod"]
    return old


def create_old_stack(account: Account, release: Path, version: Version) -> None:
    """Make the stack from the zips of a release."""
    secret = account.client("secretsmanager").create_secret(
        Name="atlas/restore-watch", SecretString=json.dumps(CREDENTIALS["service_account"])
    )
    s3, bucket = account.client("s3"), account.bucket()
    for name in ZIPS.values():
        key = f"atlas-restore-watch/{__version__}/{name}"
        s3.put_object(Bucket=bucket, Key=key, Body=(release / name).read_bytes())
    old = version(yaml.safe_load((release / TEMPLATE).read_text()))
    s3.put_object(Bucket=bucket, Key=TEMPLATE, Body=json.dumps(old))
    given = {
        BUCKET: bucket,
        "AtlasProjectIds": PROJECT,
        "AtlasSecretArn": secret["ARN"],
        "NotifyEmail": PERSON,
    }
    wanted = PARAMETERS | GONE | given
    parameters = {name: wanted[name] for name in wanted.keys() & old["Parameters"].keys()}
    account.client("cloudformation").create_stack(
        StackName=NAME,
        TemplateURL=f"{account.url}/{bucket}/{TEMPLATE}",
        Parameters=[{"ParameterKey": n, "ParameterValue": v} for n, v in parameters.items()],
        Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    awaited(lambda: account.stacks()[NAME] == "CREATE_COMPLETE", "the stack of 1.x")


def subscribed(stack: DeployedStack) -> set[tuple[str, str]]:
    """The protocols and endpoints of everyone who subscribes to a topic of the account."""
    listed = stack.account.client("sns").list_subscriptions()["Subscriptions"]
    return {(one["Protocol"], one["Endpoint"]) for one in listed}


@pytest.mark.parametrize("version", [as_of_1_0_0, as_of_1_1_0])
def test_an_update_from_1_x_keeps_every_item_and_each_restore_goes_on_to_its_end(
    new_account: Callable[[], Account],
    atlas: AtlasEmulator,
    release: Path,
    tmp_path: Path,
    version: Version,
) -> None:
    """A stack whose parameters had values of their own, which are gone."""
    account = new_account()
    create_old_stack(account, release, version)
    old = DeployedStack(account, atlas)
    table = {"TableName": old.outputs["TableName"]}
    dynamodb = account.client("dynamodb")
    for item in ITEMS:
        dynamodb.put_item(**table, Item=item)
    inbox, subscribers = old.subscriber("TopicArn"), subscribed(old)

    deploy_checkout(account, built_checkout(tmp_path), *NAMED)

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

    measures = ("sqs", new.outputs["MeasureQueueArn"])
    assert subscribed(new) == {*subscribers, ("email", PERSON), measures}
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
    prefix = new.report()["prefix"]
    assert f"{prefix}report.html" in new.versions()


def test_an_update_from_1_1_0_that_does_not_name_the_metrics_is_refused_unchanged(
    new_account: Callable[[], Account], release: Path, tmp_path: Path
) -> None:
    """It keeps `essential`. The error names the parameter; AWS adds what to give."""
    account = new_account()
    create_old_stack(account, release, as_of_1_1_0)
    said = deploy_checkout(account, built_checkout(tmp_path), fails=True)

    assert "Parameter 'Metrics'" in said
    assert account.stacks()[NAME] == "CREATE_COMPLETE"
