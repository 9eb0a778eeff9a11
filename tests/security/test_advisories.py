"""
pip-audit against a server that answers like the OSV database, or does not answer.

https://google.github.io/osv.dev/post-v1-query/ describes the answers.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from security.advisories import CONTROL, PIP_AUDIT, main

type Vulnerable = Mapping[tuple[str, str], str | None]
"""Versions of packages, each with the id of its advisory. None answers with an error."""


@contextmanager
def database(vulnerable: Vulnerable) -> Iterator[str]:
    """Yield the address of a database that knows these advisories."""

    def answer(name: str, version: str) -> tuple[int, dict[str, Any]]:
        known = vulnerable.get((name, version), "")
        if not known:
            return (503 if known is None else 200), {}
        package = {"name": name, "ecosystem": "PyPI"}
        ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9.9"}]}]
        return 200, {"vulns": [{"id": known, "affected": [{"package": package, "ranges": ranges}]}]}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, found = answer(query["package"]["name"], query["version"])
            body = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


CONTROLLED: Vulnerable = {CONTROL: "PYSEC-2019-1"}
NOT_AUDITED = "NOT AUDITED for known vulnerabilities: no advisories can be read. "
FOUND = (
    "PYSEC-2026-1 httpx: 0.28.1 is vulnerable; fixed in 9.9. "
    "Fix it, or explain it in docs/security.md"
)


@pytest.mark.campaign
@pytest.mark.skipif(not PIP_AUDIT.exists(), reason="`make check` sets up pip-audit")
@pytest.mark.parametrize(
    ("known", "words", "status", "said"),
    [
        ({**CONTROLLED, ("httpx", "0.28.1"): "PYSEC-2026-1"}, [], 1, FOUND),
        (CONTROLLED, ["--strict"], 0, "pip-audit: 3 packages, 0 known vulnerabilities."),
        # A proxy that answers every question with nothing.
        ({}, [], 0, f"{NOT_AUDITED}No advisory of django==3.0 is known, which has one"),
        ({}, ["--strict"], 1, f"{NOT_AUDITED}No advisory of django==3.0 is known, which has one"),
        ({**CONTROLLED, ("rich", "15.0.0"): None}, ["--strict"], 1, NOT_AUDITED),
    ],
    ids=["vulnerable", "clean", "nothing", "nothing, strict", "an error for one package, strict"],
)
def test_a_vulnerability_fails_and_so_does_what_is_not_audited_if_it_has_to_be(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    known: Vulnerable,
    words: list[str],
    status: int,
    said: str,
) -> None:
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    first.write_text("httpx==0.28.1 \\\n    --hash=sha256:1a2b\n")
    second.write_text("rich==15.0.0\nhttpx==0.28.1\nwaitress==3.0.2 ; os_name != 'nt'\n")

    with database(known) as address:
        assert main([*words, "--osv-url", address], [first, second]) == status
    assert capsys.readouterr().out.startswith(said)
