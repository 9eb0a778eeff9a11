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
        return [without_documentation(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: without_documentation(one)
        for name, one in value.items()
        if name != "documentation" or not isinstance(one, str)
    }


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
    kept = {name: one for name, one in model["operations"].items() if name in operations}
    shapes, found = {}, [*shapes_of(kept)]
    while found:
        name = found.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            found += shapes_of(shapes[name])
    model["operations"], model["shapes"] = map(without_documentation, (kept, shapes))


def main() -> None:
    """Trim what pip has installed."""
    rmtree("python/boto3/data")
    for folder in filter(Path.is_dir, DATA.iterdir()):
        # A client reads the newest version.
        *others, _newest = sorted(folder.iterdir())
        for one in [folder] if folder.name not in OPERATIONS else others:
            rmtree(one)
    prefixes = set()
    for name, operations in OPERATIONS.items():
        (version,) = (DATA / name).iterdir()
        for file in version.iterdir():
            if file.name not in {"service-2.json.gz", "endpoint-rule-set-1.json.gz"}:
                file.unlink()
        packed = version / "service-2.json.gz"
        model = json.loads(decompress(packed.read_bytes()))
        trim(model, operations)
        prefixes.add(model["metadata"]["endpointPrefix"])
        packed.with_suffix("").write_text(json.dumps(model))
        packed.unlink()
    path = DATA / "endpoints.json"
    endpoints = json.loads(path.read_text())
    for partition in endpoints["partitions"]:
        services = partition["services"].items()
        partition["services"] = {name: one for name, one in services if name in prefixes}
    path.write_text(json.dumps(endpoints))


if __name__ == "__main__":
    main()
