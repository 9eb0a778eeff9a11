"""Why a project or the stack cannot be seen."""

from restore_watch.errors import UnexpectedAtlasResponseError
from restore_watch.model.outage import WORDS_LIMIT, Trouble
from unit.open_jobs import NOON


def test_the_text_of_a_trouble_is_never_longer_than_what_can_be_read_again() -> None:
    trouble = Trouble.of(UnexpectedAtlasResponseError("no " * WORDS_LIMIT), NOON)

    assert len(trouble.message) == WORDS_LIMIT
    assert Trouble.read(trouble.as_json(), NOON) == trouble
