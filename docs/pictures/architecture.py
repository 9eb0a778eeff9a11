"""
`PYTHONPATH=docs python -m pictures.architecture` draws the stack as a flowchart on the page Design.

Nodes are what carries data. Arrows are what the template says: events, subscriptions, destinations,
redrive policies, and what the roles of the functions may do. Typed here are only words, and who is
outside of the stack.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pictures.template import ROOT, Json, named, properties, template

PAGE = ROOT / "docs" / "design.md"
BEGIN = "<!-- `make pictures` draws this flowchart from template.yaml -->\n"
END = "<!-- end of the flowchart -->\n"

_SHAPES = {
    "AWS::Serverless::Function": '["<b>{}</b>"]',
    "AWS::DynamoDB::Table": '[("{}")]',
    "AWS::S3::Bucket": '[("{}")]',
    "AWS::SNS::Topic": '(["{}"])',
    "AWS::SQS::Queue": '[["{}"]]',
    "AWS::Serverless::StateMachine": '{{{{"{}"}}}}',
}
_EVENT_SHAPE = '("{}")'
_RULE = {"EventBridgeRule": "Rule"}
_PARAMETER_SHAPE = '[/"{}"/]'
_OUTSIDE_SHAPE = '("{}"):::outside'

_SPACING = '%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 26, "padding": 8}}}%%'

_WORDS = {"atlas": "Atlas", "email": "e-mail"}

_WRITES = {
    *("dynamodb:UpdateItem", "lambda:InvokeFunction", "s3:PutObject"),
    *("sns:Publish", "sqs:SendMessage"),
}
_READS = {"dynamodb:Query", "secretsmanager:GetSecretValue", "sqs:ReceiveMessage"}

_KEYS = {
    "slack_webhook_url": "Slack",
    "teams_webhook_url": "Teams",
    "pagerduty_routing_key": "PagerDuty",
}


@dataclass(frozen=True)
class Arrow:
    """From where to where data goes. A dotted one is taken only after failures."""

    start: str
    end: str
    is_dotted: bool = False


def flowchart() -> str:
    """The source of the flowchart, in Mermaid."""
    order = [name for name, _ in _nodes()]
    arrows = sorted(
        set(_arrows()),
        key=lambda arrow: (arrow.is_dotted, order.index(arrow.start), order.index(arrow.end)),
    )
    used = {name for arrow in arrows for name in (arrow.start, arrow.end)}
    nodes = {name: shape for name, shape in _nodes() if name in used}
    people = {name for name in nodes if _is_for_people(name)}
    return "\n".join(
        (
            _SPACING,
            "flowchart LR",
            *(f"  {name}{shape}" for name, shape in nodes.items() if name not in people),
            '  subgraph people["if a reader is named"]',
            *(f"    {name}{nodes[name]}" for name in nodes if name in people),
            "  end",
            *(f"  {line}" for line in _lines(arrows)),
            "  classDef outside stroke-dasharray: 5 4",
            "",
        )
    )


def with_flowchart(text: str) -> str:
    """The page with the flowchart between its two comments."""
    head, _, rest = text.partition(BEGIN)
    _, found, tail = rest.partition(END)
    if not found:
        raise ValueError("the page has no place for the flowchart")
    return f"{head}{BEGIN}\n```mermaid\n{flowchart()}```\n\n{END}{tail}"


def _nodes() -> Iterator[tuple[str, str]]:
    """Every node, in the order in which the lines of the picture cross least."""
    for parameter in template()["Parameters"]:
        if parameter.endswith("SecretArn"):
            yield parameter, _PARAMETER_SHAPE.format(_words(parameter.removesuffix("Arn")))
    yield "Atlas", _OUTSIDE_SHAPE.format("Atlas")
    for logical_id, resource in template()["Resources"].items():
        for event, source in resource.get("Properties", {}).get("Events", {}).items():
            if source["Type"] != "SQS":
                yield (
                    _event(logical_id, event),
                    _EVENT_SHAPE.format(_words(f"{event}{_RULE.get(source['Type'], '')}")),
                )
        if shape := _SHAPES.get(resource["Type"]):
            yield logical_id, shape.format(_words(logical_id))
    yield "Alarms", _OUTSIDE_SHAPE.format("CloudWatch<br>alarms")
    yield "Workflows", _OUTSIDE_SHAPE.format("your workflows")
    yield "Pipelines", _OUTSIDE_SHAPE.format("pipelines")
    yield "Mailbox", _OUTSIDE_SHAPE.format("e-mail")
    yield "AmazonQ", _OUTSIDE_SHAPE.format("Slack or Teams<br>by Amazon Q")
    yield "Webhooks", _OUTSIDE_SHAPE.format(" · ".join(_services()))


def _services() -> Iterator[str]:
    """Those whose key the template names for the secret of people."""
    described = template()["Parameters"]["NotifySecretArn"]["Description"]
    return (_KEYS[key] for key in re.findall(r"\w+_webhook_url|\w+_key", described))


def _arrows() -> Iterator[Arrow]:
    for logical_id, resource in template()["Resources"].items():
        match resource["Type"]:
            case "AWS::Serverless::Function":
                yield from _of_function(logical_id)
            case "AWS::Serverless::StateMachine":
                yield Arrow("Workflows", logical_id)
                yield from _by_role(logical_id)
            case "AWS::SNS::Subscription":
                yield from _of_subscription(resource["Properties"])
            case "AWS::CloudWatch::Alarm":
                for topic in named(resource["Properties"]["AlarmActions"]):
                    if topic in template()["Resources"]:
                        yield Arrow("Alarms", topic)
            case "AWS::SQS::Queue":
                yield from _to_dead_letters(logical_id, resource["Properties"])
    yield Arrow("StatusChangesTopic", "Pipelines")
    yield Arrow("ChatTopic", "AmazonQ")


def _of_function(function: str) -> Iterator[Arrow]:
    made = properties(function)
    for event, source in made["Events"].items():
        start = _event(function, event)
        if source["Type"] == "SQS":
            (start,) = named(source["Properties"]["Queue"])
        yield Arrow(start, function)
        for queue in named(source["Properties"].get("DeadLetterConfig")):
            yield Arrow(start, queue, is_dotted=True)
    failed = set(named(made.get("EventInvokeConfig")))
    for arrow in _by_role(function):
        yield Arrow(arrow.start, arrow.end, is_dotted=arrow.end in failed)


def _by_role(worker: str) -> Iterator[Arrow]:
    """What a function or a workflow may read, write and call."""
    (role,) = named(properties(worker)["Role"])
    for statement in _statements(properties(role)["Policies"]):
        actions = statement["Action"]
        allowed = {actions} if isinstance(actions, str) else set(actions)
        if "states:SendTaskSuccess" in allowed:
            for workflow in _of_type("AWS::Serverless::StateMachine"):
                yield Arrow(worker, workflow)
        for resource in named(statement["Resource"]):
            if allowed & _READS:
                yield Arrow(resource, worker)
            if allowed & _WRITES:
                yield Arrow(worker, resource)
            if resource == "AtlasSecretArn" and "secretsmanager:GetSecretValue" in allowed:
                yield Arrow("Atlas", worker)
            if resource == "NotifySecretArn" and "secretsmanager:GetSecretValue" in allowed:
                yield Arrow(worker, "Webhooks")


def _of_type(wanted: str) -> Iterator[str]:
    """The resources of a type."""
    for logical_id, resource in template()["Resources"].items():
        if resource["Type"] == wanted:
            yield logical_id


def _statements(part: Any) -> Iterator[Json]:
    """The statements that allow something, those within `!If` too."""
    match part:
        case {"Effect": "Allow"}:
            yield part
        case dict():
            for inner in part.values():
                yield from _statements(inner)
        case list():
            for inner in part:
                yield from _statements(inner)


def _of_subscription(made: Json) -> Iterator[Arrow]:
    (topic,) = named(made["TopicArn"])
    (endpoint,) = named(made["Endpoint"])
    yield Arrow(topic, "Mailbox" if made["Protocol"] == "email" else endpoint)


def _to_dead_letters(start: str, made: Json) -> Iterator[Arrow]:
    for queue in named(made.get("RedrivePolicy")):
        yield Arrow(start, queue, is_dotted=True)


def _lines(arrows: list[Arrow]) -> Iterator[str]:
    """One line for each arrow, and one for two that go there and back."""
    for arrow in arrows:
        back = Arrow(arrow.end, arrow.start)
        if back in arrows and arrows.index(back) < arrows.index(arrow):
            continue
        link = "<-->" if back in arrows else "-.->" if arrow.is_dotted else "-->"
        yield f"{arrow.start} {link} {arrow.end}"


def _is_for_people(name: str) -> bool:
    resource = template()["Resources"].get(name, {})
    return name == "NotifySecretArn" or resource.get("Condition", "").startswith("Notifies")


def _event(function: str, event: str) -> str:
    return f"{function}{event}"


def _words(name: str) -> str:
    """The words of a name, with what the thing is on a second line."""
    plain = name.replace("StateMachine", "Workflow")
    words = re.sub(r"(?=[A-Z])", " ", plain).lower().split()
    spelled = " ".join(_WORDS.get(word, word) for word in words)
    return re.sub(r" ((dead letter )?\w+)$", r"<br>\1", spelled)


def main() -> None:
    """Write the flowchart into its page."""
    PAGE.write_text(with_flowchart(PAGE.read_text()))


if __name__ == "__main__":
    main()
