"""The tags of a cluster, as Atlas lists them. Pure."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import OnErrorOmit

from foundation.outside import FromOutside, IfReadable, if_unreadable
from restore_watch.model.fields import AtlasText


class Tag(FromOutside):
    """A tag. What cannot be read counts as not said."""

    key: IfReadable[AtlasText]
    value: IfReadable[AtlasText]


ListedTags = Annotated[tuple[OnErrorOmit[Tag], ...], if_unreadable(())]
"""The tags in an entry of a list of clusters, those that can be read."""


class _Tagged(FromOutside):
    tags: ListedTags = ()


def tags_of(tags: Iterable[Tag]) -> Mapping[str, str]:
    """Return the values of the tags by their keys."""
    return {tag.key: tag.value or "" for tag in tags if tag.key}


def read_tags(cluster: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the tags of an entry of a list of clusters, the values by the keys."""
    return tags_of(_Tagged.read(cluster).tags)
