"""The page of controls: short, with its sources, and with names that the report has."""

import re

from contract.documents import links, page, quoted, table
from restore_watch.report.files import coverage_columns, restores_csv

PAGE = page("controls")
HEAD, _, *ROWS = table(PAGE)

SOURCES = {
    "DORA": "https://eur-lex.europa.eu/",
    "NIS2": "https://eur-lex.europa.eu/",
    "ISO/IEC 27001:2022": "https://www.iso.org/",
    "SOC 2": "https://www.aicpa-cima.com/",
    "HIPAA": "https://www.ecfr.gov/",
}

PLACES = {"coverage.csv", "restores.csv", "report.json", "months/", "reports/latest/"}


def test_it_is_read_in_two_minutes() -> None:
    words = re.sub(r"\]\([^)]*\)|[|*]|---", " ", PAGE).split()

    assert len(words) <= 400


def test_each_control_has_its_source_and_what_is_not_answered() -> None:
    found = {name: row for row in ROWS for name in SOURCES if name in row[0]}

    assert found.keys() == SOURCES.keys()
    assert len(ROWS) == len(SOURCES) + 1, "DORA has two"
    assert all(len(row) == len(HEAD) and all(row) for row in ROWS)
    sources = {one for row in ROWS for one in links(row[0])}
    assert all(any(one.startswith(host) for one in sources) for host in SOURCES.values())
    assert all(one.startswith(tuple(SOURCES.values())) for one in sources)


def test_it_claims_no_compliance() -> None:
    assert "It makes nobody compliant" in PAGE
    assert "We claim nothing for PCI DSS" in PAGE


def test_it_names_what_the_report_has() -> None:
    columns = {*coverage_columns.COLUMNS, *restores_csv.COLUMNS}

    assert set(quoted(PAGE)) <= PLACES | columns | {"unwatchedProjects"}
