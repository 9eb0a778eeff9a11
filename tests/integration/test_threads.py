"""Thirty-two threads share what an environment keeps: a token, the secret, the connections."""

import json
from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest

from foundation.deadline import Deadline
from integration.sweeping import old_id
from integration.tables import CHECKS_AT_ONCE, at_once
from local_stack.atlas import EmulatedRestore
from local_stack.canaries import CANARY_CLIENT_SECRET, CANARY_PRIVATE_KEY
from local_stack.in_process import Clients
from local_stack.stack import Credentials, LocalStack
from observed_stack import ObservedStack
from restore_watch.atlas.client import AtlasClient
from restore_watch.atlas.session import AtlasSession
from restore_watch.atlas.slots import Slots
from restore_watch.aws.secrets_manager import AtlasSecret
from restore_watch.errors import AtlasUnauthorizedError
from restore_watch.model.restore_job import RestoreJob, RestoreTarget

QUESTIONS = 3
"""Each thread asks so often about a job of its own."""

ASKED = CHECKS_AT_ONCE * QUESTIONS


class Shared:
    """What the threads of an environment share, with credentials and a secret of its own."""

    def __init__(self, stack: LocalStack, by: Clients, group: str, kind: Credentials) -> None:
        self.stack = stack
        self.group = group
        self.kind = kind
        self.name = f"mdb_sa_id_{group}" if kind == "service_account" else group[:8]
        self._secrets = stack.aws.client("secretsmanager")
        self._arn = self._secrets.create_secret(Name=group, SecretString="{}")["ARN"]
        self.rotate("")
        secret = AtlasSecret(by.secretsmanager, self._arn)
        self.atlas = AtlasSession(AtlasClient(stack.atlas.url, by.http), secret.credentials)
        self.slots = Slots()
        self.restores = [
            stack.atlas.start_restore(group, f"orders-{n}", "flex", restore_id=old_id())
            for n in range(CHECKS_AT_ONCE)
        ]

    def rotate(self, ending: str) -> None:
        """Replace the credentials in Atlas and in the secret. No token stays alive."""
        self.stack.atlas.remove_credential(self.name)
        self.allow(ending)
        text = json.dumps(self._in_secret(ending))
        self._secrets.put_secret_value(SecretId=self._arn, SecretString=text)

    def allow(self, ending: str = "") -> None:
        """Atlas accepts the credentials that end like this."""
        if self.kind == "service_account":
            self.stack.atlas.add_service_account(self.name, CANARY_CLIENT_SECRET + ending)
        else:
            self.stack.atlas.add_api_key(self.name, CANARY_PRIVATE_KEY + ending)

    def _in_secret(self, ending: str) -> dict[str, str]:
        if self.kind == "service_account":
            return {"client_id": self.name, "client_secret": CANARY_CLIENT_SECRET + ending}
        return {"public_key": self.name, "private_key": CANARY_PRIVATE_KEY + ending}

    def remove(self) -> None:
        self.stack.atlas.remove_credential(self.name)
        self._secrets.delete_secret(SecretId=self._arn, ForceDeleteWithoutRecovery=True)

    def ask(self, restore: EmulatedRestore) -> RestoreJob:
        target = RestoreTarget.model_validate(restore.event | {"kind": "flex"})
        return self.atlas.restore_job(target, Deadline.after(60), patient=False)

    def ask_from_all_threads(self) -> None:
        """Every thread gets the answers about its own job."""

        def work(restore: EmulatedRestore) -> set[str]:
            with self.slots.taken():
                return {self.ask(restore).restore_id for _ in range(QUESTIONS)}

        answers = at_once([partial(work, restore) for restore in self.restores])
        assert answers == [{restore.restore_id} for restore in self.restores]

    def statuses(self, operation: str) -> Counter[int | None]:
        calls = (*self.stack.atlas.wire.calls, *self.stack.aws.wire.calls)
        return Counter(call.status for call in calls if call.operation == operation)


@pytest.fixture
def shared(
    stack: ObservedStack, in_process: Clients, group: str, request: pytest.FixtureRequest
) -> Iterator[Shared]:
    """With a service account, unless the test names the kind of credentials."""
    made = Shared(stack, in_process, group, getattr(request, "param", "service_account"))
    stack.forget_calls()
    yield made
    made.remove()


by_each_credential = pytest.mark.parametrize(
    "shared", ["service_account", "api_key"], indirect=True
)


@by_each_credential
def test_threads_share_one_token_and_each_slot_has_at_most_one_challenge(
    shared: Shared,
) -> None:
    shared.ask_from_all_threads()

    is_account = shared.kind == "service_account"
    assert shared.statuses("token") == ({200: 1} if is_account else {})
    asked = shared.statuses("flex")
    assert asked[200] == ASKED
    assert asked[401] <= (0 if is_account else CHECKS_AT_ONCE)
    assert asked.total() == asked[200] + asked[401]
    assert shared.statuses("GetSecretValue") == {200: 1}


def test_each_slot_uses_one_connection(shared: Shared) -> None:
    shared.ask_from_all_threads()

    calls = [call for call in shared.stack.http_calls() if call.operation == "flex"]
    connections: dict[str, set[int]] = {}
    for call in calls:
        connections.setdefault(call.path, set()).add(call.connection)
    assert {len(used) for used in connections.values()} == {1}


def test_one_new_token_serves_all_threads_after_the_old_one_was_refused(shared: Shared) -> None:
    shared.ask(shared.restores[0])
    shared.rotate("")
    shared.stack.forget_calls()

    shared.ask_from_all_threads()

    assert shared.statuses("token") == {200: 1}
    assert shared.statuses("flex")[200] == ASKED
    assert shared.statuses("GetSecretValue") == {}


@by_each_credential
def test_the_secret_is_read_once_for_all_threads_after_it_was_rotated(shared: Shared) -> None:
    shared.ask(shared.restores[0])
    shared.rotate("-rotated")
    shared.stack.forget_calls()

    shared.ask_from_all_threads()

    assert shared.statuses("GetSecretValue") == {200: 1}
    assert shared.statuses("flex")[200] == ASKED


@by_each_credential
def test_the_secret_is_read_once_for_all_threads_that_atlas_refuses(shared: Shared) -> None:
    shared.ask(shared.restores[0])
    shared.stack.atlas.grant(shared.name)
    shared.stack.forget_calls()

    def work(restore: EmulatedRestore) -> None:
        with shared.slots.taken():
            for _ in range(QUESTIONS):
                with pytest.raises(AtlasUnauthorizedError):
                    shared.ask(restore)

    at_once([partial(work, restore) for restore in shared.restores])

    assert shared.statuses("GetSecretValue") == {200: 1}
    assert shared.statuses("token").total() <= 1
