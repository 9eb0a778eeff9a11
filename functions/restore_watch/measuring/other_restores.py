"""Whether another restore wrote into the target before Atlas had counted it. Pure."""

from collections.abc import Iterable
from datetime import datetime

from foundation.outside import FromOutside, IfReadable, UtcDate
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
    finished_at: IfReadable[UtcDate]

    def is_later(self, job: ListEntry, restore: RestoreToMeasure, until: datetime) -> bool:
        """Whether it began after this restore, or ended after it, and before that moment."""
        has_begun = id_made_at(restore.restore_id) <= job.created_at
        has_ended = self.finished_at is not None and self.finished_at > restore.ended_at
        return job.created_at <= until and (has_begun or has_ended)

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
    """Whether a later job of the list may have written into the target by that moment."""
    others = (
        (job, _Written.read(job.content)) for job in jobs_of_source if job.id != restore.restore_id
    )
    return any(
        written.is_later(job, restore, counted_at) and written.may_be_into(restore)
        for job, written in others
    )
