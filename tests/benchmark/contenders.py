"""What is measured: ours and the peers, each in its own real runtime, all on one local stack."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from benchmark.building import PEER, PeerHandler, peer_as_shipped, peer_with_bytecode
from benchmark.cold_start import ColdStart, MeasuredRuntime
from benchmark.processor import Throttle
from local_stack.atlas import EmulatedRestore
from local_stack.runtime import Environment, Invocation
from local_stack.stack import CREDENTIALS, Credentials, LocalStack
from local_stack.wire import Call, Phase

GROUP = "6a1f3c9e5b7d204e8c61f0a3"


@dataclass(frozen=True)
class PeerStack:
    """The table and the topic of the peer's own template, made in the emulated AWS."""

    table: str
    topic: str


@dataclass(frozen=True)
class Traffic:
    """HTTP calls, and the milliseconds that it took the emulators to answer them."""

    calls: list[Call]
    milliseconds: float


class Answering:
    """A listener on the emulators' wires that adds up how long they work."""

    def __init__(self) -> None:
        self._begun: dict[tuple[str, int], float] = {}
        self._seconds: list[float] = []

    def __call__(self, call: Call, phase: Phase) -> None:
        key = (call.service, call.number)
        if phase == "before":
            self._begun[key] = time.perf_counter()
        else:
            self._seconds.append(time.perf_counter() - self._begun.pop(key))

    def take(self) -> float:
        """Milliseconds since the last call of this method."""
        seconds, self._seconds = self._seconds, []
        return 1000 * sum(seconds)


@dataclass(frozen=True)
class Contender:
    """A function in its runtime. `packages` are the folders that are uploaded for it."""

    name: str
    stack: LocalStack
    answering: Answering
    runtime: MeasuredRuntime
    packages: dict[str, Path]

    def start_restore(self) -> EmulatedRestore:
        return self.stack.atlas.start_restore(GROUP, "orders-flex", "flex")

    def check(self, restore: EmulatedRestore) -> float:
        """Milliseconds until the answer; an AssertionError when it is not the true one."""
        answer = self.runtime.invoke(restore.event)
        _assert_true(answer, restore)
        return answer.milliseconds

    def check_cold(self, restore: EmulatedRestore, throttle: Throttle | None = None) -> ColdStart:
        """The first check of a new environment; its answer is throttled if a throttle is given."""
        answer, start = self.runtime.start_cold(restore.event, throttle)
        _assert_true(answer, restore)
        return start

    def traffic(self) -> Traffic:
        """The HTTP calls of any contender since the last call of this method."""
        calls = self.stack.http_calls()
        self.stack.forget_calls()
        return Traffic(calls, self.answering.take())


@contextmanager
def local_stack(credentials: Credentials = "service_account") -> Iterator[LocalStack]:
    """The stack, with an Atlas that has no limits."""
    with LocalStack(credentials=credentials) as stack:
        stack.atlas.behaviour.lift_limits()
        yield stack


@contextmanager
def contenders(stack: LocalStack) -> Iterator[list[Contender]]:
    """Ours with either credential; the peer as shipped, with bytecode, and with kept clients."""
    shipped, compiled = peer_as_shipped(), peer_with_bytecode()
    made = make_peer_stack(stack)
    api_key, account = _secret(stack, "api_key"), _secret(stack, "service_account")
    in_handler = PeerHandler.CLIENTS_IN_HANDLER

    def peer(handler: PeerHandler, code: Path) -> Environment:
        return peer_environment(stack, made, api_key, code, handler)

    described = [
        ("ours, API key", our_environment(stack, api_key)),
        ("peer", peer(in_handler, shipped)),
        ("peer, bytecode", peer(in_handler, compiled)),
        ("peer, module clients", peer(PeerHandler.CLIENTS_IN_MODULE, shipped)),
        ("ours, account", our_environment(stack, account)),
    ]
    answering = Answering()
    with ExitStack() as blocks:
        for wire in (stack.atlas.wire, stack.aws.wire):
            blocks.enter_context(wire.listen(answering))
        yield [
            Contender(
                name,
                stack,
                answering,
                blocks.enter_context(MeasuredRuntime(environment)),
                _packages(environment),
            )
            for name, environment in described
        ]


def our_environment(stack: LocalStack, secret: str) -> Environment:
    """The local stack's variables, except the secret."""
    environment = stack.pool.runtimes[0].environment
    return replace(environment, variables={**environment.variables, "ATLAS_SECRET_ID": secret})


def peer_environment(
    stack: LocalStack, made: PeerStack, secret: str, code: Path, handler: PeerHandler
) -> Environment:
    """The peer's variables; time, memory and AWS are the same as ours."""
    ours = stack.function.environment
    aws = {name: value for name, value in stack.environment.items() if name not in ours}
    return Environment(
        code=code,
        layer=code / "there-is-no-layer",
        handler=handler,
        variables={
            **aws,
            "SECRET_ID": secret,
            "ATLAS_BASE_URL": stack.atlas.url,
            "TABLE_NAME": made.table,
            "TOPIC_ARN": made.topic,
        },
        name="peer",
        timeout_seconds=stack.function.timeout_seconds,
        memory_megabytes=stack.function.memory_megabytes,
    )


def make_peer_stack(stack: LocalStack) -> PeerStack:
    """Makes the peer's table and topic."""
    made = ("RestoreJobsTable", "StatusTopic")
    resources = {name: peer_template()["Resources"][name] for name in made}
    client = stack.aws.client("cloudformation")
    client.create_stack(StackName="peer", TemplateBody=json.dumps({"Resources": resources}))
    described = client.describe_stack_resources(StackName="peer")["StackResources"]
    ids = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in described}
    return PeerStack(table=ids["RestoreJobsTable"], topic=ids["StatusTopic"])


def peer_template() -> dict[str, Any]:
    template: dict[str, Any] = yaml_parse((PEER / "template.yaml").read_text())
    return template


def _assert_true(answer: Invocation, restore: EmulatedRestore) -> None:
    assert answer.result["status"] == restore.step, answer


def _secret(stack: LocalStack, credentials: Credentials) -> str:
    answer = stack.aws.client("secretsmanager").create_secret(
        Name=f"benchmark-{credentials}", SecretString=json.dumps(CREDENTIALS[credentials])
    )
    arn: str = answer["ARN"]
    return arn


def _packages(environment: Environment) -> dict[str, Path]:
    packages = {"function": environment.code, "layer": environment.layer}
    return {name: folder for name, folder in packages.items() if folder.is_dir()}
