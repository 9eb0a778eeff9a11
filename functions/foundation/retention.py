"""How long the tables keep an item. Pure."""

from datetime import datetime, timedelta

RETENTION = timedelta(days=400)
"""
An item that nobody writes is kept this long: more than the year that an auditor looks at.

What people were sent is kept as long as a job, because its message may be published again.
"""


def expires_at(written_at: datetime) -> int:
    """When DynamoDB deletes an item that is not written again, in Unix seconds."""
    return int((written_at + RETENTION).timestamp())
