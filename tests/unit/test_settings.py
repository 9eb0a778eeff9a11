"""The operator's settings are read from the environment, or refused in one clear line."""

import pytest

from foundation.errors import ConfigurationError
from restore_watch.settings import Settings

COMPLETE = {
    "ATLAS_SECRET_ID": "atlas/credentials",
    "TABLE_NAME": "restore-jobs",
    "TOPIC_ARN": "arn:aws:sns:eu-central-1:123456789012:restore-status-changes",
    "POWERTOOLS_SERVICE_NAME": "atlas-restore-watch",
    "POWERTOOLS_METRICS_NAMESPACE": "AtlasRestoreWatch",
    "POWERTOOLS_LOG_LEVEL": "INFO",
}


def refusal(environment: dict[str, str]) -> str:
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_environment(environment)
    return str(refused.value)


def test_a_complete_environment_is_accepted() -> None:
    """Spaces around a value are ignored."""
    spaced = {name: f" {value}\n" for name, value in COMPLETE.items()}

    assert Settings.from_environment(spaced | {"PATH": "/usr/bin"}) == Settings(
        atlas_secret_id="atlas/credentials",
        table_name="restore-jobs",
        topic_arn="arn:aws:sns:eu-central-1:123456789012:restore-status-changes",
        atlas_base_url="https://cloud.mongodb.com",
        log_level="INFO",
        hot_rounds=True,
        project_ids=(),
        stack_name="atlas-restore-watch",
    )


FIRST, SECOND = "5f0000000000000000000a01", "5f0000000000000000000a02"
HUNDRED = [f"{number:024x}" for number in range(100)]
ARN = "arn:{}:sns:us-gov-west-1:123456789012:restore_status-changes"

# Each row: a variable, the setting that it is for, and values as they are given and taken.
TAKEN: dict[str, tuple[str, dict[str, object]]] = {
    "HOT_ROUNDS": ("hot_rounds", {"yes": True, " no ": False, "": True}),
    "ATLAS_PROJECT_IDS": (
        "project_ids",
        {
            **dict.fromkeys(["", "  ", ","], ()),
            **dict.fromkeys(["all", " ALL "], "all"),
            FIRST: (FIRST,),
            f"{FIRST},{SECOND}": (FIRST, SECOND),
            f" {SECOND} ,\n{FIRST}, ": (SECOND, FIRST),
            FIRST.upper(): (FIRST,),
            f"{FIRST},{FIRST.upper()},{SECOND},{FIRST}": (FIRST, SECOND),
            ",".join(HUNDRED * 2): tuple(HUNDRED),
        },
    ),
    "POWERTOOLS_LOG_LEVEL": (
        "log_level",
        dict.fromkeys(["warning", " WARNING", "Warning\n"], "WARNING"),
    ),
    "TOPIC_ARN": (
        "topic_arn",
        {ARN.format(one): ARN.format(one) for one in ("aws", "aws-cn", "aws-us-gov")},
    ),
    "ATLAS_BASE_URL": (
        "atlas_base_url",
        {
            "  ": "https://cloud.mongodb.com",
            "https://cloud.mongodbgov.com/": "https://cloud.mongodbgov.com",
            "http://127.0.0.1:8080/": "http://127.0.0.1:8080",
        },
    ),
    "METRICS": (
        "metrics",
        {"": True, "yes": True, " no ": False, "all": True, "essential": True, "none": False},
    ),
}


@pytest.mark.parametrize(
    ("name", "field", "given", "taken"),
    [
        (name, field, given, taken)
        for name, (field, values) in TAKEN.items()
        for given, taken in values.items()
    ],
    # A set has another order in each process.
    ids=lambda value: repr(value)[:30] if isinstance(value, str) else type(value).__name__,
)
def test_a_variable_is_read(name: str, field: str, given: str, taken: object) -> None:
    assert getattr(Settings.from_environment(COMPLETE | {name: given}), field) == taken


NOT_AN_ID = (
    "expected ids of 24 hexadecimal digits, with commas between them, or all; entry {} is not an id"
)
REFUSED: dict[str, dict[str, str]] = {
    "HOT_ROUNDS": dict.fromkeys(["some", "YES", "0"], "expected one of yes, no"),
    "ATLAS_PROJECT_IDS": {
        "none": NOT_AN_ID.format(1),
        FIRST[1:]: NOT_AN_ID.format(1),
        f"{FIRST}0": NOT_AN_ID.format(1),
        f"{FIRST};{SECOND}": NOT_AN_ID.format(1),
        f"{FIRST},all": NOT_AN_ID.format(2),
        f"{FIRST},,{SECOND}/": NOT_AN_ID.format(2),
        f"{FIRST},{SECOND},mdb_sa_sk_hidden": NOT_AN_ID.format(3),
        f"{FIRST[1:]}\N{ARABIC-INDIC DIGIT FIVE}": NOT_AN_ID.format(1),
        ",".join([*HUNDRED, FIRST]): "expected at most 100 ids, or all; got 101",
    },
    "METRICS": dict.fromkeys(["some", "YES", "0"], "expected one of yes, no"),
    "POWERTOOLS_LOG_LEVEL": dict.fromkeys(
        ["LOUD", "20", "INFO,", "NOTSET"], "expected one of DEBUG, INFO, WARNING, ERROR, CRITICAL"
    ),
    "TOPIC_ARN": dict.fromkeys(
        [
            "restore-status-changes",
            "arn:aws:sqs:eu-central-1:123456789012:restore-status-changes",
            "arn:aws:sns:eu-central-1:123456789012:restore-status-changes.fifo",
            "arn:aws:sns:eu-central-1:1234:restore-status-changes",
            "arn:aws:sns::123456789012:restore-status-changes",
            "arn:aws:sns:eu-central-1:123456789012:",
            "arn:aws:sns:eu-central-1:123456789012:changes\nX: y",
        ],
        "expected",
    ),
    "ATLAS_BASE_URL": {"https://user:pw@example.org": "expected"},
}


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [(name, given, says) for name, values in REFUSED.items() for given, says in values.items()],
    ids=lambda value: repr(value)[:30],
)
def test_a_wrong_value_is_refused_by_name_and_not_quoted(name: str, given: str, says: str) -> None:
    text = refusal(COMPLETE | {name: given})

    assert text.startswith(f"{name}: {says}")
    assert not any(secret in text for secret in ("example.org", "mdb_sa", "restore-status"))


@pytest.mark.parametrize("name", COMPLETE)
@pytest.mark.parametrize("value", [None, "", "  "], ids=["missing", "empty", "spaces"])
def test_each_missing_variable_is_named(name: str, value: str | None) -> None:
    environment = {key: given for key, given in COMPLETE.items() if key != name}
    if value is not None:
        environment[name] = value

    assert refusal(environment).endswith(f": {name}")
    assert all(name in refusal({}) for name in COMPLETE)
