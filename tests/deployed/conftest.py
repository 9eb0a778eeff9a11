"""The cloud and a release, which these tests share, and what each file has for itself."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy import release as of_checkout
from deployed.cloud import Account, running_cloud
from local_stack.atlas import AtlasEmulator
from local_stack.stack import CREDENTIALS


@pytest.fixture(scope="session")
def new_account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Account]]:
    with running_cloud(tmp_path_factory.mktemp("cloud")) as new_account:
        yield new_account


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a release of this checkout, as if nothing was changed."""
    return of_checkout.write_release(tmp_path_factory.mktemp("dist"), is_changed=False)


@pytest.fixture(scope="module")
def atlas() -> Iterator[AtlasEmulator]:
    service_account = CREDENTIALS["service_account"]
    with AtlasEmulator() as atlas:
        atlas.add_service_account(service_account["client_id"], service_account["client_secret"])
        yield atlas


@pytest.fixture(scope="module")
def account(new_account: Callable[[], Account]) -> Account:
    return new_account()


@pytest.fixture(scope="module")
def secret_arn(account: Account) -> str:
    made = account.client("secretsmanager").create_secret(
        Name="atlas/restore-watch", SecretString=json.dumps(CREDENTIALS["service_account"])
    )
    arn: str = made["ARN"]
    return arn
