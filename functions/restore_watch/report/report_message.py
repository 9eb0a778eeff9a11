"""The message that a report was made: `atlas-restore-watch.report.v1`. Pure."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from pydantic.alias_generators import to_camel

from foundation.clock import utc_text
from restore_watch.aws.message import Message, cloud_event
from restore_watch.report.files.coverage_columns import cluster_facts
from restore_watch.report.judging.cluster_state import JudgedCluster
from restore_watch.report.report import Origin, Report
from restore_watch.report.words.cluster_remarks import told_remarks
from restore_watch.report.words.due_next import due_next
from restore_watch.report.words.headline import concerns, headline
from restore_watch.report.words.needs_look import needs_look
from restore_watch.report.words.wording import reason

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
    report: Report, bucket: str, key: str, request_id: str | None = None
) -> Message:
    """
    Return the message, with the place of the page. With the same report it is the same.

    `request_id`: Lambda's id of an invocation that no schedule made. It tells the messages of two
    such invocations apart, and AWS's retries of an invocation have the same one.
    """
    stack, first, last = report.origin.stack, str(report.period.first), str(report.period.last)
    said, expiry = concerns(report), report.credentials_expire_at
    title = headline(report).rstrip(".")
    states = report.coverage.states
    data = {
        "headline": title,
        "concerns": said,
        "stack": stack,
        "period": {"from": first, "to": last},
        "restores": {end.lower(): number for end, number in report.outcomes.items()},
        "clusters": {to_camel(state.replace(" ", "_")): states[state] for state in states},
        "needAttention": _clusters(report),
        "dueNext": _due_next(report),
        "unreadProjects": _unread_projects(report),
        "unreadableItems": list(report.stored.unreadable[:SHOWN]),
        "credentialsExpireAt": utc_text(expiry) if expiry else None,
        "degraded": list(report.degraded[:SHOWN]),
        "projectNames": _names_of_degraded(report),
        "windowDays": report.policy.window.days,
        "attention": bool(said),
        "report": {
            "bucket": bucket,
            "key": key,
            "consoleUrl": _console_url(report.origin, bucket, key),
        },
    }
    names = [stack, "report", first, last]
    if request_id is not None:
        names.append(request_id)
    message = cloud_event(
        f"Atlas restore report to {last}: {title}",
        data,
        {"attention": json.dumps(bool(said))},
        id=":".join(names),
        source=f"/stacks/{stack}",
        type=EVENT_TYPE,
        subject=stack,
        time=utc_text(report.asked_at),
    )
    _shorten(message)
    return message


def _clusters(report: Report) -> list[Mapping[str, Any]]:
    """Return the clusters that need a look, the worst first."""
    clusters = [judged for judged in report.coverage.in_order if needs_look(report, judged)]
    return [_cluster(report, judged) for judged in clusters[:SHOWN]]


def _cluster(report: Report, judged: JudgedCluster) -> Mapping[str, Any]:
    facts = cluster_facts(report, judged)
    told = "; ".join(told_remarks(report, judged))
    texts = [text for text in (facts["why"], told) if text]
    return {
        "groupId": facts["groupId"],
        "projectName": facts["projectName"],
        "clusterName": facts["clusterName"],
        "state": facts["state"],
        "lastTestAt": facts["lastTestAt"],
        "days": facts["days"],
        "why": " ".join(texts)[:TEXT_LIMIT],
    }


def _due_next(report: Report) -> Mapping[str, Any] | None:
    """Return the first cluster whose test is due; None if no cluster needs a test."""
    due = due_next(report)
    if not due:
        return None
    first = due[0]
    cluster = first.judged.cluster
    return {
        "groupId": cluster.group_id,
        "projectName": report.coverage.project_names.get(cluster.group_id),
        "clusterName": cluster.name,
        "dueAt": utc_text(first.at) if first.at else None,
        "why": first.why,
    }


def _unread_projects(report: Report) -> list[Mapping[str, Any]]:
    projects: list[Mapping[str, Any]] = []
    for group_id, unread in report.coverage.unread_projects.items():
        name = report.coverage.project_names.get(group_id)
        why = reason(unread)[:TEXT_LIMIT]
        projects.append({"groupId": group_id or None, "projectName": name, "why": why})
    return projects[:SHOWN]


def _names_of_degraded(report: Report) -> list[Mapping[str, Any]]:
    names = report.coverage.project_names
    return [
        {"groupId": group_id, "projectName": names[group_id]}
        for group_id in report.degraded[:SHOWN]
        if group_id in names
    ]


def _console_url(origin: Origin, bucket: str, key: str) -> str:
    domain = _CONSOLES.get(origin.partition, "aws.amazon.com")
    place = f"{quote(bucket)}?region={origin.region}&prefix={quote(key)}"
    return f"https://{origin.region}.console.{domain}/s3/object/{place}"


def _shorten(message: Message) -> None:
    """Leave out the last entries of the largest list until the message is small enough."""
    data = message.event["data"]
    names = ("needAttention", "unreadProjects", "unreadableItems", "degraded", "projectNames")
    while len(json.dumps(message.event)) > SIZE_LIMIT:
        largest = max(names, key=lambda name: len(json.dumps(data[name])))
        data[largest].pop()
