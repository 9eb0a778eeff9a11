"""
Writes the variables and outputs of the Terraform module from the template; `make docs` runs it.

    python -m deploy.terraform_files

Terraform refuses what the template would refuse. Its regular expressions are those of RE2, which
has no lookahead and repeats nothing more than 1,000 times, so a condition is written here.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]

from deploy import ROOT
from deploy.released_template import PREFIX, released_template

FOLDER = Path(__file__).with_name("terraform")

_GENERATED = "# Written by `python -m deploy.terraform_files` from template.yaml.\n"

_CONDITIONS = {
    "AtlasProjectIds": (
        'contains(["", "all"], {0}) || length(split(",", {0})) <= 100 && alltrue('
        '[for id in split(",", {0}) : can(regex("^ ?[a-f0-9]{{24}} ?$", id))])'
    ),
}
"""In place of a pattern that RE2 does not have."""


def variable_name(parameter: str) -> str:
    """Return the name of a parameter in the words of Terraform: `atlas_secret_arn`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", parameter).lower()


def terraform_files() -> dict[str, str]:
    """Return what is written, by the names of the files."""
    template = released_template(yaml_parse((ROOT / "template.yaml").read_text()), "0")
    parameters, outputs = template["Parameters"], template["Outputs"]
    return {
        "variables.tf": _GENERATED + "".join(map(_variable, parameters.items())),
        "parameters.tf": _GENERATED + _parameters(parameters),
        "outputs.tf": _GENERATED + "".join(map(_output, outputs.items())),
    }


def _variable(named: tuple[str, Mapping[str, Any]]) -> str:
    name, parameter = named
    variable, kind = variable_name(name), "number" if parameter["Type"] == "Number" else "string"
    is_optional = "Default" in parameter
    said = {"description": _quoted(parameter["Description"]), "type": kind}
    if is_optional:
        # main.tf needs the prefix itself.
        said["default"] = _quoted(parameter["Default"]) if name == PREFIX else "null"
    block = _aligned(said, 2)
    conditions = " && ".join(
        f"({condition})" for condition in _conditions(name, parameter, f"var.{variable}")
    )
    if conditions:
        held = f"var.{variable} == null ? true : {conditions}" if is_optional else conditions
        error = f"{name} {parameter.get('ConstraintDescription') or _allowed(parameter)}."
        checked = _aligned({"condition": held, "error_message": _quoted(error)}, 4)
        block += f"  validation {{\n{checked}  }}\n"
    return f'\nvariable "{variable}" {{\n{block}}}\n'


def _conditions(name: str, parameter: Mapping[str, Any], value: str) -> Iterator[str]:
    if name in _CONDITIONS:
        yield _CONDITIONS[name].format(value)
    elif "AllowedPattern" in parameter:
        yield f"can(regex({_quoted(parameter['AllowedPattern'])}, {value}))"
    if "AllowedValues" in parameter:
        allowed = ", ".join(_quoted(str(value)) for value in parameter["AllowedValues"])
        yield f"contains([{allowed}], tostring({value}))"
    if "MinValue" in parameter:
        yield f"{value} >= {parameter['MinValue']}"
    if "MaxValue" in parameter:
        yield f"{value} <= {parameter['MaxValue']}"


def _allowed(parameter: Mapping[str, Any]) -> str:
    return f"must be one of {', '.join(map(str, parameter['AllowedValues']))}"


def _parameters(parameters: Mapping[str, Any]) -> str:
    pairs = _aligned({name: f"var.{variable_name(name)}" for name in parameters}, 4)
    return f"\nlocals {{\n  parameters = {{\n{pairs}  }}\n}}\n"


def _output(named: tuple[str, Mapping[str, Any]]) -> str:
    name, output = named
    value = f'aws_cloudformation_stack.restore_watch.outputs["{name}"]'
    # One with a condition is not there in every stack.
    held = f"try({value}, null)" if "Condition" in output else value
    said = _aligned({"description": _quoted(output["Description"]), "value": held}, 2)
    return f'\noutput "{variable_name(name)}" {{\n{said}}}\n'


def _aligned(said: Mapping[str, str], indent: int) -> str:
    """Lines as `terraform fmt` writes them."""
    width = max(map(len, said))
    return "".join(f"{' ' * indent}{name:{width}} = {value}\n" for name, value in said.items())


def _quoted(text: str) -> str:
    """A text of HCL: as in JSON, but ${ and %{ begin a template."""
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def main() -> None:
    """Write the generated files of the module."""
    for name, text in terraform_files().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
