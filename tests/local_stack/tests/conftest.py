"""What the tests of the local stack share."""

from collections.abc import Iterator

import pytest

from local_stack.atlas import AtlasEmulator, Clock
from local_stack.tests.emulated import ACCOUNT, KEY, NOON, Place


@pytest.fixture
def place() -> Iterator[Place]:
    clock = Clock(NOON)
    with AtlasEmulator(clock) as atlas:
        atlas.add_service_account(*ACCOUNT)
        atlas.add_api_key(*KEY)
        place = Place(atlas, clock)
        with place.digest:
            yield place
