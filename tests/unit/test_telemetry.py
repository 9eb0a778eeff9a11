"""What an operator is told once, and what again."""

import json

import pytest
from aws_lambda_powertools import Logger

from restore_watch.check import CheckResult
from restore_watch.restore_job import RestoreStatus, RestoreTarget
from restore_watch.telemetry import CONTRADICTIONS_REMEMBERED, Telemetry
from strategies import plain_job


def test_a_contradiction_is_told_once_while_it_is_remembered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    telemetry = Telemetry(Logger(service="tested", location=None))

    def warnings(number: int) -> list[str]:
        job = plain_job(restore_id=f"{number:024x}", status=RestoreStatus.FAILED)
        target = RestoreTarget.model_validate(
            {
                "groupId": job.group_id,
                "clusterName": job.cluster_name,
                "restoreId": job.restore_id,
            }
        )
        telemetry.checked(
            target,
            CheckResult(
                job,
                previous_status=job.status,
                changed=False,
                sequence=1,
                contradiction=RestoreStatus.COMPLETED,
            ),
        )
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return [line["restore_id"] for line in lines if line["level"] == "WARNING"]

    for number in range(CONTRADICTIONS_REMEMBERED):
        assert warnings(number) == [f"{number:024x}"]
    assert warnings(0) == []

    # However many restores contradict themselves, the memory stays as large; one is told of again.
    assert warnings(CONTRADICTIONS_REMEMBERED) == [f"{CONTRADICTIONS_REMEMBERED:024x}"]
    assert warnings(0) == [f"{0:024x}"]
