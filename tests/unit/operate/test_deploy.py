"""The words of `sam deploy`."""

import pytest

from operate.deploy import command
from operate.errors import ArgumentError


def words(args: str) -> list[str]:
    return command(dict.fromkeys(("environment", "stack", "parameters")) | {"args": args}, {})


@pytest.mark.parametrize(
    ("option", "instead"),
    [
        ("--config-env", "ENVIRONMENT"),
        ("--parameter-overrides", "PARAMETERS"),
        ("--stack-name", "STACK"),
    ],
)
def test_what_make_has_computed_cannot_be_said_a_second_time(option: str, instead: str) -> None:
    for args in (f"--no-confirm-changeset {option} x=1", f"{option}=x=1"):
        with pytest.raises(ArgumentError) as refused:
            words(args)
        assert str(refused.value) == f"ARGS: expected no {option}, use {instead}"


def test_every_other_option_goes_to_sam() -> None:
    args = ["--region", "eu-central-1", "--tags=stack-name=x"]

    assert words(" ".join(args))[-3:] == args
