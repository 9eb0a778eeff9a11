"""The queries of docs/evidence.md find in table and log lines what `make evidence` writes."""

import io
import secrets
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from statistics import fmean
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from boto3.dynamodb.types import TypeDeserializer

from contract.documents import blocks, page, section
from integration.logs_insights import fields_of, names, query
from integration.operators import Operator, Ran
from integration.restore_history import (
    GROUP,
    PUBLISHED_TWICE,
    REFUSED_AT_FIRST,
    SLOW,
    STALE,
    History,
)
from observed_stack import ObservedStack
from restore_watch.model.outage import Trouble, WatchChange, WatchState
from restore_watch.telemetry.telemetry import Telemetry

PARTIQL = blocks(section(page("evidence"), "PartiQL"), "sql")
INSIGHTS = blocks(section(page("evidence"), "Logs Insights"), "text")

# What the page has as examples.
ONE_CLUSTER = "6a1f3c9e5b7d204e8c61f0a3/orders-flex"
ONE_RESTORE = "6ac38b14d92e7f05b1a64c3d"

deserialize = TypeDeserializer().deserialize

type Select = Callable[[int], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def evidence(operator: Operator, history_table: ObservedStack) -> Ran:
    assert history_table.items()
    return operator.evidence("--rto", "60", "--rpo", "1440")


class TestPartiQL:
    """In moto, and in Amazon's own DynamoDB Local."""

    @pytest.fixture
    def select(self, history_table: ObservedStack, history: History, operator: Operator) -> Select:
        """Execute a query of the page, for this table, this period and one restore of it."""
        since, until = operator.period
        after = date.fromisoformat(until) + timedelta(days=1)
        replaced = {
            "<TableName>": history_table.table_name,
            "'2026-11-01'": f"'{since}'",
            "'2026-12-01'": f"'{after}'",
            ONE_CLUSTER: f"{GROUP}/{SLOW}",
            ONE_RESTORE: history.restores[SLOW].restore_id,
        }

        def select(number: int) -> list[dict[str, Any]]:
            statement = PARTIQL[number]
            for example, value in replaced.items():
                statement = statement.replace(example, value)
            client = history_table.aws.client("dynamodb")
            answer = client.execute_statement(Statement=" ".join(statement.split()))
            return [
                {name: deserialize(value) for name, value in item.items()}
                for item in answer["Items"]
            ]

        return select

    def test_the_restores_of_a_period_are_those_of_the_command(
        self, select: Select, evidence: Ran
    ) -> None:
        found = select(0)

        assert len(found) == len(evidence.rows)
        for item in found:
            restore = evidence.restores[item["restoreId"]]
            source = f"{restore['groupId']}/{restore['clusterName']}"
            assert {"cluster": source, **restore}.items() >= item.items()
            absent = {name for name in columns(0) if name not in item}
            assert all(restore[name] is None for name in absent)

    def test_those_that_ended_without_success(self, select: Select, evidence: Ran) -> None:
        ends = {"FAILED", "CANCELLED", "EXPIRED", "UNKNOWN"}

        assert ids(select(1)) == {
            row["restoreId"] for row in evidence.rows if row["outcome"] in ends
        }

    def test_those_that_took_longer_than_the_rto(self, select: Select, evidence: Ran) -> None:
        assert ids(select(2)) == {
            row["restoreId"]
            for row in evidence.rows
            if row["durationSeconds"] and row["rtoMet"] == "false" and row["outcome"] == "COMPLETED"
        }

    def test_those_with_a_snapshot_older_than_the_rpo(
        self, select: Select, evidence: Ran, history: History
    ) -> None:
        assert ids(select(3)) == {
            row["restoreId"] for row in evidence.rows if row["rpoMet"] == "false"
        }
        assert ids(select(3)) == {history.restores[STALE].restore_id}

    def test_the_restores_from_one_cluster(self, select: Select, history: History) -> None:
        (found,) = select(4)

        assert found["restoreId"] == history.restores[SLOW].restore_id
        assert found["durationSeconds"] > 3600

    def test_every_change_of_one_restore(
        self, select: Select, history: History, evidence: Ran
    ) -> None:
        (found,) = select(5)
        changes = evidence.restores[history.restores[SLOW].restore_id]["changes"]

        assert found["publishedSequence"] == len(changes)
        for entry, change in zip(found["history"], changes, strict=True):
            assert (
                change.items()
                >= {name: value for name, value in entry.items() if name in change}.items()
            )
            assert entry["observedAt"] == change["observedAt"]

    def test_what_is_followed_now(self, select: Select, evidence: Ran) -> None:
        """A ready download is followed too."""
        followed = {row["restoreId"] for row in evidence.rows if row["outcome"] == "OPEN"}
        ready = {
            row["restoreId"]
            for row in evidence.rows
            if row["outcome"] == "COMPLETED" and row["deliveryType"].upper() == "DOWNLOAD"
        }

        assert ids(select(6)) == followed | ready

    def test_every_query_is_tested(self) -> None:
        assert len(PARTIQL) == 7


def columns(number: int) -> list[str]:
    select = PARTIQL[number].partition("FROM")[0].removeprefix("SELECT")
    return [name.strip().strip('"') for name in select.split(",")]


def ids(items: list[dict[str, Any]]) -> set[str]:
    return {item["restoreId"] for item in items}


class TestLogsInsights:
    """In an interpreter of the commands that the page uses, over lines that the function wrote."""

    @pytest.fixture
    def lines(self, history: History) -> list[str]:
        return [*history.logs, degraded_line()]

    def test_every_field_is_one_of_the_lines(self, lines: list[str]) -> None:
        logged = {name for line in lines for name in fields_of(line)}
        named = {name for text in INSIGHTS for name in names(text)}

        assert {"changed", "status", "restore_id", "RestoreDuration.0", "message"} <= named
        assert named - logged == {"@timestamp"}

    def test_every_change_that_was_published_at_once(
        self, lines: list[str], evidence: Ran, history: History
    ) -> None:
        """That of a check that failed after the change was recorded is in the table only."""
        found = Counter((row["restore_id"], row["status"]) for row in query(INSIGHTS[0], lines))
        recorded = Counter(
            (name, change["status"])
            for name, restore in evidence.restores.items()
            for change in restore["changes"]
        )
        failed = {
            (history.restores[REFUSED_AT_FIRST].restore_id, "RUNNING"),
            (history.restores[PUBLISHED_TWICE].restore_id, "PENDING"),
        }

        assert recorded - found == Counter(failed)
        assert found - recorded == Counter()

    def test_how_many_restores_reached_each_end(self, lines: list[str], evidence: Ran) -> None:
        ends = {"COMPLETED", "FAILED", "CANCELLED", "EXPIRED"}
        found = {row["status"]: row["restores"] for row in query(INSIGHTS[1], lines)}

        assert found == Counter(
            change["status"]
            for restore in evidence.whole["restores"]
            for change in restore["changes"]
            if change["status"] in ends
        )

    def test_how_long_they_took(self, lines: list[str], evidence: Ran) -> None:
        took = defaultdict(list)
        for restore in evidence.whole["restores"]:
            for change in restore["changes"]:
                if change["terminal"] and change["durationSeconds"] is not None:
                    took[change["status"]].append(change["durationSeconds"])
        found = query(INSIGHTS[2], lines)

        assert {row["status"]: row["restores"] for row in found} == {
            status: len(seconds) for status, seconds in took.items()
        }
        assert {row["status"]: row["longest"] for row in found} == {
            status: max(seconds) for status, seconds in took.items()
        }
        assert found[0]["status"] == "COMPLETED"
        assert found[0]["mean"] == pytest.approx(fmean(took["COMPLETED"]))
        assert found[0]["longest"] >= 3 * 3600

    def test_the_work_on_one_restore(
        self, lines: list[str], history: History, evidence: Ran
    ) -> None:
        late = history.restores[REFUSED_AT_FIRST].restore_id
        rows = query(INSIGHTS[3].replace(ONE_RESTORE, late), lines)

        assert [row.get("error") for row in rows] == ["NotificationPendingError", None, None]
        assert [row.get("published") for row in rows] == [None, 1, 1]
        assert [row.get("status") for row in rows[1:]] == [
            change["status"] for change in evidence.restores[late]["changes"]
        ]

    def test_the_verdicts_of_pipelines(self, lines: list[str], evidence: Ran) -> None:
        found = [(row["restore_id"], row["verdict"]) for row in query(INSIGHTS[4], lines)]

        assert found == [
            (name, one["verdict"])
            for name, restore in evidence.restores.items()
            for one in restore["validations"]
        ]

    def test_when_the_watch_could_not_see(self, lines: list[str]) -> None:
        (row,) = query(INSIGHTS[5], lines)

        assert row["message"] == "The watch is degraded"
        assert row["group_id"] == GROUP
        assert {"error", "since"} <= row.keys()

    def test_what_failed(self, lines: list[str]) -> None:
        found = {row["error"]: row["times"] for row in query(INSIGHTS[6], lines)}

        assert found == {
            "NotificationPendingError": 1,
            "TableUnavailableError": 1,
            "AtlasForbiddenError": 1,
        }

    def test_every_query_is_tested(self) -> None:
        assert len(INSIGHTS) == 7


@cache
def degraded_line() -> str:
    """What the function logs after a project could not be seen for three minutes."""
    written = io.StringIO()
    since = datetime(2026, 11, 5, 12, tzinfo=UTC)
    trouble = Trouble(since, "AtlasForbiddenError", "Atlas answered 403 for the list of events")
    change = WatchChange(WatchState.DEGRADED, GROUP, trouble, since, None, 0)
    # A logger of a name that is known already keeps its stream.
    logger = Logger(service=secrets.token_hex(8), stream=written)
    Telemetry(logger).watch_changed(change)
    return written.getvalue()
