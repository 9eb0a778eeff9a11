"""What Hypothesis draws: restore jobs, what befalls an action, and what befalls a service."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import strategies as st

from local_stack.aws import aws_error
from local_stack.refusal import atlas_error, oauth_error
from local_stack.restores import Kind
from local_stack.wire import Action, Answer, Close, Phase, Reset, Truncate

SLOTS = 3
"""Execution environments that may work at the same time."""

GROUPS = ("6a1f3c9e5b7d204e8c61f0a3", "6a1f3c9e5b7d204e8c61f0b4")

_HTML = {"Content-Type": "text/html"}
_JSON = {"Content-Type": "application/json"}

NO_ANSWER: dict[str, Action] = {"reset": Reset(), "closed": Close(), "truncated": Truncate(20)}
AT_ATLAS: dict[str, Action] = {
    **NO_ANSWER,
    "500": atlas_error(500, "UNEXPECTED_ERROR", "?"),
    "503": Answer(503, _HTML, "<html>busy</html>"),
    "503 with a wait": atlas_error(503, None, "?", headers={"Retry-After": "2"}),
    "429": atlas_error(429, "RATE_LIMITED", "?", headers={"Retry-After": "3"}),
    "429 with a long wait": atlas_error(429, "RATE_LIMITED", "?", headers={"Retry-After": "300"}),
    "429 without a wait": atlas_error(429, "RATE_LIMITED", "?"),
    "401": atlas_error(401, "USER_UNAUTHORIZED", "?"),
    "403": atlas_error(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", "?"),
    "200 html": Answer(200, _HTML, "<html>hello</html>"),
    "200 empty": Answer(200, _JSON, ""),
}
AT_TOKEN: dict[str, Action] = {
    **NO_ANSWER,
    "400": oauth_error(400, "invalid_client", "?"),
    "401": oauth_error(401, "invalid_client", "?"),
    "403": oauth_error(403, "access_denied", "?"),
    "408": Answer(408),
    "429": oauth_error(429, "RATE_LIMITED", "?"),
    "500": Answer(500),
    "503 with a wait": Answer(503, {"Retry-After": "50"}),
    "200 html": Answer(200, _HTML, "<html>hello</html>"),
    "200 without a token": Answer(200, _JSON, '{"token_type": "Bearer"}'),
    "redirect": Answer(302, {"Location": "https://login.example.net/"}),
}
AT_AWS: dict[str, Action] = {
    **NO_ANSWER,
    "500": Answer(500),
    "503": Answer(503),
    "400": Answer(400),
}
AT_STATES: dict[str, Action] = {
    "500": Answer(500),
    "closed": Close(),
    "throttled": aws_error("states", "ThrottlingException"),
    "forbidden": aws_error("states", "AccessDeniedException"),
}


@dataclass(frozen=True)
class Fate:
    """
    What befalls an action at its n-th call, or at the n-th that `leaves` something behind.

    It meets a fault, its environment dies, or it is held there until it is let go; or nothing.
    """

    how: Literal["nothing", "fault", "death", "held"] = "nothing"
    nth: int = 0
    leaves: bool = False
    phase: Phase = "before"
    faults: tuple[str, str, str, str] = ("500", "500", "500", "500")
    """How Atlas, its token endpoint, AWS and Step Functions fail."""

    @property
    def actions(self) -> dict[str, Action]:
        """The fault of each service."""
        at_atlas, at_token, at_aws, at_states = self.faults
        return {
            "atlas": AT_ATLAS[at_atlas],
            "token": AT_TOKEN[at_token],
            "aws": AT_AWS[at_aws],
            "states": AT_STATES[at_states],
        }


UNDISTURBED = Fate()


@st.composite
def _fates(draw: st.DrawFn, longest: int) -> Fate:
    leaves = draw(st.booleans())
    return Fate(
        draw(st.sampled_from(["fault", "death", "held"])),
        draw(st.integers(0, longest // 4 if leaves else longest)),
        leaves,
        draw(st.sampled_from(["before", "after"])),
        (
            draw(st.sampled_from(sorted(AT_ATLAS))),
            draw(st.sampled_from(sorted(AT_TOKEN))),
            draw(st.sampled_from(sorted(AT_AWS))),
            draw(st.sampled_from(sorted(AT_STATES))),
        ),
    )


fates = st.just(UNDISTURBED) | _fates(5) | _fates(11)
"""Of a check, which makes six calls if it is cold and records a change."""

fates_of_sweeps = st.just(UNDISTURBED) | _fates(12) | _fates(30)


@dataclass(frozen=True)
class DrawnJob:
    """A restore job and the steps that it takes. A target may name its kind, or ask oddly."""

    kind: Kind
    delivery_type: str
    timeline: Sequence[str]
    group: str = GROUPS[0]
    cluster: str = "one"
    is_named: bool = True
    envelope: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """What the target says beside the names of the job."""
        return {
            "kind": self.kind if self.is_named or self.kind == "collection" else None,
            "envelope": self.envelope or None,
        }


_FLEX_ENDS = {
    "RESTORE": ((), ("COMPLETED",), ("FAILED",), ("CANCELED",), ("FAILED", "COMPLETED")),
    "DOWNLOAD": (
        ("COMPLETED", "EXPIRED"),
        ("COMPLETED", "CANCELED"),
        ("COMPLETED", "FAILED"),
        ("EXPIRED",),
    ),
}
_WORDS = ("CANCELLING", "CANCELLING+finished", "PAUSED", "HALTED", "PAUSED+finished")
MANY_WORDS = ("RUNNING", *"ABCDEFGHIJKLMNOPQ", "CANCELED")
_DEDICATED = (
    ("automated", ("running", "finished")),
    ("automated", ("running", "failed")),
    ("automated", ("running", "cancelled")),
    ("automated", ("running", "finished", "expired")),
    ("automated", ("running", "finished+expired")),
    ("download", ("running", "download-ready", "expired")),
    ("download", ("running", "download-ready", "cancelled")),
    ("download", ("running", "download-ready", "failed")),
    ("download", ("running", "finished+expired")),
    ("download", ("running", "expired")),
)
_COLLECTION = (
    ("INITIALIZING", "IN_PROGRESS", "FINALIZING", "SUCCESSFUL"),
    ("IN_PROGRESS", "FAILED"),
    ("IN_PROGRESS", "PARTIAL_SUCCESS+finished"),
)


@st.composite
def jobs(draw: st.DrawFn) -> DrawnJob:
    """Jobs often share a cluster, so that lists are asked."""
    group = draw(st.sampled_from(GROUPS))
    named, envelope = draw(st.booleans()), draw(st.booleans())
    how = draw(st.sampled_from(["flex", "flex", "words", "dedicated", "collection"]))
    if how == "flex":
        delivery_type = draw(st.sampled_from(sorted(_FLEX_ENDS)))
        early = [word for word in ("PENDING", "QUEUED", "RUNNING") if draw(st.booleans())]
        words = draw(st.lists(st.sampled_from(_WORDS), max_size=3))
        steps = [*early, *words, *draw(st.sampled_from(_FLEX_ENDS[delivery_type]))] or ["RUNNING"]
        return DrawnJob("flex", delivery_type, steps, group, "flex", named, envelope)
    if how == "words":
        return DrawnJob("flex", "RESTORE", MANY_WORDS, group, "flex", named, envelope)
    if how == "dedicated":
        delivery_type, flags = draw(st.sampled_from(_DEDICATED))
        return DrawnJob("dedicated", delivery_type, flags, group, "dedicated", named, envelope)
    steps = draw(st.sampled_from(_COLLECTION))
    return DrawnJob("collection", "", steps, group, "dedicated", envelope=envelope)
