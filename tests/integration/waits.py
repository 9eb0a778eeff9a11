"""Workflows that wait for a job, as far as the function knows them: by their tokens."""

import json
import secrets
from typing import Any

from integration.sweeping import Sweeping
from local_stack.atlas import EmulatedRestore
from local_stack.stack import LocalStack
from local_stack.wire import Call
from restore_watch.check.register_wait import WaitRegistrar
from restore_watch.model.restore_job import RestoreTarget
from restore_watch.model.results import Registration
from restore_watch.model.wait import ENDED, Wait

NOT_FOLLOWED = ("SendTaskFailure", "RestoreNotFollowed")
SUCCESS = ("SendTaskSuccess", None)


def target_of(restore: EmulatedRestore) -> RestoreTarget:
    return RestoreTarget.model_validate(restore.event)


def register(sweeping: Sweeping, restore: EmulatedRestore, until: str = ENDED) -> Registration:
    """A workflow waits for the job from now on."""
    wait = Wait(f"canary-task-token-{secrets.token_hex(8)}", until)
    registrar = WaitRegistrar(sweeping.checker)
    return registrar.register(target_of(restore), wait, sweeping.deadline())


def store_wait(sweeping: Sweeping, restore: EmulatedRestore, until: str = ENDED) -> None:
    """A workflow waits, and its registration ends right after the write."""
    wait = Wait(f"canary-task-token-{secrets.token_hex(8)}", until)
    table, now = sweeping.checker.outbox.table, sweeping.clock()
    table.wait(target_of(restore), wait, now, sweeping.deadline())


def acknowledges(call: Call) -> bool:
    """Whether the call notes what was published and answered."""
    return b"#publishedSequence <= :published" in call.body


def answers(stack: LocalStack) -> list[tuple[str, Any]]:
    """What Step Functions was told since the calls were last forgotten, and the error's name."""
    return [
        (call.operation, json.loads(call.body).get("error"))
        for call in stack.aws.wire.calls
        if call.service == "states"
    ]
