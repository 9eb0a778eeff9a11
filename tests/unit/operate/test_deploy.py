"""The words of `sam deploy`, and what `make deploy` gives to SAM as parameters."""

import tomllib

import pytest
from samcli.cli.types import CfnParameterOverridesType  # type: ignore[import-untyped]

from operate.deploy import command
from operate.errors import ArgumentError
from operate.parameter_overrides import as_words, merged, parameters


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


# SAM's own parser reads the parameters


FORMS = {
    "text": '"LogLevel=INFO LogRetentionDays=365"',
    "a comment": '"LogLevel=INFO LogRetentionDays=365"  # a year',
    "single quotes": "'LogLevel=INFO LogRetentionDays=365'",
    "lines": '"""\nLogLevel=INFO\nLogRetentionDays=365"""',
    "a list": '["LogLevel=INFO", "LogRetentionDays=365"]',
    "a table": '{ LogLevel = "INFO", LogRetentionDays = 365 }',
}
VALUES = ["ended, ready", "rate(5 minutes)", 'it\'s "so"', "", "a=b", "$(pwd)`pwd`;", "*"]


def given(prod: str = '""', more: str = "", **arguments: str) -> dict[str, str]:
    """Read the arguments beside an environment `prod` with these parameters."""
    file = f"version = 0.1\n{more}\n[prod.deploy.parameters]\nparameter_overrides = {prod}\n"
    return merged(arguments, tomllib.loads(file))


def as_sam_reads(found: dict[str, str]) -> dict[str, str]:
    read: dict[str, str] = CfnParameterOverridesType().convert((as_words(found),), None, None)
    return read


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_that_toml_has_for_the_parameters_of_an_environment(form: str) -> None:
    expected = {"LogLevel": "INFO", "LogRetentionDays": "365", "NotifyEmail": "a@b.example"}

    found = given(environment="prod", email=" a@b.example", prod=form)
    assert as_sam_reads(found) == expected


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_value_reaches_sam_whole(value: str, quote: str) -> None:
    inside = value.replace('"', r"\"") if quote == '"' else value.replace("'", "'\"'\"'")
    text = f"First={quote}{inside}{quote} Last=1"

    assert as_sam_reads(parameters(text, "PARAMETERS")) == {"First": value, "Last": "1"}


def test_the_last_value_of_a_parameter_counts() -> None:
    found = given(
        parameters="LogLevel=DEBUG", environment="prod", prod='"LogLevel=INFO MemorySize=512"'
    )

    assert found == {"LogLevel": "DEBUG", "MemorySize": "512"}


def test_the_parameters_of_the_default_and_of_all_commands_are_kept_too() -> None:
    more = '[default.global.parameters]\nparameter_overrides = "LogLevel=DEBUG"'

    assert given(projects="all", more=more) == {"LogLevel": "DEBUG", "AtlasProjectIds": "all"}


@pytest.mark.parametrize("name", ["production", "dev prod", "prod prod", "version", "$(pwd)"])
def test_an_environment_that_is_not_there_is_an_error(name: str) -> None:
    with pytest.raises(ArgumentError, match=r"has no environment .+\. It has: prod\.$"):
        given(environment=name)


@pytest.mark.parametrize(
    "text",
    [
        *("NotifyChanges=ended, ready", "LogLevel", "=INFO", "Log-Level=INFO", "file://more.yaml"),
        *("LogLevel='INFO", 'LogLevel="INFO', "LogLevel=INFO\\", r"LogLevel='a\b'"),
        "ParameterKey=LogLevel,ParameterValue=INFO",
        "LogLevel=ParameterKey=LogLevel,ParameterValue=INFO",
    ],
)
def test_what_is_no_parameter_is_one_line(text: str) -> None:
    """SAM itself drops it, or a part of it, without a word."""
    with pytest.raises(ArgumentError, match=r"^PARAMETERS: .+") as raised:
        given(parameters=text)
    with pytest.raises(ArgumentError, match=r"^samconfig\.toml \(prod\): "):
        given(environment="prod", prod=f"['''{text}''']")

    assert "\n" not in str(raised.value)
