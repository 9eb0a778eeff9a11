"""The Terraform module has the parameters and outputs of the template, and no others."""

import json
import re
from functools import cache
from itertools import groupby
from typing import Any

import hcl2
import pytest
import re2  # type: ignore[import-untyped]
from samcli.yamlhelper import yaml_dump  # type: ignore[import-untyped]

from contract import documents
from contract.deployed_template import EVERYTHING, READERS, SECRET, source_template
from deploy.released_template import ZIPS, released_template
from deploy.terraform_files import FOLDER, terraform_files, variable_name
from foundation import __version__

OWN = {"stack_name", "release_folder", "tags", "release_bucket", "release_prefix"}

FILES = sorted(path.name for path in FOLDER.glob("*.tf"))


@cache
def module() -> dict[str, Any]:
    """Each file, read."""
    return {name: hcl2.loads((FOLDER / name).read_text()) for name in FILES}


def blocks(kind: str) -> dict[str, Any]:
    """The blocks of a kind by their last name."""
    found: dict[str, Any] = {}
    for read in module().values():
        for one in read.get(kind, ()):
            labels, body = [], one
            while "__is_block__" not in body:
                ((label, body),) = body.items()
                labels.append(json.loads(label))
            found[labels[-1]] = body
    return found


def test_the_generated_files_are_what_the_template_says_now() -> None:
    assert {name: (FOLDER / name).read_text() for name in terraform_files()} == terraform_files()


@pytest.mark.parametrize("name", FILES)
def test_the_equals_signs_of_successive_lines_are_below_each_other(name: str) -> None:
    """As `terraform fmt` writes them. A line that opens a block or a list stands for itself."""
    lines = (FOLDER / name).read_text().splitlines()
    found = [re.match(r'( *)("?\w+"?)( +)= .*[^{[(]$', line) for line in lines]

    assert any(found)
    for aligned, group in groupby(found, key=lambda one: one and one[1]):
        if aligned is not None:
            names = {(len(one[2]), len(one[3])) for one in group if one}
            longest = max(length for length, _ in names)
            assert {length + blanks for length, blanks in names} == {longest + 1}


@pytest.mark.fault("F107")
def test_an_update_that_fails_finds_the_old_files_and_the_next_one_is_made() -> None:
    """The provider keeps the address of a template whose update has failed, and reads tags."""
    files, stack = blocks("resource")["release"], blocks("resource")["restore_watch"]

    assert files["lifecycle"][0]["create_before_destroy"] is True
    assert "local.version" in files["key"]
    assert stack["depends_on"] == ["${aws_s3_object.release}"]
    (local,) = (one for one in module()["main.tf"]["locals"] if "tag" in one)
    assert [*local["tag"].values()] == ["${local.version}"]
    assert "local.tag" in stack["tags"]


def test_a_stack_has_an_hour_to_change_and_to_go() -> None:
    (timeouts,) = blocks("resource")["restore_watch"]["timeouts"]

    assert (timeouts["update"], timeouts["delete"]) == ('"60m"', '"60m"')


def test_an_object_has_no_default_tags_in_either_version_of_the_provider() -> None:
    """S3 takes ten. Of the region, version 5 has no `region`, and version 6 warns of the others."""
    (needs,) = module()["main.tf"]["terraform"]
    assert needs["required_providers"][0]["aws"]["version"] == '">= 5.24, < 7.0"'

    (override,) = blocks("resource")["release"]["override_provider"]
    assert override["default_tags"][0]["tags"] == {}
    text = (FOLDER / "main.tf").read_text()
    assert {*re.findall(r"data\.aws_region\.current\.(\w+)", text)} == {"endpoint"}


def test_each_parameter_is_a_variable_and_each_output_an_output() -> None:
    template = source_template()
    names = {name: variable_name(name) for name in template["Parameters"]}

    assert blocks("variable").keys() == OWN | {*names.values()}
    outputs = {variable_name(name): one for name, one in template["Outputs"].items()}
    assert blocks("output").keys() == outputs.keys()
    # A stack without the resource has no such output.
    tried = {*re.findall(r'output "(\w+)" \{[^}]*= try\(', terraform_files()["outputs.tf"])}
    assert tried == {name for name, one in outputs.items() if "Condition" in one}
    (local,) = module()["parameters.tf"]["locals"]
    passed = {name: value for name, value in local["parameters"].items() if name in names}
    assert passed == {name: f"${{var.{variable}}}" for name, variable in names.items()}


def test_the_zips_of_a_release_and_its_template_are_copied() -> None:
    (local,) = (one for one in module()["main.tf"]["locals"] if "files" in one)

    assert {*re.findall(r"[\w.]+\.(?:zip|yaml)", local["files"])} == {
        *ZIPS.values(),
        "template.yaml",
    }


@pytest.mark.parametrize("version", [__version__, f"{__version__}-changed-0f1e2d3c"])
def test_the_module_reads_the_version_of_its_release_from_the_template(version: str) -> None:
    text = (FOLDER / "main.tf").read_text()
    (pattern,) = re.findall(r'version = regex\("(.+?)", file\("[^"]+/template.yaml"\)\)\[0\]', text)

    written = yaml_dump(released_template(source_template(), version))
    assert re2.search(pattern, written)[1] == version


def test_the_page_names_what_the_module_has() -> None:
    text = documents.section(documents.page("deploying"), "Terraform")
    use, imported = map(hcl2.loads, documents.blocks(text, "hcl"))
    ((name, given),) = use["module"][0].items()
    (stack,) = imported["import"]

    given = {one for one in given if not one.startswith("__")}
    assert given - {"source"} <= blocks("variable").keys()
    needed = {one for one, said in blocks("variable").items() if "default" not in said}
    assert needed <= given
    assert stack["to"] == (f"${{module.{json.loads(name)}.aws_cloudformation_stack.restore_watch}}")
    assert stack["id"] == blocks("variable")["stack_name"]["default"]
    assert f"{len(ZIPS) + 1} to add" in text


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
        ("AtlasProjectIds", "6a1f3c9e5b7d204e8c61f0a3"),
        ("NotifyChanges", "ended, ready"),
        ("NamePrefix", "team-a"),
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

    assert len(found) > 10
    for one in found:
        re2.compile(one)
