"""
An update from any released version replaces nothing, and deletes only what holds nothing.

It is read from the templates of the versions, and not played: no emulator knows which update
replaces a resource. deployed/test_upgrade.py plays what MiniStack can.
"""

import re

import pytest

from contract.documents import ROOT
from contract.released_stacks import STACKS, of_today, released_stacks

HOLDS_NOTHING = {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"}
"""What a newer version may leave out. Other things hold data, messages, subscribers or a name."""

RELEASED = released_stacks()


def test_the_stacks_of_all_released_versions_are_known() -> None:
    """A release writes them: CONTRIBUTING.md, Release."""
    dated = re.findall(r"^## \[([\d.]+)\] - \d", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert RELEASED.keys() == {*dated}


@pytest.mark.fault("F120")
@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("version", RELEASED)
def test_an_update_replaces_nothing_and_deletes_only_what_holds_nothing(
    version: str, name: str
) -> None:
    old, new = RELEASED[version][name], of_today()[name]
    replaced = {id_: (old[id_], new[id_]) for id_ in old.keys() & new if old[id_] != new[id_]}
    deleted = {id_: old[id_]["Type"] for id_ in old.keys() - new}

    assert replaced == {}
    assert {*deleted.values()} <= HOLDS_NOTHING, deleted
