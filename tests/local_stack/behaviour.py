"""How the emulated Atlas behaves; a test may change each of these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Literal

from local_stack.event_types import EVENT_TYPES

type ListOrder = Literal["newest first", "oldest first", "shuffled"]


@dataclass(frozen=True)
class RateLimit:
    """The token bucket of a project and endpoint; by default the restore endpoints' real one."""

    capacity: int = 1200
    refill: int = 500
    seconds: int = 60


@dataclass
class Behaviour:
    """Each default is what Atlas really does, as far as it was recorded."""

    latency: float = 0
    """Seconds by which each answer comes late. Other requests are answered meanwhile."""

    clock_ahead: float = 0
    """
    Seconds by which Atlas's clock is ahead of the true time; below 0 it is behind.

    It shows in the Date header, in ids and in dates. What lasts, such as a token, lasts as long.
    """

    tenant_endpoint: Literal[404, 405, 406, 410] | None = 410
    """The status of the retired tenant endpoint; None lets it answer as before its sunset."""

    envelope_key: Literal["content", "envelope"] = "content"
    refused_address: str | None = None
    """If set, every request is refused because this address is not on the access list."""

    list_order: ListOrder = "newest first"
    """Of the restore jobs of every cluster that has no other order."""

    restore_timeline: Sequence[str] | None = None
    """The steps of a restore that the API starts; by default those of its kind."""

    largest_page: int = 500
    """
    Entries of a page of projects or restore jobs at most, whatever is asked for.

    The link to the next page then tells that there is one. Atlas's own limit is 500.
    """

    largest_page_of_clusters: int = 500
    """So many clusters are on a page at most. Atlas allows 100 in a project."""

    event_types: frozenset[str] = EVENT_TYPES
    """The types that a filter of events may name. Another is refused, so none refuses them all."""

    emits_events: bool = True
    """True if restores leave events in their project."""

    counts_every: float = 1200
    """Seconds between two counts of the databases of a process."""

    figures_late: float = 0
    """Seconds by which the figures of databases come late."""

    shows_null: bool = False
    """True if a period without a count has a point without a value, instead of no point."""

    rate_limit: RateLimit = RateLimit()
    family_limits: Mapping[str, RateLimit] = MappingProxyType(
        {
            "events": RateLimit(capacity=300, refill=100),
            "dedicated_clusters": RateLimit(capacity=10_000, refill=5000),
            "processes": RateLimit(capacity=300, refill=100),
        }
    )
    """Of the families of endpoints with another limit."""

    challenge_body: Literal["coded", "uncoded", "empty"] = "coded"
    """The body of a 401: with an errorCode as since 2026-08, without as before, or none at all."""

    nonce_seconds: float = 300
    nonce_once: bool = False
    """True if a nonce is refused the second time, as by a server that does not count uses."""

    opaque: str | None = None

    tokens_outlive_secrets: bool = True
    """True if a token lives on after its secret was deleted. Atlas does not document it."""

    token_limit: int = 100
    token_requests_per_minute: int = 50

    def lift_limits(self) -> None:
        """For campaigns of thousands of checks; other tests test the limits."""
        self.rate_limit = RateLimit(capacity=10**9)
        self.family_limits = MappingProxyType({})
        self.token_limit = self.token_requests_per_minute = 10**9

    def limit_of(self, family: str) -> RateLimit:
        return self.family_limits.get(family, self.rate_limit)

    def reset(self) -> None:
        for one in fields(self):
            setattr(self, one.name, one.default)
