"""The doctor, as an operator runs it: what is wrong is one line, with its fix."""

import json
import secrets
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

import pytest

from behaviour.notify_people.people import NotifyingStack
from behaviour.operate.operators import OPERATOR_KEY_ID, Operator, run_doctor
from behaviour.rows import rows
from contract.documents import blocks, page, section
from local_stack.aws import ACCOUNT, aws_error, key_id_of
from local_stack.faults import Answer, Ask
from local_stack.loopback import Line
from local_stack.runtime import Invocation, Outcome
from local_stack.stack import PEOPLE
from local_stack.template import STACK_NAME
from local_stack.wire import Call, Fault
from produced import Produced

type Doctor = Callable[..., tuple[int, str]]
type Do = Callable[[NotifyingStack], object]


@pytest.fixture(scope="module")
def shared() -> Iterator[NotifyingStack]:
    with NotifyingStack({"AtlasProjectIds": "all"}) as stack:
        stack.functions[stack.resources[PEOPLE]] = lambda _: Invocation(Outcome.RESULT, {}, 0)
        yield stack


@pytest.fixture
def stack(shared: NotifyingStack) -> Iterator[NotifyingStack]:
    """
    A stack that watches a project, notifies people and has swept.

    What its trigger invokes does nothing.
    """
    shared.atlas.add_cluster(secrets.token_hex(12), "ledger", "flex")
    shared.aws.client("lambda").create_event_source_mapping(
        EventSourceArn=queue_arn(shared), FunctionName=shared.resources[PEOPLE]
    )
    shared.tick()
    yield shared
    shared.aws.wire.heal()
    shared.reset()


@pytest.fixture
def doctor(stack: NotifyingStack, produced: Produced) -> Doctor:
    """Return the exit status, and what is printed."""
    environment = Operator(stack, produced).environment | {"COLUMNS": "80"}
    return partial(run_doctor, environment, produced)


def marks(printed: str) -> dict[str, str]:
    """The mark of each check."""
    lines = [line for line in printed.splitlines() if line[:7].strip()]
    return {line[7:].split("  ")[0]: line[:7].strip() for line in lines}


def wrong(printed: str) -> list[str]:
    return [check for check, mark in marks(printed).items() if mark == "wrong"]


def queue_arn(stack: NotifyingStack, name: str = "NoticeQueue") -> str:
    attributes = stack.aws.client("sqs").get_queue_attributes(
        QueueUrl=stack.resources[name], AttributeNames=["QueueArn"]
    )
    return str(attributes["Attributes"]["QueueArn"])


# The command


def test_the_command_prints_a_line_for_each_check(
    stack: NotifyingStack, produced: Produced
) -> None:
    ran = Operator(stack, produced).run("doctor", "--stack", STACK_NAME)

    found = marks(ran.stdout)
    assert found["secret"] == found["schedule"] == found["credentials"] == "ok"
    assert found["people: function"] == found["people: secret"] == found["dead letters"] == "ok"
    assert (found["settings"], found["publishing"]) == ("ok", "?")
    assert "the credentials can read 1" in ran.stdout
    assert "Nothing is wrong" in ran.stdout
    assert (ran.status, ran.stderr) == (0, "")


def test_what_is_wrong_stands_beside_its_fix(
    stack: NotifyingStack, doctor: Doctor, group: str
) -> None:
    stack.atlas.add_cluster(group, "orders", "flex")

    status, printed = doctor("--project", group, "--cluster", "ordres")

    assert status == 1
    assert marks(printed)["cluster ordres"] == "wrong"
    assert "Use orders" in printed
    assert "1 of " in printed


def test_a_test_notification_shows_what_sns_answers(stack: NotifyingStack, doctor: Doctor) -> None:
    status, printed = doctor("--test")
    assert (status, marks(printed)["test notification"]) == (0, "ok"), printed
    assert "publishing" not in marks(printed)
    assert len(stack.received()) == 1

    denied = aws_error("sns", "AuthorizationError", status=403)
    with stack.aws.wire.inject(Fault(action=denied, operation="Publish", times=None)):
        status, printed = doctor("--test")

    assert (status, wrong(printed)) == (1, ["test notification"])
    assert "NotificationRefusedError: SNS answered" in printed


@pytest.mark.campaign
def test_a_function_that_does_not_start_is_one_line(
    stack: NotifyingStack, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its error is what the runtime says of it."""
    monkeypatch.setitem(stack.pool.runtimes[0].environment.variables, "TOPIC_ARN", "topic")
    stack.new_environments()
    try:
        status, printed = doctor()
    finally:
        monkeypatch.undo()
        stack.new_environments()

    assert (status, wrong(printed)) == (1, ["function"])
    assert "ConfigurationError: TOPIC_ARN: expected the ARN of a standard" in printed


@pytest.mark.parametrize(
    ("words", "status", "line"),
    [
        (("--stack", "no/stack"), 2, "argument --stack: 'no/stack' is not the name of a stack"),
        (("--projects", "all"), 2, "unrecognized arguments: --projects all"),
        (("--cluster", "orders"), 2, "argument --cluster: expected --project too"),
        (("--stack", "another"), 1, "There is no stack another in us-east-1"),
    ],
    ids=["stack", "unknown", "a-cluster-alone", "no-such-stack"],
)
def test_a_wrong_argument_is_named(
    doctor: Doctor, words: tuple[str, ...], status: int, line: str
) -> None:
    ended, printed = doctor(*words)

    assert ended == status
    assert line in printed.splitlines()[-1]


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("variables", "line"),
    [
        (
            {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
            "cloudformation:DescribeStacks: AWS did not answer (NoCredentialsError). Sign in to",
        ),
        (
            {"AWS_PROFILE": "no-such"},
            "no connection to AWS (ProfileNotFound). Set AWS_PROFILE",
        ),
    ],
    ids=["no-credentials", "no-such-profile"],
)
def test_what_a_machine_lacks_is_one_line(
    stack: NotifyingStack, produced: Produced, variables: dict[str, str], line: str
) -> None:
    environment = Operator(stack, produced).environment | variables
    environment["AWS_EC2_METADATA_DISABLED"] = "true"
    status, printed = run_doctor(environment, produced)

    assert status == 1
    assert printed.startswith(f"doctor: {line}")
    assert printed.count("\n") == 1


@pytest.mark.campaign
def test_an_interrupted_command_ends_at_once(stack: NotifyingStack, produced: Produced) -> None:
    """CloudFormation does not answer, and the operator does not wait for it."""
    operator = Operator(stack, produced)
    # Whoever runs the tests in the background ignores the signal, and every process inherits that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with stack.aws.wire.hold(operation="DescribeStacks") as gate, operator.start("doctor") as ran:
        signal.signal(signal.SIGINT, before)
        try:
            gate.wait_for(1)
            ran.send_signal(signal.SIGINT)
            _, stderr = ran.communicate(timeout=60)
        finally:
            ran.kill()

    assert (ran.returncode, stderr) == (130, "doctor: stopped\n")


@dataclass(frozen=True)
class OtherStack:
    """CloudFormation answers as usual, with other texts in place of some."""

    changes: Mapping[str, str]

    def play(self, _line: Line, ask: Ask, /) -> Answer:
        answer = ask()
        body = answer.body.decode()
        for old, new in self.changes.items():
            assert old in body
            body = body.replace(old, new, 1)
        headers = [one for one in answer.headers if one[0].lower() != "content-length"]
        return Answer(answer.status, headers, body)


def describe_as(changes: Mapping[str, str]) -> Do:
    fault = Fault(action=OtherStack(changes), operation="DescribeStacks", times=None)
    return lambda stack: stack.aws.wire.inject(fault)


KEY = (
    "<member><ParameterKey>KmsKeyArn</ParameterKey><ParameterValue>"
    "arn:aws:kms:us-east-1:123456789012:key/6f1c2a9e</ParameterValue></member>"
)


def with_key(without: str = "") -> Do:
    """The stack has a key, and lacks an output if one is named."""
    changes = {"</Parameters>": f"{KEY}</Parameters>"}
    return describe_as(changes | (lacking(without) if without else {}))


def lacking(output: str) -> dict[str, str]:
    return {f"<OutputKey>{output}</OutputKey>": "<OutputKey>Other</OutputKey>"}


def without_output(name: str) -> Do:
    """An older version of the stack has no such output."""
    return describe_as(lacking(name))


def policy(**allowed: object) -> Answer:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "kms:*"} | allowed
    return Answer.json(200, {"Policy": json.dumps({"Statement": [statement]})})


POLICIES: dict[str, tuple[Answer, str, str]] = {
    "allows": (policy(), "ok", "allows what is needed; conditions were not looked at"),
    "denies": (policy(Action="kms:Decrypt"), "wrong", "does not allow kms:GenerateDataKey"),
    "odd": (Answer.json(200, {"Policy": "[]"}), "?", "a form that is not known"),
    "gone": (aws_error("kms", "NotFoundException"), "wrong", "was deleted"),
    "unreadable": (aws_error("kms", "AccessDeniedException"), "?", "AccessDeniedException"),
}


@pytest.mark.campaign
@pytest.mark.parametrize(("answer", "mark", "said"), rows(POLICIES, "denies"))
def test_the_policy_of_a_key_is_looked_at_for_the_function_for_sns_and_for_alarms(
    stack: NotifyingStack, doctor: Doctor, answer: Answer, mark: str, said: str
) -> None:
    with_key()(stack)
    stack.aws.wire.inject(Fault(action=answer, operation="GetKeyPolicy", times=None))
    _, printed = doctor()

    found = {name: one for name, one in marks(printed).items() if name.startswith("key policy")}
    expected = {"key policy: function", "key policy: SNS", "key policy: alarms"}
    assert found == dict.fromkeys(expected, mark)
    assert " ".join(printed.split()).count(said) == 3


@pytest.mark.campaign
@pytest.mark.parametrize("other", ["NoticeQueueArn", "MeasureQueueArn"])
def test_each_queue_of_the_topic_needs_the_key_for_sns(
    stack: NotifyingStack, doctor: Doctor, other: str
) -> None:
    with_key(without=other)(stack)
    stack.aws.wire.inject(Fault(action=policy(), operation="GetKeyPolicy", times=None))

    assert marks(doctor()[1])["key policy: SNS"] == "ok"


def test_a_key_policy_that_names_sns_and_the_account_keeps_alarms_away(
    stack: NotifyingStack, doctor: Doctor
) -> None:
    """As that of a stack of 1.x, which mailed no alarm."""
    with_key()(stack)
    principal = {"AWS": f"arn:aws:iam::{ACCOUNT}:root", "Service": "sns.amazonaws.com"}
    answer = policy(Principal=principal)
    stack.aws.wire.inject(Fault(action=answer, operation="GetKeyPolicy", times=None))

    assert wrong(doctor()[1]) == ["key policy: alarms"]


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("FunctionName", "has no output FunctionName: deploy it again"),
        ("NotifyPeopleFunctionName", "has no output NotifyPeopleFunctionName"),
    ],
)
def test_an_older_stack_is_told_apart_from_a_broken_one(
    stack: NotifyingStack, doctor: Doctor, output: str, said: str
) -> None:
    without_output(output)(stack)
    _, printed = doctor()

    assert said in " ".join(printed.split())
    assert "Traceback" not in printed


# What the function answers


def is_invocation(call: Call) -> bool:
    return call.path.endswith("/invocations")


CHECK = '{"check": "secret", "ok": true, "found": "holds an API key", "fix": null}'


def diagnosis(ok: str, *checks: str) -> str:
    return f'{{"ok": {ok}, "checks": [{", ".join(checks)}]}}'


OF_ANOTHER_FORM = {
    "no-json": "<html>",
    "a-list": "[]",
    "no-list-of-checks": '{"checks": 7}',
    "a-check-without-parts": diagnosis("true", '{"check": "secret"}'),
    "no-check": diagnosis("true"),
    "verdict-is-a-list": diagnosis("true", CHECK.replace("true", "[]")),
    "verdict-is-yes": diagnosis("true", CHECK.replace("true", '"yes"')),
    "verdict-is-1": diagnosis("true", CHECK.replace("true", "1")),
    "fix-is-a-number": diagnosis("true", CHECK.replace("null", "7")),
    "no-whole": f'{{"checks": [{CHECK}]}}',
    "whole-is-yes": diagnosis('"yes"', CHECK),
    "wrong-without-a-check": diagnosis("false", CHECK),
    "right-beside-a-wrong-check": diagnosis("true", CHECK.replace("true", "false")),
}


@pytest.mark.parametrize(
    "payload",
    rows(OF_ANOTHER_FORM, "no-json", "right-beside-a-wrong-check"),
)
def test_an_answer_of_another_form_is_one_sentence(
    stack: NotifyingStack, doctor: Doctor, payload: str
) -> None:
    """Who reads another form as right says that all is well, and nobody knows it."""
    answer = Answer(200, {"Content-Type": "application/json"}, payload)
    with stack.aws.wire.inject(Fault(action=answer, when=is_invocation)):
        status, printed = doctor()

    assert status == 1
    assert "the function's answer has a form that is not known" in printed
    assert len(printed.splitlines()) == 1


def test_a_function_that_may_not_run_is_one_line_with_the_command_that_lets_it(
    stack: NotifyingStack, doctor: Doctor
) -> None:
    """So Lambda answers if the function's reserved concurrency is 0, which stops everything."""
    body = {"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "message": "Exceeded."}
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": "TooManyRequestsException"}
    answer = Answer(429, headers, json.dumps(body))
    with stack.aws.wire.inject(Fault(action=answer, when=is_invocation, times=None)):
        status, printed = doctor()

    assert (status, len(printed.splitlines())) == (1, 1)
    name = stack.resources["RestoreWatchFunction"]
    assert f"`aws lambda delete-function-concurrency --function-name {name}`" in printed


def test_what_could_not_be_read_is_not_well(stack: NotifyingStack, doctor: Doctor) -> None:
    unread = CHECK.replace("true", "null")
    answer = Answer(200, {"Content-Type": "application/json"}, diagnosis("null", unread))
    with stack.aws.wire.inject(Fault(action=answer, when=is_invocation)):
        status, printed = doctor()

    assert (status, wrong(printed)) == (1, [])
    assert marks(printed)["diagnosis"] == "?"
    assert printed.splitlines()[-1].endswith("but not everything was read")


def test_what_is_shown_has_no_control_characters_and_cuts_no_id_and_no_command(
    stack: NotifyingStack, doctor: Doctor
) -> None:
    arn = f"arn:aws:sns:us-east-1:123456789012:{'n' * 90}"
    command = f"aws sns subscribe --topic-arn {arn} --protocol email"
    check = {
        "check": "project 6a1f3c9e5b7d204e8c61f0a3: \x1b]0;title\x07events",
        "ok": False,
        "found": f"Atlas\x1b[2J answered 401\nof the project {arn} and some more words here",
        "fix": f"Subscribe again, with these words that need more than one line:\n{command}",
    }
    answer = Answer.json(200, {"ok": False, "checks": [check]})
    with stack.aws.wire.inject(Fault(action=answer, when=is_invocation)):
        status, printed = doctor()

    assert status == 1
    assert {one for one in printed if not one.isprintable()} == {"\n"}
    lines = printed.splitlines()
    assert command in [line.strip() for line in lines]
    assert arn in printed
    assert all(len(line) <= 80 or arn in line for line in lines)


# What brings messages to people


def trigger(stack: NotifyingStack) -> str:
    answer = stack.aws.client("lambda").list_event_source_mappings(EventSourceArn=queue_arn(stack))
    (last,) = {str(one["UUID"]) for one in answer["EventSourceMappings"]}
    return last


def subscriptions(stack: NotifyingStack, topic_arn: str) -> dict[str, str]:
    """By the ARNs of the queues that get messages of a topic."""
    answer = stack.aws.client("sns").list_subscriptions_by_topic(TopicArn=topic_arn)
    return {one["Endpoint"]: one["SubscriptionArn"] for one in answer["Subscriptions"]}


def subscription(stack: NotifyingStack) -> str:
    return subscriptions(stack, stack.topic_arn)[queue_arn(stack)]


def stop_function(stack: NotifyingStack) -> None:
    stack.aws.client("lambda").put_function_concurrency(
        FunctionName=stack.resources[PEOPLE], ReservedConcurrentExecutions=0
    )


def disable_trigger(stack: NotifyingStack) -> None:
    stack.aws.client("lambda").update_event_source_mapping(UUID=trigger(stack), Enabled=False)


def see_trigger_disabling(stack: NotifyingStack) -> None:
    """AWS takes a while to disable it, and says so."""
    mapping = {"UUID": trigger(stack), "State": "Disabling"}
    said = Answer.json(200, {"EventSourceMappings": [mapping]})
    stack.aws.wire.inject(
        Fault(action=said, when=lambda call: "/event-source-mappings" in call.path, times=None)
    )


def delete_trigger(stack: NotifyingStack) -> None:
    stack.aws.client("lambda").delete_event_source_mapping(UUID=trigger(stack))


def unsubscribe_queue(stack: NotifyingStack) -> None:
    stack.aws.client("sns").unsubscribe(SubscriptionArn=subscription(stack))


def leave_unconfirmed(stack: NotifyingStack) -> None:
    """One of two addresses that get alarms has not confirmed, which moto does by itself."""
    answer = Answer(
        200,
        {"Content-Type": "text/xml"},
        "<R><ListSubscriptionsByTopicResult><Subscriptions>"
        "<member><SubscriptionArn>arn:aws:sns:us-east-1:1:t:1</SubscriptionArn></member>"
        "<member><SubscriptionArn>PendingConfirmation</SubscriptionArn></member>"
        "</Subscriptions></ListSubscriptionsByTopicResult></R>",
    )
    arn = quote(stack.resources["AlarmTopic"], safe="").encode()
    fault = Fault("sns", LIST, lambda call: arn in call.body, action=answer, times=None)
    stack.aws.wire.inject(fault)


def unsubscribe_mail(topic: str) -> Do:
    def unsubscribe(stack: NotifyingStack) -> None:
        for arn in subscriptions(stack, stack.resources[topic]).values():
            stack.aws.client("sns").unsubscribe(SubscriptionArn=arn)

    return unsubscribe


def delete_topic(name: str) -> Do:
    return lambda stack: stack.aws.client("sns").delete_topic(TopicArn=stack.resources[name])


def set_subscription(name: str, value: str) -> Do:
    return lambda stack: stack.aws.client("sns").set_subscription_attributes(
        SubscriptionArn=subscription(stack), AttributeName=name, AttributeValue=value
    )


def send_to(name: str) -> Do:
    return lambda stack: stack.aws.client("sqs").send_message(
        QueueUrl=stack.resources[name], MessageBody="{}"
    )


def send_and_receive(name: str) -> Do:
    """Somebody looks at the message, and has not put it back yet."""

    def do(stack: NotifyingStack) -> None:
        send_to(name)(stack)
        received = stack.aws.client("sqs").receive_message(QueueUrl=stack.resources[name])
        assert received["Messages"]

    return do


def put_text(text: str) -> Do:
    return lambda stack: stack.aws.client("secretsmanager").put_secret_value(
        SecretId="notify", SecretString=text
    )


def put_secret(**values: str) -> Do:
    return put_text(json.dumps(values))


def delete_secret(*, for_good: bool) -> Do:
    return lambda stack: stack.aws.client("secretsmanager").delete_secret(
        SecretId="notify", ForceDeleteWithoutRecovery=for_good
    )


SUBSCRIPTION, SECRET, TRIGGER = "people: subscription", "people: secret", "people: trigger"
ALARMS = "alarms: subscriptions"
DEAD_NOTICES, DEAD_REQUESTS = "NoticeDeadLetterQueue", "RequestDeadLetterQueue"
# As in the template, says tests/contract/test_template_settings.py.
MADE_AGAIN = (
    "--batch-size 10 --function-response-types ReportBatchItemFailures "
    "--scaling-config MaximumConcurrency=2"
)
TO_NOBODY = '{"terminal": ["nothing"]}'
MISTYPED = {"slack_webhook_url": "https://hooks.slack.com/services/T/B/1", "teams_url": "TODO"}
MISTAKES: dict[str, list[tuple[Do, str, str]]] = {
    "disabled": [
        (
            unsubscribe_mail("EmailTopic"),
            "subscriptions of the e-mail topic",
            "aws sns subscribe --topic-arn",
        ),
        (stop_function, "people: function", "aws lambda delete-function-concurrency"),
        (disable_trigger, TRIGGER, "aws lambda update-event-source-mapping --enabled"),
        (
            set_subscription("FilterPolicy", TO_NOBODY),
            SUBSCRIPTION,
            "--attribute-name FilterPolicy --attribute-value '{}'",
        ),
        (delete_secret(for_good=False), SECRET, "aws secretsmanager restore-secret --secret-id"),
        (unsubscribe_mail("AlarmTopic"), ALARMS, "aws sns subscribe --topic-arn"),
        (send_to(DEAD_NOTICES), f"dead letters: {DEAD_NOTICES}", "start-message-move-task"),
    ],
    "gone": [
        (delete_trigger, TRIGGER, MADE_AGAIN),
        (unsubscribe_queue, SUBSCRIPTION, "--protocol sqs --notification-endpoint"),
        (delete_secret(for_good=True), SECRET, "set NotifySecretArn"),
        (
            send_and_receive(DEAD_REQUESTS),
            f"dead letters: {DEAD_REQUESTS}",
            "start-message-move-task",
        ),
    ],
    "of another form": [
        (see_trigger_disabling, TRIGGER, "aws lambda update-event-source-mapping --enabled"),
        (
            set_subscription("RawMessageDelivery", "false"),
            SUBSCRIPTION,
            "--attribute-name RawMessageDelivery --attribute-value true",
        ),
        (put_secret(slack_webhook_url="https://hooks.example/TODO /1"), SECRET, "docs/people.md"),
    ],
    "of requests": [
        (put_text("no"), SECRET, "docs/people.md"),
        (
            send_to("OnFailureQueue"),
            "dead letters: OnFailureQueue",
            "docs/operations.md says how to invoke",
        ),
        (
            send_to("MeasureDeadLetterQueue"),
            "dead letters: MeasureDeadLetterQueue",
            "start-message-move-task",
        ),
    ],
    "not confirmed": [
        (leave_unconfirmed, ALARMS, "Open the link in the e-mail of SNS about alarms"),
    ],
    "mistyped": [(put_secret(**MISTYPED), SECRET, "docs/people.md")],
    "without topics": [
        (delete_topic("StatusChangesTopic"), "topic", "Follow 'SNS answered NotFound'"),
        (delete_topic("EmailTopic"), "e-mail topic", "--source-arn <NoticeDeadLetterQueueArn>"),
        (delete_topic("AlarmTopic"), ALARMS, "Follow 'SNS answered NotFound'"),
    ],
}


@pytest.mark.fault("F92")
@pytest.mark.parametrize("mistakes", rows(MISTAKES, "disabled", "mistyped"))
def test_each_mistake_is_one_line_with_its_fix(
    stack: NotifyingStack, doctor: Doctor, mistakes: list[tuple[Do, str, str]]
) -> None:
    for make, _, _ in mistakes:
        make(stack)

    status, printed = doctor()

    assert (status, wrong(printed)) == (1, [check for _, check, _ in mistakes])
    for _, check, fix in mistakes:
        assert fix in printed.partition(f"wrong  {check}")[2].partition("\nwrong")[0]
    assert "TODO" not in printed


@pytest.mark.fault("F92")
def test_a_topic_that_is_made_again_by_the_page_has_everything_that_it_had(
    stack: NotifyingStack, doctor: Doctor
) -> None:
    """A new topic of its name is not enough, says the doctor."""
    text = section(page("troubleshooting"), "SNS answered NotFound")
    for name, value in {
        "<TopicArn>": stack.topic_arn,
        "<account>": ACCOUNT,
        "<NoticeDeadLetterQueueArn>": queue_arn(stack, DEAD_NOTICES),
    }.items():
        text = text.replace(name, value)
    policy, attributes = map(json.loads, blocks(text, "json"))

    sns = stack.aws.client("sns")
    made = sns.get_topic_attributes(TopicArn=stack.topic_arn)["Attributes"]
    assert policy == json.loads(made["Policy"])
    key = f"--attribute-name KmsMasterKeyId --attribute-value {made['KmsMasterKeyId']}"
    assert key in text
    dead_letters = json.dumps({"deadLetterTargetArn": queue_arn(stack, DEAD_NOTICES)})
    assert attributes == {"RawMessageDelivery": "true", "RedrivePolicy": dead_letters}

    delete_topic("StatusChangesTopic")(stack)
    sns.create_topic(Name=stack.topic_arn.rpartition(":")[2])
    assert wrong(doctor()[1]) == ["topic"]


@pytest.mark.campaign
def test_a_project_that_the_page_silences_is_named_and_not_a_mistake(
    stack: NotifyingStack, doctor: Doctor, group: str
) -> None:
    text = section(page("people"), "Silence a project")
    (policy,) = blocks(text.replace("<project-id>", group), "json")
    set_subscription("FilterPolicy", policy)(stack)
    status, printed = doctor()

    assert (status, marks(printed)[SUBSCRIPTION]) == (0, "?")
    assert f"people do not hear of restores in the projects {group}" in " ".join(printed.split())

    # A filter that holds back more.
    set_subscription("FilterPolicy", policy.strip()[:-1] + ', "terminal": ["true"]}')(stack)
    assert wrong(doctor()[1]) == [SUBSCRIPTION]


LIST = "ListSubscriptionsByTopic"
PAGE = f"<R><{LIST}Result><Subscriptions/><NextToken>0</NextToken></{LIST}Result></R>"
"""It has no subscription, and another page follows."""


@pytest.mark.campaign
@pytest.mark.fault("F92")
def test_what_the_operator_may_not_ask_is_not_a_mistake(
    stack: NotifyingStack, doctor: Doctor
) -> None:
    """Nor is a filter that was removed, nor a topic with more than a page of subscriptions."""
    set_subscription("FilterPolicy", "{}")(stack)
    page = Answer(200, {"Content-Type": "text/xml"}, PAGE)
    stack.aws.wire.inject(Fault(action=page, operation=LIST, when=is_of_operator))
    assert wrong(doctor()[1]) == []

    for operation, service in {
        "GetQueueUrl": "sqs",
        "GetSecretValue": "secretsmanager",
        LIST: "sns",
    }.items():
        denied = aws_error(service, "AccessDeniedException")
        stack.aws.wire.inject(
            Fault(action=denied, operation=operation, when=is_of_operator, times=None)
        )
    status, printed = doctor()
    assert (status, wrong(printed)) == (0, [])
    words = " ".join(printed.split())
    assert "is there. Its form was not looked at: secretsmanager:GetSecretValue" in words
    assert "Give these credentials the policy of docs/operations.md" in words


def is_of_operator(call: Call) -> bool:
    return key_id_of(call) == OPERATOR_KEY_ID
