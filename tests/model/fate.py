"""What befalls an action, on both wires at once."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from local_stack.connections import Connections
from local_stack.loopback import HungUp
from local_stack.wire import Action, Answer, Call, Fault, Gate, Phase
from local_stack.world import World
from model.drawn import Fate


@dataclass
class Struck:
    """Whether a fate has come, and whether it was death."""

    is_struck: bool = False
    is_death: bool = False


class _Nth:
    """True for one call: the n-th of these connections, on both wires together."""

    def __init__(self, fate: Fate, by: Connections, struck: Struck) -> None:
        self._fate = fate
        self._by = by
        self._struck = struck
        self._lock = threading.Lock()
        self._seen = itertools.count()
        self._places: dict[tuple[str, int], bool] = {}

    def __call__(self, call: Call) -> bool:
        if not self._by.made(call) or (self._fate.leaves and not leaves_something(call)):
            return False
        with self._lock:
            # Asked before the call and after it, and by each fault.
            place = "atlas" if call.service == "atlas" else "aws", call.number
            if place not in self._places:
                self._places[place] = next(self._seen) == self._fate.nth
            self._struck.is_struck |= self._places[place]
            return self._places[place]


def leaves_something(call: Call) -> bool:
    """The call changes something that outlives the environment."""
    return call.operation in {"UpdateItem", "Publish", "Invoke"} or call.service == "states"


@contextmanager
def befalling(world: World, by: Connections, fate: Fate) -> Iterator[tuple[Struck, list[Gate]]]:
    """Within the block this befalls what these connections do; the gates hold it."""
    struck = Struck()
    nth = _Nth(fate, by, struck)
    gates: list[Gate] = []
    with ExitStack() as blocks:
        for wire in (world.atlas.wire, world.aws.wire):
            match fate.how:
                case "fault":
                    for fault in _faults(fate, nth):
                        blocks.enter_context(wire.inject(fault))
                case "death":
                    blocks.enter_context(wire.listen(_death(by, fate.phase, nth, struck)))
                case "held":
                    gates.append(blocks.enter_context(wire.hold(phase=fate.phase, when=nth)))
        yield struck, gates


def _faults(fate: Fate, nth: _Nth) -> Iterator[Fault]:
    """One for each service, since each has its own ways to fail."""
    for service, action in fate.actions.items():
        for envelope in (True, False):

            def meets(call: Call, service: str = service, *, envelope: bool = envelope) -> bool:
                is_meant = name_of(call) == service and asks_for_envelope(call) == envelope
                return is_meant and nth(call)

            seen = enveloped(action) if envelope else action
            yield Fault(when=meets, phase=fate.phase, times=None, action=seen)


def name_of(call: Call) -> str:
    """The service, or the token endpoint of Atlas, or any other service of AWS."""
    if call.operation == "token":
        return "token"
    return call.service if call.service in {"atlas", "states"} else "aws"


def asks_for_envelope(call: Call) -> bool:
    return call.query.get("envelope") == "true"


def enveloped(action: Action) -> Action:
    """With `envelope=true` Atlas puts the status of a refusal into the body."""
    if not isinstance(action, Answer) or action.status == 200:
        return action
    try:
        content = json.loads(action.body)
    except ValueError:
        return action
    return Answer(200, action.headers, json.dumps({"status": action.status, "content": content}))


def _death(
    by: Connections, fatal: Phase, nth: _Nth, struck: Struck
) -> Callable[[Call, Phase], None]:
    """From the n-th call on, nothing of these connections has an effect or an answer."""
    is_dead = threading.Event()

    def strike(call: Call, phase: Phase) -> None:
        if not by.made(call):
            return
        if phase == fatal and nth(call):
            is_dead.set()
        if is_dead.is_set():
            struck.is_death = True
            raise HungUp

    return strike
