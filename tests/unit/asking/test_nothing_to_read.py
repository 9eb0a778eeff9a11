"""What an error says about a list of restore jobs."""

import pytest

from restore_watch.asking.nothing_to_read import has_nothing_to_read
from restore_watch.errors import AtlasBadRequestError, AtlasError, AtlasForbiddenError
from unit.records import NO_CLUSTER, NO_FILTER, NO_JOB, NO_PROJECT, coded


@pytest.mark.parametrize(
    ("error", "has_nothing"),
    [
        (NO_CLUSTER, True),
        (coded(AtlasBadRequestError, 400, "FEATURE_UNSUPPORTED"), True),
        (coded(AtlasBadRequestError, 400, "BACKUP_CONFIG_NOT_FOUND"), True),
        (coded(AtlasForbiddenError, 403, "FEATURE_UNSUPPORTED"), False),
        (NO_JOB, False),
        (NO_PROJECT, False),
        (NO_FILTER, False),
    ],
    ids=repr,
)
def test_some_codes_say_that_a_cluster_has_no_jobs_of_a_kind(
    error: AtlasError, *, has_nothing: bool
) -> None:
    assert has_nothing_to_read(error) is has_nothing
