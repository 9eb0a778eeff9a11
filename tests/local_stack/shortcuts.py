"""Shortcuts through moto and botocore: the same answers for less than half of the work.

What they replace is mostly moto's own and private, which is why moto is pinned.
"""

import pickle
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, lru_cache
from pkgutil import resolve_name
from typing import Any
from unittest.mock import patch

from botocore.loaders import JSONFileLoader
from cryptography.hazmat.primitives.asymmetric import rsa

_PARSE = "moto.dynamodb.parsing.expressions.UpdateExpressionParser.make"
_TREE = "moto.dynamodb.parsing.ast_nodes"
_TRAVERSE = f"{_TREE}.DepthFirstTraverser.traverse_node_recursively"
_VALIDATORS = "moto.dynamodb.parsing.validators"
_COUNT_ACTIONS = f"{_VALIDATORS}.ActionCountValidator.traverse"
_COMPARE_PATHS = f"{_VALIDATORS}.OverlappingPathsValidator.traverse"
_COPY_TREE = f"{_VALIDATORS}.deepcopy"
_SERIALIZE = "moto.core.serialize.BaseJSONSerializer._serialize_type_structure"
_FIND_METHODS = "moto.core.responses.method_names_from_class"
_UNDERSCORES = "moto.core.responses.camelcase_to_underscores"
_SIGNING_KEY = "moto.sns.models.Subscription.private_key"
_CORS = "moto.moto_server.werkzeug_app.CORS"
_LOAD_MODEL = "botocore.loaders.JSONFileLoader.load_file"

_is_processed: dict[tuple[type, type], bool] = {}
"""Whether a traverser of this type processes nodes of that type."""

_tree = resolve_name(_TREE)
_parse = resolve_name(_PARSE)
_serialize = resolve_name(_SERIALIZE)
_find_methods = resolve_name(_FIND_METHODS)
_load_model = resolve_name(_LOAD_MODEL)


@contextmanager
def shortcuts() -> Iterator[None]:
    """Within the block, moto takes them."""
    with ExitStack() as patches:
        for name, replacement in {
            _PARSE: _parsed,
            _TRAVERSE: _traverse,
            # A check of the root checks what is below it too.
            _COUNT_ACTIONS: lambda checker, root: checker.verify_action_counts(root),
            _COMPARE_PATHS: lambda checker, root: checker.check_for_overlapping_paths(root),
            _COPY_TREE: lambda tree: pickle.loads(pickle.dumps(tree)),  # noqa: S301 - its own
            _SERIALIZE: _serialized,
            _FIND_METHODS: cache(_find_methods),
            _UNDERSCORES: cache(resolve_name(_UNDERSCORES)),
            _SIGNING_KEY: lambda _: _signing_key(),
            # The headers that let pages of other sites ask moto.
            _CORS: lambda _: None,
            # Otherwise each session reads what services look like.
            _LOAD_MODEL: lambda _, path: _loaded(path),
        }.items():
            patches.enter_context(patch(name, replacement))
        yield


def _parsed(expression: str) -> Any:
    """Parse each update expression once. moto changes what it gets, so each caller has a copy."""
    return pickle.loads(_pickled(expression))  # noqa: S301 - its own


@cache
def _loaded(path: str) -> Any:
    return _load_model(JSONFileLoader(), path)


@lru_cache(maxsize=256)
def _pickled(expression: str) -> bytes:
    return pickle.dumps(_parse(expression))


def _traverse(traverser: Any, node: Any, child_id: int = -1) -> Any:
    """Process the nodes of a tree, deepest first."""
    types = type(traverser), type(node)
    if types not in _is_processed:
        if not isinstance(node, _tree.Node):
            return node
        _is_processed[types] = isinstance(node, traverser.nodes_to_be_processed())
    parent = node.parent
    for number, child in enumerate(node.children or ()):
        traverser.pre_processing_of_child(node, number)
        _traverse(traverser, child, number)
    if _is_processed[types]:
        node = traverser.process(node)
        node.parent = parent
        if parent:
            parent.children[child_id] = node
    return node


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
    """Make one short key for all subscriptions. A long one is slow to make, and to sign with."""
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
