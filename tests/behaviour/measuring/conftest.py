"""What the tests of measurements share."""

from collections.abc import Iterator

import pytest

from behaviour.measuring.measured import Measured
from local_stack.world import World


@pytest.fixture
def measured(world: World) -> Iterator[Measured]:
    """A restore that the table knows as completed, a quarter of an hour ago."""
    yield Measured(world)
    world.atlas.behaviour.figures_late = 0
    world.atlas.behaviour.largest_page = 500
