"""A message of the topic: a CloudEvent 1.0 in JSON, and attributes of SNS to filter by. Pure."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef


class Message(NamedTuple):
    """`subject` is ASCII. `event` is the body, each form with a schema in `events/`."""

    subject: str
    event: dict[str, Any]
    attributes: Mapping[str, str | None]

    @property
    def sns_attributes(self) -> "dict[str, MessageAttributeValueTypeDef]":
        """The attributes in SNS's form, without absent values, which SNS rejects."""
        return {
            name: {"DataType": "String", "StringValue": value}
            for name, value in self.attributes.items()
            if value
        }


def cloud_event(
    title: str, data: Mapping[str, Any], attributes: Mapping[str, str | None], **context: str
) -> Message:
    """Return a message. Its attributes have the type of the event too."""
    event = {"specversion": "1.0", **context, "datacontenttype": "application/json", "data": data}
    return Message(title, event, {"type": context["type"], **attributes})
