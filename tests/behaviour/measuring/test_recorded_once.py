"""A restore is measured once, whatever is delivered, refused or killed."""

import itertools
import json
from functools import partial
from typing import Any

import pytest

from behaviour.measuring.measured import LAST, QUARTER_HOUR, Measured, answered, record
from behaviour.rows import pairs, rows
from contract.error_texts import ErrorText, is_on_the_page
from local_stack.atlas import EmulatedRestore
from local_stack.aws import aws_error
from local_stack.cluster_data import Held
from local_stack.environment import target_of
from local_stack.refusal import atlas_error
from local_stack.restores import CollectionRestore
from local_stack.steps import (
    ACKNOWLEDGE,
    DATABASES,
    DEDICATED_LIST,
    FIGURES,
    HOSTS,
    MISSING_ROLE,
    PROCESSES,
    PUBLISH,
    QUESTION,
    RECALL,
    RESTORED_COLLECTIONS,
    SECRET,
    TOKEN,
    VALIDATE,
    too_many_requests,
)
from local_stack.wire import Action, Answer, Phase, Reset, Selection
from local_stack.world import World
from restore_watch.errors import InvalidEventError, RestoreJobNotFoundError
from restore_watch.model.measurement import WhyNotMeasured

ONCE = ["COMPLETED", "MEASURED"]

ASKED = {
    "hosts of the source": HOSTS,
    "hosts of the target": HOSTS,
    "processes of the source": PROCESSES,
    "processes of the target": PROCESSES,
    "databases of the source": DATABASES,
    "databases of the target": DATABASES,
    "sales in the source": FIGURES,
    "stock in the source": FIGURES,
    "sales in the target": FIGURES,
    "stock in the target": FIGURES,
    "restores of the source": DEDICATED_LIST,
}
"""Every question of a measurement, in their order."""

ASKED_AT = {name: place for place, name in enumerate(ASKED)}


def finished(world: World, kind: Any, **how: Any) -> EmulatedRestore:
    job = world.finished_job(kind, **how)
    world.check(target_of(job, kind))
    return job


@pytest.fixture
def collections(measured: Measured, world: World) -> Measured:
    """A collection restore that the table knows as completed, in place of the other."""
    measured.job = finished(world, "collection")
    (measured.message,) = world.messages(measured.job)
    world.stack.forget_calls()
    return measured


# Recorded and published


def test_a_restore_that_matches_is_recorded_and_published_once(
    measured: Measured, world: World
) -> None:
    assert measured.deliver()

    message, item = world.messages(measured.job)[-1], world.known_item(measured.job)
    recorded = measured.recorded() or {}
    assert measured.published() == ONCE
    assert recorded["outcome"] == "matches"
    assert recorded["databases"] == {"found": 2, "expected": 2}
    assert recorded["documents"] == {"found": 1_200_150, "expected": 1_200_150}
    assert {"why": None, "error": None, "errorCode": None, **recorded} == message.event["data"][
        "measurement"
    ]
    assert message.subject == "Atlas restore data matches: orders"
    assert message.attributes == {
        "type": "atlas-restore-watch.restore-measured.v1",
        "outcome": "matches",
        "kind": "dedicated",
        "groupId": world.group,
        "clusterName": "orders",
    }
    assert (item["sequence"], item["publishedSequence"], item["status"]) == (2, 2, "COMPLETED")
    assert "openShard" not in item
    assert "expiresAt" in item


@pytest.mark.fault("F132")
def test_a_second_delivery_asks_atlas_nothing(measured: Measured, world: World) -> None:
    measured.deliver()
    world.stack.forget_calls()

    assert measured.deliver(number=2)

    assert world.questions() == []
    assert measured.published() == ONCE


@pytest.mark.fault("F132")
def test_two_deliveries_at_once_record_one_measurement(measured: Measured, world: World) -> None:
    with world.hold(VALIDATE) as gate:
        both = [world.begin(partial(measured.deliver, number)) for number in (1, 2)]
        gate.wait_for(2)
        gate.open()
        ends = [one.end() for one in both]

    assert ends == [True, True]
    assert (measured.recorded() or {})["outcome"] == "matches"
    assert set(measured.published()) == set(ONCE)


def test_a_change_that_comes_between_does_no_harm(measured: Measured, world: World) -> None:
    verdict = {"action": "record-validation", **measured.job.event, "verdict": "PASSED"}
    environment = world.environment()
    validated: list[Any] = []

    def validate() -> None:
        if not validated:
            validated.append(None)
            environment.answer(verdict)

    with world.whenever(FIGURES, validate):
        assert measured.deliver()

    assert measured.published() == ["COMPLETED", "VALIDATION:2", "MEASURED"]
    assert world.known_item(measured.job)["history"][-1]["measurement"]["outcome"] == "matches"


def test_what_differs_is_named(measured: Measured) -> None:
    measured.target.hold("sales", Held(600_000, 12, 30), measured.ended_at)

    assert measured.deliver()

    recorded = measured.recorded() or {}
    assert recorded["outcome"] == "differs"
    (database,) = recorded["differing"]
    assert database["name"] == "sales"
    assert [one["figure"] for one in database["figures"]] == ["documents", "indexes"]


def test_lists_of_several_pages_are_read_to_their_end(measured: Measured, world: World) -> None:
    world.atlas.behaviour.largest_page = 2

    assert measured.deliver()

    assert (measured.recorded() or {})["databases"] == {"found": 2, "expected": 2}
    # Three processes in each project, and four databases in each cluster.
    assert (world.count(PROCESSES), world.count(DATABASES)) == (4, 4)


def test_a_list_without_an_end_is_no_answer(measured: Measured, world: World) -> None:
    entry = {"databaseName": "sales"}
    endless = {"results": [entry], "links": [{"rel": "next", "href": "https://atlas.example"}]}
    with world.inject(DATABASES, Answer.json(200, endless), times=None):
        assert not measured.deliver(1)
        assert measured.deliver(LAST)

    assert (measured.recorded() or {})["why"] == WhyNotMeasured.ODD
    assert (measured.recorded() or {})["error"] == "UnexpectedAtlasResponseError"


ASKED_ONCE = {
    "the hosts": HOSTS,
    "the processes": PROCESSES,
    "the databases": DATABASES,
    "the figures": FIGURES,
}
ODD: dict[str, object] = {
    "a list": [],
    "no results": {},
    "a number": {"results": 5},
    "a list of numbers": {"results": [5]},
}


@pytest.mark.parametrize(
    ("step", "body"),
    pairs(
        ASKED_ONCE,
        ODD,
        "the hosts-a list",
        "the processes-no results",
        "the databases-a number",
        "the figures-a list of numbers",
    ),
)
def test_an_answer_that_cannot_be_read_never_matches(
    measured: Measured, world: World, step: Selection, body: object
) -> None:
    with world.inject(step, Answer.json(200, body), times=None):
        measured.deliver(1)
        assert measured.deliver(LAST)

    assert (measured.recorded() or {})["outcome"] == "not measured"
    assert measured.published() == ONCE


def test_a_measurement_asks_these_questions_and_aws_for_what_the_role_allows(
    measured: Measured, world: World
) -> None:
    measured.deliver()

    assert [call.operation for call in world.questions()] == [
        one.operation for one in ASKED.values()
    ]
    of_aws = {(call.service, call.operation) for call in world.calls() if call.service != "atlas"}
    assert of_aws == {
        ("dynamodb", "UpdateItem"),
        ("secretsmanager", "GetSecretValue"),
        ("sns", "Publish"),
    }


# What is not there yet


def test_what_is_not_there_yet_comes_again_and_is_measured_then(
    measured: Measured, world: World
) -> None:
    world.atlas.behaviour.figures_late = 3600
    for number in (1, 2):
        assert not measured.deliver(number)
        assert measured.recorded() is None
        world.pass_time(QUARTER_HOUR)
    world.pass_time(2 * QUARTER_HOUR)
    assert measured.deliver(5)

    assert (measured.recorded() or {})["outcome"] == "matches"
    assert measured.published() == ONCE


def test_the_last_delivery_records_why_nothing_was_measured(
    measured: Measured, world: World
) -> None:
    world.atlas.behaviour.figures_late = 3 * 3600
    assert not measured.deliver(LAST - 1)
    assert measured.deliver(LAST)

    recorded = measured.recorded() or {}
    assert recorded["outcome"] == "not measured"
    assert recorded["why"] == WhyNotMeasured.NO_FIGURES_OF_TARGET
    assert measured.published() == ONCE


def lasting(measured: Measured, world: World) -> None:
    world.atlas.remove_cluster(measured.other, "copy")


def sharded(measured: Measured, world: World) -> None:
    cluster = world.atlas.add_cluster(measured.other, "copy", "dedicated")
    cluster.said["clusterType"] = "SHARDED"


@pytest.mark.parametrize(
    ("become", "why"),
    [(lasting, WhyNotMeasured.GONE), (sharded, WhyNotMeasured.SHARDED)],
    ids=["a deleted cluster", "a sharded cluster"],
)
def test_what_no_later_try_finds_is_recorded_at_once(
    measured: Measured, world: World, become: Any, why: WhyNotMeasured
) -> None:
    become(measured, world)

    assert measured.deliver()

    assert (measured.recorded() or {})["why"] == why
    assert measured.published() == ONCE


# Refusals at each call

ANSWERS: dict[str, tuple[Action, WhyNotMeasured, str]] = {
    "401": (MISSING_ROLE, WhyNotMeasured.REFUSED, "AtlasUnauthorizedError"),
    "403": (
        atlas_error(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", "No.", ["203.0.113.7"]),
        WhyNotMeasured.REFUSED,
        "AtlasForbiddenError",
    ),
    "404": (
        atlas_error(404, "RESOURCE_NOT_FOUND", "No."),
        WhyNotMeasured.NOT_FOUND,
        "RestoreJobNotFoundError",
    ),
    "429": (too_many_requests(), WhyNotMeasured.LIMITED, "AtlasRateLimitError"),
    "500": (
        atlas_error(500, "UNEXPECTED_ERROR", "No."),
        WhyNotMeasured.SILENT,
        "AtlasUnavailableError",
    ),
    "a broken connection": (Reset(), WhyNotMeasured.SILENT, "AtlasUnavailableError"),
    "HTML": (atlas_error(400, None, "<html>"), WhyNotMeasured.ODD, "AtlasBadRequestError"),
}


@pytest.mark.fault("F131")
@pytest.mark.parametrize(
    ("place", "answer", "why", "error"),
    pairs(
        ASKED_AT,
        ANSWERS,
        "processes of the source-401",
        "databases of the target-a broken connection",
        "stock in the target-429",
    ),
)
def test_a_refusal_at_any_call_is_tried_again_and_recorded_in_the_end(
    measured: Measured, world: World, place: int, answer: Action, why: WhyNotMeasured, error: str
) -> None:
    with world.inject(QUESTION, answer, times=None, skip=place):
        assert not measured.deliver(1)
    assert measured.recorded() is None
    assert measured.published() == ["COMPLETED"]
    world.pass_time(QUARTER_HOUR)
    with world.inject(QUESTION, answer, times=None, skip=place):
        assert measured.deliver(LAST)

    recorded = measured.recorded() or {}
    assert (recorded["outcome"], recorded["why"], recorded["error"]) == ("not measured", why, error)
    assert measured.published() == ONCE


@pytest.mark.fault("F131")
@pytest.mark.parametrize(
    ("place", "answer"),
    pairs(
        ASKED_AT,
        {name: answer for name, (answer, _, _) in ANSWERS.items()},
        "hosts of the target-500",
        "databases of the source-404",
        "sales in the target-a broken connection",
    ),
)
def test_a_refusal_that_passes_leaves_no_trace(
    measured: Measured, world: World, place: int, answer: Action
) -> None:
    with world.inject(QUESTION, answer, times=None, skip=place):
        measured.deliver(1)
    world.pass_time(QUARTER_HOUR)

    assert measured.deliver(2)

    assert (measured.recorded() or {})["outcome"] == "matches"
    assert measured.published() == ONCE


@pytest.mark.fault("F131")
@pytest.mark.parametrize(("answer", "why", "error"), rows(ANSWERS, "404", "a broken connection"))
def test_a_refusal_of_restored_collections_is_tried_again_and_recorded_in_the_end(
    collections: Measured, world: World, answer: Action, why: WhyNotMeasured, error: str
) -> None:
    with world.inject(RESTORED_COLLECTIONS, answer, times=None):
        assert not collections.deliver(1)
        assert collections.recorded() is None
        world.pass_time(QUARTER_HOUR)
        assert collections.deliver(LAST)

    recorded = collections.recorded() or {}
    assert (recorded["outcome"], recorded["why"], recorded["error"]) == ("not measured", why, error)
    assert collections.published() == ONCE


@pytest.mark.fault("F131")
@pytest.mark.parametrize("step", [SECRET, TOKEN], ids=["the secret", "a token"])
def test_credentials_that_are_refused_are_tried_again_and_named_in_the_end(
    measured: Measured, world: World, step: Selection
) -> None:
    refusals: dict[Selection, Action] = {
        SECRET: aws_error("secretsmanager", "AccessDeniedException", status=400),
        TOKEN: atlas_error(401, "invalid_client", "No."),
    }
    with world.inject(step, refusals[step], times=None):
        assert not measured.deliver(1)
        assert measured.deliver(LAST)

    whys = {SECRET: WhyNotMeasured.NO_CREDENTIALS, TOKEN: WhyNotMeasured.REFUSED}
    assert (measured.recorded() or {})["why"] == whys[step]


@pytest.mark.fault("F131")
def test_the_limits_of_other_tools_are_left_to_them(measured: Measured, world: World) -> None:
    world.atlas.keep_bucket(world.group, "processes", 100)

    assert not measured.deliver(1)
    # After each wait, one call says whether there is more.
    assert world.naps == [15, 15]
    assert (world.count(PROCESSES), world.count(DATABASES), world.count(FIGURES)) == (2, 2, 1)
    assert measured.deliver(LAST)
    assert (measured.recorded() or {})["why"] == WhyNotMeasured.LIMITED

    world.atlas.release_bucket(world.group, "processes")


@pytest.mark.fault("F140")
def test_a_limit_that_refills_in_time_is_waited_for(measured: Measured, world: World) -> None:
    world.atlas.keep_bucket(world.group, "processes", 100)

    with world.whenever(DATABASES, lambda: world.atlas.release_bucket(world.group, "processes")):
        assert measured.deliver(1, seconds=120)

    assert (measured.recorded() or {})["outcome"] == "matches"
    assert world.naps


@pytest.mark.fault("F131")
def test_without_time_nothing_is_lost(measured: Measured) -> None:
    assert not measured.deliver(1, seconds=0.01)
    assert measured.deliver(2)
    assert measured.published() == ONCE


# What is refused by AWS


@pytest.mark.fault("F133")
@pytest.mark.parametrize("step", [RECALL, VALIDATE], ids=["read", "record"])
def test_a_table_that_refuses_has_the_message_come_again_at_any_delivery(
    measured: Measured, world: World, step: Selection
) -> None:
    refusal = aws_error("dynamodb", "AccessDeniedException", status=400)
    with world.inject(step, refusal, times=None):
        assert not measured.deliver(1)
        assert not measured.deliver(LAST)

    assert measured.deliver(LAST + 1)
    assert measured.published() == ONCE


@pytest.mark.fault("F133")
def test_a_topic_that_refuses_gets_the_same_measurement_later(
    measured: Measured, world: World
) -> None:
    refusal = aws_error("sns", "AuthorizationError", status=403)
    with world.inject(PUBLISH, refusal, times=None):
        assert not measured.deliver(1)
    kept = measured.recorded()
    measured.target.drop("sales", world.clock())
    world.pass_time(2 * QUARTER_HOUR)

    assert measured.deliver(2)

    assert measured.recorded() == kept
    assert measured.published() == ONCE


@pytest.mark.fault("F133")
def test_a_sweep_publishes_a_measurement_that_was_left_behind(
    measured: Measured, world: World
) -> None:
    refusal = aws_error("sns", "AuthorizationError", status=403)
    with world.inject(PUBLISH, refusal, times=None):
        measured.deliver(1)

    world.environment().tick()

    assert measured.published() == ONCE
    assert not world.is_open(measured.job)


def test_a_sweep_makes_the_same_calls_with_a_measurement(measured: Measured, world: World) -> None:
    environment = world.environment()

    def idle_sweep() -> list[str]:
        world.pass_time(60)
        world.stack.forget_calls()
        environment.tick()
        return world.operations()

    for _ in range(3):  # the first ones list what events woke
        idle_sweep()
    before = idle_sweep()

    assert measured.deliver()
    assert before
    assert idle_sweep() == before


# Deaths


def question(place: int) -> Selection:
    """One question of a measurement."""
    seen = itertools.count()
    return Selection(when=lambda call: QUESTION.covers(call) and next(seen) == place)


OTHER_CALLS = {
    "read": RECALL,
    "read the secret": SECRET,
    "get a token": TOKEN,
    "record": VALIDATE,
    "publish": PUBLISH,
    "acknowledge": ACKNOWLEDGE,
}
PHASES: dict[str, Phase] = {"before": "before", "after": "after"}


@pytest.mark.fault("F132")
@pytest.mark.parametrize(("place", "phase"), pairs(ASKED_AT, PHASES, "stock in the target-after"))
def test_a_death_at_any_question_leaves_one_measurement_with_one_id(
    measured: Measured, world: World, place: int, phase: Phase
) -> None:
    doomed = world.watching()
    with world.death(doomed, question(place), phase):
        measured.deliver(1, doomed)

    assert_measured_once(measured, world)


@pytest.mark.fault("F132")
@pytest.mark.parametrize(
    ("step", "phase"),
    pairs(OTHER_CALLS, PHASES, "record-before", "record-after", "publish-after"),
)
def test_a_death_at_any_other_call_leaves_one_measurement_with_one_id(
    measured: Measured, world: World, step: Selection, phase: Phase
) -> None:
    doomed = world.watching()
    with world.death(doomed, step, phase):
        measured.deliver(1, doomed)

    assert_measured_once(measured, world)


OF_COLLECTIONS = OTHER_CALLS | {"ask": RESTORED_COLLECTIONS}


@pytest.mark.fault("F132")
@pytest.mark.parametrize(("step", "phase"), pairs(OF_COLLECTIONS, PHASES, "ask-after"))
def test_a_death_while_collections_are_measured_leaves_one_measurement_with_one_id(
    collections: Measured, world: World, step: Selection, phase: Phase
) -> None:
    doomed = world.watching()
    with world.death(doomed, step, phase):
        collections.deliver(1, doomed)

    assert_measured_once(collections, world)


def assert_measured_once(measured: Measured, world: World) -> None:
    """After two more deliveries. What was published before a death is so again, with its id."""
    assert measured.deliver(2)
    assert measured.deliver(3)

    assert (measured.recorded() or {})["outcome"] == "matches"
    assert [*dict.fromkeys(measured.published())] == ONCE
    assert "openShard" not in world.known_item(measured.job)


# What else the queue may have


def test_a_collection_restore_is_measured_by_atlas_s_own_count(
    measured: Measured, world: World
) -> None:
    job = finished(world, "collection")
    lossy = world.finished_job("collection")
    assert isinstance(lossy, CollectionRestore)
    lossy.lost = 1
    world.check(target_of(lossy, "collection"))
    for one in (job, lossy):
        (message,) = world.messages(one)
        assert measured.deliver(body=json.dumps(message.event))

    outcomes = [world.messages(one)[-1].event["data"]["measurement"] for one in (job, lossy)]
    assert [one["outcome"] for one in outcomes] == ["matches", "differs"]
    assert outcomes[0]["documents"] == {"found": 20_000, "expected": 20_000}
    assert world.count(RESTORED_COLLECTIONS) == 2
    assert "orders_restored" not in json.dumps([world.item(job), world.item(lossy)], default=str)


@pytest.mark.parametrize(
    ("kind", "how"),
    [("flex", {}), ("dedicated", {"delivery_type": "download"})],
    ids=["flex", "a download"],
)
def test_what_nobody_measures_is_left_alone(
    measured: Measured, world: World, kind: Any, how: dict[str, Any]
) -> None:
    job = finished(world, kind, **how)
    (message,) = world.messages(job)

    assert measured.deliver(LAST, body=json.dumps(message.event))

    assert world.published(job) == ["COMPLETED"]


def test_a_job_that_the_table_does_not_know_any_more_is_left_alone(
    measured: Measured, world: World
) -> None:
    world.delete(measured.job)

    assert measured.deliver()

    assert world.item(measured.job) is None


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"data": {"groupId": 5}}'])
def test_a_message_that_cannot_be_read_is_kept_and_holds_up_no_other(
    measured: Measured, body: str
) -> None:
    good = json.dumps(measured.message.event)
    event = {"Records": [record(body, LAST), record(good, 1, place=1)]}

    answer = measured.answer(event)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert measured.published() == ONCE


# By hand


def test_by_hand_it_answers_what_it_would_record(measured: Measured, world: World) -> None:
    answer = measured.answer({"action": "measure", **measured.job.event})

    assert answer["measurement"]["outcome"] == "matches"
    assert answer["job"]["restoreId"] == measured.job.restore_id
    assert measured.recorded() is None
    assert world.calls(Selection("dynamodb")) == []
    measured.deliver()
    recorded = world.messages(measured.job)[-1].event["data"]["measurement"]
    assert answer["measurement"] == recorded


def test_by_hand_it_says_why_nothing_is_measured(measured: Measured, world: World) -> None:
    with world.inject(FIGURES, MISSING_ROLE, times=None):
        answer = measured.answer({"action": "measure", **measured.job.event})

    assert answer["measurement"]["why"] == WhyNotMeasured.REFUSED
    assert answer["measurement"]["errorCode"] == "USER_UNAUTHORIZED"


def test_by_hand_an_unknown_job_is_an_error(measured: Measured) -> None:
    unknown = {**measured.job.event, "restoreId": "5f0000000000000000000b01"}

    with pytest.raises(RestoreJobNotFoundError):
        measured.answer({"action": "measure", **unknown})


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ([], "event"),
        ({}, "action"),
        ({"action": "sweep"}, "action"),
        ({"action": "measure", "verdict": "PASSED"}, "verdict"),
        ({"action": "measure"}, "groupId"),
        ({"Records": []}, "Records"),
        ({"Records": {}}, "Records"),
        ({"Records": [{"messageId": "1"}]}, "Records[0]"),
        ({"Records": [record("{}", 1) | {"attributes": {}}]}, "Records[0]"),
        ({"Records": [record("{}", 0)]}, "Records[0]"),
    ],
    ids=str,
)
def test_another_event_is_refused_before_anything_is_read(
    world: World, event: object, field: str
) -> None:
    with pytest.raises(InvalidEventError) as refused:
        answered(event, world.watching())

    assert refused.value.field == field
    assert is_on_the_page(ErrorText("InvalidEventError", str(refused.value)))
    assert world.calls() == []


SECRET_NAME = "secret_orders"

OF_SECRET: dict[str, tuple[Action, str]] = {
    "in a refusal": (
        atlas_error(404, "RESOURCE_NOT_FOUND", f"There is no sales.{SECRET_NAME}."),
        "not measured",
    ),
    "in an answer of another form": (
        Answer.json(200, {"results": [{"sourceNamespace": f"sales.{SECRET_NAME}", "state": 7}]}),
        "not measured",
    ),
    "of a collection that was not restored": (
        Answer.json(
            200,
            {
                "results": [
                    {
                        "sourceNamespace": f"sales.{SECRET_NAME}",
                        "targetNamespace": f"sales.{SECRET_NAME}_2",
                        "state": "FAILED",
                        "indexStatus": {
                            "errorMessage": f"{SECRET_NAME} has no index",
                            "failedIndexes": [{"ns": f"sales.{SECRET_NAME}"}],
                        },
                    }
                ]
            },
        ),
        "differs",
    ),
}


@pytest.mark.parametrize(("answer", "outcome"), rows(OF_SECRET, *OF_SECRET))
def test_log_item_message_and_result_name_no_collection(
    collections: Measured, world: World, answer: Action, outcome: str
) -> None:
    environment = world.watching()
    with world.inject(RESTORED_COLLECTIONS, answer, times=None):
        collections.deliver(1, environment)
        assert collections.deliver(LAST, environment)
        event = {"action": "measure", "kind": "collection", **collections.job.event}
        by_hand = collections.answer(event, environment)

    assert environment.lines("measured")[0]["outcome"] == outcome
    measurement = world.messages(collections.job)[-1].event["data"]["measurement"]
    assert measurement["outcome"] == by_hand["measurement"]["outcome"] == outcome
    everything = [
        environment.log.getvalue(),
        world.items(),
        [(one.event, one.attributes, one.subject) for one in world.messages(collections.job)],
        by_hand,
    ]
    assert SECRET_NAME not in json.dumps(everything, default=str)


def test_the_log_says_what_refused_a_measurement(collections: Measured, world: World) -> None:
    environment = world.watching()
    refusal = atlas_error(404, "RESOURCE_NOT_FOUND", "No.")
    with world.inject(RESTORED_COLLECTIONS, refusal, times=None):
        assert not collections.deliver(1, environment)
        assert collections.deliver(LAST, environment)

    (again,), (final,) = environment.lines("not measured yet"), environment.lines("measured")
    assert (again["error"], final["error_code"]) == (
        "RestoreJobNotFoundError",
        "RESOURCE_NOT_FOUND",
    )
    assert final["outcome"] == "not measured"
