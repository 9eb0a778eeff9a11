"""Every exception has its reason in the one table of docs/security.md, and only there."""

import re

import pytest

from contract.deployed_template import CHECKOUT, READERS, Stack, source_template
from contract.documents import page, rows, section
from security.explained import TABLE, TEMPLATE_CHECK, Finding, differences, explained

ROW = "\n## Findings that stay\n\n| check | where | why |\n| --- | --- | --- |\n"


def test_each_check_of_a_row_is_explained_at_each_of_its_places() -> None:
    text = ROW + "| `CKV_AWS_1` `CKV_AWS_2` | `TopicA` `TopicB` | a reason |\n"

    assert explained(text) == {
        Finding(check, place)
        for check in ("CKV_AWS_1", "CKV_AWS_2")
        for place in ("TopicA", "TopicB")
    }


def test_a_finding_without_a_row_is_an_error() -> None:
    found = [Finding("CKV_AWS_1", "TopicA", "not encrypted"), Finding("CKV_AWS_1", "TopicB", "")]

    (line,) = differences(found, [Finding("CKV_AWS_1", "TopicB")])
    assert line.startswith("CKV_AWS_1 TopicA: not encrypted. Fix it")


def test_a_row_that_explains_nothing_is_an_error() -> None:
    (line,) = differences([], [Finding("CKV_AWS_1", "TopicA")])

    assert line == ("CKV_AWS_1 TopicA: finds nothing any more. Remove it from docs/security.md")


def test_every_row_names_checks_places_that_exist_and_a_reason() -> None:
    places = {*Stack(**READERS).resources, *source_template()["Parameters"]}

    for row in rows(section(page("security"), TABLE)):
        where, why = row.cells
        assert all(re.fullmatch(r"[A-Z][A-Za-z0-9_-]+", name) for name in row.names)
        assert len(why) > 20
        if all(TEMPLATE_CHECK.fullmatch(name) for name in row.names):
            assert set(re.findall(r"`(\w+)`", where)) <= places


def test_what_the_template_tells_cfn_lint_to_ignore_is_in_the_table() -> None:
    ignored = source_template()["Metadata"]["cfn-lint"]["config"]["ignore_checks"]

    assert set(ignored) == {
        one.check for one in explained() if re.fullmatch(r"[EWI]\d{4}", one.check)
    }


@pytest.mark.parametrize("word", ["checkov:skip", "checkov: skip", "cfn-lint:", "nosec", "noqa"])
def test_nothing_is_skipped_in_the_template_itself(word: str) -> None:
    text = (CHECKOUT / "template.yaml").read_text()
    expected = 1 if word == "cfn-lint:" else 0

    assert text.count(word) == expected
