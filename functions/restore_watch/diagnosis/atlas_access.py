"""Diagnoses the credentials in Atlas: what they can read, roles, expiry, address, clock."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import partial
from itertools import chain

from foundation.clock import CLOCKS_APART
from foundation.deadline import Deadline
from foundation.errors import TimeBudgetExceededError
from foundation.json_text import as_map
from restore_watch.atlas.credentials import STORE_AS_API_KEY, ApiKey, Credentials, ServiceAccount
from restore_watch.atlas.entries import (
    UNWATCHED,
    cluster_entries,
    project_entries,
    shown_clusters,
)
from restore_watch.atlas.families import (
    API_STATUS,
    CLUSTER_LISTS,
    DEDICATED_CLUSTERS,
    EVENTS,
    FLEX_CLUSTERS,
    LISTED_JOBS,
    PROJECTS,
    Family,
)
from restore_watch.atlas.own_account import OwnAccount, read_own_account
from restore_watch.atlas.own_address_and_roles import Caller, read_caller
from restore_watch.atlas.pages import FIRST_PAGE, Page
from restore_watch.atlas.session import AtlasSession
from restore_watch.diagnosis.line import Line, bad, good, together, unread, unsure
from restore_watch.errors import (
    AtlasBadRequestError,
    AtlasForbiddenError,
    AtlasRateLimitError,
    AtlasReason,
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    EndpointRetiredError,
    RestoreJobNotFoundError,
    RestoreWatchError,
    UnexpectedAtlasResponseError,
)
from restore_watch.model.advice_on_errors import UNCERTAIN, fix_of, fix_of_expiry
from restore_watch.model.status_change import utc_text

_CALL_TIME = 6.0
"""Seconds that one question may take."""

_OFF_THE_LIST = (
    "Free: in the settings of Atlas's organization, turn off Require IP Access List for the Atlas "
    "Administration API, and leave the list of the service account or API key empty. Otherwise "
    "add {} to that list. Outside a VPC the address changes: a fixed one costs a NAT gateway "
    "(SubnetIds, SecurityGroupIds). The project's network access list does not help"
)


@dataclass
class Look:
    """The clusters of one project, and the lines about it."""

    lines: list[Line] = field(default_factory=list)
    clusters: dict[Family, list[str]] = field(default_factory=dict)
    are_all: bool = True
    """Whether these are all clusters: the lists could be read, and had one page."""
    asked_first: dict[Family, list[str]] = field(default_factory=dict)
    """The same clusters, those without backups at the end."""
    unwatched: list[str] = field(default_factory=list)
    """Clusters whose names have another form."""

    @property
    def is_without_clusters(self) -> bool:
        """Whether the project has no cluster that could be restored."""
        return self.are_all and not self.unwatched and not any(self.clusters.values())


@dataclass(frozen=True)
class AtlasDiagnosis:
    """Asks Atlas with these credentials, which the session has too."""

    session: AtlasSession
    credentials: Credentials
    now: Callable[[], datetime]

    def caller(self, deadline: Deadline) -> tuple[list[Line], Caller | None]:
        """Look whether the credentials are accepted, and from which address we come."""
        try:
            caller = read_caller(self.session, deadline.within(_CALL_TIME))
        except RestoreWatchError as error:
            of_atlas = (AtlasUnavailableError, UnexpectedAtlasResponseError, EndpointRetiredError)
            # Without a family, there is no token, or no way to Atlas.
            if isinstance(error, AtlasUnauthorizedError) and self._may_be_api_key:
                return [bad("credentials", error.summary or str(error), STORE_AS_API_KEY)], None
            if not isinstance(error, of_atlas) or error.family is None:
                return [_failed("credentials", error, API_STATUS)], None
            return [unsure("credentials", f"cannot be told: {error}")], Caller(None, None, None)
        told = good("address", caller.address) if caller.address else None
        return [
            good("credentials", "Atlas accepts them"),
            told or unsure("address", "Atlas does not say it"),
            _clock(caller.date, self.now()),
        ], caller

    @property
    def _may_be_api_key(self) -> bool:
        return isinstance(self.credentials, ServiceAccount) and self.credentials.may_be_api_key

    def account(self, group_id: str, deadline: Deadline) -> OwnAccount | RestoreWatchError | None:
        """Look at the service account in a project. None for an API key, or why not."""
        try:
            return read_own_account(self.session, group_id, deadline.within(_CALL_TIME))
        except RestoreWatchError as error:
            return error

    def project_ids(self, deadline: Deadline) -> tuple[list[str], Line]:
        """The first projects that the credentials can read."""
        try:
            page = self.session.projects(1, deadline.within(_CALL_TIME))
        except RestoreWatchError as error:
            return [], _failed("projects", error, PROJECTS)
        ids = [entry.id for entry in project_entries(page).readable]
        more = " or more" if page.has_next else ""
        if not ids:
            fix = "In Atlas, give the service account or API key a role in a project"
            return [], bad("projects", "the credentials can read no project", fix)
        return ids, good("projects", f"the credentials can read {len(ids)}{more}")

    def project(self, group_id: str, deadline: Deadline) -> Look:
        """Look at the lists of a project, and at the jobs of a cluster of each kind."""
        look = Look()

        def read(
            family: Family, ask: Callable[[Deadline], Page], *passes: type[Exception]
        ) -> Page | None:
            try:
                return ask(deadline.within(_CALL_TIME))
            except passes:
                raise
            except RestoreWatchError as error:
                look.lines.append(_failed(family.name, error, family))
                return None

        read(EVENTS, partial(self.session.events, group_id, self.now()))
        for which in CLUSTER_LISTS:
            page = read(which, partial(self.session.clusters, group_id, which))
            look.are_all &= page is not None and not page.has_next
            if page is not None:
                clusters = shown_clusters(page, which)
                look.clusters[which] = clusters.names
                look.unwatched += clusters.unwatched
                without = _without_backups(page, which)
                look.asked_first[which] = sorted(clusters.names, key=without.__contains__)
        for family in LISTED_JOBS:
            # One cluster stands for all: the role is given for the project. Three are tried: a
            # cluster that was deleted meanwhile, or has no backups, says nothing.
            for name in look.asked_first.get(family.clusters, [])[:3]:
                jobs = partial(self.session.page_of_jobs, (group_id, name), family.kind, FIRST_PAGE)
                with suppress(AtlasBadRequestError, RestoreJobNotFoundError):
                    read(family, jobs, AtlasBadRequestError, RestoreJobNotFoundError)
                    break
        project = f"project {group_id}"
        counts = (f"{which}: {len(names)}" for which, names in look.clusters.items())
        read_all = [good(project, f"can be read. {', '.join(counts)}")]
        odd = [unsure(f"cluster {name}", UNWATCHED) for name in look.unwatched]
        look.lines = (together(project, look.lines) or read_all) + together(project, odd)
        return look


def no_cluster() -> Line:
    """Return the line about watched projects that have no cluster which could be restored."""
    return bad(
        "clusters",
        "No watched project has a cluster with backups: there is nothing to watch",
        "If there are clusters, compare the ids in AtlasProjectIds with the addresses of the "
        "projects' pages in Atlas. If there are none yet, this line goes with the first",
    )


def named_cluster(name: str, look: Look) -> Line:
    """Look whether a project has a cluster of this name."""
    check = f"cluster {name}"
    for which, names in look.clusters.items():
        if name in names:
            return good(check, f"is among the {which}")
    if not look.are_all:
        return unsure(check, "not all clusters of the project were read")
    close = get_close_matches(name, chain.from_iterable(look.clusters.values()))
    fix = f"Use {' or '.join(close)}" if close else "Use the name that the project's page shows"
    return bad(check, "the project has no cluster of this name", fix)


def _without_backups(page: Page, which: Family) -> set[str]:
    """Return the clusters whose backups Atlas says are off."""
    names = set()
    for name, entry in cluster_entries(page, which).readable:
        flex = as_map(entry.get("backupSettings")).get("enabled")
        backups = flex if which is FLEX_CLUSTERS else entry.get("backupEnabled")
        if backups is False:
            names.add(name)
    return names


def _failed(check: str, error: RestoreWatchError, family: Family) -> Line:
    line = unread if isinstance(error, (AtlasRateLimitError, TimeBudgetExceededError)) else bad
    return line(check, str(error), _fix(error, family))


def _fix(error: RestoreWatchError, family: Family) -> str:
    """Return the advice of messages, or more exact advice for this family."""
    match error:
        case AtlasUnauthorizedError() if family is API_STATUS:
            return (
                "In Atlas, make a new secret for the service account, or a new API key, and store "
                "it in the secret. Secrets of service accounts expire"
            )
        case AtlasUnauthorizedError():
            return f"In Atlas, give the service account or API key {family.role}"
        case AtlasForbiddenError(reason=AtlasReason(address=str(address))):
            return _OFF_THE_LIST.format(address)
        case TimeBudgetExceededError():
            return "Diagnose again: there was too little time"
        case _:
            return fix_of(error)


def _clock(date: datetime | None, now: datetime) -> Line:
    if date is None:
        return unsure("clock", "Atlas does not say what time it is")
    ahead = round((now - date).total_seconds())
    found = f"{abs(ahead)} s {'ahead of' if ahead > 0 else 'behind'} Atlas's"
    if abs(now - date) <= CLOCKS_APART:
        return good("clock", "agrees with Atlas's" if abs(ahead) < 3 else found)
    fix = "Ask Atlas's support or AWS's which clock is wrong. 15 minutes and more can hide restores"
    return bad("clock", found, fix)


ENOUGH = {"ORG_MEMBER", "ORG_READ_ONLY", "GROUP_READ_ONLY", "GROUP_BACKUP_MANAGER"}
"""The roles that the watch needs, the last for dedicated clusters. Any other may do more."""

LATE = timedelta(days=7)
"""Less time left than this is wrong. The alarm has the same threshold."""

_OF_DEDICATED = {"GROUP_BACKUP_MANAGER", "GROUP_OWNER"}

_NO_PROJECT = (
    "no project to ask in is known: neither a watched one nor one with an open restore job"
)

type Seen = OwnAccount | RestoreWatchError | None


def expiry(credentials: Credentials, seen: Sequence[Seen], now: datetime) -> Line:
    """Look when the credentials expire, as the first project says it that does."""
    check = "credentials expire"
    if isinstance(credentials, ApiKey):
        return unsure(check, "an API key has no date")
    known = next((one for one in seen if isinstance(one, OwnAccount)), None)
    if known is None:
        reasons = (str(one) for one in seen if one is not None)
        found = next(reasons, "the client id has an unknown form" if seen else _NO_PROJECT)
        fix = "In Atlas, the page of the service account shows when its secrets expire"
        return unsure(check, f"cannot be told: {found}", fix)
    secret = known.secret
    found = f"at {utc_text(secret.expires_at)}, days left: {secret.days_left(now)}"
    if not secret.is_certain:
        found += f"; {UNCERTAIN}"
    if secret.expires_at - now < LATE:
        return bad(check, found, fix_of_expiry(secret, now))
    return good(check, found)


def held_roles(
    roles: Collection[str] | None,
    seen: Mapping[str, Seen],
    looks: Mapping[str, Look],
    *,
    are_all: bool,
) -> Iterator[Line]:
    """
    Compare the roles of the credentials with what is needed in the projects that were looked at.

    `roles`: None for a service account, whose roles are known in each project that shows them.
    `are_all` is true if no other project needs a role.
    """
    if roles is None:
        accounts = {key: one for key, one in seen.items() if isinstance(one, OwnAccount)}
        shown = {key: one.roles for key, one in accounts.items() if one.roles is not None}
        if not shown:
            return
        roles = [f"{role} in {key}" for key, some in shown.items() for role in some]
        are_all &= shown.keys() >= looks.keys()
        looks = {key: look for key, look in looks.items() if key in shown}
    held = [role.partition(" in ")[::2] for role in roles]
    names = {name for name, _ in held}
    managed = {where for name, where in held if name in _OF_DEDICATED}
    dedicated = {key: look.clusters.get(DEDICATED_CLUSTERS) for key, look in looks.items()}
    lacking = sorted(key for key, some in dedicated.items() if some and key not in managed)
    is_needless = are_all and looks and all(some == [] for some in dedicated.values())
    told = ", ".join(sorted(set(roles))) or "none"
    if surplus := sorted(names - ENOUGH):
        fix = f"In Atlas, take away {' and '.join(surplus)}: the watch only reads"
    elif lacking:
        # A project whose jobs Atlas refuses for it has a line that is wrong.
        fix = f"Restore jobs of dedicated clusters need Project Backup Manager in {lacking[0]}"
    elif "GROUP_BACKUP_MANAGER" in names and is_needless:
        enough = "Without dedicated clusters, Project Read Only is enough"
        fix = f"{enough}. Project Backup Manager may restore over a cluster"
    else:
        yield good("roles", told)
        return
    yield unsure("roles", told, fix)
