"""A deployed stack, as its operator and its subscribers see it."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from deploy import BUILD, ROOT
from deployed.cloud import Account
from local_stack.atlas import AtlasEmulator, EmulatedRestore

NAME = "atlas-restore-watch"
"""The stack's name in the README, in a release and in samconfig.toml."""

PROJECT = "6a1f3c9e5b7d204e8c61f0a3"

_DEFINITION = "statemachines/await_restore.asl.yaml"


def built_checkout(folder: Path) -> Path:
    """
    Make what `sam deploy` reads of a checkout that is built, to change there. Return the folder.

    The workflow's definition is JSON, which is YAML too.
    """
    build, definition = folder / ".aws-sam" / "build", folder / _DEFINITION
    for parent in (build, definition.parent):
        parent.mkdir(parents=True)
    shutil.copy(ROOT / "samconfig.toml", folder)
    shutil.copy(BUILD / "template.yaml", build)
    for one in filter(Path.is_dir, BUILD.iterdir()):
        (build / one.name).symlink_to(one)
    definition.write_text(json.dumps(yaml.safe_load((ROOT / _DEFINITION).read_text())))
    return folder


def deploy_checkout(account: Account, folder: Path, *stated: str, fails: bool = False) -> str:
    """Deploy with these parameters. Return what SAM says, or complains of if it fails."""
    words = ["sam", "deploy", "--no-confirm-changeset"]
    if stated:
        words += ["--parameter-overrides", *stated]
    return account.run(*words, cwd=folder, fails=fails)


def _policy(principal: dict[str, Any], *actions: str) -> str:
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"} | principal
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Inbox:
    """A subscriber's queue, and every message that it has received."""

    def __init__(self, account: Account, topic_arn: str) -> None:
        self._sqs = account.client("sqs")
        policy = _policy({"Principal": {"Service": "sns.amazonaws.com"}}, "sqs:SendMessage")
        name = f"subscriber-of-{topic_arn.rpartition(':')[2]}"[:80]
        made = self._sqs.create_queue(QueueName=name, Attributes={"Policy": policy})
        self._url = made["QueueUrl"]
        self._sns = account.client("sns")
        self._subscription = self._sns.subscribe(
            TopicArn=topic_arn,
            Protocol="sqs",
            Endpoint=self._sqs.get_queue_attributes(
                QueueUrl=self._url, AttributeNames=["QueueArn"]
            )["Attributes"]["QueueArn"],
        )["SubscriptionArn"]
        self._received: list[dict[str, Any]] = []

    def unsubscribe(self) -> None:
        self._sns.unsubscribe(SubscriptionArn=self._subscription)

    def messages(self) -> list[dict[str, Any]]:
        """What has arrived up to now, in order, as SNS delivers it."""
        ask = {"QueueUrl": self._url, "MaxNumberOfMessages": 10}
        while got := self._sqs.receive_message(**ask).get("Messages"):
            for one in got:
                self._received.append(json.loads(one["Body"]))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=one["ReceiptHandle"])
        return self._received

    def events(self, restore_id: str) -> list[dict[str, Any]]:
        """The CloudEvents about a restore."""
        events = [json.loads(one["Message"]) for one in self.messages()]
        return [event for event in events if event["subject"] == restore_id]

    def statuses(self, restore_id: str) -> list[str]:
        return [event["data"]["status"] for event in self.events(restore_id)]


class DeployedStack:
    """A stack whose functions ask the emulated Atlas from now on."""

    def __init__(self, account: Account, atlas: AtlasEmulator) -> None:
        self.account = account
        cloudformation, self._lambda = account.client("cloudformation"), account.client("lambda")
        (described,) = cloudformation.describe_stacks(StackName=NAME)["Stacks"]
        self.outputs = {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}
        self._ids = account.resources(NAME)
        asking = {"FunctionName", "ReportFunctionName", "MeasureFunctionName"}
        for output in asking & self.outputs.keys():
            function = {"FunctionName": self.outputs[output]}
            made = self._lambda.get_function_configuration(**function)
            variables = made["Environment"]["Variables"] | {"ATLAS_BASE_URL": atlas.url}
            self._lambda.update_function_configuration(
                **function, Environment={"Variables": variables}
            )
        account.client("iam").put_role_policy(
            RoleName=self._ids["RestoreWatchFunctionRole"],
            PolicyName="what-ministack-cannot-check",
            PolicyDocument=_policy({}, "dynamodb:Query", "states:SendTask*"),
        )

    def sweep(self) -> dict[str, Any]:
        return self._scheduled("sweep", "FunctionName")

    def check(self, job: EmulatedRestore) -> dict[str, Any]:
        """Name a restore job, and return what the check found."""
        return self._invoke("FunctionName", json.dumps(job.event))

    def check_email(self) -> dict[str, Any]:
        return self._scheduled("check-email", "NotifyPeopleFunctionName")

    def report(self) -> dict[str, Any]:
        return self._scheduled("report", "ReportFunctionName")

    def report_of(self, first: str, last: str) -> dict[str, Any]:
        """The report of a period, by hand."""
        event = json.dumps({"action": "report", "from": first, "to": last})
        return self._invoke("ReportFunctionName", event)

    def measure(self, job: EmulatedRestore) -> dict[str, Any]:
        """What a measurement would record of a job, by hand."""
        event = json.dumps({"action": "measure", **job.event})
        measurement: dict[str, Any] = self._invoke("MeasureFunctionName", event)["measurement"]
        return measurement

    def hurry_measurements(self, seconds: int) -> dict[str, str]:
        """
        Let the queue of measurements deliver at once, and after so many seconds again.

        Return what its waits were before, by the names of SQS.
        """
        shorter = {"DelaySeconds": "0", "VisibilityTimeout": str(seconds)}
        sqs, queue = self.account.client("sqs"), {"QueueUrl": self._ids["MeasureQueue"]}
        asked = sqs.get_queue_attributes(**queue, AttributeNames=list(shorter))
        sqs.set_queue_attributes(**queue, Attributes=shorter)
        before: dict[str, str] = asked["Attributes"]
        return before

    def put_restore_to_measure(self, body: str) -> None:
        """Put a message into the queue of measurements by hand."""
        self.account.client("sqs").send_message(
            QueueUrl=self._ids["MeasureQueue"], MessageBody=body
        )

    def failed_measurements(self) -> list[str]:
        """Receive the bodies of the messages in the dead-letter queue of measurements."""
        queue = {"QueueUrl": self._ids["MeasureDeadLetterQueue"], "VisibilityTimeout": 0}
        got = self.account.client("sqs").receive_message(**queue).get("Messages", [])
        return [one["Body"] for one in got]

    def resources(self) -> set[str]:
        """The logical ids of what was made."""
        return set(self._ids)

    def versions(self) -> list[str]:
        """The key of each version of a file in the bucket of the reports."""
        listed = self.account.client("s3").list_object_versions(
            Bucket=self.outputs["ReportBucketName"]
        )
        return [one["Key"] for one in listed.get("Versions", [])]

    def _scheduled(self, name: str, function: str) -> dict[str, Any]:
        """Invoke the function with the input of the stack's schedule, and return the result."""
        schedule = self.account.client("scheduler").get_schedule(
            Name=name, GroupName=self._ids["ScheduleGroup"]
        )
        # To the microsecond, because a tick that was swept already is skipped.
        moment = datetime.now(UTC).isoformat()
        event = schedule["Target"]["Input"].replace("<aws.scheduler.scheduled-time>", moment)
        return self._invoke(function, event)

    def _invoke(self, function: str, event: str) -> dict[str, Any]:
        answer = self._lambda.invoke(FunctionName=self.outputs[function], Payload=event)
        result: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, result
        return result

    def item(self, job: EmulatedRestore) -> dict[str, Any]:
        """The item of a job, with DynamoDB's type marks, or nothing."""
        partition = f"{job.group_id}/{job.cluster}"
        answer = self.account.client("dynamodb").get_item(
            TableName=self.outputs["TableName"],
            Key={"cluster": {"S": partition}, "restoreId": {"S": job.restore_id}},
        )
        found: dict[str, Any] = answer.get("Item", {})
        return found

    def subscriber(self, topic: str) -> Inbox:
        """A new queue that gets everything of the topic which this output names."""
        return Inbox(self.account, self.outputs[topic])
