"""Of which projects the table knows each restore of a period. Pure."""

from datetime import datetime

from restore_watch.table.bookkeeping import Books


def projects_in_table(books: Books, begins_at: datetime | None, since: datetime) -> frozenset[str]:
    """
    Return the projects of which the table knows each restore since then.

    The table `begins_at` its first observation, and a project when a sweep first tried to list it:
    projects are added to a stack.
    """
    if begins_at is None or begins_at > since:
        return frozenset()
    return frozenset(
        group_id
        for group_id, project in books.projects.items()
        if project.marks is not None and project.marks.first_tried_at <= since
    )
