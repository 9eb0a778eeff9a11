"""The share of each project, by which several sweeps divide the work. Pure."""

from typing import NamedTuple
from zlib import crc32

SHARES = 16
"""A project has one of so many shares, whoever sweeps it."""


def share_of(group_id: str) -> int:
    """Return the share of a project: it depends on the id alone, so that it is stored nowhere."""
    # The high bits spread ids that differ in their last digits only; CRC-32 has 32 bits.
    return crc32(group_id.encode()) * SHARES >> 32


class Worker(NamedTuple):
    """Worker `number` `of` so many, a power of two: the shares side by side are its own."""

    number: int = 0
    of: int = 1

    @property
    def leads(self) -> bool:
        """Whether it judges the stack for all workers."""
        return self.number == 0

    def has(self, group_id: str) -> bool:
        """Whether the project is one of its own."""
        return self.of == 1 or share_of(group_id) * self.of // SHARES == self.number


ALONE = Worker()
"""The only worker of a stack."""

WORKERS = (1, 2, 4, 8, 16)
"""So many there may be, so that each has as many shares as the others."""
