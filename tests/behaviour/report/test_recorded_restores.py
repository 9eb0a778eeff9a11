"""restores.csv of a table that the function wrote."""

import csv
import io
from datetime import UTC, datetime, timedelta

from behaviour.restore_history import OUTCOMES, SLOW, STALE, TESTED, History
from restore_watch.model.objectives import Objectives
from restore_watch.report.files.restores_csv import line_of_restore, restores_csv
from restore_watch.report.period import DAY, Period
from restore_watch.report.restores.stored_restores import read_stored_restores


def test_every_restore_is_there_once_with_its_outcome_and_is_judged(history: History) -> None:
    today = datetime.now(UTC).date()
    period = Period(today - DAY, today + DAY)
    objectives = Objectives(rto=timedelta(hours=1), rpo=DAY)

    stored = read_stored_restores(history.items, period, period.end)

    text = restores_csv(line_of_restore(each, each.facts(objectives)) for each in stored.of_period)
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    by_cluster = {row["clusterName"]: row for row in rows}
    assert stored.unreadable == []
    assert len(rows) == len(OUTCOMES)
    assert {name: row["outcome"] for name, row in by_cluster.items()} == OUTCOMES
    usual, slow, stale, tested = (
        by_cluster[name] for name in ("dedicated-completed", SLOW, STALE, TESTED)
    )
    assert (usual["rtoMet"], usual["rpoMet"]) == ("true", "true")
    assert (slow["rtoMet"], stale["rpoMet"]) == ("false", "false")
    assert (tested["verdict"], tested["changes"], tested["published"]) == ("PASSED", "3", "3")
    assert tested["validatedAt"] == tested["restoreScheduledDate"]
    # The table also holds the bookkeeping of sweeps.
    assert [item for item in history.items if item["cluster"]["S"] == "sweeps"]
