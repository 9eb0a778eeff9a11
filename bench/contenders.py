"""What is compared: ours and the peers, each in its own real runtime, all on one local stack."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from statistics import median
from typing import Any

from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from bench.processor import Throttle
from bench.report import Row, Target
from bench.runtime import ColdStart, Did, Function, MeasuredRuntime
from local_stack.atlas import EmulatedRestore
from local_stack.runtime import Environment
from local_stack.stack import CREDENTIALS, ROOT, Credentials, LocalStack

GROUP = "6a1f3c9e5b7d204e8c61f0a3"

OURS, ACCOUNT = "ours, API key", "ours, account"
PEER, COMPILED, MODULE = "peer", "peer, bytecode", "peer, module clients"

SHIPPED = ROOT / ".aws-sam/peer/build/CheckRestoreFunction"
WITH_BYTECODE = ROOT / ".aws-sam/peer/compiled"
"""The peer as a plain `sam build` ships it, and the same compiled like ours."""


class Contender(Function):
    """A function that checks restores of one Flex cluster."""

    def start_restore(self) -> EmulatedRestore:
        return self.stack.atlas.start_restore(GROUP, "orders-flex", "flex")

    def running(self) -> EmulatedRestore:
        """A restore in its most frequent state, with each earlier step checked."""
        restore = self.start_restore()
        self.check(restore)
        while restore.step != "RUNNING":
            restore.advance()
            self.check(restore)
        return restore

    def check(self, restore: EmulatedRestore) -> Did:
        """Raises AssertionError if the answer is not the true one."""
        did = self.measure(restore.event)
        assert did.answer.result["status"] == restore.step, did.answer
        return did

    def check_cold(self, restore: EmulatedRestore, throttle: Throttle | None = None) -> ColdStart:
        """The first check of a new environment; its answer is throttled if a throttle is given."""
        answer, start = self.runtime.start_cold(restore.event, throttle)
        assert answer.result["status"] == restore.step, answer
        return start


@contextmanager
def contenders() -> Iterator[dict[str, Contender]]:
    """Ours with either credential; the peer as shipped, with bytecode, and with kept clients."""
    with ExitStack() as blocks:
        stack = blocks.enter_context(LocalStack())
        stack.atlas.behaviour.lift_limits()
        key = _secret(stack, "api_key")
        ours = stack.pool.runtimes[0].environment
        peer = _peer_environment(stack, ours, key)
        environments = {
            OURS: replace(ours, variables={**ours.variables, "ATLAS_SECRET_ID": key}),
            PEER: peer,
            COMPILED: replace(peer, code=WITH_BYTECODE),
            MODULE: replace(peer, handler="restore_check.clients_in_module.lambda_handler"),
            ACCOUNT: ours,
        }
        yield {
            name: Contender(stack, blocks.enter_context(MeasuredRuntime(environment)))
            for name, environment in environments.items()
        }


def _peer_environment(stack: LocalStack, ours: Environment, secret: str) -> Environment:
    """Make the peer's own table and topic. Time, memory and AWS are the same as ours."""
    if not SHIPPED.is_dir():
        raise FileNotFoundError(f"{SHIPPED} does not exist: run `make bench` first")
    template: dict[str, Any] = yaml_parse((ROOT / "bench/peer/template.yaml").read_text())
    resources = {name: template["Resources"][name] for name in ("RestoreJobsTable", "StatusTopic")}
    client = stack.aws.client("cloudformation")
    client.create_stack(StackName="peer", TemplateBody=json.dumps({"Resources": resources}))
    described = client.describe_stack_resources(StackName="peer")["StackResources"]
    ids = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in described}
    aws = {name: value for name, value in ours.variables.items() if name.startswith("AWS_")}
    own = {
        "SECRET_ID": secret,
        "ATLAS_BASE_URL": stack.atlas.url,
        "TABLE_NAME": ids["RestoreJobsTable"],
        "TOPIC_ARN": ids["StatusTopic"],
    }
    return replace(
        ours,
        code=SHIPPED,
        layer=SHIPPED / "there-is-no-layer",
        handler="restore_check.clients_in_handler.lambda_handler",
        variables=aws | own,
        name="peer",
        coverage=None,
    )


def _secret(stack: LocalStack, credentials: Credentials) -> str:
    made = stack.aws.client("secretsmanager").create_secret(
        Name=f"bench-{credentials}", SecretString=json.dumps(CREDENTIALS[credentials])
    )
    arn: str = made["ARN"]
    return arn


# Figure by figure

type Samples = Mapping[str, Sequence[float]]
"""Of each contender, taken in turns."""

PEERS = (PEER, COMPILED, MODULE)
HEAD = (OURS, *PEERS, ACCOUNT, *(f"to {peer}" for peer in PEERS))


def ratio(samples: Samples, ours: str, peer: str) -> float:
    """The median of the ratios of each turn: changing load would shift two medians."""
    pairs = zip(samples[ours], samples[peer], strict=True)
    return median(our_time / peer_time for our_time, peer_time in pairs)


def row(name: str, samples: Samples, digits: int = 0) -> Row:
    """The median of each contender, in milliseconds, and the ratios to the peers."""
    medians = (f"{median(some):,.{digits}f} ms" for some in samples.values())
    ratios = (f"{ratio(samples, OURS, peer):.2f}" for peer in PEERS)
    return (name, *medians, *ratios)


def target(limit: float, name: str, samples: Samples, peer: str = PEER) -> Target:
    worst = max(ratio(samples, ours, peer) for ours in (OURS, ACCOUNT))
    return Target(name, f"at most {limit:.2f} of {peer}", f"{worst:.3f}", met=worst <= limit)
