"""
Goes through everything that a watch needs, step by step. Changes nothing.

Imported only when somebody asks for a diagnosis.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import httpx

from foundation.deadline import Deadline
from restore_watch.atlas.credentials import Credentials
from restore_watch.atlas.session import AtlasSession, only
from restore_watch.diagnosis.atlas_diagnosis import AtlasDiagnosis
from restore_watch.diagnosis.aws_diagnosis import AwsDiagnosis
from restore_watch.diagnosis.aws_fixes import TABLE_FIXES
from restore_watch.diagnosis.aws_questions import AwsQuestions
from restore_watch.diagnosis.expiry_diagnosis import line_about_expiry
from restore_watch.diagnosis.line import Line, bad, good, unsure, whole, without_consequences
from restore_watch.diagnosis.project_look import (
    ProjectLook,
    line_about_cluster,
    line_about_no_cluster,
)
from restore_watch.diagnosis.role_diagnosis import lines_about_roles
from restore_watch.diagnosis.table_diagnosis import TableDiagnosis
from restore_watch.diagnosis.topic_diagnosis import TopicDiagnosis
from restore_watch.event.actions import Diagnose
from restore_watch.settings import Settings

PROJECTS_LOOKED_AT = 20
"""A diagnosis looks at so many projects. Each takes eight questions to Atlas."""

NOT_LOOKED_AT = (
    "were not looked at, nor the roles and when the credentials expire: Atlas has to accept the "
    "credentials first"
)
"""Found of the projects if there are no credentials, or Atlas has not accepted them."""

ATLAS_TIME = 25.0
"""Seconds that are kept for the questions to Atlas, so that AWS cannot use them up."""


@dataclass(frozen=True)
class Doctor:
    """Diagnoses a stack from inside its function, with the function's own role and network."""

    settings: Settings
    http: httpx.Client
    client: Callable[[str], Any]
    now: Callable[[], datetime]

    def diagnose(self, wanted: Diagnose, deadline: Deadline) -> Mapping[str, Any]:
        """Return the result of every check, plain JSON. A bad result raises nothing."""
        lines = without_consequences(list(self._lines(wanted, deadline)))
        return {
            "ok": whole(lines),
            "checks": [asdict(line) for line in lines],
        }

    def _lines(self, wanted: Diagnose, deadline: Deadline) -> Iterator[Line]:
        yield self._watched(wanted)
        early = deadline.earlier(ATLAS_TIME)
        questions = AwsQuestions(self.client, early)
        aws = AwsDiagnosis(self.settings, questions)
        table = TableDiagnosis((self.client("dynamodb"), self.settings.table_name), self.now, early)
        secret, credentials = aws.secret()
        yield secret
        # AWS answers within a region in milliseconds, so nothing is lost if it comes first.
        index, open_projects = table.index()
        stored = list(TABLE_FIXES.ended("table", table.table()))
        topics = list(TopicDiagnosis(self.settings, questions).topics())
        schedule, period = aws.schedule()
        last_sweep = list(TABLE_FIXES.ended("last sweep", table.last_sweep(period)))
        if credentials is None:
            yield unsure("credentials", "without the secret, Atlas cannot be asked")
            yield unsure("projects", NOT_LOOKED_AT)
        else:
            yield from self._of_atlas(wanted, credentials, open_projects, deadline)
        yield from [*index, *stored, *topics, schedule, *last_sweep]

    def _watched(self, wanted: Diagnose) -> Line:
        ids = self.settings.project_ids
        if wanted.group_id and ids != "all" and wanted.group_id not in ids:
            found = f"the project {wanted.group_id} is not watched"
            return bad("settings", found, "Add it to AtlasProjectIds")
        if ids:
            which = "all projects are watched" if ids == "all" else f"watched projects: {len(ids)}"
            return good("settings", which)
        return bad(
            "settings",
            "No project is watched: only jobs that an event names are followed",
            "Name the projects to watch in AtlasProjectIds, or set it to all, so that every "
            "restore is found. If only named jobs are to be followed, this line stays",
        )

    def _of_atlas(
        self,
        wanted: Diagnose,
        credentials: Credentials,
        open_projects: Collection[str],
        deadline: Deadline,
    ) -> Iterator[Line]:
        # Atlas may refuse a question, and a refused token is replaced only once in a while.
        base_url = self.settings.atlas_base_url
        session = AtlasSession(base_url, only(credentials), self.http, replaces_tokens=False)
        atlas = AtlasDiagnosis(session, credentials, self.now, self.settings.measures)
        lines, own = atlas.own_address_and_roles(deadline)
        yield from lines
        if own is None:
            yield unsure("projects", NOT_LOOKED_AT)
            return
        ids = self.settings.project_ids
        if ids == "all":
            readable, line = atlas.project_ids(deadline)
            yield line
            ids = tuple(readable)
        wanted_first = _each_once(wanted.group_id, ids)
        looks: dict[str, ProjectLook] = {}
        for group_id in wanted_first[:PROJECTS_LOOKED_AT]:
            looks[group_id] = atlas.project(group_id, deadline)
            yield from looks[group_id].lines
        left_out = len(wanted_first) - len(looks)
        if left_out:
            found = f"{left_out} more were not looked at"
            yield unsure("other projects", found, "Diagnose one by its groupId")
        elif ids and all(looks[group_id].is_without_clusters for group_id in ids):
            yield line_about_no_cluster()
        if wanted.cluster_name and wanted.group_id in looks:
            yield line_about_cluster(wanted.cluster_name, looks[wanted.group_id])
        # Without a project that is watched, a project with an open job shows the account.
        asked = list(looks) if looks else sorted(open_projects)[:1]
        answers = {group_id: atlas.account(group_id, deadline) for group_id in asked}
        yield line_about_expiry(credentials, list(answers.values()), self.now())
        are_all = not left_out and bool(self.settings.project_ids)
        yield from lines_about_roles(own.roles, answers, looks, are_all=are_all)


def _each_once(wanted: str | None, ids: Iterable[str]) -> list[str]:
    """Return the projects to look at, the project that the event names first."""
    named = [wanted] if wanted else []
    return list(dict.fromkeys([*named, *ids]))
