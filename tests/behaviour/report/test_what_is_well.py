"""*All is well* is the strongest sentence that the product says: any line that fails takes it."""

import re
import secrets
from itertools import combinations

import boto3
import pytest
from aws_lambda_powertools import Logger

from behaviour.report.conftest import Reports
from behaviour.report.what_is_well import (
    ALONE,
    HARMLESS,
    HIDES_CLUSTERS,
    LINES,
    ROWS,
    SWEEPS,
    WORDS,
    Furnished,
    Line,
    Said,
)
from behaviour.rows import case, rows
from foundation.deadline import Deadline
from local_stack.aws import REGION
from local_stack.connections import ONE_TRY
from local_stack.steps import DEDICATED_LIST, FLEX_LIST, MISSING_ROLE
from local_stack.world import World
from restore_watch.composition import compose
from restore_watch.settings import Settings

WELL = re.compile(r"\bwell\b", re.IGNORECASE)

SESSION = boto3.Session("AKIAFUNCTIONFUNCTION", "in-process", region_name=REGION)

TELLING = (
    "nothing is watched",
    "cannot tell",
    "RTO missed",
)
"""Lines of three kinds. The rule itself has a table of all of them in the unit tests."""

PLAYED_AT_LANDING = 24
"""One in so many pairs is played by the campaign, the others every week."""

PAIRS = [
    case(
        f"{first} + {second}",
        first,
        second,
        when="weekly" if number % PLAYED_AT_LANDING else "campaign",
        faults="F113",
    )
    for number, (first, second) in enumerate(combinations(LINES, 2))
    if LINES[first].row != LINES[second].row
    and not ALONE & {first, second}
    and not (first == "no project is listed" and second in SWEEPS)
]


@pytest.fixture
def fleet(world: World, request: pytest.FixtureRequest) -> Furnished:
    """At six o'clock in UTC, when the schedule asks for a report."""
    world.pass_time_to(6)
    reports: Reports = request.getfixturevalue("reports")
    return Furnished(reports)


def assert_nothing_says_well(said: Said) -> None:
    assert [place for place, text in said.everything.items() if WELL.search(text)] == []
    assert said.data["attention"] is True
    assert said.attributes["attention"] == "true"
    assert said.report["needsAttention"] is True


def assert_names(said: Said, line: Line) -> None:
    words = re.compile(WORDS[line.words], re.IGNORECASE)
    assert {place: text for place, text in said.leading.items() if not words.search(text)} == {}
    assert said.headline.rstrip(".") in said.page.text
    assert said.data["headline"] == said.headline.rstrip(".")


@pytest.mark.parametrize(
    "name",
    rows(
        {name: name for name in HARMLESS},
        "a failure before the period",
    ),
)
def test_all_is_well_if_every_line_holds(fleet: Furnished, name: str) -> None:
    HARMLESS[name](fleet)

    said = fleet.said()

    assert [text for text in said.leading.values() if "all is well" not in text.casefold()] == []
    assert "All is well" in said.page.unfolded
    assert said.data["headline"] == said.headline.rstrip(".")
    assert said.data["attention"] is False
    assert said.attributes["attention"] == "false"
    assert said.report["needsAttention"] is False


@pytest.mark.fault("F113")
@pytest.mark.parametrize("name", rows({name: name for name in LINES}, *TELLING))
def test_a_line_that_fails_is_what_everything_says(fleet: Furnished, name: str) -> None:
    line = LINES[name]
    line.break_it(fleet)

    said = fleet.said()

    assert_nothing_says_well(said)
    assert_names(said, line)
    if line.number is not None:
        counted = rf"\b{line.number} " + (f"of {line.of} " if line.of else "")
        assert re.search(counted, said.headline)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_of_two_lines_that_fail_the_first_is_named(
    fleet: Furnished, first: str, second: str
) -> None:
    for name in (first, second):
        LINES[name].break_it(fleet)

    said = fleet.said()

    assert_nothing_says_well(said)
    named = min(first, second, key=lambda name: ROWS.index(LINES[name].row))
    if LINES[first].words == "nobody needs" and second in HIDES_CLUSTERS:
        named = second
    assert_names(said, LINES[named])


@pytest.mark.fault("F113")
@pytest.mark.parametrize(
    ("name", "words"),
    rows(
        {
            "a cluster": ("overdue", "late"),
            "its project": ("overdue", "FIRST"),
            "an unread project": ("project unread", "LAST"),
            "a tag": ("none has the tag", "tier=production|RestoreTestTag"),
            "an item": ("item unread", "future|items?"),
        },
        "its project",
    ),
)
def test_the_notice_names_what_the_page_names(fleet: Furnished, name: str, words: str) -> None:
    LINES[name].break_it(fleet)

    said = fleet.said()

    projects = [fleet.atlas.project(group).name for group in fleet.reports.projects]
    words = words.replace("FIRST", projects[0]).replace("LAST", projects[-1])
    for text in (said.notice, said.page.text):
        assert re.search(rf"\b({words})\b", text)


@pytest.mark.fault("F113")
def test_no_failure_since_is_said_only_of_what_was_read(fleet: Furnished) -> None:
    for step in (DEDICATED_LIST, FLEX_LIST):
        fleet.refuse(step, MISSING_ROLE)

    said = fleet.said()

    assert said.data["clusters"]["tested"] == 3
    assert not re.search(r"no failure since", said.page.text, re.IGNORECASE)
    assert not re.search(r"no failure since", said.notice, re.IGNORECASE)


@pytest.mark.campaign
@pytest.mark.fault("F113")
def test_a_cluster_with_a_remark_is_never_folded(fleet: Furnished) -> None:
    names = [f"shelf-{number:02}" for number in range(70)]
    for number, name in enumerate(names):
        cluster = fleet.tested(name)
        if number % 7 == 0:
            cluster.said["backupEnabled"] = False

    said = fleet.said()

    assert_nothing_says_well(said)
    folded = [name for name in names[::7] if name not in said.page.unfolded]
    assert folded == []


@pytest.mark.fault("F113")
@pytest.mark.parametrize(
    "name",
    rows(
        {"well": None} | {name: name for name, line in LINES.items() if line.doctor},
        "role is missing",
    ),
)
def test_the_doctor_agrees(
    world: World, reports: Reports, name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what a diagnosis can see. Its clock is the machine's."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", world.aws.url)
    fleet = Furnished(reports)
    reports.environment().tick()
    if name is not None:
        LINES[name].break_it(fleet)
    for step in fleet.finish:
        step()
    variables = world.stack.environment | {"ATLAS_PROJECT_IDS": ",".join(reports.projects)}
    settings = Settings.from_environment(variables)
    application = compose(settings, Logger(service=secrets.token_hex(8)), SESSION, ONE_TRY)

    answer = application.answer({"action": "diagnose"}, Deadline.after(60))

    wrong = [line for line in answer["checks"] if line["ok"] is False]
    assert answer["ok"] is (name is None), wrong
