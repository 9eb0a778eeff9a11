"""
pip-audit against a server that answers like the OSV database, or does not answer.

https://google.github.io/osv.dev/post-v1-query/ describes the answers.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from security.advisories import CONTROL, PIP_AUDIT, main

needs_pip_audit = pytest.mark.skipif(
    not PIP_AUDIT.exists(), reason="`make check-advisories` sets up pip-audit"
)

type Vulnerable = Mapping[tuple[str, str], str | None]
"""Versions of packages, each with the id of its advisory. None answers with an error."""


class Database:
    def __init__(self, vulnerable: Vulnerable) -> None:
        database = self
        self.vulnerable = vulnerable

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = database.answer(query["package"]["name"], query["version"])
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1/query"

    def answer(self, name: str, version: str) -> tuple[int, dict[str, Any]]:
        if (name, version) not in self.vulnerable:
            return 200, {}
        known = self.vulnerable[name, version]
        if known is None:
            return 503, {}
        package = {"name": name, "ecosystem": "PyPI"}
        ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9.9"}]}]
        return 200, {"vulns": [{"id": known, "affected": [{"package": package, "ranges": ranges}]}]}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


type MakeDatabase = Callable[[Vulnerable], Database]


@pytest.fixture
def database() -> Iterator[MakeDatabase]:
    made: list[Database] = []

    def make(vulnerable: Vulnerable) -> Database:
        made.append(Database(vulnerable))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def locks(tmp_path: Path) -> list[Path]:
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    first.write_text("httpx==0.28.1 \\\n    --hash=sha256:1a2b\n")
    second.write_text("rich==15.0.0\nhttpx==0.28.1\nwaitress==3.0.2 ; os_name != 'nt'\n")
    return [first, second]


@needs_pip_audit
def test_a_known_vulnerability_fails(
    database: MakeDatabase, locks: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    known = database({CONTROL: "PYSEC-2019-1", ("httpx", "0.28.1"): "PYSEC-2026-1"})

    assert main(["--osv-url", known.address], locks) == 1
    assert capsys.readouterr().out.splitlines() == [
        (
            "PYSEC-2026-1 httpx: 0.28.1 is vulnerable; fixed in 9.9. "
            "Fix it, or explain it in docs/security.md"
        ),
        "pip-audit: 3 packages, 1 known vulnerabilities.",
    ]


@needs_pip_audit
def test_packages_without_an_advisory_pass(
    database: MakeDatabase, locks: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    known = database({CONTROL: "PYSEC-2019-1"})

    assert main(["--strict", "--osv-url", known.address], locks) == 0
    assert capsys.readouterr().out == "pip-audit: 3 packages, 0 known vulnerabilities.\n"


@needs_pip_audit
@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({}, "No advisory of django==3.0 is known, which has one"),
        ({CONTROL: "PYSEC-2019-1", ("rich", "15.0.0"): None}, "ServiceError"),
    ],
    ids=["a proxy that answers every question with nothing", "an error for one package"],
)
def test_what_cannot_be_audited_passes_and_says_so(
    database: MakeDatabase,
    locks: list[Path],
    capsys: pytest.CaptureFixture[str],
    answers: dict[tuple[str, str], str | None],
    reason: str,
) -> None:
    assert main(["--osv-url", database(answers).address], locks) == 0

    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("NOT AUDITED for known vulnerabilities: no advisories can be read. ")
    assert reason in line


@needs_pip_audit
def test_what_cannot_be_audited_fails_where_an_audit_is_required(
    database: MakeDatabase, locks: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    gone = database({})
    gone.close()

    assert main(["--strict", "--osv-url", gone.address], locks) == 1
    assert capsys.readouterr().out.startswith("NOT AUDITED")
