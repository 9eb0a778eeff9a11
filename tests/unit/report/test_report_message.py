"""The message that a report was made."""

import json

import pytest

from restore_watch.report.period import DAY
from restore_watch.report.report_message import message_of_report
from restore_watch.report.words.headline import headline
from unit.report.reports import END, NO_ROLE, changed, cluster, fleet, group, report, restore


@pytest.mark.parametrize("sign", ["a", "\U0001f600", "\x07", '"', "<"])
def test_the_message_stays_below_ten_kilobytes_with_any_names(sign: str) -> None:
    names = [f"{number:02}{sign * 62}" for number in range(70)]
    made = report([(cluster(name), []) for name in names], degraded=["f" * 24] * 50)
    message = message_of_report(made, "b" * 63, "reports/2026-11-29/report.html", "aws")

    assert len(json.dumps(message.event)) <= 10_000
    named = [one["clusterName"] for one in message.event["data"]["needAttention"]]
    assert named == names[: len(named)]
    assert 7 <= len(named) <= 20
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
    made = changed(fleet(3), partition=partition, region=region)
    message = message_of_report(made, "a-bucket", "reports/x/report.html")

    path = f"s3/object/a-bucket?region={region}&prefix=reports/x/report.html"
    assert message.event["data"]["report"]["consoleUrl"] == f"https://{console}/{path}"


PLACE = ("a-bucket", "key")


@pytest.mark.parametrize("is_well", [True, False])
def test_the_subject_and_the_data_begin_with_the_headline(is_well: bool) -> None:  # noqa: FBT001  a parameter of the test
    made = fleet(11, is_well=is_well)
    message = message_of_report(made, *PLACE)
    data = message.event["data"]

    assert message.subject == f"Atlas restore report to 2026-11-29: {headline(made)[:-1]}"
    assert data["headline"] == headline(made)[:-1]
    assert (data["headline"].startswith("All is well"), data["attention"]) == (is_well, not is_well)
    assert message.attributes["attention"] == json.dumps(not is_well)


def test_the_message_is_small_with_degraded_projects_of_any_names() -> None:
    names = {group(number): "\U0001f600" * 64 for number in range(30)}
    made = report([(cluster(), [])], project_names=names, degraded=[*names])
    data = message_of_report(made, *PLACE).event

    assert len(json.dumps(data)) <= 10_000
    assert len(data["data"]["needAttention"]) == 1


def test_what_is_due_first_has_no_date_if_atlas_does_not_date_its_cluster() -> None:
    made = report([(cluster(created_at=None), [])])
    due = message_of_report(made, *PLACE).event["data"]["dueNext"]

    assert (due["dueAt"], due["why"]) == (None, "never tested")


def test_what_is_due_first_has_its_date() -> None:
    made = report([(cluster(), [restore(cluster(), END - 80 * DAY)])])
    due = message_of_report(made, *PLACE).event["data"]["dueNext"]

    assert due["dueAt"] == "2026-12-10T00:42:00.000000Z"


def test_two_reports_that_somebody_asks_for_have_two_ids() -> None:
    made = fleet(3)
    scheduled = message_of_report(made, *PLACE).event["id"]
    asked = message_of_report(made, *PLACE, "8f5a").event["id"]

    assert scheduled == "atlas-restore-watch:report:2026-11-23:2026-11-29"
    assert asked == f"{scheduled}:8f5a"


def test_a_cluster_is_named_with_its_last_test_and_all_that_is_told_of_it() -> None:
    paused = cluster(has_backups=False, is_paused=True)
    made = report([(paused, [restore(paused, END - 100 * DAY)])])

    data = message_of_report(made, *PLACE).event["data"]
    assert data["needAttention"] == [
        {
            "groupId": group(0),
            "projectName": "catalogue",
            "clusterName": "ledger",
            "state": "overdue",
            "lastTestAt": "2026-08-22T00:42:00.000000Z",
            "days": 99,
            "why": "The last good test is 99 days old, 9 over the window. backups off; paused",
        }
    ]


def test_the_clusters_of_every_state_are_counted() -> None:
    assert message_of_report(fleet(0), *PLACE).event["data"]["clusters"] == dict.fromkeys(
        ("failed", "overdue", "never", "new", "cannotTell", "tested", "exempt", "notRequired"), 0
    )


def test_what_the_page_names_is_named() -> None:
    item = {"cluster": f"{group(0)}/ledger", "restoreId": "0" * 24}
    made = report(
        [(cluster(has_backups=False), [restore(cluster(), END - DAY)])],
        unread_projects={group(1): NO_ROLE, "": NO_ROLE},
        unreadable=[item],
        degraded=[group(2)],
    )
    data = message_of_report(made, *PLACE).event["data"]

    (named,) = data["needAttention"]
    assert (named["state"], named["why"]) == ("tested", "backups off")
    assert named["projectName"] == "catalogue"
    why = f"{NO_ROLE.problem}, since 3 Sep 2026"
    assert data["unreadProjects"] == [
        {"groupId": group(1), "projectName": "crm", "why": why},
        {"groupId": None, "projectName": None, "why": why},
    ]
    assert data["unreadableItems"] == [item]
    assert data["projectNames"] == [{"groupId": group(2), "projectName": "orders"}]
