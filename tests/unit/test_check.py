"""What a check answers its caller."""

import json

from hypothesis import given
from hypothesis import strategies as st

from restore_watch.check import CheckResult
from restore_watch.restore_job import RestoreJob, RestoreStatus
from strategies import changes, jobs, plain_change, plain_job, statuses

results = st.builds(
    CheckResult,
    job=jobs(),
    previous_status=st.none() | statuses,
    changed=st.booleans(),
    sequence=st.integers(1, 8),
    published=st.lists(changes(), max_size=2).map(tuple),
    contradiction=st.none() | statuses,
)


@given(results)
def test_a_result_is_plain_json_with_the_documented_fields(result: CheckResult) -> None:
    told = json.loads(json.dumps(result.as_json()))

    assert set(told) == {
        "job",
        "status",
        "previousStatus",
        "changed",
        "terminal",
        "succeeded",
        "sequence",
    }
    assert RestoreJob.model_validate(told["job"]) == result.job


@given(results)
def test_what_a_workflow_decides_by_agrees_with_the_job(result: CheckResult) -> None:
    told = result.as_json()

    assert all(told[name] == told["job"][name] for name in ("status", "terminal", "succeeded"))


def test_a_result_tells_what_was_known_before() -> None:
    change = plain_change(plain_job(status=RestoreStatus.COMPLETED))
    result = CheckResult(
        change.job,
        previous_status=RestoreStatus.RUNNING,
        changed=True,
        sequence=3,
        published=(change,),
    )

    told = result.as_json()

    assert told.pop("job") == change.job.as_json()
    assert told == {
        "status": "COMPLETED",
        "previousStatus": "RUNNING",
        "changed": True,
        "terminal": True,
        "succeeded": True,
        "sequence": 3,
    }
