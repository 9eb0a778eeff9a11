"""A month of which the first attempt wrote only a part."""

import hashlib
import json

import pytest

from behaviour.report.conftest import Reports
from behaviour.report.test_writing import past_month, refusal
from local_stack.wire import Selection
from restore_watch.errors import ReportNotWrittenError


@pytest.mark.fault("F114")
def test_the_sums_of_a_month_are_those_of_its_files(reports: Reports) -> None:
    """The bucket refuses in the middle, and Atlas shows another fleet to the retry."""
    reports.cluster("orders")
    refused = Selection("s3", None, lambda call: "coverage" in call.path.partition("months/")[2])
    injected = reports.world.inject(refused, refusal("AccessDenied", 403), times=None)
    event = past_month(reports)
    reports.world.raised(ReportNotWrittenError, lambda: reports.make(event))
    injected.remove()
    reports.cluster("later", days=399)

    reports.make(event)

    month = {key.rpartition("/")[2]: body for key, body in reports.files("months/").items()}
    whole = json.loads(month.pop("report.json"))
    sums = {name: {"sha256": hashlib.sha256(body).hexdigest()} for name, body in month.items()}
    assert whole["files"] == sums
