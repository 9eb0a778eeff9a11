"""Which parts a diagnosis is made of. Imported only when somebody asks for one."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from restore_watch.atlas.client import AtlasClient
from restore_watch.atlas.credentials import Credentials
from restore_watch.atlas.diagnostics import AtlasDiagnostics
from restore_watch.atlas.projects import AtlasProjects
from restore_watch.atlas.session import AtlasSession, only
from restore_watch.diagnosis.atlas import AtlasDiagnosis
from restore_watch.diagnosis.aws import AwsDiagnosis
from restore_watch.diagnosis.doctor import Doctor
from restore_watch.diagnosis.table import TableDiagnosis
from restore_watch.settings import Settings
from restore_watch.table.lease import SweepLease
from restore_watch.table.open_jobs import OpenJobs
from restore_watch.table.projects import Bookkeeping


def compose_doctor(
    settings: Settings,
    atlas: AtlasClient,
    client: Callable[[str], Any],
    now: Callable[[], datetime],
) -> Doctor:
    """Return a doctor. `client` makes a boto3 client of a service."""
    dynamodb, name = client("dynamodb"), settings.table_name
    table = TableDiagnosis(
        SweepLease(dynamodb, name), OpenJobs(dynamodb, name), Bookkeeping(dynamodb, name), now
    )

    def atlas_with(credentials: Credentials) -> AtlasDiagnosis:
        session = AtlasSession(atlas, only(credentials))
        return AtlasDiagnosis(AtlasProjects(session), AtlasDiagnostics(session), now)

    return Doctor(settings, AwsDiagnosis(settings, client), table, atlas_with)
