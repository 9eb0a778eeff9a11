"""JSON from outside, which may be anything. Pure."""

import json
from typing import Any


def read_json(text: Any) -> Any:
    """
    Return the value of a text, or of bytes in UTF-8; None for anything that is not JSON.

    Nothing is raised: the decoder's error would hold the text, which may be a secret.
    """
    try:
        return json.loads(text.decode() if isinstance(text, bytes) else text)
    except (TypeError, ValueError, RecursionError):
        return None


def read_object(text: Any) -> dict[str, Any] | None:
    """As `read_json`, but None for anything that is not a JSON object."""
    value = read_json(text)
    return value if isinstance(value, dict) else None


def as_map(value: object) -> dict[str, Any]:
    """Return a map as it is. It is empty for anything else."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """Return a list as it is. It is empty for anything else."""
    return value if isinstance(value, list) else []
