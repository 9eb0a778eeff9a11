"""Shortcuts through moto: the same answers for less than half of the work.

What they replace is moto's own and private, which is why moto is pinned.
"""

import pickle
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, lru_cache
from pkgutil import resolve_name
from typing import Any
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric import rsa

_PARSE = "moto.dynamodb.parsing.expressions.UpdateExpressionParser.make"
_SERIALIZE = "moto.core.serialize.BaseJSONSerializer._serialize_type_structure"
_FIND_METHODS = "moto.core.responses.method_names_from_class"
_SIGNING_KEY = "moto.sns.models.Subscription.private_key"

_parse = resolve_name(_PARSE)
_serialize = resolve_name(_SERIALIZE)
_find_methods = resolve_name(_FIND_METHODS)


@contextmanager
def shortcuts() -> Iterator[None]:
    """Within the block, moto takes them."""
    with ExitStack() as patches:
        for name, replacement in {
            _PARSE: _parsed,
            _SERIALIZE: _serialized,
            _FIND_METHODS: cache(_find_methods),
            _SIGNING_KEY: lambda _: _signing_key(),
        }.items():
            patches.enter_context(patch(name, replacement))
        yield


def _parsed(expression: str) -> Any:
    """Parse each update expression once. moto changes what it gets, so each caller has a copy."""
    return pickle.loads(_pickled(expression))  # noqa: S301 - its own


@lru_cache(maxsize=256)
def _pickled(expression: str) -> bytes:
    return pickle.dumps(_parse(expression))


def _serialized(
    serializer: Any, serialized: dict[str, Any], value: Any, shape: Any, key: str
) -> None:
    """Keep DynamoDB's values as they are: moto has given them the protocol's form already."""
    if shape.name == "AttributeValue":
        serialized[key] = value
    else:
        _serialize(serializer, serialized, value, shape, key)


@cache
def _signing_key() -> rsa.RSAPrivateKey:
    """Make one key for every subscription that there ever is; making it takes 100 ms."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)
