"""What a release's README.txt and the page Deploying tell an operator to type, typed."""

import csv
import json
import re
import shlex
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer

from contract.documents import commands, page, section
from deploy import ROOT
from deploy import release as of_checkout
from deploy.release import TEMPLATE, TRANSFORMED
from deployed.cloud import PARAMETERS, Account, awaited
from deployed.stack import NAME, PROJECT, DeployedStack, Inbox, built_checkout, deploy_checkout
from local_stack.atlas import AtlasEmulator
from local_stack.cluster_data import Held
from local_stack.schemas import fits_its_schema
from local_stack.stack import CREDENTIALS

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(300)]

HOUR = timedelta(hours=1)

DATABASES = {"sales": Held(1_200_000, 12, 31), "stock": Held(150, 2, 3)}
"""What the clusters of measured restores hold."""


class Operator:
    """Follows README.txt of a release: the secret is stored, and the files are copied."""

    def __init__(self, account: Account, release: Path, elsewhere: Path) -> None:
        self.account = account
        store, remove, *_ = shown(release)
        (elsewhere / "atlas.json").write_text(json.dumps(CREDENTIALS["service_account"]))
        self._values = {"<ARN>": json.loads(account.run(*store, cwd=elsewhere))["ARN"]}
        self._values |= {"<bucket>": account.bucket(), "<ids>": PROJECT, "<address>": "me@here.org"}
        self._values["<stack>"] = NAME
        account.run(*remove, cwd=elsewhere)
        self.go_to(release)

    def go_to(self, release: Path) -> None:
        """Copy the files of a release, and type its commands from now on."""
        self._release = release
        self._values["<version>"] = release.name
        _, _, copy, self._deploy, self._list_outputs, *self._uninstall = shown(release)
        self.type(copy)

    def deploy(self, *stated: str, template: str = TEMPLATE, fails: bool = False) -> str:
        """Deploy with more parameters: the last of two values counts. Return what is said."""
        needed = [f"{name}={value}" for name, value in PARAMETERS.items()]
        words = [*self._deploy, *needed, *stated]
        if template == TRANSFORMED:  # as the page says
            words[words.index(TEMPLATE)] = template
            words.remove("CAPABILITY_AUTO_EXPAND")
        sleep(1)  # the CLI names a change set by the second
        return self.type(words, fails=fails)

    def change(self, stated: str) -> None:
        """The same command with this parameter alone."""
        first = self._deploy.index("--parameter-overrides") + 1
        self.type([*self._deploy[:first], stated])

    def change_without_the_release(self, folder: Path) -> None:
        """With the template that the stack has, copied to where the page says."""
        text = section(page("deploying"), "Change a parameter")
        change, get_template = commands(text)
        (to,) = re.findall(r"for the same command with `--s3-prefix ([^`]+)`", text)
        (folder / TEMPLATE).write_text(self.type(get_template, folder))
        change[change.index("--s3-prefix") + 1] = to
        self.type(change, folder)

    def outputs(self) -> str:
        return self.type(self._list_outputs)

    def uninstall(self) -> None:
        for command in self._uninstall:
            self.type(command)

    def parameters(self) -> dict[str, str]:
        stacks = self.account.client("cloudformation").describe_stacks(StackName=NAME)["Stacks"]
        return {one["ParameterKey"]: one["ParameterValue"] for one in stacks[0]["Parameters"]}

    def zips(self) -> set[str]:
        """The keys of the zips that the stack's template names, all of which are there."""
        got = self.account.client("cloudformation").get_template(StackName=NAME)["TemplateBody"]
        text = got if isinstance(got, str) else json.dumps(got)
        named = set(re.findall(r"\$\{ReleasePrefix\}([\w./-]+\.zip)", text))
        listed = self.account.client("s3").list_objects_v2(Bucket=self._values["<bucket>"])
        assert {f"{NAME}/{one}" for one in named} <= {one["Key"] for one in listed["Contents"]}
        return named

    def know(self, placeholder: str, value: str) -> None:
        """Type this value in place of a text in angle brackets."""
        self._values[placeholder] = value

    def value(self, placeholder: str) -> str:
        return str(self._values[placeholder])

    def type(self, words: Iterable[str], folder: Path | None = None, *, fails: bool = False) -> str:
        filled = [re.sub("<[^>]+>", lambda found: self._values[found[0]], word) for word in words]
        return self.account.run(*filled, cwd=folder or self._release, fails=fails)


def shown(release: Path) -> list[list[str]]:
    """The commands of a release, which its README.txt indents."""
    text = (release / "README.txt").read_text().replace("\\\n", " ")
    return [shlex.split(line) for line in text.splitlines() if line.startswith("    ")]


@pytest.fixture
def operator(new_account: Callable[[], Account], release: Path, tmp_path: Path) -> Operator:
    return Operator(new_account(), release, tmp_path)


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """A release of another version, whose template has one parameter more."""
    template, added = tmp_path / "newer.yaml", "  Added:\n    Type: String\n    Default: one\n"
    source = (ROOT / "template.yaml").read_text()
    template.write_text(source.replace("\nParameters:\n", f"\nParameters:\n{added}"))
    return of_checkout.write_release(tmp_path, is_changed=True, template=template)


@pytest.mark.fault("F107")
def test_a_stack_lives_by_the_words_of_its_releases(
    operator: Operator, release: Path, newer: Path, atlas: AtlasEmulator
) -> None:
    """
    It is installed, changed, upgraded, stepped back and uninstalled.

    An update that fails finds the zips of its way back: MiniStack makes no alarm of metric math.
    """
    operator.deploy()
    installed = operator.parameters()
    listed = re.findall(r"^\|\s+(\w+)", operator.outputs(), re.MULTILINE)
    stack = DeployedStack(operator.account, atlas)
    assert set(listed) >= set(stack.outputs)
    job = atlas.start_restore(PROJECT, "released", "flex")
    assert stack.sweep()["failures"] == []
    assert stack.item(job)

    operator.change("LogLevel=DEBUG")
    assert operator.parameters() == installed | {"LogLevel": "DEBUG"}
    operator.go_to(newer)
    operator.deploy("Added=two")
    assert {one.partition("/")[0] for one in operator.zips()} == {newer.name}
    assert operator.parameters() == installed | {"LogLevel": "DEBUG", "Added": "two"}

    operator.go_to(release)
    assert "Failed to create/update" in operator.deploy("CreateAlarms=yes", fails=True)
    assert operator.account.stacks() == {NAME: "UPDATE_ROLLBACK_COMPLETE"}
    assert {one.partition("/")[0] for one in operator.zips()} == {newer.name}
    operator.deploy()
    assert {one.partition("/")[0] for one in operator.zips()} == {release.name}
    assert operator.parameters() == installed | {"LogLevel": "DEBUG"}
    again = DeployedStack(operator.account, atlas)
    job.run_to_end()
    assert again.sweep()["failures"] == []
    assert again.item(job)["status"]["S"] == "COMPLETED"

    operator.uninstall()
    assert operator.account.stacks() == {}
    assert again.item(job)


@pytest.mark.fault("F108")
def test_a_stack_of_sam_becomes_one_of_a_release_by_the_page_and_one_of_sam_again(
    operator: Operator, tmp_path: Path
) -> None:
    """It has no ReleaseBucket and no ReleasePrefix, which the page's first command prints."""
    checkout = built_checkout(tmp_path / "checkout")
    deploy_checkout(
        operator.account,
        checkout,
        *(f"AtlasSecretArn={operator.value('<ARN>')}", f"AtlasProjectIds={PROJECT}"),
        *("LogLevel=DEBUG", *map("=".join, PARAMETERS.items())),
    )
    before = operator.parameters()
    text = section(page("deploying"), "Upgrade")
    look, copy, deploy, named = (one for one in commands(text) if one[0] == "aws")
    (prefix,) = re.findall(r"and `(.*/)` for `<prefix>`", text)
    operator.know("<prefix>", prefix)

    printed = operator.type(look)
    assert "ReleaseBucket" not in printed
    assert "ReleasePrefix" not in printed
    operator.type(copy)
    assert "ReleaseBucket" in operator.type(deploy, fails=True)  # AWS uses other words
    assert operator.parameters() == before
    operator.type(named)

    assert operator.parameters() == before | {
        "ReleaseBucket": operator.value("<bucket>"),
        "ReleasePrefix": prefix,
    }
    assert operator.zips()
    deploy_checkout(operator.account, checkout)
    assert operator.parameters() == before


def test_a_report_lies_in_the_bucket_that_is_kept_and_its_message_in_a_queue(
    operator: Operator, atlas: AtlasEmulator
) -> None:
    """By the schedule's own input. A report of a month is written once."""
    # A month is kept only if Atlas knows the project, and somebody sweeps.
    atlas.add_cluster(PROJECT, "listed", "flex")
    operator.deploy()
    stack = DeployedStack(operator.account, atlas)
    s3, bucket = operator.account.client("s3"), {"Bucket": stack.outputs["ReportBucketName"]}
    assert s3.get_bucket_versioning(**bucket)["Status"] == "Enabled"
    public = s3.get_public_access_block(**bucket)["PublicAccessBlockConfiguration"]
    assert set(public.values()) == {True}
    assert "aws:SecureTransport" in s3.get_bucket_policy(**bucket)["Policy"]
    inbox = stack.subscriber("TopicArn")

    def messages() -> list[dict[str, Any]]:
        events = (json.loads(one["Message"]) for one in inbox.messages())
        return [event for event in events if event["type"] == "atlas-restore-watch.report.v1"]

    stack.sweep()
    made = stack.report()
    awaited(messages, "the message")
    (event,) = messages()
    assert event["data"]["report"]["bucket"] == made["bucket"] == bucket["Bucket"]
    page = s3.get_object(**bucket, Key=event["data"]["report"]["key"])
    assert page["ContentType"].startswith("text/html")
    assert b"<html" in page["Body"].read()

    for _ in range(2):
        assert stack.report_of("2026-10-01", "2026-10-31")["prefix"] == "reports/2026-10-31/"
    months = [key for key in stack.versions() if key.startswith("months/")]
    assert sorted(months) == sorted(
        f"months/2026-10/{name}" for name in [*made["files"], "report.zip"]
    )
    assert stack.versions().count("reports/2026-10-31/report.html") == 2
    assert len(messages()) == 1

    operator.change("Report=off")
    assert (
        not {"ReportFunctionName", "ReportBucketName"}
        & DeployedStack(operator.account, atlas).outputs.keys()
    )
    operator.uninstall()
    assert s3.list_objects_v2(**bucket)["KeyCount"] == len({*stack.versions()})


class RestoredCopy:
    """A dedicated cluster and its restore into another one, which Atlas dates two hours back."""

    def __init__(self, atlas: AtlasEmulator, cluster: str) -> None:
        self._began = atlas.now() - 2 * HOUR
        self._source = atlas.hold(PROJECT, cluster, DATABASES, self._began - 24 * HOUR)
        self.target = atlas.hold(PROJECT, f"{cluster}-restored", {})
        self.job = atlas.start_restore(
            PROJECT, cluster, "dedicated", at=self._began, snapshot_age=6 * HOUR
        )

    def complete(self) -> None:
        self.ended = self._began + HOUR / 3
        self.job.run_to_end_at(self.ended)
        self.target.become(self._source, self.job.snapshot_at, self.ended)


def measured(inbox: Inbox, copy: RestoredCopy) -> dict[str, Any]:
    """The measurement that the subscriber gets, in a message that fits its schema."""

    def look() -> list[dict[str, Any]]:
        events = inbox.events(copy.job.restore_id)
        return [event for event in events if event["type"].endswith(".restore-measured.v1")]

    (event,) = awaited(look, "the measurement")
    fits_its_schema(event)
    assert event["id"] == f"{copy.job.restore_id}:MEASURED"
    measurement: dict[str, Any] = event["data"]["measurement"]
    return measurement


def kept(stack: DeployedStack, copy: RestoredCopy) -> dict[str, Any]:
    """The measurement in the item of the restore."""
    read = TypeDeserializer().deserialize
    history = read(stack.item(copy.job)["history"])
    (found,) = (entry["measurement"] for entry in history if "measurement" in entry)
    return dict(found)


@pytest.mark.fault("F131")
def test_completed_restores_are_measured_from_the_queue_to_the_message(
    operator: Operator, atlas: AtlasEmulator
) -> None:
    """
    Three restores: the copy is whole, lacks an index, or has no primary that Atlas could count.

    Hours are shortened in two places. Atlas dates the restores back, so it has counted the copies
    when they are measured. The stack's queue delivers after 15 minutes, and every 15 minutes again:
    its two waits are changed in the account, and all else of it is as the template makes it.
    """
    operator.deploy()
    stack = DeployedStack(operator.account, atlas)
    inbox = stack.subscriber("TopicArn")
    waits = stack.hurry_measurements(seconds=4)
    assert waits == {"DelaySeconds": "900", "VisibilityTimeout": "900"}
    stack.put_restore_to_measure("{}")
    whole, lossy, unseen = copies = [
        RestoredCopy(atlas, name) for name in ("whole", "lossy", "unseen")
    ]
    stack.sweep()
    for copy in copies:
        copy.complete()
    lossy.target.hold("sales", DATABASES["sales"]._replace(indexes=30), lossy.ended)
    lossy.target.primary = unseen.target.primary = None
    stack.sweep()

    assert measured(inbox, whole)["outcome"] == "matches"
    assert stack.measure(whole.job) == measured(inbox, whole)
    lossy.target.primary = 2
    (differing,) = measured(inbox, lossy)["differing"]
    assert differing["name"] == "sales"
    assert measured(inbox, lossy)["outcome"] == "differs"
    assert measured(inbox, unseen)["why"] == "Atlas shows no primary of the cluster"
    # What cannot be read is kept, and has held up nothing.
    assert awaited(stack.failed_measurements, "the dead letter") == ["{}"]

    outcomes = [kept(stack, copy)["outcome"] for copy in copies]
    assert outcomes == ["matches", "differs", "not measured"]
    report = restores_in_the_report(stack)
    shown = [report[copy.job.restore_id]["measured"] for copy in copies]
    assert [line.partition(":")[0] for line in shown] == ["measured", "measured", "not measured"]
    assert "sales" in shown[1]

    # Alone, it is no change to MiniStack.
    operator.deploy("Measure=no", "LogLevel=DEBUG")
    left = DeployedStack(operator.account, atlas).resources()
    assert [name for name in left if "Measure" in name] == []


def restores_in_the_report(stack: DeployedStack) -> dict[str, dict[str, str]]:
    """The rows of restores.csv in a report of yesterday and today, by the id of the restore."""
    today = datetime.now(UTC).date()
    made = stack.report_of((today - 24 * HOUR).isoformat(), today.isoformat())
    got = stack.account.client("s3").get_object(
        Bucket=made["bucket"], Key=f"{made['prefix']}restores.csv"
    )
    rows = csv.DictReader(got["Body"].read().decode("utf-8-sig").splitlines())
    return {row["restoreId"]: row for row in rows}


def test_a_parameter_is_changed_on_a_machine_without_the_release(
    operator: Operator, tmp_path: Path
) -> None:
    operator.deploy()
    before, outputs = operator.parameters(), operator.outputs()
    operator.change_without_the_release(tmp_path)
    change, _ = commands(section(page("deploying"), "Change a parameter"))

    stated = dict(word.split("=") for word in change[change.index("--parameter-overrides") + 1 :])
    assert operator.parameters() == before | stated != before
    assert operator.outputs() == outputs


def test_a_stack_of_the_transformed_template_is_uninstalled_all_but_its_table(
    operator: Operator, atlas: AtlasEmulator
) -> None:
    operator.deploy(template=TRANSFORMED)
    account, table = operator.account, DeployedStack(operator.account, atlas).outputs["TableName"]

    delete, wait, *_ = commands(section(page("deploying"), "Uninstall"))
    for command in (delete, wait):
        account.run(*(word.replace("<stack>", NAME) for word in command))

    assert account.stacks() == {}
    assert account.client("dynamodb").list_tables()["TableNames"] == [table]
    assert account.client("iam").list_roles()["Roles"] == []
    assert account.client("lambda").list_functions()["Functions"] == []
    assert account.client("sns").list_topics()["Topics"] == []
    assert not account.client("sqs").list_queues().get("QueueUrls")


def test_what_a_deleted_stack_keeps_in_buckets_is_removed_by_the_page(
    operator: Operator, atlas: AtlasEmulator, tmp_path: Path
) -> None:
    """Also what a change on another machine has copied, and each version of each report."""
    operator.deploy()
    operator.change_without_the_release(tmp_path)
    stack = DeployedStack(operator.account, atlas)
    operator.know("<ReportBucketName>", stack.outputs["ReportBucketName"])
    for _ in range(2):
        stack.report_of("2026-10-01", "2026-10-31")
    operator.uninstall()
    s3 = operator.account.client("s3")
    marked = {"Bucket": stack.outputs["ReportBucketName"], "Key": "reports/2026-10-31/report.html"}
    s3.delete_object(**marked)
    kept = len({*stack.versions()}) - 1

    typed = [one for one in commands(section(page("deploying"), "Uninstall")) if one[1][:2] == "s3"]
    copy, listing, delete, *others = typed
    operator.type(copy, tmp_path)
    (tmp_path / "versions.json").write_text(operator.type(listing, tmp_path))
    operator.type(delete, tmp_path)
    for command in others:
        operator.type(command, tmp_path)

    assert len([*tmp_path.glob("reports/*/*"), *tmp_path.glob("months/*/*")]) == kept > 1
    assert s3.list_buckets()["Buckets"] == []


def test_a_deployment_that_fails_says_why_and_leaves_no_table_and_no_bucket(
    operator: Operator,
) -> None:
    """Only the last one begins. MiniStack makes no alarm with metric math, so it goes back."""
    for stated, why in {
        "ReleaseBucket=My-Artifacts": "'ReleaseBucket' must be the name of a bucket",
        "AtlasSecretArn=arn:aws:secretsmanager:us-east-1:123456789012:secret:atlas": (
            "'AtlasSecretArn' must be the full ARN of a secret"
        ),
        "SubnetIds=subnet-0a1b2c3d": "needs both SubnetIds and SecurityGroupIds",
    }.items():
        assert why in operator.deploy(stated, fails=True)
        assert operator.account.stacks() == {}

    assert "Failed to create" in operator.deploy("CreateAlarms=yes", fails=True)
    assert operator.account.stacks() == {NAME: "ROLLBACK_COMPLETE"}
    assert operator.account.client("dynamodb").list_tables()["TableNames"] == []
    buckets = operator.account.client("s3").list_buckets()["Buckets"]
    assert [one["Name"] for one in buckets if "report" in one["Name"]] == []
