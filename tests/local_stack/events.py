"""The events of the emulated projects. As recorded, they name neither a cluster nor a job."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from werkzeug.wrappers import Request

from local_stack.behaviour import Behaviour
from local_stack.event_types import ENDS, REQUESTED, STARTS
from local_stack.lists import Page, invalid
from local_stack.refusal import Refusal, atlas_error
from local_stack.restores import EmulatedRestore, Kind, date, object_id


@dataclass(frozen=True)
class Event:
    group_id: str
    event_type: str
    event_id: str
    created: datetime
    more: dict[str, Any] = field(default_factory=dict)

    def body(self, host: str) -> dict[str, Any]:
        href = f"{host}/api/atlas/v2/groups/{self.group_id}/events/{self.event_id}"
        body: dict[str, Any] = {
            "created": date(self.created),
            "eventTypeName": self.event_type,
            "groupId": self.group_id,
            "id": self.event_id,
            "isGlobalAdmin": False,
            "links": [{"href": href, "rel": "self"}],
            **self.more,
        }
        if self.event_type in REQUESTED:
            body |= {"apiKeyId": "6b1d5e0f4c7a92d38e60f17b", "publicKey": "emulated"}
        return dict(sorted(body.items()))


class Events:
    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._events: dict[str, list[Event]] = defaultdict(list)

    def clear(self) -> None:
        self._events.clear()

    def remove(self, group_id: str) -> None:
        self._events.pop(group_id, None)

    def add(self, group_id: str, event_type: str, at: datetime, **more: Any) -> None:
        # Atlas's dates have whole seconds, and so has the time in an id.
        at = at.replace(microsecond=0)
        self._events[group_id].append(Event(group_id, event_type, object_id(at), at, more))

    def started(self, group_id: str, kind: Kind, at: datetime) -> None:
        """Add the event of a job's start, if its kind has one."""
        if self._behaviour.emits_events and kind in STARTS:
            self.add(group_id, STARTS[kind], at)

    def stepped(self, kind: Kind, restore: EmulatedRestore) -> None:
        """Add the event of the step that a job has just taken, if it has one."""
        word = ENDS[kind].get(restore.step)
        if self._behaviour.emits_events and word is not None:
            self.add(restore.group_id, word, restore.clock())

    def page(self, request: Request, group_id: str, host: str) -> Any:
        """Return the page that a request asks for, newest first."""
        page = Page.asked(request, counts=True)
        body = page.body(request, self._selected(request, group_id), lambda one: one.body(host))
        if not page.is_counted:
            # As recorded, also of a full page.
            body["totalCount"] = 0
            body["links"] = [link for link in body["links"] if link["rel"] != "next"]
        return body

    def _selected(self, request: Request, group_id: str) -> list[Event]:
        conditions = [*self._types(request), *_dates(request)]
        # Of the same second, the one that was added last comes first.
        events = [
            event
            for event in reversed(self._events.get(group_id, ()))
            if all(condition(event) for condition in conditions)
        ]
        return sorted(events, key=lambda event: event.created, reverse=True)

    def _types(self, request: Request) -> list[Callable[[Event], bool]]:
        # How Atlas applies these to the events of restores was never recorded.
        for name in ("clusterNames", "excludedEventType"):
            if name in request.args:
                raise invalid(name)
        if request.args.get("includeRaw", "false") != "false":
            raise invalid("includeRaw")
        asked = frozenset(request.args.getlist("eventType"))
        for word in sorted(asked - self._behaviour.event_types):
            detail = f"There is no type of event {word}."
            raise Refusal(atlas_error(400, "INVALID_ENUM_VALUE", detail, [word]))
        return [lambda event: event.event_type in asked] if asked else []


def _dates(request: Request) -> list[Callable[[Event], bool]]:
    """Both bounds are within the range. Nobody says whether Atlas's are."""
    first, last = _date(request, "minDate"), _date(request, "maxDate")
    conditions: list[Callable[[Event], bool]] = []
    if first is not None:
        conditions.append(lambda event: event.created >= first)
    if last is not None:
        conditions.append(lambda event: event.created <= last)
    return conditions


def _date(request: Request, name: str) -> datetime | None:
    text = request.args.get(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(name) from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
