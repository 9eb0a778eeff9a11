"""The commonest mistakes, each made on the local stack and named by a diagnosis with its fix."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from aws_lambda_powertools import Logger
from botocore.config import Config

from foundation.deadline import Deadline
from integration.checking import check, refuse_publications
from integration.conftest import RuntimeWith
from local_stack.atlas import Role
from local_stack.aws import REGION, aws_error
from local_stack.faults import Answer, Reset
from local_stack.refusal import atlas_error
from local_stack.stack import CREDENTIALS
from local_stack.wire import Fault
from observed_stack import ObservedStack
from produced import Produced
from restore_watch.composition import AWS_CONFIG, compose
from restore_watch.settings import Settings

type Checks = Mapping[str, Mapping[str, Any]]
"""The lines of a diagnosis by what they are about."""

type Diagnosed = Callable[..., Checks]

CONFIG = AWS_CONFIG.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}))


@pytest.fixture
def diagnosed(
    stack: ObservedStack,
    group: str,
    powertools: None,  # noqa: ARG001
    produced: Produced,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Diagnosed]:
    """Diagnose a stack that watches the project of the test, with other settings if given."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.aws.url)
    stack.atlas.add_cluster(group, "orders", "flex")
    stack.atlas.add_cluster(group, "archive", "dedicated")
    variables = {**stack.environment, "ATLAS_PROJECT_IDS": group}

    def diagnose(
        settings: Mapping[str, Any] | None = None, *, seconds: float = 30, **event: str
    ) -> Checks:
        chosen = replace(Settings.from_environment(variables), **(settings or {}))
        session = boto3.Session(variables["AWS_ACCESS_KEY_ID"], "in-process", region_name=REGION)
        logger = Logger(service=secrets.token_hex(8), location=None)
        application = compose(chosen, logger, session, CONFIG)
        answer = application.answer({"action": "diagnose"} | event, Deadline.after(seconds))
        produced.add("results", answer)
        checks = {one["check"]: one for one in answer["checks"]}
        assert len(checks) == len(answer["checks"])
        assert answer["ok"] == all(one["ok"] is not False for one in checks.values())
        return checks

    yield diagnose
    # Most of these tests break what the stack is made of.
    stack.reset()


def change_schedule(stack: ObservedStack, **changes: str) -> None:
    scheduler = stack.aws.client("scheduler")
    schedule = scheduler.get_schedule(GroupName=stack.environment["SCHEDULE_GROUP"], Name="sweep")
    kept = ("GroupName", "Name", "ScheduleExpression", "FlexibleTimeWindow", "Target", "State")
    scheduler.update_schedule(**{name: schedule[name] for name in kept} | changes)


def wrong(checks: Checks) -> dict[str, tuple[str, str]]:
    """What is wrong, and the fixes."""
    return {name: (one["found"], one["fix"]) for name, one in checks.items() if one["ok"] is False}


def test_a_healthy_stack_has_nothing_to_fix(
    stack: ObservedStack, runtime_with: RuntimeWith, group: str
) -> None:
    """In the real runtime, after a sweep. It changes nothing and publishes nothing."""
    stack.atlas.add_cluster(group, "orders", "flex")
    stack.atlas.add_cluster(group, "archive", "dedicated")
    runtime = runtime_with(ATLAS_PROJECT_IDS=group)
    runtime.invoke(stack.function.scheduled_event(stack.atlas.now()))
    before = stack.items()

    answer = runtime.invoke({"action": "diagnose"}).result

    assert [one["check"] for one in answer["checks"] if one["ok"] is not True] == ["publishing"]
    assert answer["ok"] is True
    assert [one["check"] for one in answer["checks"]] == [
        "settings",
        "secret",
        "credentials",
        "address",
        "clock",
        f"project {group}",
        "index",
        "table",
        "publishing",
        "subscriptions of the topic",
        "schedule",
        "last sweep",
    ]
    assert (stack.items(), stack.received()) == (before, [])


@pytest.mark.parametrize("secret", [{"client": "mdb_sa_id_1", "client_secret": "x"}, "no JSON"])
def test_a_wrong_key_in_the_secret(
    stack: ObservedStack, diagnosed: Diagnosed, secret: Mapping[str, str] | str
) -> None:
    stack.put_secret(secret)

    found, fix = wrong(diagnosed())["secret"]

    assert "client_id" in found or "JSON" in found
    assert fix.startswith("Put client_id and client_secret of a service account")


def test_an_expired_secret_of_the_service_account(
    stack: ObservedStack, diagnosed: Diagnosed
) -> None:
    client_id = CREDENTIALS["service_account"]["client_id"]
    stack.atlas.rotate_service_account(client_id, "another")
    try:
        found, fix = wrong(diagnosed())["credentials"]
    finally:
        secret = CREDENTIALS["service_account"]["client_secret"]
        stack.atlas.rotate_service_account(client_id, secret)

    assert "Atlas answered 401 to the token request" in found
    assert fix.startswith("In Atlas, make a new secret for the service account")


def test_a_missing_role(stack: ObservedStack, diagnosed: Diagnosed, group: str) -> None:
    stack.atlas.grant(CREDENTIALS["service_account"]["client_id"], Role.READ_ONLY)

    problems = wrong(diagnosed())

    assert set(problems) == {f"project {group}: dedicated, collection"}
    found, fix = problems[f"project {group}: dedicated, collection"]
    assert "Atlas answered 401 for a dedicated restore job" in found
    assert fix == (
        "In Atlas, give the service account or API key the role Project Backup Manager in this "
        "project"
    )


def test_an_address_that_is_not_on_the_access_list(
    stack: ObservedStack, diagnosed: Diagnosed
) -> None:
    stack.atlas.behaviour.refused_address = "203.0.113.7"

    _, fix = wrong(diagnosed())["credentials"]

    assert fix.startswith("Add 203.0.113.7 to the API access list")


def test_a_project_that_does_not_exist(diagnosed: Diagnosed) -> None:
    unknown = "6a" * 12

    problems = wrong(diagnosed({"project_ids": (unknown,)}))

    (check,) = problems
    assert check == f"project {unknown}: events, Flex clusters, dedicated clusters"
    assert problems[check][1].startswith(
        "If the project was deleted, take it out of AtlasProjectIds"
    )


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("ordres", (False, "the project has no cluster of this name", "Use orders")),
        (
            "zzz",
            (
                False,
                "the project has no cluster of this name",
                "Use the name that the project's page shows",
            ),
        ),
        ("orders", (True, "is among the Flex clusters", None)),
        ("archive", (True, "is among the dedicated clusters", None)),
    ],
)
def test_a_cluster_that_does_not_exist(
    diagnosed: Diagnosed, group: str, name: str, line: tuple[bool, str, str | None]
) -> None:
    one = diagnosed(groupId=group, clusterName=name)[f"cluster {name}"]

    assert (one["ok"], one["found"], one["fix"]) == line


def test_a_deleted_topic(stack: ObservedStack, diagnosed: Diagnosed) -> None:
    stack.aws.client("sns").delete_topic(TopicArn=stack.topic_arn)

    problems = wrong(diagnosed())

    assert set(problems) == {"topic"}
    found, fix = problems["topic"]
    assert found == "SNS answered NotFound"
    assert "'SNS answered NotFound' in docs/troubleshooting.md" in fix


@pytest.mark.parametrize(
    ("attributes", "lacking"),
    [
        ({}, "the key and the policy"),
        ({"KmsMasterKeyId": "alias/aws/sns"}, "the policy"),
    ],
    ids=["nothing", "a key"],
)
def test_a_topic_that_was_made_again_without_its_parts(
    stack: ObservedStack, diagnosed: Diagnosed, attributes: Mapping[str, str], lacking: str
) -> None:
    sns = stack.aws.client("sns")
    sns.delete_topic(TopicArn=stack.topic_arn)
    name = stack.topic_arn.rpartition(":")[2]
    made = sns.create_topic(Name=name, Attributes=dict(attributes))
    sns.subscribe(TopicArn=made["TopicArn"], Protocol="email", Endpoint="a@b.example")

    problems = wrong(diagnosed())

    assert problems == {
        "topic": (
            f"lacks {lacking} that the stack gave it",
            "Follow 'SNS answered NotFound' in docs/troubleshooting.md",
        )
    }


def test_a_diagnosis_publishes_nothing_even_if_sns_refuses_nothing(
    stack: ObservedStack, diagnosed: Diagnosed
) -> None:
    """A server that takes any form of message, as another emulator does."""
    diagnosed()

    asked = [call for call in stack.aws.wire.calls if call.operation.startswith("Publish")]
    assert [call.operation for call in asked] == ["PublishBatch"]
    assert b"Message=" not in asked[0].body
    assert stack.received() == []


def test_a_secret_that_is_gone_is_one_line(stack: ObservedStack, diagnosed: Diagnosed) -> None:
    """Sweeps fail for it, and the stack is degraded."""
    since = (stack.atlas.now() - timedelta(minutes=30)).isoformat()
    trouble = {"since": {"S": since}, "error": {"S": "CredentialsError"}, "message": {"S": "gone"}}
    bookkeeping: dict[str, dict[str, Any]] = {
        "stack": {"degraded": {"M": trouble}, "watchVersion": {"N": "1"}},
        "lease": {"lastTick": {"S": since}, "succeededAt": {"S": since}},
    }
    stack.put_items(
        [
            {"cluster": {"S": "sweeps"}, "restoreId": {"S": name}, **fields}
            for name, fields in bookkeeping.items()
        ]
    )
    assert set(wrong(diagnosed())) == {"stack: degraded", "last sweep"}
    gone = aws_error("secretsmanager", "ResourceNotFoundException")
    with stack.aws.wire.inject(Fault(action=gone, operation="GetSecretValue", times=None)):
        assert set(wrong(diagnosed())) == {"secret"}


def test_a_key_policy_that_keeps_the_function_from_the_secret(
    stack: ObservedStack, diagnosed: Diagnosed
) -> None:
    denied = aws_error("secretsmanager", "AccessDeniedException")
    with stack.aws.wire.inject(Fault(action=denied, operation="GetSecretValue", times=None)):
        _, fix = wrong(diagnosed())["secret"]

    assert "set AtlasSecretKmsKeyArn, and allow the function's role kms:Decrypt" in fix


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (aws_error("kms", "AccessDeniedException"), "The policy of the key must allow"),
        (Answer.json(200, {"KeyMetadata": {"KeyState": "Disabled"}}), "Enable the key"),
    ],
    ids=["denied", "disabled"],
)
def test_a_key_that_keeps_the_function_from_publishing(
    stack: ObservedStack, diagnosed: Diagnosed, answer: Answer, expected: str
) -> None:
    stack.aws.client("sns").set_topic_attributes(
        TopicArn=stack.topic_arn,
        AttributeName="KmsMasterKeyId",
        AttributeValue="arn:aws:kms:us-east-1:123456789012:key/6f1c2a9e",
    )
    with (
        stack.aws.wire.inject(Fault(action=answer, operation="DescribeKey", times=None)),
        stack.aws.wire.inject(
            Fault(action=aws_error("sns", "KMSAccessDenied"), operation="PublishBatch", times=None)
        ),
    ):
        problems = wrong(diagnosed())

    assert set(problems) == {"key of the topic"}
    assert problems["key of the topic"][1].startswith(expected)


def test_no_way_out_of_the_vpc(stack: ObservedStack, diagnosed: Diagnosed) -> None:
    with stack.atlas.wire.inject(Fault(action=Reset(), times=None)):
        found, fix = wrong(diagnosed())["credentials"]

    assert "Atlas" in found
    assert "its subnets need a route to a NAT gateway" in fix


def test_a_disabled_schedule(stack: ObservedStack, diagnosed: Diagnosed) -> None:
    change_schedule(stack, State="DISABLED")

    found, fix = wrong(diagnosed())["schedule"]

    assert found == "is disabled"
    assert fix.startswith("Enable the schedule sweep of the group")


# What else may be wrong


def test_a_project_that_is_not_watched(diagnosed: Diagnosed) -> None:
    other = "6b" * 12

    assert wrong(diagnosed(groupId=other))["settings"] == (
        f"the project {other} is not watched",
        "Add it to AtlasProjectIds",
    )


def test_nothing_is_watched(diagnosed: Diagnosed) -> None:
    line = diagnosed({"project_ids": ()})["settings"]

    assert (line["ok"], line["fix"]) == (
        None,
        "Set AtlasProjectIds, so that every restore is found",
    )


def test_all_projects_are_watched_but_none_can_be_read(
    stack: ObservedStack, diagnosed: Diagnosed, group: str
) -> None:
    assert f"project {group}" in diagnosed({"project_ids": "all"})

    stack.atlas.remove_project(group)
    found, fix = wrong(diagnosed({"project_ids": "all"}))["projects"]

    assert found == "the credentials can read no project"
    assert fix == "In Atlas, give the service account or API key a role in a project"


def test_more_projects_than_are_looked_at(stack: ObservedStack, diagnosed: Diagnosed) -> None:
    ids = tuple(f"6c{number:022x}" for number in range(23))
    for one in ids:
        stack.atlas.add_project(one)

    checks = diagnosed({"project_ids": ids})

    assert sum(name.startswith("project ") for name in checks) == 20
    assert checks["other projects"]["found"] == "3 more were not looked at"


@pytest.mark.parametrize(
    ("role", "ok", "fix"),
    [
        (Role.OWNER, False, "In Atlas, take away GROUP_OWNER: the watch only reads"),
        (Role.BACKUP_MANAGER, True, None),
    ],
)
def test_an_api_key_may_do_more_than_it_needs(
    stack: ObservedStack, diagnosed: Diagnosed, role: Role, *, ok: bool, fix: str | None
) -> None:
    stack.put_secret(CREDENTIALS["api_key"])
    stack.atlas.grant(CREDENTIALS["api_key"]["public_key"], role)

    line = diagnosed()["roles"]

    assert (line["ok"], line["fix"]) == (ok, fix)


def test_a_role_that_is_only_for_dedicated_clusters(
    stack: ObservedStack, diagnosed: Diagnosed, group: str
) -> None:
    stack.put_secret(CREDENTIALS["api_key"])
    stack.atlas.remove_cluster(group, "archive")
    # Jobs that an event names may be of dedicated clusters.
    assert diagnosed({"project_ids": ()}, groupId=group)["roles"]["ok"] is True

    line = diagnosed()["roles"]

    assert line["ok"] is None
    assert line["fix"].startswith("Without dedicated clusters, Project Read Only is enough")


def test_messages_that_sns_did_not_take(
    stack: ObservedStack, diagnosed: Diagnosed, group: str
) -> None:
    restore = stack.atlas.start_restore(group, "orders", "flex", timeline=["COMPLETED"])
    refused = aws_error("sns", "AuthorizationError", status=403)
    with (
        refuse_publications(stack),
        stack.aws.wire.inject(Fault(action=refused, operation="PublishBatch", times=None)),
    ):
        assert check(stack, restore, "flex").error_type == "NotificationPendingError"
        _, fix = wrong(diagnosed())["publishing"]
    assert fix.startswith("Deploy the stack again: the topic's policy or the function's role")

    stack.aws.client("dynamodb").update_item(
        TableName=stack.table_name,
        Key={
            "cluster": {"S": f"{group}/orders"},
            "restoreId": {"S": restore.restore_id},
        },
        UpdateExpression="SET observedAt = :at",
        ExpressionAttributeValues={
            ":at": {"S": (stack.atlas.now() - timedelta(hours=1)).isoformat()}
        },
    )
    found, fix = wrong(diagnosed())["pending messages"]
    assert found.startswith("restore jobs with a change that SNS has not taken: 1, since 20")
    assert fix.startswith("Send a test notification")


SUBSCRIPTION = """<ListSubscriptionsByTopicResponse><ListSubscriptionsByTopicResult>
<Subscriptions><member><SubscriptionArn>{}</SubscriptionArn></member>
</Subscriptions></ListSubscriptionsByTopicResult></ListSubscriptionsByTopicResponse>"""


@pytest.mark.parametrize(
    ("answer", "found", "fix"),
    [
        (
            SUBSCRIPTION.format("PendingConfirmation"),
            "0 confirmed, 1 not confirmed",
            "Confirm the subscription",
        ),
        (
            SUBSCRIPTION.format("Deleted"),
            "0 confirmed, 0 not confirmed",
            "Set NotifyEmail, NotifyChat or NotifySecretArn, or subscribe:\naws sns subscribe",
        ),
        (None, "0 confirmed, 0 not confirmed", "Set NotifyEmail, NotifyChat"),
    ],
    ids=["not confirmed", "unsubscribed", "none"],
)
def test_a_topic_that_nobody_hears(
    stack: ObservedStack, diagnosed: Diagnosed, answer: str | None, found: str, fix: str
) -> None:
    sns = stack.aws.client("sns")
    if answer:
        said = Answer(200, {"Content-Type": "text/xml"}, answer)
        fault = Fault(action=said, operation="ListSubscriptionsByTopic", times=None)
        with stack.aws.wire.inject(fault):
            problem = wrong(diagnosed())["subscriptions of the topic"]
    else:
        for one in sns.list_subscriptions()["Subscriptions"]:
            sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
        problem = wrong(diagnosed())["subscriptions of the topic"]

    assert problem[0] == found
    assert problem[1].startswith(fix)


def test_a_table_that_is_gone(stack: ObservedStack, diagnosed: Diagnosed) -> None:
    stack.aws.client("dynamodb").delete_table(TableName=stack.table_name)

    problems = wrong(diagnosed())

    assert set(problems) == {"table"}
    assert problems["table"][1].startswith("The table was deleted")


def test_a_sweep_that_is_late(stack: ObservedStack, diagnosed: Diagnosed) -> None:
    assert diagnosed()["last sweep"]["found"] == "no tick of the schedule was swept yet"
    tick = (stack.atlas.now() - timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M:00.000000Z")
    item = {"cluster": {"S": "sweeps"}, "restoreId": {"S": "lease"}, "lastTick": {"S": tick}}
    stack.put_items([item])
    assert wrong(diagnosed())["last sweep"][0] == "sweeps have begun, and none has succeeded"
    stack.put_items([{**item, "succeededAt": {"S": tick}}])

    found, fix = wrong(diagnosed())["last sweep"]

    assert found == f"succeeded at {tick}; later ones failed"
    assert fix.startswith("Look at the log")
    change_schedule(stack, ScheduleExpression="cron(*/2 * * * ? *)")
    assert diagnosed()["last sweep"]["ok"] is None


def test_a_degraded_project_is_named(
    stack: ObservedStack, diagnosed: Diagnosed, group: str
) -> None:
    trouble = {
        "since": {"S": "2026-11-26T09:00:00Z"},
        "error": {"S": "AtlasUnauthorizedError"},
        "message": {"S": "no role"},
    }
    stack.put_items(
        [
            {
                "cluster": {"S": "sweeps"},
                "restoreId": {"S": f"project/{group}"},
                "degraded": {"M": trouble},
                "watchVersion": {"N": "1"},
            }
        ]
    )

    found, _ = wrong(diagnosed())[f"project {group}: degraded"]

    assert found.startswith("since 2026-11-26T09:00:00")
    assert found.endswith(": no role")


@pytest.mark.parametrize(
    ("service", "operation", "code", "fix"),
    [
        ("secretsmanager", "GetSecretValue", "InvalidRequestException", "The secret is marked"),
        ("secretsmanager", "GetSecretValue", "DecryptionFailure", "Enable the KMS key"),
        ("dynamodb", "Query", "ValidationException", "The index OpenJobs was deleted"),
        ("dynamodb", "Query", "SomethingNew", "Look for this code on the page"),
    ],
)
def test_what_aws_answers_is_no_matter_of_the_network(
    stack: ObservedStack,
    diagnosed: Diagnosed,
    service: str,
    operation: str,
    code: str,
    fix: str,
) -> None:
    refused = Fault(
        action=aws_error(service, code),
        operation=operation,
        when=lambda call: operation != "Query" or b"IndexName" in call.body,
        times=None,
    )
    with stack.aws.wire.inject(refused):
        problems = wrong(diagnosed())

    assert problems["secret" if service == "secretsmanager" else "index"][1].startswith(fix)


@pytest.mark.parametrize(
    ("service", "operation", "code", "check"),
    [
        ("secretsmanager", "GetSecretValue", "ThrottlingException", "secret"),
        ("dynamodb", "Query", "ProvisionedThroughputExceededException", "table"),
        ("sns", "GetTopicAttributes", "Throttling", "topic"),
        ("sns", "PublishBatch", "KMSThrottling", "publishing"),
    ],
)
def test_a_limit_or_a_problem_of_aws_is_not_a_mistake(
    stack: ObservedStack, diagnosed: Diagnosed, service: str, operation: str, code: str, check: str
) -> None:
    limited = Fault(action=aws_error(service, code), operation=operation, times=None)
    with stack.aws.wire.inject(limited):
        checks = diagnosed()

    assert wrong(checks) == {}
    assert checks[check]["ok"] is None
    assert checks[check]["fix"].startswith("Diagnose again in a minute")


@pytest.mark.parametrize("code", ["CLUSTER_NOT_FOUND", "BACKUPS_NOT_ENABLED"])
def test_a_cluster_without_backups_says_nothing_of_the_others(
    stack: ObservedStack, diagnosed: Diagnosed, code: str
) -> None:
    status = 404 if code == "CLUSTER_NOT_FOUND" else 400
    gone = Fault(
        action=atlas_error(status, code, "No."),
        when=lambda call: "/archive/" in call.path,
        times=None,
    )
    with stack.atlas.wire.inject(gone):
        assert wrong(diagnosed()) == {}


@pytest.mark.parametrize("odd", [{"a": 1}, ["x"], "../../orgs", None, 7], ids=str)
def test_an_odd_id_in_the_list_of_projects_is_not_asked_for(
    stack: ObservedStack, diagnosed: Diagnosed, odd: Any
) -> None:
    listed = Answer.json(200, {"results": [{"id": odd}], "links": [], "totalCount": 1})
    stack.atlas.script("projects", listed)

    assert set(wrong(diagnosed({"project_ids": "all"}))) == {"projects"}


def test_a_status_that_atlas_does_not_give_hides_nothing_else(
    stack: ObservedStack, diagnosed: Diagnosed, group: str
) -> None:
    stack.atlas.script("system", atlas_error(500, "UNEXPECTED_ERROR", "Oh."))

    checks = diagnosed()

    assert checks["credentials"]["ok"] is None
    assert checks[f"project {group}"]["ok"] is True


def test_a_cluster_beyond_the_first_page_cannot_be_told(
    stack: ObservedStack, diagnosed: Diagnosed, group: str
) -> None:
    stack.atlas.add_cluster(group, "newest", "dedicated")
    stack.atlas.behaviour.largest_page_of_clusters = 1

    assert diagnosed(groupId=group, clusterName="newest")["cluster newest"]["ok"] is None


def test_a_diagnosis_takes_one_token(stack: ObservedStack, diagnosed: Diagnosed) -> None:
    client_id = CREDENTIALS["service_account"]["client_id"]
    before = stack.atlas.tokens_alive(client_id)

    diagnosed()

    assert stack.atlas.tokens_alive(client_id) == before + 1


def test_a_clock_that_is_wrong(stack: ObservedStack, diagnosed: Diagnosed) -> None:
    stack.atlas.behaviour.clock_ahead = 300

    found, fix = wrong(diagnosed())["clock"]

    assert found.endswith(" s behind Atlas's")
    assert "15 minutes" in fix


def test_a_limit_that_is_used_up_is_not_a_mistake(
    stack: ObservedStack, diagnosed: Diagnosed, group: str
) -> None:
    stack.atlas.keep_bucket(group, "events", 0)

    line = diagnosed()[f"project {group}: events"]

    assert line["ok"] is None
    assert line["fix"].startswith("Slow down the other tools that call Atlas's API")


def test_atlas_answers_something_else(stack: ObservedStack, diagnosed: Diagnosed) -> None:
    stack.atlas.script("system", Answer(200, {"Content-Type": "application/json"}, "[]"))
    line = diagnosed()["address"]
    assert (line["ok"], line["found"]) == (None, "Atlas does not say it")

    stack.atlas.script("system", atlas_error(410, "VERSION_GONE", "It is gone."))
    assert diagnosed()["credentials"]["found"].startswith("cannot be told: Atlas answered 410")


def test_what_there_was_no_time_for_is_not_judged(diagnosed: Diagnosed) -> None:
    checks = diagnosed(seconds=1.2)

    assert wrong(checks) == {}
    assert "too few to" in checks["secret"]["found"]
    assert checks["credentials"]["found"] == "without the secret, Atlas cannot be asked"
