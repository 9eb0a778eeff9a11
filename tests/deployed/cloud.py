"""
An AWS on this machine to deploy to: all of MiniStack, over TLS, with its IAM.

A function can do only what its role allows, and topics and queues refuse requests without TLS.
What MiniStack 1.5.33 cannot do, or does not check:

- Alarms with metric math: the stacks have CreateAlarms=no.
- The definition of a workflow in YAML: SAM gets the same one as JSON.
- The condition key dynamodb:LeadingKeys, and of which workflow a task token is: the function's role
  gets dynamodb:Query and states:SendTask* once more, for every resource.
- The key of a topic, which is lost, and the ARN of a schedule, which always has the group
  `default`: so no diagnosis is asked of a deployed stack.
- A change set in which conditions alone make or remove resources: it has no changes.
- That Lambda polls a queue with the role of its function.
- That a zip or its bucket is missing. A parameter that is refused is named in other words than
  those of AWS: `Parameter 'X' must be ...`.
- The processor: functions run as processes of this machine.
- A schedule fires after a minute at the soonest: the tests send its input.

AtlasBaseUrl allows only addresses of MongoDB: the variable of the deployed function is changed.
PyPI has version 1 of the AWS CLI, and a release asks for version 2.
"""

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from deploy import ROOT
from local_stack.aws import ONE_TRY, REGION
from local_stack.certificates import Authority
from local_stack.loopback import free_port, wait_until_listening
from local_stack.ministack import PROGRAM

PARAMETERS = {"CreateAlarms": "no", "SweepMinutes": "60"}
"""There is a sweep only when a test asks for one, and it ends at once."""

_SETTINGS = {
    "AUTH": "true",
    "BIND_HOST": "127.0.0.1",
    "IOT_MTLS_ENABLED": "0",
    "LOG_LEVEL": "WARNING",
    "MINISTACK_HOST": "127.0.0.1",
    "SERVICES": "cloudformation,dynamodb,events,iam,lambda,logs,s3,scheduler,secretsmanager,"
    "sns,sqs,stepfunctions,sts",
    "USE_SSL": "1",
}
_SECONDS = 60.0


def awaited[T](look: Callable[[], T], what: str) -> T:
    """Look until what is seen is true, and return it. Raise TimeoutError after a minute."""
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        if seen := look():
            return seen
        time.sleep(0.1)
    raise TimeoutError(f"{what}: not within {_SECONDS:g} s")


class Account:
    """An empty account, and an operator at a terminal who may do everything in it."""

    def __init__(self, port: int, trusted: str, home: Path) -> None:
        self.url = f"https://127.0.0.1:{port}"
        # To MiniStack, a key of twelve digits is the root user of the account of this number.
        number = str(100_000_000_000 + secrets.randbelow(900_000_000_000))
        self._environment = {
            "AWS_ACCESS_KEY_ID": number,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CA_BUNDLE": trusted,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "HOME": str(home),
            "PATH": os.pathsep.join((str(PROGRAM.parent), os.environ["PATH"])),
            "SAM_CLI_POLL_DELAY": "1",
            "SAM_CLI_TELEMETRY": "0",
        }
        self._session = boto3.Session(number, "test", region_name=REGION)
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            trusted = self._environment["AWS_CA_BUNDLE"]
            self._clients[service] = self._session.client(  # type: ignore[call-overload]
                service, endpoint_url=self.url, verify=trusted, config=ONE_TRY
            )
        return self._clients[service]

    def run(self, *words: str, cwd: Path = ROOT, fails: bool = False, typed: str = "") -> str:
        """Run a command as the operator does. Return what it says, or complains of if it fails."""
        ran = subprocess.run(  # noqa: S603 - commands of this repository
            words,
            cwd=cwd,
            env=self._environment,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode != 0) is fails, ran.stdout + ran.stderr
        return ran.stderr if fails else ran.stdout

    def bucket(self) -> str:
        """Make a bucket, and return its name."""
        name = f"artifacts-{secrets.token_hex(8)}"
        self.client("s3").create_bucket(Bucket=name)
        return name

    def resources(self, stack: str) -> dict[str, str]:
        """The physical id of every resource of a stack, by its logical id."""
        made = self.client("cloudformation").describe_stack_resources(StackName=stack)
        return {
            one["LogicalResourceId"]: one["PhysicalResourceId"] for one in made["StackResources"]
        }

    def stacks(self) -> dict[str, str]:
        """The status of every stack that is there."""
        described = self.client("cloudformation").describe_stacks()["Stacks"]
        return {one["StackName"]: one["StackStatus"] for one in described}


@contextmanager
def running_cloud(folder: Path) -> Iterator[Callable[[], Account]]:
    """Run MiniStack within the block, and yield what makes an account."""
    if not PROGRAM.is_file():
        raise FileNotFoundError(f"{PROGRAM}: `make .tools/ministack/.ready` installs it")
    authority = Authority.make(folder)
    authority.server()
    port, certificate = free_port(), str(folder / "127.0.0.1.pem")
    settings = _SETTINGS | {
        "AWS_CA_BUNDLE": authority.trusted,  # the functions inherit it
        "GATEWAY_PORT": str(port),
        "MINISTACK_SSL_CERT": certificate,
        "MINISTACK_SSL_KEY": certificate,
        "PATH": os.environ["PATH"],
        "TMPDIR": str(folder),
    }
    output = folder / "output"
    with output.open("wb") as opened:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [PROGRAM], cwd=folder, env=settings, stdout=opened, stderr=opened, process_group=0
        )
    try:
        wait_until_listening(port, process, _SECONDS)
        assert process.poll() is None, output.read_text(errors="replace")
        yield lambda: Account(port, authority.trusted, folder)
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # with the processes of its functions
        process.wait()
