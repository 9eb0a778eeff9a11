"""The peer, built by plain `sam build` with SAM's own Python builder.

The build is kept beside what `make build` keeps, until something that goes into it changes. One
build serves both of the peer's handlers.
"""

import compileall
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from py_compile import PycInvalidationMode

PEER = Path(__file__).parent / "peer"
FUNCTION = "CheckRestoreFunction"

_ROOT = Path(__file__).parents[2]
_KEPT = _ROOT / ".aws-sam" / "peer"

# Packages that both use, such as boto3, have the same version.
_VERSIONS = _ROOT / "tests" / "requirements.txt"


class PeerHandler(StrEnum):
    """The two handlers of the peer's package; they differ in where their clients are made."""

    CLIENTS_IN_HANDLER = "restore_check.clients_in_handler.lambda_handler"
    CLIENTS_IN_MODULE = "restore_check.clients_in_module.lambda_handler"


class BuildError(Exception):
    """`sam build` failed; its output is the text."""


def peer_as_shipped() -> Path:
    """The peer's code folder as `sam deploy` would upload it: without bytecode."""
    return _kept(_key(), _build)


def peer_with_bytecode() -> Path:
    """The same folder, compiled like ours."""
    shipped = peer_as_shipped()
    return _kept(f"{_key()}-bytecode", lambda folder: _compile(shipped, folder))


def _key() -> str:
    inputs = [*sorted(path for path in PEER.rglob("*.*") if path.suffix != ".pyc"), _VERSIONS]
    tools = (sys.version, platform.machine(), version("aws-sam-cli"), version("pip"))
    texts = [str(tools).encode(), *(path.read_bytes() for path in inputs)]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:16]


def _kept(key: str, make: Callable[[Path], None]) -> Path:
    """The code folder kept under this key. It is made elsewhere and moved, so it is complete."""
    kept = _KEPT / key
    if not kept.is_dir():
        _KEPT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_KEPT) as aside:
            made = Path(aside) / "build"
            make(made)
            with suppress(OSError):  # another process may have been first
                made.rename(kept)
    return kept / FUNCTION


def _build(folder: Path) -> None:
    programs = Path(sys.executable).parent
    architecture = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
    built = subprocess.run(  # noqa: S603 - the command is made here
        [
            programs / "sam",
            "build",
            *("--template-file", PEER / "template.yaml"),
            *("--build-dir", folder),
            *("--parameter-overrides", f"Architecture={architecture}"),
        ],
        cwd=folder.parent,
        env={
            **os.environ,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PIP_CONSTRAINT": str(_VERSIONS),
            "SAM_CLI_TELEMETRY": "0",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if built.returncode:
        raise BuildError(built.stdout)


def _compile(shipped: Path, folder: Path) -> None:
    code = folder / FUNCTION
    shutil.copytree(shipped, code)
    compileall.compile_dir(code, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
