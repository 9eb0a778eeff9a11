"""The example of a restore test that a second person approves: its own scripts, really run."""

import hashlib
import json
import shutil
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from behaviour.rows import rows
from local_stack.atlas import EmulatedRestore
from local_stack.aws import ACCOUNT, REGION, TEST_KEY_ID
from local_stack.faults import Answer
from local_stack.other_dynamodb import TOOLS
from local_stack.running import Running, wait_until
from local_stack.stack import CREDENTIALS, ROOT
from local_stack.wire import Call, Fault
from local_stack.workflows import Workflow, await_restore, in_a_hurry
from observed_stack import ObservedStack
from restore_watch.event.actions import RecordValidation
from restore_watch.event.request import read_request
from workflows.hosted_job import HostedJob

WORKFLOW = ROOT / "docs" / "drills" / "restore-test.yml"
REFUSE, APPROVED, INSTALL, WAIT, CHECK, REPORT, FAIL = (
    "Refuse what must not be restored",
    "See that a second person approved",
    "Install the Atlas CLI",
    "Wait for the restore",
    "Check the data",
    "Report the verdict",
    "Fail unless the data passed",
)

DETAIL = "12 of 12 collections have the expected number of documents"

PROJECT, DRILLS = "6a1f3c9e5b7d204e8c61f0a3", "6a1f3c9e5b7d204e8c61f0a4"
SNAPSHOT = "6ac33d05e0d9807dd7c68934"
INPUTS = {
    "inputs.project": PROJECT,
    "inputs.cluster": "ledger",
    "inputs.snapshot": SNAPSHOT,
    "inputs.target-project": DRILLS,
    "inputs.target-cluster": "ledger-drill",
    "vars.RESTORE_TARGETS": f"{DRILLS}/orders-drill\n{DRILLS}/ledger-drill",
    "github.token": "ghs_token",
}
RUNNER = {
    "GITHUB_ACTOR": "ada",
    "GITHUB_REPOSITORY": "octo-org/drills",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_RUN_ID": "17023",
}

pytestmark = pytest.mark.skipif(shutil.which("jq") is None, reason="the scripts need jq")


def review(login: str, state: str = "approved", environment: str = "restore-tests") -> Any:
    """An entry of the reviews of a run, by GitHub's specification."""
    user, environments = {"login": login, "id": 1, "type": "User"}, [{"id": 1, "name": environment}]
    return {"state": state, "comment": "", "environments": environments, "user": user}


def job(folder: Path, *reviews: Any, environment: dict[str, str] | None = None) -> HostedJob:
    made = HostedJob(WORKFLOW, folder, dict(INPUTS), {**RUNNER, **(environment or {})})
    made.program(
        "gh",
        f"""#!/bin/bash
        [ "$*" = "api repos/octo-org/drills/actions/runs/17023/approvals" ] || exit 1
        [ "$GH_TOKEN" = ghs_token ] || exit 1
        echo {json.dumps(json.dumps(list(reviews)))}
        """,
    )
    return made


# What is refused before anything starts

REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "over the source": (
        {"inputs.target-project": PROJECT, "inputs.target-cluster": "ledger"},
        "The target is the source",
    ),
    "over the source, in capitals": (
        {"inputs.target-project": PROJECT, "inputs.target-cluster": "Ledger"},
        "The target is the source",
    ),
    "over a cluster that is not listed": (
        {"inputs.target-cluster": "billing"},
        f"does not have {DRILLS}/billing",
    ),
    "over a cluster whose name begins as a listed one": (
        {"inputs.target-cluster": "ledger-drill-2"},
        f"does not have {DRILLS}/ledger-drill-2",
    ),
    "over the cluster of this name in another project": (
        {"inputs.target-project": PROJECT},
        f"does not have {PROJECT}/ledger-drill",
    ),
    "without a list": ({"vars.RESTORE_TARGETS": ""}, "does not have"),
    "a name with a command": ({"inputs.cluster": "$(touch /tmp/x)"}, "not a name of a cluster"),
    "a target of any name": ({"inputs.target-cluster": "*"}, "not a name of a cluster"),
    "a snapshot with a second line": (
        {"inputs.snapshot": f"{SNAPSHOT}\nid={SNAPSHOT}"},
        "An id has 24 digits",
    ),
}


@pytest.mark.parametrize(("given", "said"), rows(REFUSED, *REFUSED))
def test_a_restore_is_refused_before_it_starts(
    tmp_path: Path, given: dict[str, str], said: str
) -> None:
    refused = job(tmp_path, review("grace"))
    refused.given |= given

    assert refused.run() == REFUSE
    assert said in refused.said[REFUSE]


def test_a_run_is_not_run_again(tmp_path: Path) -> None:
    """It would restore again."""
    again = job(tmp_path, review("grace"), environment={"GITHUB_RUN_ATTEMPT": "2"})

    assert again.run() == REFUSE


NOT_APPROVED: dict[str, list[Any]] = {
    "no review": [],
    "an own review": [review("Ada")],
    "a rejection": [review("grace", "rejected")],
    "a review of another environment": [review("grace", environment="staging")],
}


@pytest.mark.parametrize("reviews", rows(NOT_APPROVED, *NOT_APPROVED))
def test_a_run_that_no_second_person_approved_ends(tmp_path: Path, reviews: list[Any]) -> None:
    """GitHub makes a missing environment without a rule, and administrators may bypass a rule."""
    alone = job(tmp_path, *reviews)

    assert alone.run() == APPROVED
    assert "No second person approved" in alone.said[APPROVED]


def test_those_who_approved_are_named(tmp_path: Path) -> None:
    approved = job(tmp_path, review("grace"), review("ada"), review("edsger", "rejected"))

    assert approved.run(APPROVED) is None
    assert approved.given["steps.approval.outputs.by"] == "grace"


def test_without_a_check_nothing_is_restored(tmp_path: Path) -> None:
    """Its verdict would be FAILED, and say nothing of the data."""
    assert job(tmp_path, review("grace")).run() == "See that the check is there"


# What is reported

CHECKS: dict[str, tuple[str, str, str]] = {
    "ends well": (f"echo one; echo '{DETAIL}'; echo", "PASSED", DETAIL),
    "ends with an error": (f"echo '{DETAIL}'; exit 3", "FAILED", DETAIL),
    "prints nothing": ("exit 1", "FAILED", "The check printed nothing"),
    "quotes": ("echo '\"$(id)\" `id` \\'; exit 1", "FAILED", '"$(id)" `id` \\'),
    "says much": ("printf 'é%.0s' {1..1200}", "PASSED", "é" * 1000),
    "does not end": ("exit 124", "FAILED", "The check did not end within 45 minutes"),
}


def checked(folder: Path, outcome: str) -> HostedJob:
    """A job whose restore ended so."""
    made = job(folder)
    made.given |= {
        "steps.approval.outputs.by": "grace",
        "steps.restore.outputs.id": "6ac38b14d92e7f05b1a64c3d",
        "steps.wait.outputs.outcome": outcome,
    }
    return made


def reported(checks: HostedJob) -> RecordValidation:
    """What the function reads of what the job sends."""
    assert checks.run(CHECK) is None
    read = read_request(json.loads((checks.folder / "temp" / "verdict.json").read_text()))
    assert isinstance(read, RecordValidation)
    assert read.target.restore_id == "6ac38b14d92e7f05b1a64c3d"
    assert read.validation.verdict == checks.given["steps.check.outputs.verdict"]
    return read


@pytest.mark.parametrize(("script", "verdict", "detail"), rows(CHECKS, *CHECKS))
def test_the_check_decides_and_its_last_line_is_the_detail(
    tmp_path: Path, script: str, verdict: str, detail: str
) -> None:
    checks = checked(tmp_path, "COMPLETED")
    checks.checkout("check-restored-data", f"#!/bin/bash\n{script}\n")

    validation = reported(checks).validation

    assert (validation.verdict, validation.detail) == (verdict, detail)
    by = "run 17023 of octo-org/drills, started by ada, approved by grace"
    assert validation.validated_by == by


@pytest.mark.parametrize("outcome", ["FAILED", "CANCELLED", "EXPIRED", "UNKNOWN", "TIMED_OUT"])
def test_a_restore_that_did_not_complete_is_a_verdict(tmp_path: Path, outcome: str) -> None:
    validation = reported(checked(tmp_path, outcome)).validation

    detail = f"Nothing was checked: the wait for the restore ended with {outcome}"
    assert (validation.verdict, validation.detail) == ("FAILED", detail)


# The whole run

# What the Atlas CLI does with these options, by start.go of its source. It accepts no other here.
ATLAS = """#!{python}
import argparse, base64, json, os, sys, urllib.request

def post(path, body, **headers):
    request = urllib.request.Request("{atlas}" + path, body.encode(), headers)
    return json.load(urllib.request.urlopen(request))

assert sys.argv[1:5] == ["backups", "restores", "start", "automated"], sys.argv
parser = argparse.ArgumentParser(allow_abbrev=False)
for name in ("projectId", "clusterName", "snapshotId", "targetProjectId", "targetClusterName"):
    parser.add_argument("--" + name, required=True)
parser.add_argument("--output", choices=["json"], required=True)
given = parser.parse_args(sys.argv[5:])
client = os.environ["MONGODB_ATLAS_CLIENT_ID"] + ":" + os.environ["MONGODB_ATLAS_CLIENT_SECRET"]
basic = "Basic " + base64.b64encode(client.encode()).decode()
form = {{"Authorization": basic, "Content-Type": "application/x-www-form-urlencoded"}}
token = post("/api/oauth/token", "grant_type=client_credentials", **form)["access_token"]
target = {{"targetGroupId": given.targetProjectId, "targetClusterName": given.targetClusterName}}
restore = {{"deliveryType": "automated", "snapshotId": given.snapshotId, **target}}
path = f"/api/atlas/v2/groups/{{given.projectId}}/clusters/{{given.clusterName}}/backup/restoreJobs"
media = "application/vnd.atlas.2023-01-01+json"
headers = {{"Authorization": "Bearer " + token, "Content-Type": media, "Accept": media}}
json.dump(post(path, json.dumps(restore), **headers) | {changed}, sys.stdout, indent=2)
"""
URL = "https://fastdl.mongodb.org/mongocli/mongodb-atlas-cli_1.60.0_linux_x86_64.tar.gz"


class RestoreTest:
    """The job beside the stack, with what the team brings along."""

    def __init__(self, stack: ObservedStack, folder: Path) -> None:
        self.stack = stack
        self.group, self.target_group = uuid4().hex[:24], uuid4().hex[:24]
        stack.atlas.add_cluster(self.group, "ledger", "dedicated")
        stack.atlas.add_cluster(self.target_group, "ledger-drill", "dedicated")
        self.snapshot = stack.atlas.add_snapshot(self.group, "ledger").snapshot_id
        aws = {"AWS_ACCESS_KEY_ID": TEST_KEY_ID, "AWS_SECRET_ACCESS_KEY": "test"}
        aws |= {"AWS_ENDPOINT_URL": stack.aws.url, "AWS_DEFAULT_REGION": REGION}
        self.job = job(folder, review("grace"), environment=aws)
        function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{stack.function.name}"
        account = CREDENTIALS["service_account"]
        self.job.given |= {
            "inputs.project": self.group,
            "inputs.snapshot": self.snapshot,
            "inputs.target-project": self.target_group,
            "vars.RESTORE_TARGETS": f"{self.target_group}/ledger-drill",
            "vars.ATLAS_CLI_VERSION": "1.60.0",
            "vars.AWAIT_RESTORE_STATE_MACHINE_ARN": Workflow.of(
                stack, in_a_hurry(await_restore(stack))
            ).arn,
            "vars.FUNCTION_ARN": function,
            "secrets.ATLAS_CLIENT_ID": account["client_id"],
            "secrets.ATLAS_CLIENT_SECRET": account["client_secret"],
        }
        self.job.program("sleep", "#!/bin/bash\nexec /bin/sleep 0.1\n")
        self.job.program("aws", f'#!/bin/bash\nexec {TOOLS}/ministack/bin/aws "$@"\n')
        self.install()
        self.job.checkout("check-restored-data", f"#!/bin/bash\necho '{DETAIL}'\n")

    def install(self, changed: str = "{}") -> None:
        """Make the archive of the Atlas CLI, in the form of MongoDB's. Its answer is `changed`."""
        archive, program = self.job.folder / "atlas.tar.gz", self.job.folder / "atlas"
        program.write_text(
            ATLAS.format(python=sys.executable, atlas=self.stack.atlas.url, changed=changed)
        )
        program.chmod(0o755)
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(program, "mongodb-atlas-cli_1.60.0_linux_x86_64/bin/atlas")
        self.job.given["vars.ATLAS_CLI_SHA256"] = hashlib.sha256(archive.read_bytes()).hexdigest()
        self.job.program(
            "curl",
            f'#!/bin/bash\n[ "${{@: -1}}" = {URL} ] || exit 22\n'
            f'while [ "$1" != --output ]; do shift; done; cp {archive} "$2"\n',
        )

    def run(self) -> str | None:
        """Run the job, and have the restore that it starts run to its end."""
        running = Running(self.job.run)
        running.start()
        wait_until(lambda: not running.is_alive() or bool(self.restores()))
        for restore in self.restores():
            restore.run_to_end()

        def tick() -> bool:
            self.stack.tick()
            return not running.is_alive()

        wait_until(tick, 60)
        return running.end()

    def restores(self) -> list[EmulatedRestore]:
        return self.stack.atlas.restores(self.group, "ledger")

    def published(self) -> list[tuple[str, str]]:
        """The verdicts that were published, with what was found."""
        said = [one.event["data"].get("validation") for one in self.stack.received()]
        return [(one["verdict"], one["detail"]) for one in said if one]


@pytest.fixture
def drill(stack: ObservedStack, tmp_path: Path) -> Iterator[RestoreTest]:
    yield RestoreTest(stack, tmp_path)
    stack.settle()
    stack.reset()


@pytest.mark.campaign
def test_data_that_passes_has_a_verdict(drill: RestoreTest) -> None:
    """It is sent again if the topic does not take it."""
    down = Fault(action=Answer(503), operation="Publish", when=says_passed, times=4)
    drill.stack.aws.wire.inject(down)

    assert drill.run() is None

    (restore,) = drill.restores()
    assert (restore.target_group, restore.target_cluster) == (drill.target_group, "ledger-drill")
    assert restore.snapshot_id == drill.snapshot
    assert "NotificationPendingError" in drill.job.said[REPORT]
    assert drill.published() == [("PASSED", DETAIL)]
    said = "".join(drill.job.said.values())
    assert CREDENTIALS["service_account"]["client_secret"] not in said


@pytest.mark.campaign
def test_a_restore_that_fails_has_a_verdict_and_ends_the_run(drill: RestoreTest) -> None:
    drill.stack.atlas.behaviour.restore_timeline = ("running", "failed")

    assert drill.run() == FAIL

    detail = "Nothing was checked: the wait for the restore ended with FAILED"
    assert drill.published() == [("FAILED", detail)]


@pytest.mark.campaign
def test_a_wait_that_fails_ends_the_run_without_a_verdict(drill: RestoreTest) -> None:
    """Nobody knows then how the restore ended."""
    drill.install(changed=str({"id": "0" * 24}))

    assert drill.run() == WAIT

    assert "FAILED RestoreJobNotFoundError" in drill.job.said[WAIT]
    assert drill.published() == []


@pytest.mark.campaign
def test_an_atlas_cli_with_another_sum_is_not_used(drill: RestoreTest) -> None:
    drill.job.given["vars.ATLAS_CLI_SHA256"] = "0" * 64

    assert drill.run() == INSTALL
    assert drill.restores() == []


def says_passed(call: Call) -> bool:
    return b"PASSED" in call.body
