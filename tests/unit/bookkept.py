"""A table with bookkeeping items, which evaluates the conditions of their updates."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from restore_watch.model.outage import Watched
from restore_watch.table.project_item import Project, project_key, read_project
from unit.open_jobs import NOON
from unit.stubbed_aws import Refusal


class BookkeepingItems:
    """Keeps what the bookkeeping writes. `updates` are the expressions, also of refused writes."""

    def __init__(self) -> None:
        self.updates: list[str] = []
        self.refusal: Refusal | None = None
        self._items: dict[str, dict[str, Any]] = {}

    def __call__(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.refusal:
            raise self.refusal
        update = parameters["UpdateExpression"]
        self.updates.append(update)
        item = self._items.setdefault(parameters["Key"]["restoreId"]["S"], {})
        values = parameters["ExpressionAttributeValues"]
        if not _meets(item, parameters["ConditionExpression"], values):
            raise Refusal("ConditionalCheckFailedException", Item=item)
        sets, _, removes = update.partition("REMOVE ")
        for name, value in re.findall(r"#(\w+) = (:\w+)", sets):
            item[name] = values[value]
        for name in re.findall(r"#(\w+)", removes):
            item.pop(name, None)
        return {"Attributes": dict(item)}

    def project(self, group_id: str) -> Project:
        return self._read(group_id) or Project(group_id)

    @property
    def stack(self) -> Watched:
        stored = self._read(None)
        return stored.watched if stored else Watched(None)

    def _read(self, group_id: str | None) -> Project | None:
        key = project_key(group_id)
        item = self._items.get(key["restoreId"]["S"])
        return read_project(key | item, NOON + timedelta(days=1)) if item is not None else None


def _meets(item: Mapping[str, Any], condition: str, values: Mapping[str, Any]) -> bool:
    return any(_is_met(item, one, values) for one in condition.split(" OR "))


def _is_met(item: Mapping[str, Any], condition: str, values: Mapping[str, Any]) -> bool:
    if condition.startswith("NOT (attribute_type(#watchVersion, :number)"):
        return "N" not in item.get("watchVersion", {})
    (name,) = re.findall(r"#(\w+)", condition)
    if condition == f"attribute_not_exists(#{name})":
        return name not in item
    (value,) = re.findall(r":\w+", condition)
    assert condition == f"#{name} = {value}"
    return bool(item.get(name) == values[value])
