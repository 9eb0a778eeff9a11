"""The paragraph below the headline of a report. Pure."""

from restore_watch.model.validation import Verdict
from restore_watch.report.judging.cluster_state import ClusterState
from restore_watch.report.report import Report, median_seconds
from restore_watch.report.words.headline import how_many_tested, test_window
from restore_watch.report.words.wording import count, duration

_NAME_PROJECTS = "Name the projects to watch in the parameter AtlasProjectIds."


def lead(report: Report) -> str:
    """Return the paragraph below the headline: good tests, and the restores of the period."""
    return " ".join([_tests(report), *_restores(report)])


def _tests(report: Report) -> str:
    coverage = report.coverage
    if not coverage.is_configured:
        return f"It has restores, and no clusters. {_NAME_PROJECTS}"
    if not coverage.required:
        return _no_tests(report)
    good = [judged for judged in coverage.clusters if judged.state is ClusterState.TESTED]
    unsure = [judged for judged in good if judged.unread]
    said = f"{how_many_tested(report)} had a good restore test in the last {test_window(report)}"
    if not good:
        return f"{said}."
    if not unsure:
        return f"{said}, and no failure since."
    return f"{said}. Whether a restore of {len(unsure)} of them failed since could not be read."


def _no_tests(report: Report) -> str:
    if report.coverage.unread_projects:
        return "No cluster that needs a test could be read."
    said = "Atlas lists no cluster that needs a test."
    return f"{said} {_NAME_PROJECTS}" if report.coverage.watches_nothing else said


def _restores(report: Report) -> list[str]:
    ends = [f"{number} {end.lower()}" for end, number in report.outcomes.items() if number]
    if not ends:
        return ["No restore is recorded in this period."]
    said = [
        f"{count(len(report.restores_of_period), 'restore')} in this period: {', '.join(ends)}."
    ]
    took = median_seconds(report.restores_of_period)
    if took is not None:
        said.append(f"The median took {duration(took)}.")
    refuted = [each for each in report.restores_of_period if each.verdict is Verdict.FAILED]
    if refuted:
        said.append(f"{count(len(refuted), 'verdict')} FAILED.")
    return said
