"""
Drop from botocore's data what no client here reads: other services and operations, documentation.

A cold start parses the model of each client as JSON. No shape is changed, so that a client does
what boto3's does. tests/contract/test_cold_start.py compares OPERATIONS with the code of the
functions.
"""  # noqa: INP001 - a script

import json
from collections.abc import Iterator
from gzip import decompress
from pathlib import Path
from shutil import rmtree
from typing import Any

DATA = Path("python/botocore/data")

OPERATIONS = {
    "dynamodb": {"Query", "Scan", "UpdateItem"},
    "kms": {"DescribeKey"},
    "lambda": {"Invoke"},
    # botocore itself asks HeadBucket if S3 says that a bucket lies in another region.
    "s3": {"GetObject", "HeadBucket", "PutObject"},
    "scheduler": {"GetSchedule"},
    "secretsmanager": {"GetSecretValue"},
    "sns": {"GetTopicAttributes", "ListSubscriptionsByTopic", "Publish", "PublishBatch"},
    "stepfunctions": {"SendTaskFailure", "SendTaskSuccess"},
}


def without_documentation(value: Any) -> Any:
    """Return a part of a model without its texts of this name; a member may have the name too."""
    if isinstance(value, list):
        return [without_documentation(part) for part in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, part in value.items():
        is_documentation = name == "documentation" and isinstance(part, str)
        if not is_documentation:
            kept[name] = without_documentation(part)
    return kept


def shapes_of(value: Any) -> Iterator[str]:
    """Name the shapes that a part of a model refers to."""
    if isinstance(value, dict):
        if isinstance(value.get("shape"), str):
            yield value["shape"]
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from shapes_of(part)


def trim(model: dict[str, Any], operations: set[str]) -> None:
    """Leave these operations and their shapes. botocore requires the rest, also documented."""
    every = model["operations"].items()
    kept = {name: operation for name, operation in every if name in operations}
    shapes = {}
    names = list(shapes_of(kept))
    while names:
        name = names.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            names += shapes_of(shapes[name])
    model["operations"] = without_documentation(kept)
    model["shapes"] = without_documentation(shapes)


def trim_service(folder: Path, operations: set[str]) -> str:
    """Trim the data of a service. Return its name in the list of endpoints."""
    # A client reads the newest version.
    *others, newest = sorted(folder.iterdir())
    for version in others:
        rmtree(version)
    for file in newest.iterdir():
        if file.name not in {"service-2.json.gz", "endpoint-rule-set-1.json.gz"}:
            file.unlink()
    packed = newest / "service-2.json.gz"
    model = json.loads(decompress(packed.read_bytes()))
    trim(model, operations)
    packed.with_suffix("").write_text(json.dumps(model))
    packed.unlink()
    return str(model["metadata"]["endpointPrefix"])


def trim_endpoints(path: Path, prefixes: set[str]) -> None:
    """Leave the endpoints of these services."""
    endpoints = json.loads(path.read_text())
    for partition in endpoints["partitions"]:
        every = partition["services"].items()
        partition["services"] = {name: service for name, service in every if name in prefixes}
    path.write_text(json.dumps(endpoints))


def main() -> None:
    """Trim what pip has installed."""
    rmtree("python/boto3/data")
    prefixes = set()
    for folder in filter(Path.is_dir, DATA.iterdir()):
        if folder.name in OPERATIONS:
            prefixes.add(trim_service(folder, OPERATIONS[folder.name]))
        else:
            rmtree(folder)
    trim_endpoints(DATA / "endpoints.json", prefixes)


if __name__ == "__main__":
    main()
