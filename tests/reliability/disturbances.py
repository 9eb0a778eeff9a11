"""Everything that goes wrong on the wires, injected in one place, so that the judges know of it."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from local_stack.faults import Ask
from local_stack.loopback import Line
from local_stack.stack import LocalStack
from local_stack.wire import Action, Answer, Call, Close, Fault, Injected, Phase

type Predicate = Callable[[Call], bool]


type Odd = Literal["optional", "decisive", "id", "entry", "cluster"]
"""What of an entry of a list cannot be read."""

_DECISIVE = ("status", "state", "deliveryType")
_OPTIONAL = ("expirationDate", "expiresAt", "targetClusterName", "targetDeploymentItemName")

ODD: dict[Odd, Callable[[dict[str, Any]], Any]] = {
    "optional": lambda entry: entry | {name: {"no": "text"} for name in _OPTIONAL},
    "decisive": lambda entry: entry | {name: {} for name in _DECISIVE if name in entry},
    "id": lambda entry: entry | {"id": 7},
    "entry": lambda _: "an entry",
    "cluster": lambda entry: entry | {"name": None},
}


@dataclass(frozen=True)
class OddEntries:
    """The entries of a list are odd."""

    odd: Odd

    def play(self, _line: Line, ask: Ask, /) -> Answer:
        answer = ask()
        body = json.loads(answer.body) if answer.status == 200 else {}
        if "results" not in body:
            return answer
        body["results"] = [ODD[self.odd](entry) for entry in body["results"]]
        return Answer(answer.status, answer.headers, json.dumps(body))

    def meets(self, call: Call) -> bool:
        """Whether a list has such entries."""
        if self.odd == "cluster":
            return call.operation in {"flex_clusters", "dedicated_clusters"}
        return call.operation.endswith("_list")


class NthCall:
    """Matches the n-th call (from 0) among those that `counts`, on both wires together."""

    def __init__(self, counts: Predicate, n: int) -> None:
        self._counts = counts
        self._left = n
        self.struck = False

    def __call__(self, call: Call) -> bool:
        if self.struck or not self._counts(call):
            return False
        self._left -= 1
        self.struck = self._left < 0
        return self.struck


class FirstCalls:
    """Matches so many calls among those that `counts`; all of them with None."""

    def __init__(self, counts: Predicate, times: int | None) -> None:
        self._counts = counts
        self._left = itertools.count() if times is None else iter(range(times))

    def __call__(self, call: Call) -> bool:
        return self._counts(call) and next(self._left, None) is not None


class Disturbances:
    """
    The faults on both wires of a stack. They meet the calls of environments, never our own.

    `struck` has every call that a fault met, by service and number, with what happened to it.
    `on_failure` gets each as it happens.
    """

    def __init__(
        self,
        stack: LocalStack,
        from_environment: Predicate,
        on_failure: Callable[[Call, Action], None],
    ) -> None:
        self._from_environment = from_environment
        self._on_failure = on_failure
        self._atlas = stack.atlas.wire
        self._aws = stack.aws.wire
        self._lasting: list[Injected] = []
        self.struck: dict[tuple[str, int], Action] = {}

    def met(self, call: Call) -> bool:
        """A fault met the call."""
        return _place(call) in self.struck

    @property
    def active(self) -> bool:
        """A fault stays until `clear`."""
        return bool(self._lasting)

    def clear(self) -> None:
        for one in self._lasting:
            one.remove()
        self._lasting.clear()

    def end(self) -> None:
        self._atlas.heal()
        self._aws.heal()

    def last(self, when: Predicate, action: Action, phase: Phase = "before") -> None:
        """The calls fail until `clear`."""
        self._lasting += self._inject(when, phase, action, action)

    def stay(self, when: Predicate, answer: Answer) -> None:
        """This is how Atlas answers such calls throughout the example. It is no failure."""
        self._inject(when, "before", answer, answer, is_failure=False)

    @contextmanager
    def odd(self, entries: OddEntries) -> Iterator[None]:
        """Within the block lists have odd entries. If only what is optional is, nothing fails."""
        if entries.odd != "optional":
            with self.within(entries.meets, "before", entries, entries):
                yield
            return
        injected = self._atlas.inject(Fault(when=entries.meets, times=None, action=entries))
        yield
        injected.remove()

    @contextmanager
    def within(
        self, when: Predicate, phase: Phase, at_atlas: Action, at_aws: Action
    ) -> Iterator[None]:
        """Within the block the calls fail."""
        injected = self._inject(when, phase, at_atlas, at_aws)
        try:
            yield
        finally:
            for one in injected:
                one.remove()

    @contextmanager
    def death(self, made: Predicate, nth: NthCall, phase: Phase) -> Iterator[None]:
        """Within the block no call has an effect from the n-th on."""
        gone = Close()
        with ExitStack() as faults:
            faults.enter_context(self.within(nth, phase, gone, gone))
            dead = self.within(lambda call: nth.struck and made(call), "before", gone, gone)
            faults.enter_context(dead)
            yield

    def _inject(
        self,
        when: Predicate,
        phase: Phase,
        at_atlas: Action,
        at_aws: Action,
        *,
        is_failure: bool = True,
    ) -> list[Injected]:
        decided: dict[tuple[str, int], bool] = {}

        def strikes(call: Call) -> bool:
            """Decide once for each call, since a predicate may count."""
            place = _place(call)
            if place not in decided:
                decided[place] = self._from_environment(call) and when(call)
            return decided[place]

        def fault(counts: Predicate, action: Action, seen: Action) -> Fault:
            def noted(call: Call) -> bool:
                if not (counts(call) and strikes(call)):
                    return False
                self.struck[_place(call)] = action
                if is_failure:
                    self._on_failure(call, action)
                return True

            return Fault(when=noted, phase=phase, times=None, action=seen)

        return [
            self._atlas.inject(fault(_asks_for_envelope, at_atlas, _in_envelope(at_atlas))),
            self._atlas.inject(fault(_is_plain, at_atlas, at_atlas)),
            self._aws.inject(fault(_is_plain, at_aws, at_aws)),
        ]


def _place(call: Call) -> tuple[str, int]:
    """Calls are numbered on each wire."""
    return "atlas" if call.service == "atlas" else "aws", call.number


def _is_plain(call: Call) -> bool:
    return not _asks_for_envelope(call)


def _asks_for_envelope(call: Call) -> bool:
    return call.query.get("envelope") == "true"


def _in_envelope(action: Action) -> Action:
    """With `envelope=true` Atlas puts the status of a refusal into the body."""
    if not isinstance(action, Answer) or action.status == 200:
        return action
    try:
        content = {"content": json.loads(action.body)}
    except ValueError:
        return action
    return Answer(200, action.headers, json.dumps({"status": action.status, **content}))
