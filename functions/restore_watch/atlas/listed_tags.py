"""The tags of a cluster, as Atlas lists them. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import OnErrorOmit, PlainValidator

from foundation.outside import FromOutside, IfReadable, if_unreadable
from restore_watch.model.cluster_tags import tag_value
from restore_watch.model.forms_of_fields import AtlasText


class Tag(FromOutside):
    """A tag. What cannot be read counts as not said."""

    key: IfReadable[AtlasText]
    value: IfReadable[Annotated[str, PlainValidator(tag_value)]]


ListedTags = Annotated[tuple[OnErrorOmit[Tag], ...], if_unreadable(())]
"""The tags that can be read of an entry in a list of clusters."""


class _Tagged(FromOutside):
    tags: ListedTags = ()


class Tags(NamedTuple):
    """The `values` of the tags by their keys, and the keys that Atlas lists more than once."""

    values: Mapping[str, str]
    repeated: frozenset[str]


def tags_of(tags: Sequence[Tag]) -> Tags:
    """Return the tags by their keys."""
    times = Counter(tag.key for tag in tags if tag.key)
    return Tags(
        {tag.key: tag.value or "" for tag in tags if tag.key},
        frozenset(key for key, number in times.items() if number > 1),
    )


def read_tags(cluster: Mapping[str, Any]) -> Tags:
    """Return the tags of an entry of a list of clusters."""
    return tags_of(_Tagged.read(cluster).tags)
