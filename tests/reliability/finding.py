"""Sweeps that watch projects: their steps, what they remember, and what subscribers receive."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from local_stack.atlas import EmulatedRestore, Kind
from local_stack.wire import Selection
from reliability.campaign import Campaign, Stored
from reliability.sweeping import Sweeps
from restore_watch.application import Application

EVENTS = Selection("atlas", "events")
FLEX_CLUSTERS = Selection("atlas", "flex_clusters")
DEDICATED_CLUSTERS = Selection("atlas", "dedicated_clusters")
COLLECTION_LIST = Selection("atlas", "collection_list")

KINDS: tuple[Kind, ...] = ("flex", "dedicated", "collection")

MINUTE = 60.0
LISTED_EVERY = 15 * MINUTE

ENDED = Stored("COMPLETED", 1, 1)
"""A job that had ended when it was found."""


def _update(expression: bytes) -> Selection:
    return Selection(
        "dynamodb",
        "UpdateItem",
        lambda call: expression in call.body and b'"sweeps"' in call.body,
    )


BEGIN = _update(b'"SET #firstMark')
MOVE = _update(b'"SET #mark')
WATCH = _update(b"#watchVersion = :watchVersion")


class Finds:
    """Environments that watch the project of a test, and what comes of it."""

    def __init__(self, campaign: Campaign, sweeps: Sweeps, *more_projects: str) -> None:
        self.campaign = campaign
        self.sweeps = sweeps
        self.projects = (campaign.group, *more_projects)
        self.application = self.environment()
        for group in self.projects:
            # The campaign may have put jobs of its own there.
            campaign.atlas.add_project(group)
            campaign.atlas.remove_project(group)
            campaign.atlas.add_project(group)

    def environment(self, **how: Any) -> Application:
        """A cold start."""
        return self.sweeps.environment(how.pop("by", None), project_ids=self.projects, **how)

    def tick(self, minutes: float = 1, application: Application | None = None) -> dict[str, Any]:
        """Sweep when these minutes have passed."""
        self.campaign.pass_time(minutes * MINUTE)
        self.campaign.stack.forget_calls()
        return self.sweeps.tick(application or self.application)

    def ticks(self, count: int, minutes: float = 1) -> list[dict[str, Any]]:
        return [self.tick(minutes) for _ in range(count)]

    def ended_jobs(self, *kinds: Kind, cluster: str = "orders") -> list[EmulatedRestore]:
        """Restores that begin and end now, one of each kind."""
        jobs = [self.campaign.job(kind, f"{cluster}-{kind}") for kind in kinds or KINDS]
        for job in jobs:
            job.run_to_end()
        return jobs

    def item(self, group: str | None = None) -> dict[str, Any]:
        """What the table remembers of a project, of the test's own unless one is named."""
        name = f"project/{group or self.campaign.group}"
        items = (one for one in self.campaign.stack.items() if one["cluster"] == "sweeps")
        return next((one for one in items if one["restoreId"] == name), {})

    @property
    def mark(self) -> datetime:
        return datetime.fromisoformat(self.item()["mark"])

    @property
    def behind(self) -> set[str]:
        """The parts that have marks of their own."""
        return set(self.item().get("behind", ()))

    def said(self, group: str | None = None) -> list[str]:
        """What subscribers received about a project itself, by the ids of the messages."""
        group = group or self.campaign.group
        messages = self.campaign.messages_about(group)
        return [one.event["id"].removeprefix(f"{group}:") for one in messages]

    def reported_once(self, jobs: Sequence[EmulatedRestore]) -> bool:
        """True if each job had ended when it was found, and there is one message about it."""
        return all(
            self.campaign.stored(job) == ENDED and self.campaign.published(job) == ["COMPLETED"]
            for job in jobs
        )

    def unknown(self, jobs: Sequence[EmulatedRestore]) -> bool:
        """True if nothing is stored and nothing was sent about these jobs."""
        return all(
            self.campaign.item(job) is None and self.campaign.published(job) == [] for job in jobs
        )


def listed(sweeps: Sweeps) -> list[str]:
    """The names of the clusters whose jobs were listed, in order."""
    calls = (one for one in sweeps.questions() if one.operation.endswith("_list"))
    return [call.path.partition("lusters/")[2].partition("/")[0] for call in calls]
