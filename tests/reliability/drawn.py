"""What Hypothesis draws for the model: restore jobs, faults, refusals, and who acts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hypothesis import strategies as st

from local_stack.restores import Kind
from local_stack.wire import Action, Answer, Close, Phase, Reset, Truncate
from restore_watch.model.restore_job import RestoreKind

SLOTS = 3
"""Execution environments that may work at the same time."""

IO_STEPS = 6
"""A cold check that changes something makes six calls: secret, token, job, write, publish, note."""

WRITE, PUBLISH, NOTE = range(3)
"""The calls among these that leave something behind."""

GROUPS = ("6a1f3c9e5b7d204e8c61f0a3", "6a1f3c9e5b7d204e8c61f0b4")
"""Two projects, so that a rate limit can meet one of them."""

_JSON = {"Content-Type": "application/json"}


def refusal(status: int, code: str | None = None, **headers: str) -> Answer:
    """Atlas's words for an error."""
    said = {"error": status} | ({"errorCode": code} if code else {})
    return Answer.json(
        status, said, {name.replace("_", "-"): value for name, value in headers.items()}
    )


ATLAS_FAULTS: dict[str, Action] = {
    "500": refusal(500, "UNEXPECTED_ERROR"),
    "503 html": Answer(503, {"Content-Type": "text/html"}, "<html>busy</html>"),
    "503 with a wait": refusal(503, Retry_After="2"),
    "429": refusal(429, Retry_After="3"),
    "429 without a time": refusal(429),
    "401": refusal(401, "USER_UNAUTHORIZED"),
    "403": refusal(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST"),
    "404": refusal(404, "RESOURCE_NOT_FOUND"),
    "200 html": Answer(200, {"Content-Type": "text/html"}, "<html>hello</html>"),
    "200 empty": Answer(200, _JSON, ""),
    "reset": Reset(),
    "closed": Close(),
    "truncated": Truncate(20),
}
TOKEN_FAULTS: dict[str, Action] = {
    "400": Answer.json(400, {"error": "invalid_client"}),
    "401": Answer.json(401, {"error": "invalid_client"}),
    "403": Answer.json(403, {"error": "access_denied"}),
    "408": Answer(408),
    "429": refusal(429, "RATE_LIMITED"),
    "429 with a wait": refusal(429, "RATE_LIMITED", Retry_After="45"),
    "500": Answer(500),
    "502 html": Answer(502, {"Content-Type": "text/html"}, "<html>bad gateway</html>"),
    "503 with a wait": Answer(503, {"Retry-After": "2"}),
    "503 with a long wait": Answer(503, {"Retry-After": "50"}),
    "200 html": Answer(200, {"Content-Type": "text/html"}, "<html>hello</html>"),
    "200 without a token": Answer(200, _JSON, '{"token_type": "Bearer"}'),
    "redirect": Answer(302, {"Location": "https://login.example.net/"}),
    "reset": Reset(),
    "closed": Close(),
    "truncated": Truncate(20),
}
TOKEN_FAULTS_WITHOUT_ANSWER = ("closed", "reset", "truncated")
AWS_FAULTS: dict[str, Action] = {
    "500": Answer(500),
    "503": Answer(503),
    "400 without a word": Answer(400),
    "reset": Reset(),
    "closed": Close(),
    "truncated": Truncate(20),
}
SERVICES = ("atlas", "secretsmanager", "dynamodb", "sns")

type Admission = Literal["no role", "only reading", "address"]
"""Why Atlas refuses the service account: its role was taken away, or its address is refused."""

type Form = Literal["event", "targets", "queue"]
"""Several jobs in one invocation: an EventBridge event, a direct call, or an SQS batch."""

type Listed = Literal["old", "absent", "current"]
"""How lists show a job: as it was, not at all, or as it is."""

type Held = Literal[
    "index", "ask", "record", "publish", "wait", "answer", "note", "leave", "mark", "give back"
]
"""The call at which a slow sweep is held."""

phases: st.SearchStrategy[Phase] = st.sampled_from(["before", "after"])
slots = st.integers(0, SLOTS - 1)
places = st.integers(0, 2)
steps = st.integers(0, IO_STEPS - 1)
pairs = st.lists(slots, min_size=2, max_size=2, unique=True)
deaths: st.SearchStrategy[tuple[int, Phase]] = st.sampled_from(
    [(WRITE, "after"), (PUBLISH, "before"), (PUBLISH, "after")]
)
"""Where a check dies that has recorded a change and not acknowledged it."""
admissions: st.SearchStrategy[Admission] = st.sampled_from(["no role", "only reading", "address"])
forms: st.SearchStrategy[Form] = st.sampled_from(["event", "event", "targets", "queue"])
sweep_steps = st.integers(0, 24)
"""A warm sweep of three jobs makes up to so many calls."""
sweep_deaths: st.SearchStrategy[tuple[int, Phase]] = st.tuples(st.integers(0, 12), phases)
"""Where a sweep dies, among the calls that leave something behind: its lease comes first."""
ticks = st.none() | st.sampled_from([0.0, 0.0, 30.0, -50.0, -70.0, 100.0, 300.0])
"""How many seconds ago the schedule fired; without one, somebody else asks for a sweep."""
listings: st.SearchStrategy[Listed] = st.sampled_from(["old", "old", "absent", "absent", "current"])
held: st.SearchStrategy[Held] = st.sampled_from(
    ["index", "ask", "record", "publish", "note", "mark", "give back"]
)
hot_seconds = st.sampled_from([0.0, 0.0, 10.0])
retry_afters = st.sampled_from([2, 12, None, 30, 300])


@dataclass(frozen=True)
class DrawnJob:
    """
    A restore job and the steps it takes.

    `named` targets name the kind, `envelope` ones ask for an envelope. Without a `cluster`, it is
    the one that all jobs of the kind share.
    """

    kind: RestoreKind
    delivery_type: str
    timeline: Sequence[str]
    named: bool = True
    envelope: bool = False
    group: str = GROUPS[0]
    cluster: str = ""

    @property
    def atlas_kind(self) -> Kind:
        """The kind, as the emulated Atlas names it."""
        return self.kind.value


_FLEX_ENDS = (
    (),
    ("COMPLETED",),
    ("FAILED",),
    ("CANCELED",),
    ("FAILED", "COMPLETED"),
    ("COMPLETED", "EXPIRED"),
)
_FLEX_DOWNLOAD_ENDS = (
    ("COMPLETED",),
    ("COMPLETED", "EXPIRED"),
    ("COMPLETED", "CANCELED"),
    ("COMPLETED", "FAILED"),
    ("EXPIRED",),
    ("COMPLETED", "EXPIRED", "FAILED"),
)
_WORDS = ("CANCELLING", "CANCELLING+finished", "PAUSED", "HALTED", "PAUSED+finished")

MANY_WORDS = tuple("ABCDEFGHIJKLMNOPQ")
"""More unknown words than a history holds."""

_DEDICATED: Sequence[tuple[str, Sequence[str]]] = (
    ("automated", ("running", "finished")),
    ("automated", ("running", "failed")),
    ("automated", ("running", "cancelled")),
    ("automated", ("running", "finished", "expired")),
    ("automated", ("running", "finished+expired")),
    ("download", ("running", "download-ready", "expired")),
    ("download", ("running", "download-ready", "cancelled")),
    ("download", ("running", "download-ready", "failed")),
    ("download", ("running", "download-ready", "finished+expired")),
    ("download", ("running", "finished+expired")),
    ("download", ("running", "finished", "expired")),
    ("download", ("running", "expired")),
    ("download", ("running", "cancelled")),
)


@st.composite
def _flex(draw: st.DrawFn) -> tuple[RestoreKind, str, Sequence[str]]:
    """Any part of Atlas's order, perhaps with unknown words, an end, and one against it."""
    delivery_type = draw(st.sampled_from(["RESTORE", "RESTORE", "DOWNLOAD"]))
    early = [word for word in ("PENDING", "QUEUED", "RUNNING") if draw(st.booleans())]
    words = draw(st.just([]) | st.lists(st.sampled_from(_WORDS), min_size=1, max_size=4))
    ends = _FLEX_DOWNLOAD_ENDS if delivery_type == "DOWNLOAD" else _FLEX_ENDS
    end = draw(st.sampled_from(ends))
    return RestoreKind.FLEX, delivery_type, [*early, *words, *end] or ["RUNNING"]


_many_words = st.sampled_from([(), ("CANCELED",)]).map(
    lambda end: (RestoreKind.FLEX, "RESTORE", ("RUNNING", *MANY_WORDS, *end))
)
_dedicated = st.sampled_from([(RestoreKind.DEDICATED, *one) for one in _DEDICATED])


_flex_jobs = [_flex(), _flex(), _flex(), _many_words]


@st.composite
def jobs(draw: st.DrawFn, *, same_cluster: bool = False) -> DrawnJob:
    others = [] if same_cluster else [_dedicated, _dedicated]
    which = draw(st.sampled_from([*_flex_jobs, *others]))
    kind, delivery_type, timeline = draw(which)
    return DrawnJob(
        kind,
        delivery_type,
        timeline,
        named=draw(st.booleans()),
        envelope=draw(st.booleans()),
        group=GROUPS[0] if same_cluster else draw(st.sampled_from(GROUPS)),
    )


several_jobs = st.lists(jobs(), min_size=2, max_size=3) | st.lists(
    jobs(same_cluster=True), min_size=2, max_size=3
)

token_faults = st.sampled_from(TOKEN_FAULTS_WITHOUT_ANSWER) | st.sampled_from(
    sorted(set(TOKEN_FAULTS) - set(TOKEN_FAULTS_WITHOUT_ANSWER))
)
ages: st.SearchStrategy[float | str] = st.sampled_from(["cold start", "revoked"]) | st.sampled_from(
    [-3600.0, -5.0, -0.5, 1.0, 250.0, 400.0, 700.0, 3100.0]
)
"""What happens to an environment: seconds pass, or those below zero set its clock back."""

odd_statuses = st.sampled_from([400, 400, 403, 404, 409, 500])
"""The HTTP status with which Atlas says that a cluster is of another kind."""
