"""The words about a change, and what the pager does."""

import pytest

import notify_people
import restore_watch
from golden.notify_people.cases import PROJECT, STACK
from notify_people.errors import NotifyPeopleError
from notify_people.words.notice import Paging, Severity
from restore_watch import errors
from unit.notify_people.messages import CASES, notice


def facts(name: str, **data: object) -> dict[str, str]:
    return dict(notice(name, **data).facts)


@pytest.mark.parametrize(
    ("name", "data", "title"),
    [
        ("flex-completed", {}, "Restore completed: production -> staging in 42 min"),
        ("flex-failed", {}, "Restore FAILED: production -> staging after 42 min"),
        (
            "flex-failed",
            {"targetDeploymentItemName": None},
            "Restore FAILED: production after 42 min",
        ),
        ("flex-failed", {"durationSeconds": None}, "Restore FAILED: production -> staging"),
        ("flex-started", {}, "Restore started: production -> staging"),
        (
            "flex-started",
            {"previousStatus": "PENDING", "status": "QUEUED"},
            "Restore queued: production -> staging",
        ),
        (
            "flex-started",
            {"previousStatus": "PENDING", "status": "UNKNOWN", "atlasStatus": "PAUSED"},
            "Restore at PAUSED: production -> staging",
        ),
        ("dedicated-download-ready", {}, "Download ready: production, until 2026-11-26 10:56 UTC"),
        ("dedicated-download-ready", {"expirationDate": None}, "Download ready: production"),
        ("flex-download-link-expired", {}, "Download link expired: production"),
        (
            "flex-failed",
            {"deliveryType": "DOWNLOAD"},
            "Download FAILED: production -> staging after 42 min",
        ),
        ("validation-passed", {}, "Validation passed: production -> staging"),
        ("validation-failed", {}, "Validation FAILED: production -> staging"),
        *(
            (
                "validation-passed",
                {"status": status, **data},
                f"Validation {said}: production -> staging",
            )
            for status, data, said in (
                ("FAILED", {}, "PASSED, but the restore FAILED"),
                ("CANCELLED", {}, "PASSED, but the restore was CANCELLED"),
                ("RUNNING", {}, "PASSED, but the restore is RUNNING"),
                ("EXPIRED", {}, "PASSED, but the restore EXPIRED"),
                ("EXPIRED", {"deliveryType": "download"}, "passed"),
                ("CANCELLED", {"deliveryType": "download"}, "passed"),
                ("FAILED", {"deliveryType": "DOWNLOAD"}, "passed"),
                ("RUNNING", {"deliveryType": "download"}, "PASSED, but the restore is RUNNING"),
            )
        ),
        (
            "validation-failed",
            {"targetDeploymentItemName": None, "validation": {"verdict": "PARTLY"}},
            "Validation PARTLY: production",
        ),
    ],
)
def test_the_title_begins_with_the_outcome(name: str, data: dict[str, object], title: str) -> None:
    assert notice(name, **data).title == title


@pytest.mark.parametrize(
    ("name", "data", "paging"),
    [
        ("flex-completed", {}, Paging.NOTHING),
        ("flex-started", {}, Paging.NOTHING),
        ("flex-failed", {}, Paging.TRIGGER),
        ("flex-failed", {"deliveryType": "DOWNLOAD"}, Paging.TRIGGER),
        ("flex-cancelled", {}, Paging.TRIGGER),
        ("dedicated-expired", {}, Paging.TRIGGER),
        ("collection-unknown-end", {}, Paging.TRIGGER),
        ("dedicated-download-ready", {}, Paging.NOTHING),
        ("dedicated-download-link-expired", {}, Paging.NOTHING),
        ("validation-passed", {}, Paging.NOTHING),
        ("validation-failed", {}, Paging.TRIGGER),
        ("validation-passed-of-failed", {}, Paging.TRIGGER),
        ("project-removed-AtlasForbiddenError", {}, Paging.RESOLVE),
        ("validation-failed", {"validation": {"verdict": "PARTLY"}}, Paging.TRIGGER),
        ("stack-degraded-CredentialsError", {}, Paging.TRIGGER),
        ("stack-recovered-CredentialsError", {}, Paging.RESOLVE),
        ("test", {}, Paging.TRY_BOTH),
    ],
)
def test_a_bad_end_is_paged(name: str, data: dict[str, object], paging: Paging) -> None:
    assert notice(name, **data).paging is paging


def test_a_stack_that_sees_nothing_is_worse_than_a_project() -> None:
    assert notice("stack-degraded-CredentialsError").severity is Severity.CRITICAL
    assert notice("project-degraded-CredentialsError").severity is Severity.ERROR


def test_another_target_project_is_named() -> None:
    other = "5f0000000000000000000a01"

    assert facts("flex-failed", targetProjectId=other)["Target project"] == other
    assert "Target project" not in facts("flex-failed")


def test_the_facts_have_the_times_in_utc() -> None:
    shown = facts("flex-completed", restoreScheduledDate="2026-11-26T10:14:00+01:00")

    assert shown["Began"] == "2026-11-26 09:14:00 UTC"
    assert shown["Ended"] == "2026-11-26 09:56:00 UTC"
    assert shown["Age of the snapshot"] == "6 h 12 min, when it was scheduled"


def test_a_ready_download_says_until_when_and_how_but_has_no_link() -> None:
    ready = notice("dedicated-download-ready")

    assert facts("dedicated-download-ready")["Link works until"] == "2026-11-26 10:56:00 UTC"
    assert ready.steps[0].text.startswith("Fetch it before 2026-11-26 10:56:00 UTC")
    assert str(ready.steps[-1].command).endswith("--output json")


def test_only_kinds_that_the_cli_reads_have_a_command() -> None:
    with_command = {
        name.partition("-")[0]
        for name in CASES
        if name.endswith("-failed") and any(step.command for step in notice(name).steps)
    }

    assert with_command == {"flex", "dedicated"}


def test_a_degraded_watch_of_1_0_0_says_where_to_look() -> None:
    steps = notice("project-degraded-AtlasForbiddenError", fix=None).steps

    assert steps[0].text.startswith("Read what failed above, and the log group")


def test_people_are_told_to_do_what_the_message_says() -> None:
    fix = "Add 203.0.113.7 to the API access list. Not at https://one.test/x"

    assert notice("project-degraded-AtlasForbiddenError", fix=fix).steps[0].text == (
        "Add 203.0.113.7 to the API access list. Not at [removed]"
    )


@pytest.mark.parametrize("end", ["recovered", "removed"])
def test_when_the_watch_is_no_longer_blind_nobody_is_told_to_repair_it(end: str) -> None:
    over = notice(f"project-{end}-AtlasForbiddenError")

    assert "203.0.113.7" not in str(over)
    assert over.detail.startswith("Nothing is left to do.")


def test_a_project_that_is_no_longer_watched_has_not_recovered() -> None:
    over = notice("project-removed-AtlasForbiddenError")

    assert over.title == f"Restore watch ended: {PROJECT} is no longer watched"
    assert over.severity is Severity.INFO
    assert "Seen again" not in facts("project-removed-AtlasForbiddenError")


LOST = "Treat the data in staging as lost"
AS_IT_WAS = "It had not begun when it was last seen, so staging is probably as it was"


@pytest.mark.parametrize(
    ("name", "previous", "words"),
    [
        ("flex-failed", "PENDING", LOST),
        ("flex-failed", "RUNNING", LOST),
        ("flex-cancelled", "RUNNING", LOST),
        ("flex-cancelled", None, LOST),
        ("flex-cancelled", "PENDING", AS_IT_WAS),
        ("flex-cancelled", "QUEUED", AS_IT_WAS),
        ("collection-cancelled", "RUNNING", "Do not rely on the restored collections in staging"),
        ("collection-cancelled", "PENDING", AS_IT_WAS),
    ],
)
def test_after_a_bad_end_people_hear_what_became_of_the_data(
    name: str, previous: str | None, words: str
) -> None:
    assert notice(name, previousStatus=previous).steps[0].text.startswith(words)


def test_only_after_a_dedicated_restore_people_wait_for_search() -> None:
    warned = {
        name for name in CASES if any("search indexes" in step.text for step in notice(name).steps)
    }

    assert warned == {"dedicated-completed"}


def test_every_error_of_atlas_and_of_the_secret_has_a_cause_in_words() -> None:
    kinds: list[type[Exception]] = [errors.CredentialsError, *errors.AtlasError.__subclasses__()]
    titles = {
        kind.__name__: notice("stack-degraded-CredentialsError", error=kind.__name__).title
        for kind in kinds
    }

    assert [title for name, title in titles.items() if name in title] == []


def test_the_order_of_a_watch_goes_by_outage_and_then_degraded_before_recovered() -> None:
    later = "2026-11-26T09:14:00.000001Z"
    orders = [
        notice("stack-degraded-CredentialsError").order,
        notice("stack-recovered-CredentialsError").order,
        notice("stack-degraded-CredentialsError", since=later).order,
        notice("stack-recovered-CredentialsError", since=later).order,
    ]

    assert orders == sorted(set(orders))


def test_subjects_of_restores_projects_and_tests_differ() -> None:
    names = ("flex-failed", "stack-degraded-CredentialsError", "test")

    assert len({notice(name).subject.partition("/")[0] for name in names}) == 3


def test_a_notice_is_of_the_stack_that_its_message_names_or_of_the_one_that_reads_it() -> None:
    assert notice("project-degraded-AtlasForbiddenError", stack="blue").stack == "blue"
    assert notice("project-degraded-AtlasForbiddenError", stack=None).stack == STACK
    assert notice("flex-failed").stack == STACK


def test_both_functions_have_the_version_of_the_stack() -> None:
    assert notify_people.__version__ == restore_watch.__version__


def test_an_error_is_one_of_the_tree() -> None:
    from notify_people import errors as ours  # noqa: PLC0415 - beside the other errors

    kinds = [one for one in vars(ours).values() if isinstance(one, type)]
    made = [one for one in kinds if one is not NotifyPeopleError]

    assert all(issubclass(one, NotifyPeopleError) for one in made)
    assert all(f"{one.__name__} " in str(ours.__doc__).replace("\n", " ") for one in made)


def test_a_validation_is_in_the_thread_of_its_restore_and_outdates_no_other() -> None:
    restore, first = notice("flex-completed"), notice("validation-failed")
    second = notice("validation-failed", sequence=4, observedAt="2026-11-26T10:27:00Z")

    assert first.thread == second.thread == restore.thread
    assert len({restore.subject, first.subject, second.subject}) == 3
    assert first.order < second.order


def test_a_validation_that_says_little_has_a_notice() -> None:
    assert (
        facts("validation-failed", validation={"verdict": "FAILED"})
        .keys()
        .isdisjoint({"Tested by", "Tested"})
    )
    assert notice("validation-failed", validation={"verdict": "FAILED"}).detail == ""
    assert any(
        "the pipeline" in step.text
        for step in notice("validation-failed", validation={"verdict": "FAILED"}).steps
    )
