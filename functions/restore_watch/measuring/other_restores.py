"""Whether another restore wrote into the target before Atlas had counted it. Pure."""

from collections.abc import Iterable
from datetime import datetime

from foundation.outside import FromOutside, IfReadable
from restore_watch.atlas.entries import ListEntry, job_entries
from restore_watch.atlas.pages import Page
from restore_watch.measuring.restore_to_measure import RestoreToMeasure
from restore_watch.model.forms_of_fields import AtlasText, id_made_at
from restore_watch.model.restore_job import is_download
from restore_watch.model.restore_target import RestoreKind, is_same_cluster


class _Written(FromOutside):
    """What a job of the source's list says of where it wrote."""

    delivery_type: IfReadable[AtlasText]
    target_group_id: IfReadable[AtlasText]
    target_cluster_name: IfReadable[AtlasText]

    def may_be_into(self, restore: RestoreToMeasure) -> bool:
        """Whether it wrote into the target of this restore, or does not say where."""
        if is_download(self.delivery_type):
            return False
        if self.target_group_id is None or self.target_cluster_name is None:
            return True
        return is_same_cluster((self.target_group_id, self.target_cluster_name), restore.target)


def read_jobs(page: Page) -> list[ListEntry]:
    """Read a page of the source's restore jobs. An entry without a usable id is left out."""
    return job_entries(page, RestoreKind.DEDICATED).readable


def is_written_over(
    restore: RestoreToMeasure, jobs_of_source: Iterable[ListEntry], counted_at: datetime
) -> bool:
    """Whether a job that began after this restore may have written into its target by then."""
    began = id_made_at(restore.restore_id)
    others = (job for job in jobs_of_source if job.id != restore.restore_id)
    return any(
        began <= job.created_at <= counted_at and _Written.read(job.content).may_be_into(restore)
        for job in others
    )
