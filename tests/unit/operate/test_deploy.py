"""The words of `sam deploy`, and what SAM is given as parameters."""

import tomllib
from argparse import ArgumentParser, Namespace

import pytest
from samcli.cli.types import CfnParameterOverridesType  # type: ignore[import-untyped]

from operate.deploy import add_arguments, command
from operate.errors import ArgumentError
from operate.parameter_overrides import as_words, merged_parameters, parameters, words_of


def read(*words: str) -> Namespace:
    line = ArgumentParser()
    add_arguments(line)
    return line.parse_args(words)


@pytest.mark.parametrize(
    ("option", "instead"),
    [
        ("--config-env", "--environment"),
        ("--parameter-overrides", "--parameters"),
        ("--stack-name", "--stack"),
    ],
)
def test_what_is_computed_cannot_be_said_a_second_time(option: str, instead: str) -> None:
    for further in (["--no-confirm-changeset", option, "x=1"], [f"{option}=x=1"]):
        with pytest.raises(ArgumentError) as refused:
            command(read("--stack", "two", "--", *further), {})
        assert str(refused.value) == f"{option} of sam is computed: use {instead}"


def test_every_other_option_goes_to_sam() -> None:
    further = ["--region", "eu-central-1", "--tags=stack-name=x"]

    assert command(read("--", *further), {})[-3:] == further


# SAM's own parser reads the parameters


FORMS = {
    "text": '"LogLevel=INFO LogRetentionDays=365"',
    "a comment": '"LogLevel=INFO LogRetentionDays=365"  # a year',
    "single quotes": "'LogLevel=INFO LogRetentionDays=365'",
    "lines": '"""\nLogLevel=INFO\nLogRetentionDays=365"""',
    "a list": '["LogLevel=INFO", "LogRetentionDays=365"]',
    "a table": '{ LogLevel = "INFO", LogRetentionDays = 365 }',
}
VALUES = [
    *("ended, ready", "rate(5 minutes)", 'it\'s "so"', "", "a=b", "a\nb", "a\rb", "--help", " x "),
    *("$(pwd)", "`pwd`;", "${HOME}", "pa$word", "a; b | c > d", "a # b", "*", "~", "\x1b[2J", "!!"),
]


def given(*arguments: str, prod: str = '""', more: str = "") -> dict[str, str]:
    """Read the arguments beside an environment `prod` with these parameters."""
    file = f"version = 0.1\n{more}\n[prod.deploy.parameters]\nparameter_overrides = {prod}\n"
    return merged_parameters(read(*arguments), tomllib.loads(file))


def as_sam_reads(found: dict[str, str]) -> dict[str, str]:
    read: dict[str, str] = CfnParameterOverridesType().convert((as_words(found),), None, None)
    return read


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_that_toml_has_for_the_parameters_of_an_environment(form: str) -> None:
    expected = {"LogLevel": "INFO", "LogRetentionDays": "365", "NotifyEmail": "a@b.example"}

    found = given("--environment=prod", "--email= a@b.example", prod=form)
    assert as_sam_reads(found) == expected


@pytest.mark.fault("F98")
@pytest.mark.parametrize("value", VALUES)
def test_a_value_reaches_sam_whole(value: str) -> None:
    found = given("--parameters", f"First={value}", "Last=1")

    assert as_sam_reads(found) == {"First": value, "Last": "1"}


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_quoted_value_of_the_file_reaches_sam_whole(value: str, quote: str) -> None:
    inside = value.replace('"', r"\"") if quote == '"' else value.replace("'", "'\"'\"'")
    words = words_of(f"First={quote}{inside}{quote} Last=1", "the file")

    assert as_sam_reads(parameters(words, "the file")) == {"First": value, "Last": "1"}


def test_the_last_value_of_a_parameter_counts() -> None:
    words = ("--parameters", "LogLevel=DEBUG", "--environment", "prod")
    found = given(*words, prod='"LogLevel=INFO MemorySize=512"')

    assert found == {"LogLevel": "DEBUG", "MemorySize": "512"}


def test_the_parameters_of_the_default_and_of_all_commands_are_kept_too() -> None:
    more = '[default.global.parameters]\nparameter_overrides = "LogLevel=DEBUG"'

    assert given("--projects=all", more=more) == {"LogLevel": "DEBUG", "AtlasProjectIds": "all"}


@pytest.mark.parametrize("name", ["production", "dev prod", "prod prod", "version", "$(pwd)"])
def test_an_environment_that_is_not_there_is_an_error(name: str) -> None:
    with pytest.raises(ArgumentError, match=r"has no environment .+\. It has: prod\.$"):
        given(f"--environment={name}")


NO_PARAMETERS = [
    *("LogLevel", "=INFO", "Log-Level=INFO", "file://more.yaml", "LogLevel=INFO\\"),
    *(r"LogLevel='a\b'", "ParameterKey=LogLevel,ParameterValue=INFO"),
    "LogLevel=ParameterKey=LogLevel,ParameterValue=INFO",
]


@pytest.mark.parametrize("word", NO_PARAMETERS)
def test_what_is_no_parameter_is_one_line(word: str) -> None:
    """SAM itself drops it, or a part of it, without a word."""
    with pytest.raises(ArgumentError, match=r"^--parameters: .+") as raised:
        given("--parameters", word)

    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "text", [*NO_PARAMETERS, "NotifyChanges=ended, ready", "LogLevel='INFO", 'LogLevel="INFO']
)
def test_what_is_no_parameter_in_the_file_is_an_error_too(text: str) -> None:
    with pytest.raises(ArgumentError, match=r"^samconfig\.toml \(prod\): "):
        given("--environment=prod", prod=f"['''{text}''']")
