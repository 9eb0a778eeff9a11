"""report.json: everything that the report knows, for programs. Pure."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from foundation.clock import utc_text
from restore_watch.report.cluster_facts import cluster_facts
from restore_watch.report.report import Report, median_seconds
from restore_watch.report.what_is_well import concerns
from restore_watch.report.words import headline, limits


def report_json(report: Report, files: Mapping[str, bytes]) -> str:
    """Return the file. `files`: the others by name, of which it has the SHA-256."""
    is_watched, tag = report.judged is not None, report.policy.required_tag
    said = concerns(report)
    whole = {
        "headline": headline(report),
        "needsAttention": bool(said),
        "concerns": said,
        "version": report.version,
        "account": report.account,
        "region": report.region,
        "stack": report.stack,
        "period": {"from": report.period.first, "to": report.period.last},
        "askedAt": report.asked_at,
        "readAt": report.read_at,
        "statesHoldAt": report.at,
        "watchedSince": report.watched_since,
        "restoreTestCounts": report.policy.counts,
        "restoreTestDays": report.policy.window.days,
        "restoreTestTag": tag and "=".join(tag),
        "rtoSeconds": report.objectives.rto,
        "rpoSeconds": report.objectives.rpo,
        "medianSeconds": median_seconds(report.recorded),
        "counts": {"restores": report.outcomes, "clusters": report.states if is_watched else None},
        "clusters": [cluster_facts(report, one) for one in report.in_order] if is_watched else None,
        "restores": [one.facts for one in report.evidence],
        "unreadProjects": {key: one._asdict() for key, one in report.unread_projects.items()},
        "unreadableItems": report.unreadable,
        "degraded": report.degraded,
        "credentialsExpireAt": report.credentials_expire_at,
        "missingInMonth": report.missing_in_month,
        "limits": limits(report),
        "files": {name: {"sha256": hashlib.sha256(files[name]).hexdigest()} for name in files},
    }
    return json.dumps(whole, indent=2, default=_plain) + "\n"


def _plain(value: object) -> object:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return utc_text(value) if isinstance(value, datetime) else str(value)
