"""Which restore job of a cluster is the newest one, however its list is."""

import json
from datetime import timedelta
from typing import Any

from local_stack.stack import LocalStack
from local_stack.wire import Answer, Fault


def newest(stack: LocalStack, group: str, **more: Any) -> Any:
    named = {"action": "newest-restore", "groupId": group, "clusterName": "orders"}
    return stack.invoke(named | more)


def test_a_list_in_no_order_is_read_to_its_end(stack: LocalStack, group: str) -> None:
    stack.atlas.add_ended_restores(group, "orders", "flex", 60, apart=timedelta(hours=3))
    stack.atlas.order_list(group, "orders", "oldest first")
    stack.atlas.behaviour.largest_page = 2
    last = stack.atlas.start_restore(group, "orders", "flex")

    assert newest(stack, group).result["restoreId"] == last.restore_id
    assert stack.atlas.wire.count(operation="flex_list") == 31


def test_a_list_that_repeats_a_page_for_ever_is_an_error(stack: LocalStack, group: str) -> None:
    stack.atlas.add_cluster(group, "orders", "flex")
    page = {"results": [{"id": "5f" * 12}], "links": [{"rel": "next", "href": "-"}]}
    same = Answer(200, body=json.dumps(page))
    with stack.atlas.wire.inject(Fault(action=same, operation="flex_list", times=None)) as asked:
        answer = newest(stack, group)

    assert (answer.error_type, asked.hits) == ("UnexpectedAtlasResponseError", 2)


def test_a_job_of_the_same_second_was_created_after_the_moment(
    stack: LocalStack, group: str
) -> None:
    """An ObjectId has whole seconds."""
    restore = stack.atlas.start_restore(group, "orders", "flex", restore_id="6ac38b14" + "5f" * 8)
    answers = [
        newest(stack, group, createdAfter=f"2026-10-05T11:33:{second}+00:00")
        for second in ("40.900", "41.000")
    ]

    assert answers[0].result["restoreId"] == restore.restore_id
    assert answers[1].error_type == "RestoreJobNotFoundError"
    assert "created after 2026-10-05T11:33:41Z" in answers[1].payload["errorMessage"]
