"""The message that a report was made."""

import json
from dataclasses import replace

import pytest

from restore_watch.report.report_message import SIZE_LIMIT, message_of_report
from unit.report.reports import cluster, fleet, report


@pytest.mark.parametrize("sign", ["a", "\U0001f600", "\x07", '"', "<"])
def test_the_message_stays_below_ten_kilobytes_with_any_names(sign: str) -> None:
    names = [f"{number:02}{sign * 62}" for number in range(70)]
    made = report([(cluster(name), []) for name in names], degraded=["f" * 24] * 50)
    message = message_of_report(made, "b" * 63, "reports/2026-11-29/report.html", "aws")

    assert len(json.dumps(message.event)) < SIZE_LIMIT == 10_000
    named = [one["clusterName"] for one in message.event["data"]["needAttention"]]
    assert named == names[: len(named)]
    assert 9 <= len(named) <= 20
    assert message.event["data"]["clusters"]["never"] == 70
    assert len(message.event["data"]["degraded"]) == 20


@pytest.mark.parametrize(
    ("partition", "region", "console"),
    [
        ("aws", "eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("aws-us-gov", "us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
        ("aws-cn", "cn-north-1", "cn-north-1.console.amazonaws.cn"),
    ],
)
def test_the_message_has_the_address_of_the_page_in_the_console(
    partition: str, region: str, console: str
) -> None:
    made = replace(fleet(3), region=region)
    message = message_of_report(made, "a-bucket", "reports/x/report.html", partition)

    path = f"s3/object/a-bucket?region={region}&prefix=reports/x/report.html"
    assert message.event["data"]["report"]["consoleUrl"] == f"https://{console}/{path}"


def test_the_subject_says_whether_a_look_is_needed() -> None:
    for is_well, words in ((False, "a look is needed"), (True, "all is well")):
        message = message_of_report(fleet(11, is_well=is_well), "a-bucket", "key", "aws")

        assert message.subject == f"Atlas restore report to 2026-11-29: {words}"
