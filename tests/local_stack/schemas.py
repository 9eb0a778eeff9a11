"""The schemas of messages, which every message that a test receives has to fit."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from local_stack.stack import ROOT

_FILES = {
    "atlas-restore-watch.status-changed.v1": "restore-status-changed",
    "atlas-restore-watch.validation-recorded.v1": "validation-recorded",
    "atlas-restore-watch.restore-measured.v1": "restore-measured",
    "atlas-restore-watch.watch-degraded.v1": "watch-changed",
    "atlas-restore-watch.watch-recovered.v1": "watch-changed",
    "atlas-restore-watch.credentials-expiring.v1": "credentials-changed",
    "atlas-restore-watch.credentials-renewed.v1": "credentials-changed",
    "atlas-restore-watch.test-notification.v1": "test-notification",
    "atlas-restore-watch.report.v1": "report",
}


def fits_its_schema(event: Mapping[str, Any]) -> None:
    """Raise ValidationError if the CloudEvent does not fit the schema of its type."""
    _validator(_FILES[event["type"]]).validate(event)


@cache
def _validator(name: str) -> Draft202012Validator:
    schema = json.loads((ROOT / "events" / f"{name}.schema.json").read_text())
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
