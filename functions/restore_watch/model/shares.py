"""The share of each project, by which several sweeps divide the work. Pure."""

from zlib import crc32

SHARES = 16
"""A project has one of so many shares, whoever sweeps it."""


def share_of(group_id: str) -> int:
    """Return the share of a project: it depends on the id alone, so that it is stored nowhere."""
    # The high bits spread ids that differ in their last digits only; CRC-32 has 32 bits.
    return crc32(group_id.encode()) * SHARES >> 32
