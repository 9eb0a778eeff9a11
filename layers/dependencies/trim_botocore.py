"""
Drop from botocore's data what no client reads: endpoints of other services, and documentation.

botocore parses both as JSON for the first client of a cold start.
"""  # noqa: INP001 - a script

import json
from gzip import decompress
from pathlib import Path
from typing import Any

DATA = Path("python/botocore/data")


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


prefixes = set()
for packed in DATA.glob("*/*/service-2.json.gz"):
    model = json.loads(decompress(packed.read_bytes()))
    # botocore requires the documentation of clientContextParams.
    for part in ("operations", "shapes"):
        model[part] = without_documentation(model[part])
    prefixes.add(model["metadata"]["endpointPrefix"])
    packed.with_suffix("").write_text(json.dumps(model))
    packed.unlink()

path = DATA / "endpoints.json"
endpoints = json.loads(path.read_text())
for partition in endpoints["partitions"]:
    services = partition["services"].items()
    partition["services"] = {name: one for name, one in services if name in prefixes}
path.write_text(json.dumps(endpoints))
