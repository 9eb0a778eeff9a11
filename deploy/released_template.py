"""The templates of a release: the code lies in a bucket of the operator's own."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import boto3
import yaml
from samtranslator.parser.parser import Parser  # type: ignore[import-untyped]
from samtranslator.translator.translator import Translator  # type: ignore[import-untyped]

from deploy import FUNCTIONS, ROOT, SAME_CODE

ZIPS = {
    "DependenciesLayer": "layer.zip",
    **{name: f"{package}.zip" for name, package in FUNCTIONS.items()},
}
"""What is built, by its logical id and folder."""

_CODE = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}
_STATE_MACHINE = "AWS::Serverless::StateMachine"
_INTERFACE = "AWS::CloudFormation::Interface"

BUCKET, PREFIX = "ReleaseBucket", "ReleasePrefix"

_PARAMETERS: Mapping[str, Mapping[str, str]] = {
    BUCKET: {
        "Type": "String",
        "Description": (
            "Bucket of your own, in this region, into which you have copied the release's files."
        ),
        "AllowedPattern": "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        "ConstraintDescription": "must be the name of a bucket",
    },
    PREFIX: {
        "Type": "String",
        "Default": "atlas-restore-watch/",
        "Description": (
            "What the keys of these files begin with, before the folder of the version. It ends in "
            "a slash. Leave empty if that folder lies at the top of the bucket."
        ),
        "AllowedPattern": "^([A-Za-z0-9_.-]+/){0,10}$",
        "ConstraintDescription": (
            "must be empty, or letters, digits, dots, hyphens and underscores that end in a slash"
        ),
    },
}


def released_template(template: Mapping[str, Any], version: str) -> dict[str, Any]:
    """
    Return template.yaml as a release has it.

    The folder of the version stands in it, so that an update of the stack takes the new zips even
    if it keeps every parameter. The definition of the workflow stands in it too.
    """
    resources = {
        name: _released(name, resource, version) for name, resource in template["Resources"].items()
    }
    about = template["Metadata"]
    interface = about[_INTERFACE]
    group = {"Label": {"default": "Files of this release"}, "Parameters": [BUCKET, PREFIX]}
    labels = {BUCKET: {"default": "Bucket"}, PREFIX: {"default": "Beginning of the keys"}}
    metadata = about | {
        _INTERFACE: {
            "ParameterGroups": [group, *interface["ParameterGroups"]],
            "ParameterLabels": labels | interface["ParameterLabels"],
        }
    }
    return {
        **template,
        "Metadata": metadata,
        "Parameters": {**_PARAMETERS, **template["Parameters"]},
        "Resources": resources,
    }


def transformed(template: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return a template after SAM's transform: for StackSets, and where the transform is not allowed.

    Its code lies in a bucket. It takes no credentials, and asks nobody.
    """
    session = boto3.Session(region_name="us-east-1")
    translator = Translator({}, Parser(), boto_session=session)
    made: dict[str, Any] = translator.translate(deepcopy(dict(template)), {})
    return made


def _released(name: str, resource: Mapping[str, Any], version: str) -> dict[str, Any]:
    properties = dict(resource["Properties"])
    if resource["Type"] in _CODE:
        zip_name = ZIPS[SAME_CODE.get(name, name)]
        key = {"Fn::Sub": f"${{{PREFIX}}}{version}/{zip_name}"}
        properties[_CODE[resource["Type"]]] = {"Bucket": {"Ref": BUCKET}, "Key": key}
    if resource["Type"] == _STATE_MACHINE:
        definition = ROOT / properties.pop("DefinitionUri")
        properties["Definition"] = yaml.safe_load(definition.read_text())
    # How it is built is nothing for those who install it.
    other = {key: part for key, part in resource.items() if key != "Metadata"}
    return {**other, "Properties": properties}
