"""The operator's settings are read from the environment, or refused in one clear line."""

import pytest

from foundation.errors import ConfigurationError
from restore_watch.settings import Settings

COMPLETE = {
    "ATLAS_SECRET_ID": "atlas/credentials",
    "TABLE_NAME": "restore-jobs",
    "TOPIC_ARN": "arn:aws:sns:eu-central-1:123456789012:restore-status-changes",
    "ATLAS_BASE_URL": "https://cloud.mongodb.com",
    "POWERTOOLS_SERVICE_NAME": "atlas-restore-watch",
    "POWERTOOLS_METRICS_NAMESPACE": "AtlasRestoreWatch",
    "POWERTOOLS_LOG_LEVEL": "INFO",
}
REQUIRED = sorted(set(COMPLETE) - {"ATLAS_BASE_URL"})


def refusal(environment: dict[str, str]) -> str:
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_environment(environment)
    return str(refused.value)


def test_a_complete_environment_is_accepted() -> None:
    assert Settings.from_environment(COMPLETE | {"PATH": "/usr/bin"}) == Settings(
        atlas_secret_id="atlas/credentials",
        table_name="restore-jobs",
        topic_arn="arn:aws:sns:eu-central-1:123456789012:restore-status-changes",
        atlas_base_url="https://cloud.mongodb.com",
        log_level="INFO",
        hot_seconds=10,
        rate_limit_reserve=0.5,
        project_ids=(),
        stack_name="atlas-restore-watch",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOT_SECONDS", "-1"),
        ("HOT_SECONDS", "0.5"),
        ("HOT_SECONDS", "51"),
        ("HOT_SECONDS", "ten"),
        ("HOT_SECONDS", "1e2"),
        ("HOT_SECONDS", "inf"),
        ("HOT_SECONDS", "\N{ARABIC-INDIC DIGIT FIVE}"),
        ("RATE_LIMIT_RESERVE", "-0.1"),
        ("RATE_LIMIT_RESERVE", "1.1"),
        ("RATE_LIMIT_RESERVE", "50 %"),
        ("RATE_LIMIT_RESERVE", "nan"),
    ],
)
def test_a_number_out_of_range_is_refused_by_name(name: str, value: str) -> None:
    assert refusal(COMPLETE | {name: value}).startswith(f"{name}: expected ")


@pytest.mark.parametrize(
    ("hot", "seconds", "reserve", "share"),
    [
        ("0", 0, "0", 0),
        ("50", 50, "1", 1),
        ("2.5", 2.5, "0.25", 0.25),
        (" 5 ", 5, "", 0.5),
        # Other forms that CloudFormation takes for a number.
        ("+5", 5, ".5", 0.5),
        ("1e1", 10, "5e-1", 0.5),
        ("1.", 1, "0.3333333333", 0.3333333333),
    ],
)
def test_the_pace_and_the_cadence_are_numbers(
    hot: str, seconds: float, reserve: str, share: float
) -> None:
    settings = Settings.from_environment(
        COMPLETE | {"HOT_SECONDS": hot, "RATE_LIMIT_RESERVE": reserve}
    )

    assert (settings.hot_seconds, settings.rate_limit_reserve) == (seconds, share)


FIRST, SECOND = "5f0000000000000000000a01", "5f0000000000000000000a02"


@pytest.mark.parametrize(
    ("text", "project_ids"),
    [
        ("", ()),
        ("  ", ()),
        (",", ()),
        (FIRST, (FIRST,)),
        (f"{FIRST},{SECOND}", (FIRST, SECOND)),
        (f" {SECOND} ,\n{FIRST}, ", (SECOND, FIRST)),
        (FIRST.upper(), (FIRST,)),
        (f"{FIRST},{FIRST.upper()},{SECOND},{FIRST}", (FIRST, SECOND)),
        ("all", "all"),
        (" ALL ", "all"),
    ],
    ids=[
        "empty",
        "spaces",
        "comma",
        "one",
        "two",
        "spaced",
        "upper case",
        "named twice",
        "all",
        "ALL",
    ],
)
def test_the_projects_to_watch_are_ids_or_all(
    text: str, project_ids: tuple[str, ...] | str
) -> None:
    settings = Settings.from_environment(COMPLETE | {"ATLAS_PROJECT_IDS": text})

    assert settings.project_ids == project_ids


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("none", 1),
        (FIRST[1:], 1),
        (f"{FIRST}0", 1),
        (f"{FIRST};{SECOND}", 1),
        (f"{FIRST},all", 2),
        (f"{FIRST},,{SECOND}/", 2),
        (f"{FIRST},{SECOND},mdb_sa_sk_hidden", 3),
        (f"{FIRST[1:]}\N{ARABIC-INDIC DIGIT FIVE}", 1),
    ],
    ids=["word", "short", "long", "semicolon", "all", "slash", "secret", "digit"],
)
def test_an_entry_that_is_not_a_project_id_is_refused_by_its_number_and_not_quoted(
    text: str, number: int
) -> None:
    assert refusal(COMPLETE | {"ATLAS_PROJECT_IDS": text}) == (
        "ATLAS_PROJECT_IDS: expected ids of 24 hexadecimal digits, with commas between them, "
        f"or all; entry {number} is not an id"
    )


def test_no_more_than_a_hundred_different_projects_are_watched() -> None:
    ids = [f"{number:024x}" for number in range(101)]
    most = Settings.from_environment(COMPLETE | {"ATLAS_PROJECT_IDS": ",".join(ids[:100] * 2)})

    assert most.project_ids == tuple(ids[:100])
    assert refusal(COMPLETE | {"ATLAS_PROJECT_IDS": ",".join(ids)}) == (
        "ATLAS_PROJECT_IDS: expected at most 100 ids, or all; got 101"
    )


@pytest.mark.parametrize("level", ["LOUD", "20", "INFO,", "NOTSET"])
def test_an_unknown_log_level_is_refused(level: str) -> None:
    assert refusal(COMPLETE | {"POWERTOOLS_LOG_LEVEL": level}) == (
        "POWERTOOLS_LOG_LEVEL: expected one of DEBUG, INFO, WARNING, ERROR, CRITICAL"
    )


@pytest.mark.parametrize("level", ["warning", " WARNING", "Warning\n"], ids=repr)
def test_case_and_spaces_of_a_log_level_are_ignored(level: str) -> None:
    settings = Settings.from_environment(COMPLETE | {"POWERTOOLS_LOG_LEVEL": level})

    assert settings.log_level == "WARNING"


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [None, "", "  "], ids=["missing", "empty", "spaces"])
def test_each_missing_variable_is_named(name: str, value: str | None) -> None:
    environment = {key: given for key, given in COMPLETE.items() if key != name}
    if value is not None:
        environment[name] = value

    assert refusal(environment).endswith(f": {name}")
    assert all(name in refusal({}) for name in REQUIRED)


@pytest.mark.parametrize(
    "arn",
    [
        "restore-status-changes",
        "arn:aws:sqs:eu-central-1:123456789012:restore-status-changes",
        "arn:aws:sns:eu-central-1:123456789012:restore-status-changes.fifo",
        "arn:aws:sns:eu-central-1:1234:restore-status-changes",
        "arn:aws:sns::123456789012:restore-status-changes",
        "arn:aws:sns:eu-central-1:123456789012:",
        "arn:aws:sns:eu-central-1:123456789012:changes\nX: y",
    ],
    ids=["name", "queue", "FIFO topic", "account", "no region", "no name", "line feed"],
)
def test_a_value_that_is_not_the_arn_of_a_standard_topic_is_refused(arn: str) -> None:
    assert refusal(COMPLETE | {"TOPIC_ARN": arn}).startswith("TOPIC_ARN: ")


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_a_topic_may_be_in_any_partition(partition: str) -> None:
    arn = f"arn:{partition}:sns:us-gov-west-1:123456789012:restore_status-changes"

    assert Settings.from_environment(COMPLETE | {"TOPIC_ARN": arn}).topic_arn == arn


@pytest.mark.parametrize("name", ["ATLAS_SECRET_ID", "TABLE_NAME", "TOPIC_ARN", "ATLAS_BASE_URL"])
def test_spaces_around_a_value_are_ignored(name: str) -> None:
    spaced = COMPLETE | {name: f" {COMPLETE[name]}\n"}

    assert Settings.from_environment(spaced) == Settings.from_environment(COMPLETE)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({}, "https://cloud.mongodb.com"),
        ({"ATLAS_BASE_URL": "  "}, "https://cloud.mongodb.com"),
        ({"ATLAS_BASE_URL": "https://cloud.mongodbgov.com/"}, "https://cloud.mongodbgov.com"),
        ({"ATLAS_BASE_URL": "http://127.0.0.1:8080/"}, "http://127.0.0.1:8080"),
    ],
    ids=["absent", "spaces", "government", "loopback"],
)
def test_the_default_address_is_that_of_the_public_atlas(given: dict[str, str], taken: str) -> None:
    environment = {name: COMPLETE[name] for name in REQUIRED} | given

    assert Settings.from_environment(environment).atlas_base_url == taken


def test_a_foreign_host_is_refused_and_not_quoted() -> None:
    text = refusal(COMPLETE | {"ATLAS_BASE_URL": "https://user:pw@example.org"})

    assert text.startswith("ATLAS_BASE_URL: ")
    assert "example.org" not in text
