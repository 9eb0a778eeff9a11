"""The report's settings are read from the environment, or refused in one clear line."""

from datetime import timedelta

import pytest

from foundation.errors import ConfigurationError
from restore_watch.model.objectives import Objectives
from restore_watch.model.restore_target import RestoreKind
from restore_watch.report.cluster import read_cluster
from restore_watch.report.judging.policy import Policy
from restore_watch.report.period import Schedule
from restore_watch.report.report_settings import ReportSettings
from restore_watch.report.restores.what_a_restore_proves import Rung

LEAST = {
    "ATLAS_SECRET_ID": "atlas",
    "TABLE_NAME": "restore-jobs",
    "TOPIC_ARN": "arn:aws:sns:eu-central-1:123456789012:restore-status-changes",
    "POWERTOOLS_SERVICE_NAME": "atlas-restore-watch",
    "POWERTOOLS_METRICS_NAMESPACE": "AtlasRestoreWatch",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    "REPORT_BUCKET": "reports",
}


def test_the_least_that_is_needed() -> None:
    settings = ReportSettings.from_environment(LEAST)

    assert (settings.bucket, settings.schedule) == ("reports", Schedule.WEEKLY)
    assert settings.policy == Policy(Rung.RESTORED, timedelta(days=90), None)
    assert settings.objectives == Objectives(None, None)


def test_everything_can_be_chosen() -> None:
    chosen = {
        "REPORT": "monthly",
        "RESTORE_TEST_COUNTS": "verified",
        "RESTORE_TEST_DAYS": " 400 ",
        "RESTORE_TEST_TAG": "tier=production=1",
        "RTO_MINUTES": "60",
        "RPO_MINUTES": "0.5",
    }

    settings = ReportSettings.from_environment(LEAST | chosen)

    assert settings.schedule is Schedule.MONTHLY
    tag = ("tier", "production=1")
    assert settings.policy == Policy(Rung.VERIFIED, timedelta(days=400), tag)
    assert settings.objectives == Objectives(timedelta(hours=1), timedelta(seconds=30))


@pytest.mark.parametrize("word", [Rung.RESTORED, Rung.MEASURED, Rung.VERIFIED], ids=str)
def test_what_counts_is_a_rung(word: Rung) -> None:
    settings = ReportSettings.from_environment(LEAST | {"RESTORE_TEST_COUNTS": word})

    assert settings.policy.counts is word


@pytest.mark.parametrize("days", [1, 400])
def test_a_window_is_a_day_at_least_and_400_days_at_most(days: int) -> None:
    settings = ReportSettings.from_environment(LEAST | {"RESTORE_TEST_DAYS": str(days)})

    assert settings.policy.window == timedelta(days=days)


@pytest.mark.fault("F47")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REPORT_BUCKET", " "),
        ("REPORT", "hourly"),
        ("RESTORE_TEST_COUNTS", "partly"),
        *(("RESTORE_TEST_DAYS", value) for value in ("0", "401", "1.5", "ten", "inf")),
        *(("RESTORE_TEST_TAG", value) for value in ("tier", "tier=", "=production")),
        *(("RTO_MINUTES", value) for value in ("-1", "nan", "1e9", "soon", "٣")),
        ("RPO_MINUTES", "-1"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        ReportSettings.from_environment(LEAST | {name: value})


def test_a_tag_without_its_value_is_refused_with_an_example() -> None:
    with pytest.raises(ConfigurationError, match="expected key=value, such as tier=production"):
        ReportSettings.from_environment(LEAST | {"RESTORE_TEST_TAG": "tier"})


@pytest.mark.parametrize("tag", ["tier=production", "cost-center=cc:4711/emea"])
def test_a_tag_is_compared_as_the_tags_of_clusters_are_read(tag: str) -> None:
    """A value may look like an address, which is taken out of the tags of clusters."""
    key, _, value = tag.partition("=")
    policy = ReportSettings.from_environment(LEAST | {"RESTORE_TEST_TAG": tag}).policy

    def requires_test(**listed: str) -> bool:
        entry = {"name": "orders", "tags": [listed]}
        return policy.requires_test_of(read_cluster("6" * 24, RestoreKind.DEDICATED, entry))

    assert requires_test(key=key, value=value)
    assert not requires_test(key=key, value="test")
