"""Diagnoses the credentials in Atlas: whether they are accepted, what they can read, the clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from foundation.clock import CLOCKS_APART
from foundation.deadline import Deadline
from foundation.errors import ApplicationError
from restore_watch.atlas.credentials import STORE_AS_API_KEY, Credentials, ServiceAccount
from restore_watch.atlas.entries import project_entries
from restore_watch.atlas.families import API_STATUS, PROJECTS
from restore_watch.atlas.own_account import AccountAnswer, read_own_account
from restore_watch.atlas.own_address_and_roles import OwnAddressAndRoles, read_own_address_and_roles
from restore_watch.atlas.session import AtlasSession
from restore_watch.diagnosis.line import Line, bad, good, unsure
from restore_watch.diagnosis.lines_about_refusals import line_of_refusal
from restore_watch.diagnosis.project_look import CALL_TIME, ProjectLook, look_at_project
from restore_watch.errors import (
    AtlasUnauthorizedError,
    AtlasUnavailableError,
    EndpointRetiredError,
    UnexpectedAtlasResponseError,
)


@dataclass(frozen=True)
class AtlasDiagnosis:
    """
    Asks Atlas with these credentials, which the session has too.

    `measures`: whether the stack measures restores.
    """

    session: AtlasSession
    credentials: Credentials
    now: Callable[[], datetime]
    measures: bool

    def own_address_and_roles(
        self, deadline: Deadline
    ) -> tuple[list[Line], OwnAddressAndRoles | None]:
        """Look whether the credentials are accepted. None if nothing else can be asked."""
        try:
            own = read_own_address_and_roles(self.session, deadline.within(CALL_TIME))
        except AtlasUnauthorizedError as error:
            if not self._may_be_api_key:
                return [line_of_refusal("credentials", error, API_STATUS)], None
            return [bad("credentials", error.summary or str(error), STORE_AS_API_KEY)], None
        except ApplicationError as error:
            if not _is_of_this_question(error):
                return [line_of_refusal("credentials", error, API_STATUS)], None
            unknown = OwnAddressAndRoles(address=None, roles=None, date=None)
            return [unsure("credentials", f"cannot be told: {error}")], unknown
        accepted = good("credentials", "Atlas accepts them")
        return [accepted, _address(own.address), _clock(own.date, self.now())], own

    @property
    def _may_be_api_key(self) -> bool:
        return isinstance(self.credentials, ServiceAccount) and self.credentials.may_be_api_key

    def account(self, group_id: str, deadline: Deadline) -> AccountAnswer:
        """Look at the service account in a project. None for an API key, or why not."""
        try:
            return read_own_account(self.session, group_id, deadline.within(CALL_TIME))
        except ApplicationError as error:
            return error

    def project_ids(self, deadline: Deadline) -> tuple[list[str], Line]:
        """The first projects that the credentials can read."""
        try:
            page = self.session.projects(1, deadline.within(CALL_TIME))
        except ApplicationError as error:
            return [], line_of_refusal("projects", error, PROJECTS)
        ids = [entry.id for entry in project_entries(page).readable]
        more = " or more" if page.has_next else ""
        if not ids:
            fix = "In Atlas, give the service account or API key a role in a project"
            return [], bad("projects", "the credentials can read no project", fix)
        return ids, good("projects", f"the credentials can read {len(ids)}{more}")

    def project(self, group_id: str, deadline: Deadline) -> ProjectLook:
        """Look at a project."""
        return look_at_project(self.session, group_id, self.now(), deadline, measures=self.measures)


def _is_of_this_question(error: ApplicationError) -> bool:
    """
    Whether Atlas failed at the question about the caller alone, so that others may be answered.

    An error without a family means that there is no token, or no way to Atlas.
    """
    of_atlas = (AtlasUnavailableError, UnexpectedAtlasResponseError, EndpointRetiredError)
    return isinstance(error, of_atlas) and error.family is not None


def _address(address: str | None) -> Line:
    if address is None:
        return unsure("address", "Atlas does not say it")
    return good("address", address)


def _clock(date: datetime | None, now: datetime) -> Line:
    if date is None:
        return unsure("clock", "Atlas does not say what time it is")
    ahead = round((now - date).total_seconds())
    found = f"{abs(ahead)} s {'ahead of' if ahead > 0 else 'behind'} Atlas's"
    if abs(now - date) <= CLOCKS_APART:
        return good("clock", "agrees with Atlas's" if abs(ahead) < 3 else found)
    fix = "Ask Atlas's support or AWS's which clock is wrong. 15 minutes and more can hide restores"
    return bad("clock", found, fix)
