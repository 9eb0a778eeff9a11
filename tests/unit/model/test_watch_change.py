"""Why a project or the stack cannot be seen."""

from restore_watch.errors import AtlasUnauthorizedError, UnexpectedAtlasResponseError
from restore_watch.model.fixes_of_errors import fix_of
from restore_watch.model.watch_change import WORDS_LIMIT, Trouble
from unit.open_jobs import NOON


def test_the_text_of_a_trouble_is_never_longer_than_what_can_be_read_again() -> None:
    trouble = Trouble.of(UnexpectedAtlasResponseError("no " * WORDS_LIMIT), NOON)

    assert len(trouble.message) == WORDS_LIMIT
    assert Trouble.read(trouble.as_json(), NOON) == trouble


def test_a_trouble_says_what_failed_and_apart_from_that_what_fixes_it() -> None:
    refused = AtlasUnauthorizedError("Atlas answered 401 for a list. Renew the credentials")
    refused.summary = "Atlas answered 401 for a list"

    of_project, of_stack = Trouble.of(refused, NOON), Trouble.of(refused, NOON, of_stack=True)

    assert of_project.message == of_stack.message == "Atlas answered 401 for a list"
    assert of_project.fix == fix_of(refused)
    assert of_stack.fix == fix_of(refused, of_stack=True) != of_project.fix
