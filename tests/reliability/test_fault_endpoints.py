"""Which endpoint answers for a restore: F18 to F23 and F62."""

from collections.abc import Mapping
from typing import Any

import pytest

from local_stack.atlas import Kind, Role
from local_stack.refusal import atlas_error
from reliability.campaign import UNCHANGED, Campaign, Headed, event, log_lines, target
from reliability.steps import (
    ACCOUNT,
    ATLAS,
    DEDICATED,
    LONG_AGO,
    SETTLED_AFTER,
    TENANT,
    TOKEN,
    UNKNOWN_JOB,
)
from restore_watch.atlas.retrying import ATTEMPTS
from restore_watch.errors import (
    AtlasError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    EndpointRetiredError,
    RestoreJobNotFoundError,
)
from restore_watch.model.restore_job import RestoreKind, RestoreTarget

pytestmark = pytest.mark.timeout(60)
cases = pytest.mark.parametrize


@pytest.mark.fault("F18")
@cases("role", [Role.READ_ONLY, Role.BACKUP_MANAGER], ids=["least-role", "backup-manager"])
@cases("kind", [None, RestoreKind.FLEX], ids=["auto", "flex"])
def test_a_job_created_a_moment_ago_is_requested_again(
    campaign: Campaign, kind: RestoreKind | None, role: Role
) -> None:
    campaign.atlas.grant(ACCOUNT["client_id"], role)
    job = campaign.job()
    campaign.inject(ATLAS, UNKNOWN_JOB, times=2)
    result = campaign.check(target(job, kind))

    assert result.changed
    assert campaign.count(ATLAS) == 3
    assert len(campaign.naps) == 2
    assert sum(campaign.naps) < 5
    assert campaign.published(job) == ["PENDING"]


@pytest.mark.fault("F18")
def test_a_dedicated_job_created_a_moment_ago_is_requested_again(campaign: Campaign) -> None:
    job = campaign.job("dedicated")
    campaign.inject(DEDICATED, UNKNOWN_JOB, times=2)
    campaign.check(job)

    assert campaign.count(DEDICATED) == 3
    assert campaign.published(job) == ["RUNNING"]


@pytest.mark.fault("F18", "F19")
def test_a_new_job_is_requested_four_times_at_most(campaign: Campaign) -> None:
    job = campaign.job()
    with campaign.inject(ATLAS, UNKNOWN_JOB, times=None):
        campaign.refused(RestoreJobNotFoundError, target(job, RestoreKind.FLEX))
        assert campaign.count(ATLAS) == 4
        assert sum(campaign.naps) < 5

        campaign.pass_time(120)
        campaign.refused(RestoreJobNotFoundError, target(job, RestoreKind.FLEX))
        assert campaign.count(ATLAS) == 5

    campaign.check(job)
    assert campaign.published(job) == ["PENDING"]


@pytest.mark.fault("F19")
@cases("role", [Role.READ_ONLY, Role.BACKUP_MANAGER], ids=["least-role", "backup-manager"])
@cases("unknown", ["restoreId", "clusterName", "groupId"])
def test_a_job_that_no_kind_knows_is_not_found(
    campaign: Campaign, unknown: str, role: Role
) -> None:
    campaign.atlas.grant(ACCOUNT["client_id"], role)
    job = campaign.job(restore_id=LONG_AGO)
    other = {"restoreId": LONG_AGO[:-1] + "2", "clusterName": "nowhere", "groupId": "0" * 24}
    missing = RestoreTarget.model_validate(event(job) | {unknown: other[unknown]})
    error = campaign.refused(RestoreJobNotFoundError, missing)

    assert error.error_code == {
        "restoreId": "RESOURCE_NOT_FOUND",
        "clusterName": "CLUSTER_NOT_FOUND",
        "groupId": "GROUP_NOT_FOUND",
    }.get(unknown)
    assert campaign.naps == []
    assert campaign.count(ATLAS) == 1
    assert campaign.stack.item(missing.group_id, missing.cluster_name, missing.restore_id) is None


@pytest.mark.fault("F20")
@cases("status", [404, 405, 406, 410])
def test_flex_answers_in_place_of_the_retired_tenant_endpoint(
    campaign: Campaign, status: Any
) -> None:
    campaign.atlas.behaviour.tenant_endpoint = status
    job = campaign.finished_job()
    result = campaign.check(target(job, RestoreKind.TENANT))

    assert result.job.kind is RestoreKind.FLEX
    assert campaign.calls()[2:4] == ["tenant", "flex"]
    assert campaign.published(job) == ["COMPLETED"]


@pytest.mark.fault("F20")
def test_the_retired_tenant_endpoint_is_asked_once_for_each_cluster(campaign: Campaign) -> None:
    job, checker = campaign.job("tenant"), campaign.environment()
    named = target(job, RestoreKind.TENANT)
    campaign.check(named, checker)
    missing = named.model_copy(update={"restore_id": LONG_AGO})
    campaign.stack.forget_calls()
    for _ in range(2):
        campaign.refused(RestoreJobNotFoundError, missing, checker)
        assert not campaign.check(named, checker).changed

    assert campaign.calls() == ["flex", "recall", "flex", "record"] * 2


@pytest.mark.fault("F20")
def test_a_tenant_endpoint_that_still_answers_is_used(campaign: Campaign) -> None:
    campaign.atlas.behaviour.tenant_endpoint = None
    job = campaign.finished_job("tenant")

    assert campaign.check(target(job, RestoreKind.TENANT)).job.kind is RestoreKind.TENANT
    assert campaign.count(TENANT) == 1
    assert campaign.count(ATLAS) == 0


@pytest.mark.fault("F20")
def test_the_retirement_of_the_tenant_endpoint_is_logged_as_a_warning(campaign: Campaign) -> None:
    job = campaign.finished_job()
    assert campaign.invoke_with(event(job, kind="tenant")).result["changed"]
    lines = log_lines(campaign.stack)

    (warning,) = [line for line in lines if line.get("level") == "WARNING"]
    assert warning["restore_id"] == job.restore_id
    assert "tenant" in warning["message"]


@pytest.mark.fault("F19", "F20")
@cases("status", [404, 405, 406, 410])
def test_a_tenant_job_that_flex_does_not_know_is_not_found(campaign: Campaign, status: Any) -> None:
    campaign.atlas.behaviour.tenant_endpoint = status
    job = campaign.job(restore_id=LONG_AGO)
    campaign.inject(ATLAS, UNKNOWN_JOB, times=None)
    campaign.refused(RestoreJobNotFoundError, target(job, RestoreKind.TENANT))

    assert campaign.calls() == ["secret", "token", "tenant", "flex", "recall"]
    assert campaign.stored(job) is None


@pytest.mark.fault("F20")
def test_a_retired_endpoint_is_reported_when_its_successor_is_retired_too(
    campaign: Campaign,
) -> None:
    job = campaign.job()
    campaign.inject(ATLAS, atlas_error(410, "VERSION_GONE", "Gone too."), times=None)
    campaign.refused(EndpointRetiredError, target(job, RestoreKind.TENANT))

    assert campaign.calls() == ["secret", "token", "tenant", "flex", "recall"]
    assert campaign.stored(job) is None


@pytest.mark.fault("F21")
@cases("code", ["CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API", "FEATURE_UNSUPPORTED"])
def test_the_kind_of_a_dedicated_cluster_is_detected_and_remembered(
    campaign: Campaign, code: str
) -> None:
    job, checker = campaign.job("dedicated"), campaign.environment()
    campaign.inject(ATLAS, atlas_error(400, code, "This is no Flex cluster."))
    campaign.check(job, checker)
    assert campaign.calls()[2:4] == ["flex", "dedicated"]

    job.run_to_end()
    campaign.stack.forget_calls()
    campaign.check(job, checker)
    assert campaign.calls() == ["dedicated", "record", "publish", "acknowledge"]
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]


@pytest.mark.fault("F21")
def test_the_kind_of_a_cluster_is_remembered_even_if_its_job_is_unknown(
    campaign: Campaign,
) -> None:
    job, checker = campaign.job("dedicated"), campaign.environment()
    unknown = RestoreTarget.model_validate(event(job) | {"restoreId": LONG_AGO})
    campaign.refused(RestoreJobNotFoundError, unknown, checker)
    campaign.stack.forget_calls()
    campaign.check(job, checker)

    assert campaign.calls()[0] == "dedicated"


@pytest.mark.fault("F21", "F26")
def test_the_role_that_a_dedicated_cluster_needs_is_named(campaign: Campaign) -> None:
    campaign.atlas.grant(ACCOUNT["client_id"], Role.READ_ONLY)
    job = campaign.job("dedicated")
    error = campaign.refused(AtlasUnauthorizedError, job)

    assert Role.BACKUP_MANAGER in str(error)
    assert campaign.stored(job) is None

    campaign.atlas.grant(ACCOUNT["client_id"], Role.BACKUP_MANAGER)
    campaign.check(job)
    assert campaign.published(job) == ["RUNNING"]


@pytest.mark.fault("F21", "F18")
def test_a_new_job_is_requested_again_even_if_the_other_kind_is_refused(
    campaign: Campaign,
) -> None:
    job = campaign.job()
    campaign.inject(ATLAS, UNKNOWN_JOB)
    campaign.inject(DEDICATED, atlas_error(400, "SOME_NEW_CODE", "For no reason."))
    campaign.check(job)

    assert campaign.calls()[2:5] == ["flex", "dedicated", "flex"]
    assert campaign.published(job) == ["PENDING"]


@pytest.mark.fault("F22")
def test_a_remembered_kind_refused_for_an_unknown_reason_is_detected_again(
    campaign: Campaign,
) -> None:
    checker = campaign.environment()
    old = campaign.finished_job("dedicated")
    campaign.check(old, checker)
    campaign.atlas.add_cluster(campaign.group, old.cluster, "flex")
    new = campaign.finished_job("flex", cluster=old.cluster)
    campaign.inject(DEDICATED, atlas_error(400, "SOME_NEW_CODE", "A new word."))
    campaign.stack.forget_calls()
    campaign.check(new, checker)
    assert campaign.calls()[:2] == ["dedicated", "flex"]

    campaign.stack.forget_calls()
    assert campaign.recheck(new, checker)[0] is False
    assert campaign.calls() == ["flex", "record"]


@pytest.mark.fault("F22")
@cases(("before", "after"), [("flex", "dedicated"), ("dedicated", "flex")])
def test_a_changed_kind_of_a_cluster_is_detected_and_remembered(
    campaign: Campaign, before: Kind, after: Kind
) -> None:
    checker = campaign.environment()
    old = campaign.finished_job(before)
    campaign.check(old, checker)
    campaign.atlas.add_cluster(campaign.group, old.cluster, after)
    new = campaign.finished_job(after, cluster=old.cluster)
    campaign.stack.forget_calls()
    campaign.check(new, checker)
    assert campaign.calls() == [before, after, "record", "publish", "acknowledge"]

    campaign.stack.forget_calls()
    campaign.check(new, checker)
    assert campaign.calls() == [after, "record"]
    assert campaign.published(new) == ["COMPLETED"]


@pytest.mark.fault("F23")
@cases(
    "headers",
    [
        {"Sunset": "Sun, 1 Mar 2026 00:00:00 GMT", "Deprecation": "Mon, 5 Aug 2024 00:00:00 GMT"},
        {"Deprecation": "@1688169599"},
        {"Sunset": "2026-03-01"},
        {"Sunset": "soon"},
        {"Sunset": "x" * 5_000},
    ],
    ids=["as-recorded", "structured", "iso", "word", "long"],
)
def test_an_announced_sunset_gives_a_warning_and_a_metric(
    campaign: Campaign, headers: Mapping[str, str]
) -> None:
    job = campaign.finished_job()
    campaign.inject(ATLAS, Headed(headers))
    campaign.stack.logs()
    result = campaign.invoke(job).result
    lines = log_lines(campaign.stack)

    assert result["changed"]
    assert [line["AtlasSunsets"] for line in lines if "AtlasSunsets" in line] == [[1.0]]
    (warning,) = [line for line in lines if line.get("level") == "WARNING"]
    assert len(warning["sunset"]) <= 303
    assert campaign.published(job) == ["COMPLETED"]


# Codes that decide


@pytest.mark.fault("F62", "F21")
@cases("code", ["CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API", "FEATURE_UNSUPPORTED"])
@cases("status", [200, 404, 500])
def test_the_code_for_another_kind_overrides_any_http_status(
    campaign: Campaign, code: str, status: int
) -> None:
    job, checker = campaign.job("dedicated"), campaign.environment()
    campaign.inject(ATLAS, atlas_error(status, code, "This is not a Flex cluster."))
    campaign.check(job, checker)
    assert campaign.calls()[2:4] == ["flex", "dedicated"]
    assert campaign.naps == []

    job.run_to_end()
    campaign.stack.forget_calls()
    campaign.check(job, checker)
    assert campaign.calls() == ["dedicated", "record", "publish", "acknowledge"]
    assert campaign.published(job) == ["RUNNING", "COMPLETED"]


@pytest.mark.fault("F62", "F22")
@cases("status", [403, 404, 500])
def test_the_code_for_a_flex_cluster_overrides_any_http_status(
    campaign: Campaign, status: int
) -> None:
    checker = campaign.environment()
    old = campaign.finished_job("dedicated")
    campaign.check(old, checker)
    campaign.atlas.add_cluster(campaign.group, old.cluster, "flex")
    new = campaign.finished_job("flex", cluster=old.cluster)
    code = "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"
    campaign.inject(DEDICATED, atlas_error(status, code, "This is a Flex cluster."))
    campaign.stack.forget_calls()
    campaign.check(new, checker)

    assert campaign.calls()[:2] == ["dedicated", "flex"]
    assert campaign.published(new) == ["COMPLETED"]


@pytest.mark.fault("F62")
@cases(
    ("code", "status", "error", "requests"),
    [
        ("CLUSTER_NOT_FOUND", 200, RestoreJobNotFoundError, 1),
        ("CLUSTER_NOT_FOUND", 400, RestoreJobNotFoundError, 1),
        ("GROUP_NOT_FOUND", 500, RestoreJobNotFoundError, 1),
        ("RESOURCE_NOT_FOUND", 403, RestoreJobNotFoundError, 1),
        ("USER_UNAUTHORIZED", 403, AtlasUnauthorizedError, 1),
        ("IP_ADDRESS_NOT_ON_ACCESS_LIST", 400, AtlasForbiddenError, 1),
        ("VERSION_GONE", 404, EndpointRetiredError, 1),
        ("RATE_LIMITED", 503, AtlasRateLimitError, 2),
        ("SERVICE_UNAVAILABLE", 400, AtlasUnavailableError, ATTEMPTS),
    ],
)
def test_a_decisive_error_code_overrides_any_http_status(
    campaign: Campaign, code: str, status: int, error: type[AtlasError], requests: int
) -> None:
    job, checker = campaign.recorded_job(), campaign.environment()
    campaign.pass_time(120)
    campaign.inject(ATLAS, atlas_error(status, code, "For some reason."), times=None)
    raised = campaign.refused(error, target(job, RestoreKind.FLEX), checker)
    assert raised.error_code == code
    assert campaign.count(ATLAS) == requests
    assert campaign.count(TOKEN) == 1

    campaign.heal()
    campaign.pass_time(SETTLED_AFTER)
    assert campaign.recheck(job, checker) == UNCHANGED
