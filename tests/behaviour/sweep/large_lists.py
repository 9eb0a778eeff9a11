"""
A program: it reads large lists of restore jobs as a sweep does, and prints its peak of memory.

In megabytes. It loads everything that the function loads.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import restore_watch.application  # noqa: F401 - for its memory
from foundation.deadline import Deadline
from restore_watch.atlas.credentials import ServiceAccount
from restore_watch.atlas.entries import job_entries
from restore_watch.atlas.pages import FIRST_PAGE
from restore_watch.atlas.session import AtlasSession, only
from restore_watch.atlas.transport.http_client import http_client
from restore_watch.model.restore_target import RestoreKind
from restore_watch.threads.how_many_threads import threads_for


def main(url: str, group_id: str, clusters: int) -> None:
    """Read the first page of the Flex jobs of so many clusters."""
    account = ServiceAccount(*sys.argv[4:6])
    atlas, deadline = AtlasSession(url, only(account), http_client()), Deadline.after(100)

    def read(number: int) -> int:
        cluster, kind = (group_id, f"cluster-{number}"), RestoreKind.FLEX
        page = atlas.page_of_jobs(cluster, kind, FIRST_PAGE, deadline)
        return len(job_entries(page, kind).readable)

    with ThreadPoolExecutor(threads_for(512)) as threads:
        read_in_all = sum(threads.map(read, range(clusters)))
    # Not ru_maxrss: that includes the process which started this one.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(read_in_all, int(status["VmHWM"].split()[0]) // 1024)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
