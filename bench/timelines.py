"""
When restore jobs change, drawn from distributions with the figures of recorded jobs. Pure.

Recorded are the shortest, the median and the longest of each kind, in seconds: Flex restores from
scheduled to finished, automated restores of dedicated clusters likewise (61 jobs), and downloads
until the link appears (53 jobs). Between these three figures the draw is uniform below the median;
above it, it is uniform in the logarithm of what exceeds the median, because few take very long.

How a Flex restore spends its time is not recorded. It is drawn: it is queued after a uniform share
of the first tenth of its duration, and runs after a uniform share of the next three tenths.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Recorded:
    """The seconds of the shortest, the median and the longest recorded job."""

    shortest: float
    median: float
    longest: float

    def draw(self, random: Random) -> float:
        """Draw a duration. Half of them are shorter than the median, and none is outside."""
        place = random.random()
        if place < 0.5:
            return self.shortest + 2 * place * (self.median - self.shortest)
        over = math.log1p(self.longest - self.median)
        return self.median + math.expm1((2 * place - 1) * over)


FLEX = Recorded(50, 61, 3421)
AUTOMATED = Recorded(186, 232, 375)
DOWNLOAD = Recorded(152, 189, 3324)


@dataclass(frozen=True)
class Timeline:
    """A job's steps after the first, each with its seconds since the job was scheduled."""

    kind: str
    steps: tuple[tuple[float, str], ...]

    @property
    def duration(self) -> float:
        return self.steps[-1][0]


def draw_timelines(random: Random, of_each: int) -> list[Timeline]:
    """Draw so many timelines of each kind."""
    drawn = list[Timeline]()
    for _ in range(of_each):
        drawn.append(_flex(FLEX.draw(random), random))
        drawn.append(Timeline("automated", ((AUTOMATED.draw(random), "finished"),)))
        drawn.append(Timeline("download", ((DOWNLOAD.draw(random), "download-ready"),)))
    return drawn


def _flex(duration: float, random: Random) -> Timeline:
    queued = random.random() * duration / 10
    running = duration / 10 + random.random() * 3 * duration / 10
    return Timeline("Flex", ((queued, "QUEUED"), (running, "RUNNING"), (duration, "COMPLETED")))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of the values that at least this share does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
