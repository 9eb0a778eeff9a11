"""
The catalogue of faults, and the table of README.md that says which tests prove each row.

`PYTHONPATH=functions:tests python -m reliability.catalogue` writes the table from the cases that
pytest collects; a test fails when that was forgotten.
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
README = FOLDER / "README.md"
COMMAND = "PYTHONPATH=functions:tests python -m reliability.catalogue"


@dataclass(frozen=True)
class Row:
    """A fault and what has to hold under it; `later` is the part that waits for another feature."""

    fault: str
    expected: str
    later: str = ""


SWEEP = "without another check, which takes the sweep over open jobs"

CATALOGUE: dict[str, dict[str, Row]] = {
    "Crash and publish": {
        "F1": Row(
            "killed between the write and the publication",
            "the next check publishes it, under the id it would have had",
            later=SWEEP,
        ),
        "F2": Row(
            "killed between the publication and its acknowledgement",
            "published again, identical; nothing else changes",
            later=SWEEP,
        ),
        "F3": Row(
            "SNS throttles, fails, or gives no answer",
            "tried again within bounds; else the message stays pending and the caller is told",
        ),
        "F4": Row(
            "the topic is gone, forbidden, or its key disabled",
            "the status is stored all the same; one try a check; all is made good after a repair",
            later=SWEEP,
        ),
        "F5": Row(
            "DynamoDB throttles, fails, or does not answer a write",
            "tried again within bounds; else nothing is published and the next check converges",
        ),
        "F6": Row("another check recorded the change first", "success, unchanged, no message"),
        "F7": Row("a hundred checks see a change at once", "one recorded change, one event id"),
        "F8": Row("a slow check comes with an older status", "refused, silently"),
        "F9": Row("one invocation is delivered ten times", "one message"),
        "F10": Row("the acknowledgement fails", "published again, then acknowledged"),
    },
    "What Atlas says": {
        "F11": Row("statuses are skipped between two checks", "one message, with right figures"),
        "F12": Row("an automated restore that is done shows as expired", "silence"),
        "F13": Row("a download is ready, then lapses", "COMPLETED, then EXPIRED"),
        "F14": Row("one end, then another", "the first stays; the contradiction is told once"),
        "F15": Row("a status word nobody knows", "UNKNOWN, published once, followed on"),
        "F16": Row("nulls, gaps and extra fields", "read"),
        "F17": Row(
            "wrong types, broken JSON, HTML, nothing, 20 MB, a compressed bomb",
            "a typed error; size and memory are bounded; nothing is stored",
        ),
        "F18": Row("a new job is not known yet", "asked for again for a few seconds"),
        "F19": Row("a job that no kind knows", "not found, at once"),
        "F20": Row("the tenant endpoint is gone", "Flex is asked; a warning tells"),
        "F21": Row("a dedicated cluster is asked for as Flex", "the other kind, remembered"),
        "F22": Row("a cluster changes its kind", "asked anew, remembered"),
        "F23": Row("a sunset is announced, in any form", "a warning and a metric, no failure"),
    },
    "Credentials": {
        "F24": Row("the token has expired", "one new token, one replay"),
        "F25": Row("the secret was rotated", "read again once, past the cache"),
        "F26": Row("401 all the same", "a typed error that names the role; no further tries"),
        "F27": Row(
            "the token endpoint throttles, refuses, hangs, or answers oddly",
            "typed and bounded, no loop; a token that is still good serves on",
            later="one token for all environments, which takes sharing it",
        ),
        "F28": Row(
            "digest: stale, once only, no opaque, or a challenge nobody can answer",
            "one more challenge, then a typed error; the next check starts afresh",
        ),
        "F29": Row("the address is not on the access list", "an error that names it"),
        "F30": Row(
            "the secret cannot be read, or cannot be used",
            "the value in hand while young; else an error that names the key",
        ),
    },
    "Limits and network": {
        "F31": Row("429 with a wait longer than the time left", "an error at once, no sleep"),
        "F32": Row(
            "429 with an odd Retry-After, or none",
            "the body's word, else a short wait; a few tries",
        ),
        "F33": Row("bursts of 5xx", "bounded tries, jittered waits, no change of state"),
        "F34": Row(
            "refused, reset, cut off, or a certificate that is not good",
            "typed; nothing is sent before the certificate is checked",
        ),
        "F35": Row("an idle connection was closed meanwhile", "one quiet retry"),
        "F36": Row("no answer, or one without end, of any kind", "over by the deadline, typed"),
        "F37": Row("a name that cannot be looked up, or not in time", "over in time, typed"),
        "F38": Row("a redirect, wherever to", "refused; credentials go nowhere else"),
        "F39": Row("a base URL in an event or a secret", "refused, unless MongoDB's own"),
    },
    "Input and runtime": {
        "F40": Row("ids with paths, escapes, control characters, 10 kB", "refused before any I/O"),
        "F41": Row("an event that names no job", "refused, naming the field"),
        "F42": Row("a batch of ten with one poison record", "nine done, one reported"),
        "F43": Row("one of several targets fails", "the others are done, the failure is listed"),
        "F44": Row("any time left, at any step", "an answer before the deadline, typed"),
        "F45": Row("SIGKILL or timeout at any moment", "nothing lost, nothing taken back"),
        "F46": Row(
            "the clock is frozen, skewed, or steps back",
            "one retry at most for a stale token; order by sequence; no negative figures",
        ),
        "F47": Row("an environment variable is missing or wrong", "one clear line while starting"),
        "F48": Row("odd dates: other zones, fractions, future, reversed", "UTC; figures from 0"),
        "F49": Row("very long and odd names and texts", "message and item stay valid and small"),
        "F50": Row("the item's expiry", "never set while anything is open or pending"),
        "F51": Row("an item of an older or a newer version", "read; what is unknown is kept"),
        "F52": Row("logs or metrics cannot be written", "the check does not fail for it"),
        "F53": Row("a secret, token or URL in what others say", "redacted, everywhere"),
    },
}

INTRODUCTION = """# What fails, and what proves that it does no harm

This file is generated; `{command}` writes it anew.

Each row is a fault, done to the real code: to Atlas's and AWS's answers at the wire, to the clock,
to the network, or to the process itself. A case asserts what is stored, what a subscriber received,
what was raised and how much was called; then it checks again and asserts the recovery. Where any
text or any answer may come, Hypothesis makes them. {cases} cases prove {rows} rows. Beside them
stand a model that fails anything at any step (`test_model.py`), which has to catch a dozen broken
copies of the code (`test_broken_copies.py`), and kills of the real runtime at random moments
(`test_kills.py`).
"""

type Proofs = Mapping[str, Counter[str]]
"""By row: how many cases each test has for it, by the test's place and name."""


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
                self.proofs[row][f"{item.path.stem}.{item.originalname}"] += 1


def collected() -> _Collector:
    """The cases there are, as pytest finds them."""
    collector = _Collector()
    options = ["--collect-only", "-qq", "-p", "no:cacheprovider", "--rootdir", str(_checkout())]
    said = io.StringIO()
    with redirect_stdout(said):
        status = pytest.main(
            [*options, "-c", str(_checkout() / "pyproject.toml"), str(FOLDER)], plugins=[collector]
        )
    if status != pytest.ExitCode.OK:
        raise RuntimeError(f"pytest could not collect the cases:\n{said.getvalue()}")
    return collector


def problems(proofs: Proofs) -> list[str]:
    """Rows without a case, and cases of no row."""
    rows = {name for group in CATALOGUE.values() for name in group}
    return [
        *(f"{row} has no case" for row in sorted(rows - proofs.keys())),
        *(f"{row} is no row of the catalogue" for row in sorted(proofs.keys() - rows)),
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
    module, _, function = name.partition(".")
    times = f" ×{cases}" if cases > 1 else ""  # noqa: RUF001 - a sign of multiplication is meant
    return f"[`{function}`]({module}.py){times}"


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
