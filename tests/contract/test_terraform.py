"""The Terraform module has the parameters and outputs of the template, and no others."""

import json
import re
from typing import Any

import hcl2
import pytest
import re2  # type: ignore[import-untyped]

from contract.deployed_template import EVERYTHING, READERS, SECRET, source_template
from deploy.released_template import ZIPS
from deploy.terraform_files import FOLDER, files, variable_name

OWN = {"stack_name", "release_folder", "tags", "release_bucket", "release_prefix"}

MODULE = {path.name: hcl2.loads(path.read_text()) for path in sorted(FOLDER.glob("*.tf"))}


def blocks(kind: str) -> dict[str, Any]:
    """The blocks of a kind by their last name."""
    found: dict[str, Any] = {}
    for read in MODULE.values():
        for one in read.get(kind, ()):
            labels, body = [], one
            while "__is_block__" not in body:
                ((label, body),) = body.items()
                labels.append(json.loads(label))
            found[labels[-1]] = body
    return found


def test_the_generated_files_are_what_the_template_says_now() -> None:
    assert {name: (FOLDER / name).read_text() for name in files()} == files()


def test_each_parameter_is_a_variable_and_each_output_an_output() -> None:
    template = source_template()
    names = {name: variable_name(name) for name in template["Parameters"]}

    assert blocks("variable").keys() == OWN | {*names.values()}
    assert blocks("output").keys() == {variable_name(name) for name in template["Outputs"]}
    (local,) = MODULE["parameters.tf"]["locals"]
    passed = {name: value for name, value in local["parameters"].items() if name in names}
    assert passed == {name: f"${{var.{variable}}}" for name, variable in names.items()}


def test_the_zips_of_a_release_and_its_template_are_copied() -> None:
    (local,) = (one for one in MODULE["main.tf"]["locals"] if "files" in one)

    assert {*re.findall(r"[\w.]+\.(?:zip|yaml)", local["files"])} == {
        *ZIPS.values(),
        "template.yaml",
    }


def patterns(name: str) -> list[str]:
    """The regular expressions that a variable's value must fit."""
    (validation,) = blocks("variable")[variable_name(name)]["validation"]
    quoted = re.findall(r'regex\(("(?:[^"\\]|\\.)*"),', validation["condition"])
    return [json.loads(one) for one in quoted]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AtlasSecretArn", SECRET),
        *(
            (name, value)
            for name, value in {**EVERYTHING, **READERS}.items()
            if name != "NotifyChat"
        ),
        ("RequestSource", "com.example/orders"),
        ("AtlasProjectIds", "6a1f3c9e5b7d204e8c61f0a3"),
        ("NotifyChanges", "ended, ready"),
        ("NamePrefix", "team-a"),
        ("ScheduleExpression", "rate(5 minutes)"),
    ],
)
def test_a_value_that_the_template_accepts_fits_in_terraform_too(name: str, value: str) -> None:
    """RE2 has no lookahead, and repeats nothing more than 1,000 times."""
    parameter = source_template()["Parameters"][name]

    assert re.fullmatch(parameter["AllowedPattern"], value)
    assert all(re2.fullmatch(one, value) for one in patterns(name))
    assert not all(re2.fullmatch(one, f"{value}\n#") for one in patterns(name))


def test_every_pattern_of_the_module_is_one_of_re2() -> None:
    found = [
        one
        for name in source_template()["Parameters"]
        if "validation" in blocks("variable")[variable_name(name)]
        for one in patterns(name)
    ]

    assert len(found) > 15
    for one in found:
        re2.compile(one)
