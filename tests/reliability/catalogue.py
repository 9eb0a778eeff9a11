"""
The catalogue of faults, and the table in README.md of the tests that prove each row.

`PYTHONPATH=functions:tests python -m reliability.catalogue` writes the table from the cases that
pytest collects. A test fails if the table is out of date.
"""

import io
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
SOURCES = (
    FOLDER,
    FOLDER.parent / "workflows",
    *sorted((FOLDER.parent / "integration").glob("test_*waits.py")),
    FOLDER.parent / "integration" / "test_sweep_answers.py",
)
"""The folders and files that have cases."""

README = FOLDER / "README.md"
COMMAND = "PYTHONPATH=functions:tests python -m reliability.catalogue"


@dataclass(frozen=True)
class Row:
    """A fault and what must hold under it; `later` is the part that needs another feature."""

    fault: str
    expected: str
    later: str = ""


CATALOGUE: dict[str, dict[str, Row]] = {
    "Crash and publish": {
        "F1": Row(
            "killed between the write and the publication",
            "the next check or sweep publishes the change, with the same id",
        ),
        "F2": Row(
            "killed between the publication and its acknowledgement",
            "published again with the same content; nothing else changes",
        ),
        "F3": Row(
            "SNS throttles, fails, or gives no answer",
            "a few tries; after that the message stays pending and the check fails",
        ),
        "F4": Row(
            "the topic is deleted, forbidden, or its key is disabled",
            "the status is stored; one request per check; published after the repair",
        ),
        "F5": Row(
            "DynamoDB throttles, fails, or does not answer a write",
            "a few tries; after that nothing is published, and the next check converges",
        ),
        "F6": Row("another check recorded the change first", "success, unchanged, no message"),
        "F7": Row("a hundred checks see a change at once", "one recorded change, one event id"),
        "F8": Row("a slow check brings an older status", "refused, without a message"),
        "F9": Row("one invocation is delivered ten times", "one message"),
        "F10": Row("the acknowledgement fails", "published again, then acknowledged"),
    },
    "What Atlas says": {
        "F11": Row("statuses are skipped between two checks", "one message, with correct figures"),
        "F12": Row("an automated restore that is done shows `expired`", "no message"),
        "F13": Row("a download is ready, then expires", "COMPLETED, then EXPIRED"),
        "F14": Row(
            "one final status, then another", "the first is kept; the other is reported once"
        ),
        "F15": Row("an unknown status word", "UNKNOWN, published once; the job stays open"),
        "F16": Row("nulls, missing and extra fields", "the job is read"),
        "F17": Row(
            "wrong types, broken JSON, HTML, nothing, 20 MB, a decompression bomb",
            "a typed error; size and memory are bounded; nothing is stored",
        ),
        "F18": Row("Atlas does not know a new job yet", "requested again for a few seconds"),
        "F19": Row("a job that no kind knows", "RestoreJobNotFoundError, at once"),
        "F20": Row("the tenant endpoint is gone", "Flex is asked; a warning is logged"),
        "F21": Row(
            "a dedicated cluster is asked for as Flex", "the other kind is asked and remembered"
        ),
        "F22": Row("a cluster changes its kind", "the new kind is detected and remembered"),
        "F23": Row("a sunset is announced, in any form", "a warning and a metric, no failure"),
    },
    "Credentials": {
        "F24": Row(
            "the token is expired or revoked; another 401 within ten minutes",
            "one new token and one replay; the other 401 is raised",
        ),
        "F25": Row("the secret was rotated", "read again once, without the cache"),
        "F26": Row("401 again", "a typed error that names the role; no further tries"),
        "F27": Row(
            "the token endpoint throttles, refuses, is slow, or answers oddly",
            "a typed error, no loop; a token that is still valid is used",
            later="one token for all environments, which needs a place to share it",
        ),
        "F28": Row(
            "digest: a stale or single-use nonce, no opaque, an odd challenge",
            "one more challenge, then a typed error; the next check is not affected",
        ),
        "F29": Row("the address is not on the access list", "an error that names it"),
        "F30": Row(
            "the secret cannot be read, or cannot be used",
            "the cached value for five minutes; then an error that names the key",
        ),
    },
    "Limits and network": {
        "F31": Row(
            "429 with a wait longer than 15 s or than the time left", "an error at once, no sleep"
        ),
        "F32": Row(
            "429 with an odd Retry-After, or none",
            "the time in the body, else a short wait; a few tries",
        ),
        "F33": Row("bursts of 5xx", "a few tries, random waits, no change of state"),
        "F34": Row(
            "refused, reset, cut off, or a certificate that is not valid",
            "a typed error; nothing is sent before the certificate is checked",
        ),
        "F35": Row("an idle connection was closed", "a new connection at once"),
        "F36": Row("no answer, or an endless one", "a typed error before the deadline"),
        "F37": Row("a name look-up that fails or hangs", "a typed error before the deadline"),
        "F38": Row("a redirect, to any place", "refused; credentials go nowhere else"),
        "F39": Row("a base URL in an event or a secret", "refused, unless it is MongoDB's own"),
    },
    "Input and runtime": {
        "F40": Row("ids with paths, escapes, control characters, 10 kB", "refused before any I/O"),
        "F41": Row("an event that names no job", "refused, with the name of the field"),
        "F42": Row("a batch of ten with one poison record", "nine done, one reported"),
        "F43": Row("one of several targets fails", "the others are done, the failure is listed"),
        "F44": Row("any time left, at any step", "a result or a typed error before the deadline"),
        "F45": Row(
            "SIGKILL or timeout at any moment", "no change is lost, no earlier status comes back"
        ),
        "F46": Row(
            "the clock is frozen, wrong, or steps back",
            "one retry at most for a stale token; order by sequence; no negative figures",
        ),
        "F47": Row("an environment variable is missing or wrong", "one clear line at the start"),
        "F48": Row("odd dates: other zones, fractions, future, reversed", "UTC; figures from 0"),
        "F49": Row("very long and odd names and texts", "message and item stay valid and small"),
        "F50": Row("the item's expiry", "never set while a job is open or a change is pending"),
        "F51": Row("an item of an older or a newer version", "read; unknown attributes are kept"),
        "F52": Row("logs or metrics cannot be written", "the check still succeeds"),
        "F53": Row("a secret, token or URL in a text from Atlas or AWS", "redacted, everywhere"),
    },
    "Found by a second look": {
        "F54": Row(
            "the token endpoint: 5xx, closed, silent or slow, for one target and for a hundred",
            "four tries after a 5xx, else one; then none for 30 s, or longer if nothing answered",
        ),
        "F55": Row(
            "a change is pending, and Atlas answers 404, 401, 403, 5xx or nothing",
            "it is published first, then the error is raised",
        ),
        "F56": Row(
            "a ready download is cancelled or fails",
            "COMPLETED, then CANCELLED or FAILED; `downloadAvailable` is false",
        ),
        "F57": Row(
            "`expired` and `finishedAt` on one download, in any order, seen ready or not",
            "EXPIRED",
        ),
        "F58": Row(
            "several unknown words, one that gains a finish date, thirty of them",
            "each is a change with its own id; the history is bounded",
        ),
        "F59": Row(
            "an EventBridge event with several targets, of which one fails",
            "the others are done; the invocation fails, so AWS retries and keeps it",
        ),
        "F60": Row("401, 404, 429, 500 inside an envelope", "handled and counted like any other"),
        "F61": Row(
            "one rate limited target among many; a Retry-After of 30 s",
            "the others are done; no sleep over 15 s, none with several targets",
        ),
        "F62": Row("a decisive error code with an odd HTTP status", "the code decides"),
        "F63": Row(
            "an item is deleted and recorded again while an acknowledgement is on its way",
            "the new change stays pending until it is published",
        ),
        "F64": Row(
            "the second of three pending messages is refused",
            "the first is acknowledged and not repeated",
        ),
    },
    "Sweeps": {
        "F65": Row(
            "several sweeps at once, or a tick delivered twice at once",
            "one works, the others end as skipped; Atlas is asked once",
        ),
        "F66": Row(
            "a sweep dies at any step, holding the lease",
            "the next sweep works once the lease has run out; nothing is lost",
        ),
        "F67": Row(
            "the index shows an older state, or a job that has left it",
            "the conditional write decides; no message is repeated",
        ),
        "F68": Row(
            "a list shows less, more, or older states than a GET",
            "a job that it does not show is asked about by name; no status goes back",
        ),
        "F69": Row(
            "a list with odd entries, a job twice, a link to another host, or no list at all",
            "the rest is read; unreadable jobs are asked about by name; no other host is called",
        ),
        "F70": Row(
            "changes are pending for jobs, clusters or projects that Atlas no longer knows",
            "published from the table alone",
        ),
        "F71": Row(
            "the deadline in the middle of a sweep of many jobs",
            "a result in time; what was not reached comes first in the next sweep",
        ),
        "F72": Row(
            "one project is throttled, refused, or hangs",
            "the others are on time; its calls are bounded",
        ),
        "F73": Row(
            "rate limit headers are absent, odd, or below the reserve",
            "a bucket below the reserve is spared; jobs in an event are asked about all the same",
        ),
        "F74": Row(
            "two hours without Atlas, SNS, DynamoDB or Secrets Manager, alone and in pairs",
            "caught up within two sweeps; each change has one id",
        ),
        "F75": Row(
            "events are refused, unreadable, late, or dated by a clock that is minutes off; "
            "a type of the filter is unknown",
            "the project is listed instead; nothing is missed",
        ),
        "F76": Row(
            "a listing dies between pages or clusters, or at any step; pages shift",
            "no mark moves past what was read; nothing is missed, each change has one id",
        ),
        "F77": Row(
            "restores begin and end while a project cannot be seen",
            "reported once, when it can be seen again",
        ),
        "F78": Row(
            "a project is locked out, flaps, is deleted, comes back",
            "degraded and recovered alternate, each under one id; a failure that is over, or that "
            "was never otherwise, is not reported",
        ),
        "F79": Row(
            "the first listing of a project with thousands of old jobs",
            "nothing old is stored or sent; what ended since the first attempt is",
        ),
        "F80": Row(
            "a slow sweep outlives its lease and goes on beside its successor",
            "the other's lease stays; no status, mark or state of a project moves back; "
            "no job is dropped",
        ),
        "F81": Row(
            "clusters of a listing are unreadable, gone, or too many for its time",
            "the project's mark moves on; what was not read keeps its own, and comes first",
        ),
        "F82": Row(
            "others keep a bucket below the reserve for an hour",
            "one call for each family and sweep; the rest is counted as not reached, and the "
            "project is degraded; a sweep's own calls do not degrade it",
        ),
        "F83": Row(
            "a download that never expires, a job that Atlas forgets",
            "leaves the index by the rules, counted; a check by name follows it again",
        ),
        "F84": Row(
            "ticks that are late, repeated, throttled for an hour, or out of order",
            "skipped; those that are too old without any call",
        ),
    },
    "Validations": {
        "V1": Row(
            "killed, or the table or the topic refuses, at any step of recording a validation",
            "what is recorded is published by the next sweep or delivery, with the same id",
        ),
        "V2": Row(
            "one validation is delivered ten times, one after the other or at once",
            "recorded once, one id",
        ),
        "V3": Row(
            "different validations of a job at once",
            "each is recorded and published, in order, under an id that no other has",
        ),
        "V4": Row(
            "a validation and a change of the status at once",
            "both are recorded and published; the previous status is that of the last change",
        ),
        "V5": Row(
            "a validation of a settled job, whose item has an expiry",
            "no expiry while it is pending; settled again afterwards",
        ),
        "V6": Row(
            "a validation of a job that the table does not know, or that is deleted meanwhile",
            "the job is checked first; if Atlas does not know it, nothing is stored",
        ),
        "V7": Row(
            "more validations than are kept, with the longest texts",
            "a typed error; what is recorded stays and is published; messages stay small",
        ),
        "V8": Row(
            "a validation of a job that Atlas has forgotten, or of a download whose link is gone",
            "published from the table alone; then the job leaves the index again",
        ),
        "V9": Row(
            "a URL, a password or a token in the texts of a validation", "redacted, everywhere"
        ),
    },
}

CATALOGUE["Workflows"] = {
    "W1": Row(
        "killed between the answer to a workflow and the write that notes it",
        "answered again; that the token was used counts as an answer",
    ),
    "W2": Row(
        "killed, or the topic refuses, before a workflow is answered",
        "no answer before the message; the next sweep sends both",
    ),
    "W3": Row(
        "Step Functions throttles, fails, or gives no answer, past all tries",
        "people are told all the same; the next sweep answers",
    ),
    "W4": Row(
        "a token that timed out, or of a stopped execution",
        "counts as answered; the message and other workflows do not wait for it",
    ),
    "W5": Row(
        "a workflow begins to wait while a check or a sweep settles its job, or answers others",
        "it is answered; no job is settled while somebody waits",
    ),
    "W6": Row("a token is registered twice", "stored once"),
    "W7": Row(
        "20 workflows wait for one job, and one more", "20 are answered; the other is an error"
    ),
    "W8": Row(
        "a workflow waits for a job that has ended, or that nobody knows", "answered at once"
    ),
    "W9": Row(
        "a restore ends otherwise, is forgotten, or comes back as it is given up",
        "the error is named after the end; a job that is followed is not given up",
    ),
    "W10": Row("a token in logs, results, messages and errors", "it is nowhere"),
    "W11": Row(
        "Step Functions hangs, or the topic refuses, while the other is owed something",
        "what is published is noted; neither holds up what the other is owed",
    ),
    "W12": Row(
        "killed, or the table refuses, after the token was stored",
        "the workflow waits on; its state is tried again, or succeeds",
    ),
    "W13": Row(
        "the time of a wait is over, and the watch may have been blind",
        "Atlas is asked once more by name; what was reached unseen is no time-out",
    ),
    "W14": Row(
        "the request for a restore is throttled, refused, or its answer is lost",
        "repeated only if Atlas has refused it for a time; otherwise somebody is paged",
    ),
}
CATALOGUE["Found by a third look"] = {
    "F85": Row(
        "an entry of a list, or an answer, with a field of another form",
        "optional: null; else its part stays unread, is degraded after three minutes, and nothing "
        "is lost after the repair",
    ),
    "F86": Row(
        "the GETs of open jobs fail, are older, or answer 404 while lists show more; and the reverse",
        "the later rank is recorded, no matter which answer shows it; GETs that fail are a trouble "
        "although the lists answer",
    ),
    "F87": Row(
        "batches and events of many targets while Atlas is slow",
        "all are asked within the deliveries that AWS makes",
    ),
    "F88": Row("pages larger than the bound", "asked again in smaller pages; found"),
    "F89": Row(
        "bookkeeping, lease and marks written by hand: other types, the past, the future",
        "the field counts as absent; nobody else is held up; nothing of the last 7 days is lost",
    ),
    "F90": Row(
        "a list shows a job up to an hour late; the schedule is off for 8 or 45 days",
        "found; after such a break exactly the last 7 days",
    ),
    "F91": Row(
        "free clusters, and clusters that refuse with a code that nobody knows",
        "skipped, or a warning; never a failure for ever",
    ),
    "F92": Row(
        "the people's function, queue, subscription, secret or last reader is gone",
        "an alarm or a line of the doctor for each; nothing is dropped within 14 days",
    ),
    "F93": Row(
        "two stacks with one project and one pager; a degraded project that is removed",
        "no page of another stack closes; every page closes",
    ),
    "F94": Row(
        "an outage in which Atlas answers some requests", "one message for the stack; none flaps"
    ),
    "F95": Row("ticks at any second of their minute while jobs are hot", "no gap in hot rounds"),
    "F96": Row(
        "a task token that is refused for good", "given up after its time; its job leaves the index"
    ),
    "F97": Row("verdicts for restores that failed or still run, of the future, of 1970", "refused"),
    "F98": Row(
        "arguments of make with $, $(shell ...), quotes, line breaks",
        "passed on as they are, or refused; never run",
    ),
    "F99": Row(
        "Retry-After of a 503; a lasting refusal of one job", "believed; its family goes on"
    ),
}
INTRODUCTION = """# Faults, and the tests that prove that they do no harm

This file is generated; `{command}` writes it.

Each row is a fault that the tests inject into the real code: into the answers of Atlas and AWS, the
clock, the network or the process itself. A case asserts what is stored, what a subscriber received,
what was raised and how many requests were sent; then it checks again and asserts the recovery.
{cases} cases prove {rows} rows. In addition, a model plays checks and sweeps that overlap, die and
meet faults at any step, while workflows wait (`test_model.py`). After that, two sweeps alone must
reach every open job, and answer every workflow whose wait is over. The model must detect the error
in each broken copy of the code (`test_broken_copies.py`). The real runtime is killed at random
moments of a check or a sweep (`test_kills.py`).
"""

type Proofs = Mapping[str, Counter[str]]
"""For each row: the number of cases of each test, by the test's file and name."""


class _Collector:
    def __init__(self) -> None:
        self.proofs: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.cases = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            assert isinstance(item, pytest.Function)
            rows = {row for marker in item.iter_markers("fault") for row in marker.args}
            self.cases += bool(rows)
            for row in rows:
                self.proofs[row][f"{_link(item.path)}:{item.originalname}"] += 1


def collected() -> _Collector:
    """All cases, as pytest collects them."""
    collector = _Collector()
    options = ["--collect-only", "-qq", "-p", "no:cacheprovider", "--rootdir", str(_checkout())]
    said = io.StringIO()
    with redirect_stdout(said):
        status = pytest.main(
            [*options, "-c", str(_checkout() / "pyproject.toml"), *map(str, SOURCES)],
            plugins=[collector],
        )
    if status != pytest.ExitCode.OK:
        raise RuntimeError(f"pytest could not collect the cases:\n{said.getvalue()}")
    return collector


def problems(proofs: Proofs) -> list[str]:
    """Rows without a case, and cases without a row."""
    rows = {name for group in CATALOGUE.values() for name in group}
    return [
        *(f"{row} has no case" for row in sorted(rows - proofs.keys())),
        *(f"{row} is not a row of the catalogue" for row in sorted(proofs.keys() - rows)),
    ]


def readme(collector: _Collector) -> str:
    rows = sum(map(len, CATALOGUE.values()))
    return "\n".join(
        [
            INTRODUCTION.format(command=COMMAND, cases=collector.cases, rows=rows),
            *(line for name in CATALOGUE for line in _section(name, collector.proofs)),
        ]
    )


def _section(name: str, proofs: Proofs) -> Iterator[str]:
    yield f"## {name}\n"
    yield "| | fault | what holds | proven by |"
    yield "| --- | --- | --- | --- |"
    for number, row in CATALOGUE[name].items():
        expected = row.expected
        if row.later:
            expected += f"<br>*not yet applicable:* {row.later}"
        tests = "<br>".join(_test(*one) for one in sorted(proofs[number].items()))
        yield f"| {number} | {row.fault} | {expected} | {tests} |"
    yield ""


def _test(name: str, cases: int) -> str:
    module, _, function = name.partition(":")
    times = f" ×{cases}" if cases > 1 else ""  # noqa: RUF001 - a sign of multiplication is meant
    return f"[`{function}`]({module}){times}"


def _link(path: Path) -> str:
    """The address of a file, as the table links to it."""
    return path.relative_to(FOLDER, walk_up=True).as_posix()


def _checkout() -> Path:
    return FOLDER.parents[1]


def main() -> None:
    collector = collected()
    wrong = problems(collector.proofs)
    if wrong:
        sys.exit("\n".join(wrong))
    README.write_text(readme(collector))


if __name__ == "__main__":
    main()
