"""The message that a report was made: `atlas-restore-watch.report.v1`. Pure."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from pydantic.alias_generators import to_camel

from foundation.clock import utc_text
from restore_watch.aws.topic_messages import Message, cloud_event
from restore_watch.report.cluster_facts import cluster_facts
from restore_watch.report.cluster_remarks import needs_look
from restore_watch.report.cluster_state import Judged
from restore_watch.report.report import Report
from restore_watch.report.what_is_well import concerns
from restore_watch.report.words import headline, reason

EVENT_TYPE = "atlas-restore-watch.report.v1"

SHOWN = 20
"""Clusters, and degraded or unread projects, that the message names at most."""

SIZE_LIMIT = 10_000
"""Bytes of the message. Longer names leave room for fewer clusters and projects."""

TEXT_LIMIT = 300
"""Characters of a reason. The page has the whole text."""

_CONSOLES = {"aws-us-gov": "amazonaws-us-gov.com", "aws-cn": "amazonaws.cn"}
"""The domains of AWS's console by partition."""


def message_of_report(
    report: Report, bucket: str, key: str, partition: str, request_id: str | None = None
) -> Message:
    """
    Return the message, with the place of the page. With the same report it is the same.

    `request_id`: Lambda's id of an invocation that no schedule made. It tells the messages of two
    such invocations apart, and AWS's retries of an invocation have the same one.
    """
    first, last = str(report.period.first), str(report.period.last)
    said, expiry = concerns(report), report.credentials_expire_at
    clusters = [
        _cluster(report, judged) for judged in report.in_order if needs_look(report, judged)
    ][:SHOWN]
    degraded = list(report.degraded)[:SHOWN]
    projects = [
        {
            "groupId": group_id or None,
            "projectName": report.project_names.get(group_id),
            "why": reason(unread)[:TEXT_LIMIT],
        }
        for group_id, unread in report.unread_projects.items()
    ][:SHOWN]
    console = f"https://{report.region}.console.{_CONSOLES.get(partition, 'aws.amazon.com')}"
    path = f"{quote(bucket)}?region={report.region}&prefix={quote(key)}"
    title = headline(report).rstrip(".")
    message = cloud_event(
        _printable(f"Atlas restore report to {last}: {title}"),
        {
            "headline": title,
            "concerns": said,
            "stack": report.stack,
            "period": {"from": first, "to": last},
            "restores": {end.lower(): count for end, count in report.outcomes.items()},
            "clusters": {
                to_camel(state.replace(" ", "_")): count for state, count in report.states.items()
            },
            "needAttention": clusters,
            "unreadProjects": projects,
            "unreadableItems": list(report.unreadable[:SHOWN]),
            "credentialsExpireAt": utc_text(expiry) if expiry else None,
            "degraded": degraded,
            "projectNames": [
                {"groupId": group_id, "projectName": report.project_names[group_id]}
                for group_id in degraded
                if group_id in report.project_names
            ],
            "windowDays": report.policy.window.days,
            "attention": bool(said),
            "report": {"bucket": bucket, "key": key, "consoleUrl": f"{console}/s3/object/{path}"},
        },
        {"attention": json.dumps(bool(said))},
        id=":".join(filter(None, [report.stack, "report", first, last, request_id])),
        source=f"/stacks/{report.stack}",
        type=EVENT_TYPE,
        subject=report.stack,
        time=utc_text(report.asked_at),
    )
    _shorten(message)
    return message


def _cluster(report: Report, judged: Judged) -> Mapping[str, Any]:
    facts = cluster_facts(report, judged)
    texts = [facts["why"], facts["remarks"]]
    return {
        "groupId": facts["groupId"],
        "projectName": facts["projectName"],
        "clusterName": facts["clusterName"],
        "state": facts["state"],
        "lastTestAt": facts["lastTestAt"],
        "days": facts["days"],
        "why": " ".join(text for text in texts if text)[:TEXT_LIMIT],
    }


def _shorten(message: Message) -> None:
    """Leave out the last entries of the largest list until the message is small enough."""
    data = message.event["data"]
    names = ("needAttention", "unreadProjects", "unreadableItems", "degraded", "projectNames")
    while len(json.dumps(message.event)) > SIZE_LIMIT:
        largest = max(names, key=lambda name: len(json.dumps(data[name])))
        data[largest].pop()


def _printable(subject: str) -> str:
    """SNS takes ASCII. A tag may hold anything."""
    return "".join(sign if " " <= sign <= "~" else "?" for sign in subject)
