"""The message that a report was made: `atlas-restore-watch.report.v1`. Pure."""

import json
from urllib.parse import quote

from pydantic.alias_generators import to_camel

from restore_watch.aws.topic_messages import Message, cloud_event
from restore_watch.model.status_change import utc_text
from restore_watch.report.coverage_csv import cluster_facts
from restore_watch.report.report import Report

EVENT_TYPE = "atlas-restore-watch.report.v1"

SHOWN = 20
"""Clusters, and degraded projects, that the message names at most."""

SIZE_LIMIT = 10_000
"""Bytes of the message. Longer names leave room for fewer clusters."""

_CONSOLES = {"aws-us-gov": "amazonaws-us-gov.com", "aws-cn": "amazonaws.cn"}
"""The domains of AWS's console by partition."""


def message_of_report(report: Report, bucket: str, key: str, partition: str) -> Message:
    """Return the message, with the place of the page. With the same report it is the same."""
    first, last = str(report.period.first), str(report.period.last)
    expiry, attention = report.credentials_expire_at, report.needs_attention
    names = ("groupId", "clusterName", "state", "lastTestAt", "days")
    facts = (cluster_facts(report, one) for one in report.to_look_at[:SHOWN])
    named = [{name: one[name] for name in names} for one in facts]
    console = f"https://{report.region}.console.{_CONSOLES.get(partition, 'aws.amazon.com')}"
    path = f"{quote(bucket)}?region={report.region}&prefix={quote(key)}"
    message = cloud_event(
        f"Atlas restore report to {last}: {'a look is needed' if attention else 'all is well'}",
        {
            "stack": report.stack,
            "period": {"from": first, "to": last},
            "restores": {end.lower(): count for end, count in report.outcomes.items()},
            "clusters": {
                to_camel(state.replace(" ", "_")): count for state, count in report.states.items()
            },
            "needAttention": named,
            "credentialsExpireAt": utc_text(expiry) if expiry else None,
            "degraded": list(report.degraded)[:SHOWN],
            "windowDays": report.policy.window.days,
            "attention": attention,
            "report": {"bucket": bucket, "key": key, "consoleUrl": f"{console}/s3/object/{path}"},
        },
        {"attention": json.dumps(attention)},
        id=f"{report.stack}:report:{first}:{last}",
        source=f"/stacks/{report.stack}",
        type=EVENT_TYPE,
        subject=report.stack,
        time=utc_text(report.asked_at),
    )
    while named and len(json.dumps(message.event)) > SIZE_LIMIT:
        named.pop()
    return message
