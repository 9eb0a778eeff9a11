"""A diagnosis names each of the most frequent mistakes, and how to fix it."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

import boto3
import pytest
from aws_lambda_powertools import Logger

from behaviour.conftest import RuntimeWith
from behaviour.rows import rows
from contract.documents import blocks, commands_of, page, section
from foundation.deadline import Deadline
from local_stack.atlas import Role
from local_stack.aws import REGION, aws_error
from local_stack.connections import ONE_TRY
from local_stack.faults import Action, Answer, Ask, Reset
from local_stack.loopback import Line as LoopbackLine
from local_stack.refusal import atlas_error
from local_stack.restores import object_id
from local_stack.stack import CREDENTIALS
from local_stack.steps import (
    COLLECTION_LIST,
    DEDICATED_LIST,
    MISSING_ROLE,
    PROCESSES,
    QUERY,
    SECRET,
    SERVICE_ACCOUNT,
    too_many_requests,
)
from local_stack.wire import Selection
from local_stack.world import World, within
from produced import Produced
from restore_watch.composition import compose
from restore_watch.settings import Settings

cases = pytest.mark.parametrize

type Checks = Mapping[str, Mapping[str, Any]]
"""The lines of a diagnosis by what they are about."""

type Diagnose = Callable[..., Checks]
type Break = Callable[[World], object]

ACCOUNT, KEY = CREDENTIALS["service_account"], CREDENTIALS["api_key"]

# It reads what services look like from disk, once for all diagnoses.
SESSION = boto3.Session("AKIAFUNCTIONFUNCTION", "in-process", region_name=REGION)

STATUS = Selection("atlas", "system")
INDEX = Selection("dynamodb", "Query", lambda call: b"IndexName" in call.body)
PUBLISH_BATCH = Selection("sns", "PublishBatch")
SCHEDULE = Selection("scheduler", when=lambda call: "/schedules/" in call.path)


@pytest.fixture
def diagnose(world: World, produced: Produced, monkeypatch: pytest.MonkeyPatch) -> Diagnose:
    """
    Diagnose a stack that watches the project of the test, unless others are named.

    `is_unread`: something that decides could not be read, so that nobody knows whether all is well.
    """
    monkeypatch.setenv("AWS_ENDPOINT_URL", world.aws.url)
    world.atlas.add_cluster(world.group, "orders", "flex")
    world.atlas.add_cluster(world.group, "archive", "dedicated")
    settings = Settings.from_environment(world.stack.environment)

    def diagnose(
        *,
        watched: Any = (world.group,),
        deadline: Deadline | None = None,
        is_unread: bool = False,
        secret_id: str = settings.atlas_secret_id,
        measures: bool = settings.measures,
        **event: str,
    ) -> Checks:
        chosen = replace(
            settings, project_ids=watched, atlas_secret_id=secret_id, measures=measures
        )
        logger = Logger(service=secrets.token_hex(8), location=None)
        application = compose(chosen, logger, SESSION, ONE_TRY)
        answer = application.answer({"action": "diagnose"} | event, deadline or Deadline.after(30))
        produced.add("results", answer)
        checks = {one["check"]: one for one in answer["checks"]}
        assert len(checks) == len(answer["checks"])
        expected = None if is_unread else True
        assert answer["ok"] is (False if wrong(checks) else expected)
        return checks

    return diagnose


def wrong(checks: Checks) -> dict[str, tuple[str, str]]:
    """What is wrong, and the fixes."""
    return {name: (one["found"], one["fix"]) for name, one in checks.items() if one["ok"] is False}


def broken(step: Selection, action: Action) -> Break:
    return lambda world: world.inject(step, action, times=None)


def set_schedule(world: World, **changes: str) -> None:
    world.remake_stack()
    scheduler = world.aws.client("scheduler")
    group = world.stack.environment["SCHEDULE_GROUP"]
    now = scheduler.get_schedule(GroupName=group, Name="sweep")
    kept = ("GroupName", "Name", "ScheduleExpression", "FlexibleTimeWindow", "Target", "State")
    scheduler.update_schedule(**{name: now[name] for name in kept} | changes)


def bookkeep(world: World, name: str, **fields: Any) -> None:
    """Store what sweeps would remember."""
    item = {"cluster": {"S": "sweeps"}, "restoreId": {"S": name}, **fields}
    world.stack.put_items([item])


def degrade(world: World, name: str, since: str = "2026-11-26T09:00:00Z") -> None:
    trouble = {"since": since, "error": "AtlasUnauthorizedError", "message": "no role"}
    typed = {"M": {key: {"S": value} for key, value in trouble.items()}}
    bookkeep(world, name, degraded=typed, watchVersion={"N": "1"})


def expect(checks: Checks, name: str, *, ok: bool | None, found: str, fix: str) -> None:
    """Find these parts of what a line has found and of its fix. No other line is wrong."""
    line = checks[name]
    assert line["ok"] is ok
    assert found in line["found"]
    assert fix in line["fix"]
    assert set(wrong(checks)) == ({name} if ok is False else set())


# Mistakes


def set_behaviour(name: str, value: object) -> Break:
    return lambda world: setattr(world.atlas.behaviour, name, value)


def grant(world: World, name: str, *roles: Role) -> None:
    world.remake_stack()
    world.atlas.grant(name, *roles)


def expire_client_secret(world: World) -> None:
    world.atlas.rotate_service_account(world.own_credentials()["client_id"], "another")


def delete_topic(world: World) -> None:
    world.remake_stack()
    world.aws.client("sns").delete_topic(TopicArn=world.stack.topic_arn)


def make_topic_again(**attributes: str) -> Break:
    def make(world: World) -> None:
        sns = world.aws.client("sns")
        delete_topic(world)
        name = world.stack.topic_arn.rpartition(":")[2]
        arn = sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]
        sns.subscribe(TopicArn=arn, Protocol="email", Endpoint="a@b.example")

    return make


def own_key(answer: Answer) -> Break:
    """A customer managed key of the topic keeps the function from publishing."""

    def use(world: World) -> None:
        world.remake_stack()
        key = "arn:aws:kms:us-east-1:123456789012:key/6f1c2a9e"
        world.aws.client("sns").set_topic_attributes(
            TopicArn=world.stack.topic_arn, AttributeName="KmsMasterKeyId", AttributeValue=key
        )
        world.inject(Selection("kms", "DescribeKey"), answer, times=None)
        world.inject(PUBLISH_BATCH, aws_error("sns", "KMSAccessDenied"), times=None)

    return use


def subscriptions(*arns: str) -> Break:
    """The topic has these subscriptions, whose states their ARNs show."""
    name = "ListSubscriptionsByTopic"
    members = "".join(f"<member><SubscriptionArn>{arn}</SubscriptionArn></member>" for arn in arns)
    result = f"<{name}Result><Subscriptions>{members}</Subscriptions></{name}Result>"
    body = f"<{name}Response>{result}</{name}Response>"
    return broken(Selection("sns", name), Answer(200, {"Content-Type": "text/xml"}, body))


def delete_table(world: World) -> None:
    world.remake_stack()
    world.aws.client("dynamodb").delete_table(TableName=world.stack.table_name)


def unsubscribe(world: World) -> None:
    world.remake_stack()
    sns = world.aws.client("sns")
    for one in sns.list_subscriptions()["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])


DISABLED_KEY = Answer.json(200, {"KeyMetadata": {"KeyState": "Disabled"}})
FOLLOW = "Follow 'SNS answered NotFound' on the page Troubleshooting"
FREE_WAY = (
    "Free: in the settings of Atlas's organization, turn off Require IP Access List for the Atlas "
    "Administration API, and leave the list of the service account or API key empty. Otherwise "
    "add 203.0.113.7 to that list"
)
STORE = "Put client_id and client_secret of a service account"
HEARERS = "subscriptions of the topic"
NO_SUBSCRIPTION = "0 confirmed, 0 not confirmed"

# Each row: the mistake, the line that is wrong, and parts of what it has found and of its fix.
MISTAKES: dict[str, tuple[Break, str, str, str]] = {
    "wrong-key-in-the-secret": (
        lambda world: world.put_secret({"client": "mdb_sa_id_1", "client_secret": "x"}),
        *("secret", "client_id", STORE),
    ),
    "secret-is-not-json": (lambda world: world.put_secret("no"), "secret", "JSON", STORE),
    "client-secret-expired": (
        expire_client_secret,
        *("credentials", "Atlas answered 401 to the token request"),
        "In Atlas, make a new secret for the service account",
    ),
    "missing-role": (
        lambda world: grant(world, ACCOUNT["client_id"], Role.READ_ONLY),
        *(
            "project {}: dedicated, collection",
            "Atlas answered 401 for the list of dedicated restore jobs",
        ),
        "give the service account or API key the role Project Backup Recovery Operator in this",
    ),
    "address": (
        set_behaviour("refused_address", "203.0.113.7"),
        *("credentials", "403", FREE_WAY),
    ),
    "no-way-out-of-the-vpc": (
        broken(Selection("atlas"), Reset()),
        *("credentials", "Atlas", "the subnets need a route to a NAT gateway"),
    ),
    "clock": (
        set_behaviour("clock_ahead", 300),
        *("clock", " s behind Atlas's", "15 minutes and more can hide restores"),
    ),
    "topic-is-gone": (delete_topic, "topic", "SNS answered NotFound", FOLLOW),
    "topic-without-key-and-policy": (
        make_topic_again(),
        *("topic", "lacks the key and the policy that the stack gave it", "topic-policy.json"),
    ),
    "topic-without-policy": (
        make_topic_again(KmsMasterKeyId="alias/aws/sns"),
        *("topic", "lacks the policy that the stack gave it", "Write topic-policy.json of"),
    ),
    "key-of-the-topic-denies": (
        own_key(aws_error("kms", "AccessDeniedException")),
        *("key of the topic", "AccessDeniedException", "The policy of the key must allow"),
    ),
    "key-of-the-topic-is-disabled": (
        own_key(DISABLED_KEY),
        *("key of the topic", "is in the state Disabled", "Enable the key"),
    ),
    "not-confirmed": (
        subscriptions("arn:aws:sns:us-east-1:123456789012:topic:1", "PendingConfirmation"),
        *(HEARERS, "1 confirmed, 1 not confirmed", "Confirm the subscription"),
    ),
    "unsubscribed": (subscriptions("Deleted"), HEARERS, NO_SUBSCRIPTION, "aws sns subscribe"),
    "no-subscription": (unsubscribe, HEARERS, NO_SUBSCRIPTION, "Set NotifyEmail, NotifyChat or"),
    "schedule-is-disabled": (
        lambda world: set_schedule(world, State="DISABLED"),
        *("schedule", "is disabled", "Enable the schedule sweep of the group"),
    ),
    "table-is-gone": (
        delete_table,
        *("table", "ResourceNotFound", "The table was deleted"),
    ),
    "degraded-project": (
        lambda world: degrade(world, f"project/{world.group}"),
        *("project {}: degraded", "since 2026-11-26T09:00:00", "If no other line about Atlas"),
    ),
}

OFTEN = ("wrong-key-in-the-secret", "missing-role", "topic-is-gone", "schedule-is-disabled")


@cases(("mistake", "check", "found", "fix"), rows(MISTAKES, *OFTEN))
def test_one_mistake_is_one_line_with_its_fix(
    world: World, diagnose: Diagnose, mistake: Break, check: str, found: str, fix: str
) -> None:
    mistake(world)

    expect(diagnose(), check.format(world.group), ok=False, found=found, fix=fix)


@cases("mistake", ["wrong-key-in-the-secret", "client-secret-expired", "no-way-out-of-the-vpc"])
def test_what_cannot_be_looked_at_without_atlas_is_named(
    world: World, diagnose: Diagnose, mistake: str
) -> None:
    assert "projects" not in diagnose()

    MISTAKES[mistake][0](world)

    expected = "were not looked at, nor the roles and when the credentials expire"
    line = diagnose()["projects"]
    assert line["ok"] is None
    assert line["found"].startswith(expected)


def test_the_fix_for_an_atlas_that_does_not_answer_names_where_its_address_is_set(
    world: World, diagnose: Diagnose
) -> None:
    broken(Selection("atlas"), Reset())(world)

    _, fix = wrong(diagnose())["credentials"]
    assert "compare AtlasBaseUrl, and base_url in the stack's secret" in fix


def test_the_commands_of_a_fix_give_a_topic_its_key_and_policy_again(
    world: World, diagnose: Diagnose
) -> None:
    make_topic_again()(world)
    sns = world.aws.client("sns")
    shown = section(page("troubleshooting"), "SNS answered NotFound")
    policy = blocks(shown, "json")[0].replace("<TopicArn>", world.stack.topic_arn)
    given = [words for words in commands_of(diagnose()["topic"]["fix"]) if words[0] == "aws"]

    assert [words[:3] for words in given] == [["aws", "sns", "set-topic-attributes"]] * 2
    for _, topic, _, name, _, value in (words[3:] for words in given):
        said = policy if value == "file://topic-policy.json" else value
        sns.set_topic_attributes(TopicArn=topic, AttributeName=name, AttributeValue=said)
    assert wrong(diagnose()) == {}


def test_an_api_key_that_is_stored_as_a_service_account_is_named(
    world: World, diagnose: Diagnose
) -> None:
    world.use("api_key")
    world.put_secret({"client_id": KEY["public_key"], "client_secret": KEY["private_key"]})
    checks = diagnose()
    ((check, (found, fix)),) = wrong(checks).items()

    assert (check, checks["secret"]["ok"]) == ("credentials", None)
    assert found.startswith("Atlas answered 401 to the token request")
    assert "store it as public_key, and its private key as private_key" in fix

    # The advice, followed to the word.
    world.put_secret({"public_key": KEY["public_key"], "private_key": KEY["private_key"]})
    assert wrong(diagnose()) == {}


def test_a_service_account_with_an_odd_id_is_well_if_atlas_accepts_it(
    world: World, diagnose: Diagnose
) -> None:
    odd_client_id(world)
    checks = diagnose()

    assert wrong(checks) == {}
    assert (checks["secret"]["ok"], checks["credentials"]["ok"]) == (None, True)


def test_a_secret_of_another_region_is_named(world: World, diagnose: Diagnose) -> None:
    made = world.aws.client("secretsmanager").describe_secret(
        SecretId=world.stack.environment["ATLAS_SECRET_ID"]
    )["ARN"]
    assert wrong(diagnose(secret_id=made)) == {}

    other = made.replace(REGION, "eu-west-1")
    found, fix = wrong(diagnose(secret_id=other))["secret"]
    assert found.endswith(f"by its ARN, the secret is in eu-west-1, and the stack in {REGION}")
    assert fix.startswith(f"Store the credentials as a secret in {REGION}, and set AtlasSecretArn")


LATER = "Diagnose again in a minute"

# Each row: what AWS refuses, its code, the line about it, and a part of the fix.
REFUSALS = [
    (SECRET, "ResourceNotFoundException", "secret", "AtlasSecretArn"),
    (SECRET, "InvalidRequestException", "secret", "The secret is marked for deletion"),
    (SECRET, "DecryptionFailure", "secret", "Enable the KMS key of the secret"),
    (SECRET, "AccessDeniedException", "secret", "allow the function's role kms:Decrypt"),
    (SECRET, "ThrottlingException", "secret", LATER),
    (INDEX, "ValidationException", "index", "The index OpenJobs was deleted"),
    (INDEX, "SomethingNew", "index", "Look for this code on the page"),
    (QUERY, "ProvisionedThroughputExceededException", "table", LATER),
    (Selection("sns", "GetTopicAttributes"), "Throttling", "topic", LATER),
    (PUBLISH_BATCH, "AuthorizationError", "publishing", "Deploy the stack again: the topic's"),
    (PUBLISH_BATCH, "KMSThrottling", "publishing", LATER),
    (Selection("sns", "ListSubscriptionsByTopic"), "InternalError", HEARERS, LATER),
    (SCHEDULE, "InternalServerException", "schedule", LATER),
]


@cases(
    ("step", "code", "check", "fix"),
    rows(
        {row[1]: row for row in REFUSALS},
        *("SomethingNew", "AuthorizationError", "ProvisionedThroughputExceededException"),
    ),
)
def test_a_refusal_of_aws_is_one_line_with_its_fix(
    world: World, diagnose: Diagnose, step: Selection, code: str, check: str, fix: str
) -> None:
    """A limit or a problem of AWS is not a mistake."""
    world.inject(step, aws_error(str(step.service), code), times=None)

    ok = None if fix is LATER else False
    expect(diagnose(is_unread=ok is None), check, ok=ok, found=f"answered {code}", fix=fix)


def test_what_follows_from_a_mistake_has_no_line(world: World, diagnose: Diagnose) -> None:
    """Sweeps fail without the secret, and the stack is degraded."""
    since = (world.clock() - timedelta(minutes=30)).isoformat()
    degrade(world, "stack", since)
    bookkeep(world, "lease", lastTick={"S": since}, succeededAt={"S": since})
    assert set(wrong(diagnose())) == {"stack: degraded", "last sweep"}

    world.put_secret("{}")
    assert set(wrong(diagnose())) == {"secret"}


@pytest.mark.campaign
def test_what_atlas_does_not_tell_now_is_not_a_mistake(world: World, diagnose: Diagnose) -> None:
    fix = "Slow down the other tools that call Atlas's API"
    odd_fields = '{"ipAddress": "10.0.0.1%eth0", "apiKey": {"roles": [7, {"roleName": 1}]}}'
    for odd in ("[]", "<html>", odd_fields):
        with world.inject(STATUS, Answer(200, {"Content-Type": "application/json"}, odd)):
            assert diagnose()["address"]["found"] == "Atlas does not say it"
    for status, code in ((410, "VERSION_GONE"), (500, "UNEXPECTED_ERROR")):
        with world.inject(STATUS, atlas_error(status, code, "No."), times=None):
            checks = diagnose()
        assert checks["credentials"]["found"].startswith(f"cannot be told: Atlas answered {status}")
        assert (checks["credentials"]["ok"], wrong(checks)) == (None, {})
        assert checks[f"project {world.group}"]["ok"] is True
    world.atlas.keep_bucket(world.group, "events", 0)
    check = f"project {world.group}: events"
    expect(diagnose(is_unread=True), check, ok=None, found="429", fix=fix)


def test_what_there_was_no_time_for_is_not_judged(diagnose: Diagnose) -> None:
    checks = diagnose(deadline=Deadline.after(1.2), is_unread=True)

    assert wrong(checks) == {}
    assert "too few to" in checks["secret"]["found"]
    assert checks["credentials"]["found"] == "without the secret, Atlas cannot be asked"


# Projects and clusters


def test_a_project_that_is_not_watched_or_does_not_exist(diagnose: Diagnose) -> None:
    other = "6b" * 12
    problems = wrong(diagnose(groupId=other))
    assert problems["settings"] == (
        f"the project {other} is not watched",
        "Add it to AtlasProjectIds",
    )

    ((check, (_, fix)),) = wrong(diagnose(watched=(other,))).items()
    assert check == f"project {other}: events, Flex clusters, dedicated clusters"
    assert fix.startswith("If the project was deleted, take it out of AtlasProjectIds")


@pytest.mark.fault("F113")
def test_a_stack_that_watches_nothing_is_not_well(diagnose: Diagnose) -> None:
    """Nothing else is wrong: the same stack is well once the project is named."""
    ((check, (found, fix)),) = wrong(diagnose(watched=())).items()
    assert (check, found[:21]) == ("settings", "No project is watched")
    assert "AtlasProjectIds" in fix
    assert "this line stays" in fix

    checks = diagnose()
    assert (checks["settings"]["found"], wrong(checks)) == ("watched projects: 1", {})


@pytest.mark.campaign
@pytest.mark.fault("F113")
@cases("all_are_watched", [True, False], ids=["all", "named"])
def test_projects_without_a_cluster_that_has_backups_are_not_well(
    world: World, diagnose: Diagnose, *, all_are_watched: bool
) -> None:
    for name in ("orders", "archive"):
        world.atlas.remove_cluster(world.group, name)
    world.atlas.add_cluster(world.group, "sandbox", "dedicated").provider_name = "TENANT"
    watched = "all" if all_are_watched else (world.group,)
    assert set(wrong(diagnose(watched=watched))) == {"clusters"}

    world.atlas.behaviour.largest_page_of_clusters = 1
    world.atlas.add_cluster(world.group, "sandbox-2", "dedicated").provider_name = "TENANT"
    assert wrong(diagnose(watched=watched)) == {}  # not all clusters are known

    world.atlas.behaviour.largest_page_of_clusters = 500
    world.atlas.add_cluster(world.group, "orders", "flex")
    assert wrong(diagnose(watched=watched)) == {}


@pytest.mark.fault("F113")
def test_a_refused_role_is_seen_behind_clusters_without_backups(
    world: World, diagnose: Diagnose
) -> None:
    """Atlas refuses what clusters without backups have before it looks at the role."""
    world.atlas.remove_cluster(world.group, "archive")
    for number in range(3):
        cluster = world.atlas.add_cluster(world.group, f"a-{number}", "dedicated")
        cluster.said = {"backupEnabled": False}
    world.atlas.add_cluster(world.group, "ledger", "dedicated")
    step = Selection("atlas", when=lambda call: "/clusters/a-" in call.path)
    world.inject(step, atlas_error(400, "BACKUPS_NOT_ENABLED", "No."), times=None)
    grant(world, ACCOUNT["client_id"], Role.READ_ONLY)

    assert set(wrong(diagnose())) == {f"project {world.group}: dedicated, collection"}


def test_which_projects_are_watched(world: World, diagnose: Diagnose) -> None:
    checks = diagnose(watched="all")
    assert f"project {world.group}" in checks
    assert checks["projects"]["found"] == "the credentials can read 1"
    world.atlas.remove_project(world.group)
    assert wrong(diagnose(watched="all"))["projects"] == (
        "the credentials can read no project",
        "In Atlas, give the service account or API key a role in a project",
    )


@cases("odd", ["../../orgs", None], ids=str)
def test_an_odd_id_in_the_list_of_projects_is_not_asked_for(
    world: World, diagnose: Diagnose, odd: str | None
) -> None:
    listed = Answer.json(200, {"results": [{"id": odd}], "links": [], "totalCount": 1})
    world.inject(Selection("atlas", "projects"), listed)

    assert set(wrong(diagnose(watched="all"))) == {"projects"}


def test_of_many_projects_twenty_are_looked_at(world: World, diagnose: Diagnose) -> None:
    ids = tuple(f"6c{number:022x}" for number in range(23))
    for one in ids:
        world.atlas.add_project(one)
    checks = diagnose(watched=ids)

    assert sum(name.startswith("project ") for name in checks) == 20
    assert checks["other projects"]["found"] == "3 more were not looked at"


@pytest.mark.campaign
def test_a_named_project_is_looked_at_however_many_are_watched(
    world: World, diagnose: Diagnose
) -> None:
    others = tuple(f"6c{number:022x}" for number in range(20))
    for one in others:
        world.atlas.add_project(one)
    grant(world, ACCOUNT["client_id"], Role.READ_ONLY)
    check = f"project {world.group}: dedicated, collection"

    assert check not in diagnose(watched=(*others, world.group))
    checks = diagnose(watched=(*others, world.group), groupId=world.group, clusterName="orders")
    assert (checks[check]["ok"], checks["cluster orders"]["ok"]) == (False, True)


@pytest.mark.fault("F106")
def test_a_cluster_that_cannot_be_watched_is_named_beside_those_that_can(
    world: World, diagnose: Diagnose
) -> None:
    for name in ("orders_late", "late\r\n"):
        world.atlas.add_cluster(world.group, name, "dedicated")
    checks = diagnose()

    project = f"project {world.group}"
    assert checks[project]["found"].endswith("Flex clusters: 1, dedicated clusters: 1")
    line = checks[f"{project}: cluster orders_late, cluster late "]
    assert (line["ok"], line["found"][:37]) == (None, "This cluster cannot be watched: its n")


ABSENT = "the project has no cluster of this name"
CLUSTERS = {
    "ordres": (False, ABSENT, "Use orders"),
    "zzz": (False, ABSENT, "Use the name that the project's page shows"),
    "orders": (True, "is among the Flex clusters", None),
    "archive": (True, "is among the dedicated clusters", None),
}


@pytest.mark.campaign
def test_a_named_cluster_is_looked_for_and_a_similar_name_is_proposed(
    world: World, diagnose: Diagnose
) -> None:
    def line(name: str) -> tuple[bool | None, str, str | None]:
        one = diagnose(groupId=world.group, clusterName=name)[f"cluster {name}"]
        return one["ok"], one["found"], one["fix"]

    assert {name: line(name) for name in CLUSTERS} == CLUSTERS

    world.atlas.add_cluster(world.group, "newest", "dedicated")
    world.atlas.behaviour.largest_page_of_clusters = 1
    assert line("newest")[0] is None


@cases(("status", "code"), [(404, "CLUSTER_NOT_FOUND"), (400, "BACKUPS_NOT_ENABLED")], ids=str)
def test_a_cluster_without_backups_says_nothing_of_the_others(
    world: World, diagnose: Diagnose, status: int, code: str
) -> None:
    step = Selection("atlas", when=lambda call: "/archive/" in call.path)
    world.inject(step, atlas_error(status, code, "No."), times=None)

    assert wrong(diagnose()) == {}


@pytest.mark.campaign
def test_the_roles_of_an_api_key_are_those_that_are_needed(
    world: World, diagnose: Diagnose
) -> None:
    world.use("api_key")

    def roles(role: Role, **how: Any) -> tuple[bool | None, str | None]:
        grant(world, KEY["public_key"], role)
        line = diagnose(**how)["roles"]
        return line["ok"], line["fix"]

    surplus = "In Atlas, take away GROUP_OWNER: the watch only reads"
    assert roles(Role.OWNER) == (None, surplus)
    assert roles(Role.BACKUP_MANAGER) == (True, None)

    world.atlas.remove_cluster(world.group, "archive")
    # Jobs that an event names may be of dedicated clusters.
    assert roles(Role.BACKUP_MANAGER, watched=(), groupId=world.group) == (True, None)
    is_needed, fix = roles(Role.BACKUP_MANAGER)
    assert is_needed is None
    assert str(fix).startswith("Without dedicated clusters, Project Read Only is enough")


@pytest.mark.campaign
def test_the_roles_of_a_service_account_are_those_of_its_projects(
    world: World, diagnose: Diagnose
) -> None:
    def roles(*held: Role, **how: Any) -> tuple[bool | None, str, str]:
        grant(world, ACCOUNT["client_id"], *held)
        line = diagnose(**how)["roles"]
        return line["ok"], line["found"], line["fix"] or ""

    assert roles(Role.BACKUP_MANAGER) == (True, f"GROUP_BACKUP_MANAGER in {world.group}", "")
    is_enough, found, fix = roles(Role.OWNER)
    assert (is_enough, found) == (None, f"GROUP_OWNER in {world.group}")
    assert fix == "In Atlas, take away GROUP_OWNER: the watch only reads"
    assert roles(Role.RECOVERY_OPERATOR, Role.READ_ONLY)[0] is True

    world.atlas.remove_cluster(world.group, "archive")
    assert roles(Role.READ_ONLY)[0] is True
    assert roles(Role.BACKUP_MANAGER)[2].startswith("Without dedicated clusters")
    assert "Project Backup Recovery Operator may restore" in roles(Role.RECOVERY_OPERATOR)[2]

    # Another project has a dedicated cluster, and does not show the account.
    other = secrets.token_hex(12)
    world.atlas.add_cluster(other, "archive", "dedicated")
    hidden = within(SERVICE_ACCOUNT, Selection(when=lambda call: other in call.path))
    world.inject(hidden, atlas_error(403, "NO", "No."), times=None)
    assert roles(Role.BACKUP_MANAGER, watched=(world.group, other))[0] is True


# Whether restores can be measured


def test_processes_that_are_refused_are_worth_a_look_until_the_advice_is_followed(
    world: World, diagnose: Diagnose
) -> None:
    """The watch sees everything, so nothing is wrong."""
    check = f"project {world.group}: processes"
    line = diagnose()[check]
    assert (line["ok"], line["found"], line["fix"]) == (
        *(True, "can be read, to measure restores"),
        None,
    )

    grant(world, ACCOUNT["client_id"], Role.RECOVERY_OPERATOR)
    checks = diagnose()
    assert checks[f"project {world.group}"]["ok"] is True
    expect(
        checks,
        check,
        ok=None,
        found="whole clusters are not measured: Atlas answered 401 for the list of processes",
        fix=f"give the service account or API key the role {Role.READ_ONLY} in this project",
    )

    grant(world, ACCOUNT["client_id"], Role.RECOVERY_OPERATOR, Role.READ_ONLY)
    assert diagnose()[check]["ok"] is True


@cases(
    ("action", "found"),
    rows(
        {
            "limited": (
                too_many_requests({"Retry-After": "60"}),
                "Atlas answered 429 for the list of processes",
            ),
            "reset": (Reset(), "Atlas did not answer"),
            "odd": (Answer(200), "Atlas answered 200 for a list of processes, but without results"),
        },
        "odd",
    ),
)
def test_processes_that_are_not_read_say_nothing_of_the_watch(
    world: World, diagnose: Diagnose, action: Action, found: str
) -> None:
    world.inject(PROCESSES, action, times=None)

    expect(
        diagnose(),
        f"project {world.group}: processes",
        ok=None,
        found=f"cannot be told: {found}",
        fix="",
    )


def test_a_process_is_asked_for_only_where_restores_would_be_measured(
    world: World, diagnose: Diagnose
) -> None:
    check = f"project {world.group}: processes"
    world.stack.forget_calls()
    assert check in diagnose()
    (asked,) = (call for call in world.calls() if call.operation == "processes")
    assert asked.query == {"itemsPerPage": "1", "pageNum": "1"}

    assert check not in diagnose(measures=False)
    world.atlas.remove_cluster(world.group, "archive")
    assert check not in diagnose()
    assert world.count(PROCESSES) == 1


NO_JOBS = Answer.json(200, {"results": [], "links": [], "totalCount": 0})
REFUSED: dict[str, tuple[tuple[Role, ...], Action, str | None]] = {
    "read-only-is-enough": ((Role.READ_ONLY,), NO_JOBS, None),
    "read-only-is-refused": (
        *((Role.READ_ONLY,), MISSING_ROLE),
        "add Project Backup Recovery Operator in {}",
    ),
    "recovery-operator-is-refused": (
        *((Role.READ_ONLY, Role.RECOVERY_OPERATOR), MISSING_ROLE),
        "add Project Backup Manager in {}",
    ),
    "both-are-refused": (
        *((Role.RECOVERY_OPERATOR, Role.BACKUP_MANAGER), MISSING_ROLE),
        None,
    ),
}


@cases(("held", "answer", "fix"), rows(REFUSED, "read-only-is-refused"))
def test_the_role_that_may_do_less_is_proposed_first(
    world: World,
    diagnose: Diagnose,
    held: tuple[Role, ...],
    answer: Action,
    fix: str | None,
) -> None:
    """MongoDB's pages disagree on the role that reads restore jobs of dedicated clusters."""
    grant(world, ACCOUNT["client_id"], *held)
    for one in (DEDICATED_LIST, COLLECTION_LIST):
        world.inject(one, answer, times=None)
    expected = fix and f"For restore jobs of dedicated clusters, {fix.format(world.group)}"

    line = diagnose()["roles"]

    assert (line["ok"], line["fix"]) == (None if fix else True, expected)


# When the credentials expire


def odd_client_id(world: World) -> None:
    world.atlas.add_service_account("an/odd/id", "secret")
    world.put_secret({"client_id": "an/odd/id", "client_secret": "secret"})


def expire_in(*days: float, mask: str = "") -> Break:
    """The account has secrets that expire in so many days; the first one is in use."""

    def make(world: World) -> None:
        made = world.own_credentials()
        (own,) = world.atlas.secrets_of(made["client_id"])
        for number, _ in enumerate(days[1:]):
            world.atlas.add_secret(made["client_id"], f"mdb_sa_sk_another-{number}")
        for one, left in zip(world.atlas.secrets_of(made["client_id"]), days, strict=True):
            one.expires_at = world.clock() + timedelta(days=left)
            one.mask = mask or one.mask
        assert own.expires_at < world.clock() + timedelta(days=days[0], hours=1)

    return make


ODD_ACCOUNT = Answer.json(200, {"clientId": "another", "secrets": []})
EXPIRIES: dict[str, tuple[Break, bool | None, str, str]] = {
    "in-time": (expire_in(100.5), True, "days left: 100", ""),
    "seven-days": (expire_in(7.1), True, "days left: 7", ""),
    "late": (expire_in(6.9), False, "days left: 6", "make a new secret for the service account"),
    "one-of-two": (expire_in(50.5, 3), True, "days left: 50", ""),
    "hidden": (expire_in(50.5, 40.5, mask="***"), True, "40; Atlas does not show which", ""),
    "api-key": (lambda world: world.use("api_key"), None, "an API key has no date", ""),
    "refused": (
        broken(SERVICE_ACCOUNT, atlas_error(403, "NO", "Not mdb_sa_sk_...abcd")),
        *(None, "cannot be told: Atlas answered 403 for the service account", "shows when"),
    ),
    "absent": (
        broken(SERVICE_ACCOUNT, atlas_error(404, "SERVICE_ACCOUNT_NOT_FOUND", "No.")),
        *(None, "cannot be told: Atlas answered 404", "In Atlas, the page of the service account"),
    ),
    "odd-client-id": (odd_client_id, None, "the client id has an unknown form", ""),
    "unknown-shape": (broken(SERVICE_ACCOUNT, ODD_ACCOUNT), None, "an unknown shape", "shows when"),
}


@cases(("expiry", "is_right", "found", "fix"), rows(EXPIRIES, "late", "hidden", "refused"))
def test_the_doctor_says_when_the_credentials_expire(
    world: World, diagnose: Diagnose, expiry: Break, found: str, fix: str, *, is_right: bool | None
) -> None:
    expiry(world)
    checks = diagnose()
    line = checks["credentials expire"]

    assert line["ok"] is is_right
    assert found in line["found"]
    assert fix in (line["fix"] or "")
    assert set(wrong(checks)) == ({"credentials expire"} if is_right is False else set())


def test_without_a_watched_project_the_doctor_asks_in_that_of_an_open_job(
    world: World, diagnose: Diagnose
) -> None:
    line = diagnose(watched=())["credentials expire"]
    assert line["ok"] is None
    assert line["found"].startswith("cannot be told: no project to ask in is known")

    world.recorded_job()
    assert diagnose(watched=())["credentials expire"]["ok"] is True


# What sweeps left behind


def test_messages_that_sns_has_not_taken_are_named_after_two_minutes(
    world: World, diagnose: Diagnose
) -> None:
    job = world.finished_job()
    world.leave_pending(job)
    assert wrong(diagnose()) == {}

    world.rewrite(job, observedAt=(world.clock() - timedelta(hours=1)).isoformat())
    found, fix = wrong(diagnose())["pending messages"]
    assert found.startswith("restore jobs with a change that SNS has not taken: 1, since 20")
    assert fix.startswith("Send a test notification")


def test_a_sweep_that_is_late_is_named(world: World, diagnose: Diagnose) -> None:
    tick = (world.clock() - timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M:00.000000Z")
    assert diagnose()["last sweep"]["found"] == "no tick of the schedule was swept yet"
    bookkeep(world, "lease", lastTick={"S": tick})
    assert wrong(diagnose())["last sweep"][0] == "sweeps have begun, and none has succeeded"

    bookkeep(world, "lease", lastTick={"S": tick}, succeededAt={"S": tick})
    found, fix = wrong(diagnose())["last sweep"]
    assert found == f"succeeded at {tick}; later ones failed"
    assert fix.startswith("Look at the log")

    set_schedule(world, ScheduleExpression="rate(15 minutes)")
    assert diagnose()["last sweep"]["ok"] is True
    # A cron expression does not show whether another was due.
    set_schedule(world, ScheduleExpression="cron(*/2 * * * ? *)")
    assert diagnose()["last sweep"]["ok"] is None


def test_the_jobs_of_a_large_index_are_counted_for_ten_seconds(
    world: World, diagnose: Diagnose
) -> None:
    for shard in "012":
        world.recorded_job(restore_id=f"{object_id(world.clock())[:-1]}{shard}")
    seconds = [0]

    class Slow(NamedTuple):
        def play(self, _line: LoopbackLine, ask: Ask, /) -> Answer:
            seconds[0] += 6
            return ask()

    world.inject(INDEX, Slow(), times=None)
    line = diagnose(deadline=Deadline(60, lambda: seconds[0]))["index"]
    assert (line["ok"], line["found"]) == (True, "open restore jobs: at least 2")


# What a diagnosis costs


def test_a_diagnosis_takes_one_token_and_publishes_nothing(
    world: World, diagnose: Diagnose
) -> None:
    """Also if a role is missing. SNS gets a batch that has no message."""
    client_id = world.own_credentials()["client_id"]
    world.atlas.grant(client_id, Role.READ_ONLY)
    diagnose()

    assert world.atlas.tokens_alive(client_id) == 1
    (asked,) = [call for call in world.calls() if call.operation.startswith("Publish")]
    assert asked.operation == "PublishBatch"
    assert b"Message=" not in asked.body
    assert world.received() == []


def test_the_function_diagnoses_a_healthy_stack_and_changes_nothing(
    world: World, runtime_with: RuntimeWith
) -> None:
    world.atlas.add_cluster(world.group, "orders", "flex")
    world.atlas.add_cluster(world.group, "archive", "dedicated")
    runtime = runtime_with(ATLAS_PROJECT_IDS=world.group)
    runtime.invoke(world.stack.function.scheduled_event(world.clock()))
    before = world.stack.items()
    answer = runtime.invoke({"action": "diagnose"}).result

    assert answer["ok"] is True
    assert [one["check"] for one in answer["checks"]] == [
        *("settings", "secret", "credentials", "address", "clock", f"project {world.group}"),
        *(f"project {world.group}: processes", "credentials expire", "roles"),
        *("index", "table", "publishing", "subscriptions of the topic", "schedule", "last sweep"),
    ]
    assert [one["check"] for one in answer["checks"] if one["ok"] is not True] == ["publishing"]
    assert (world.stack.items(), world.received()) == (before, [])
