"""What `sam build` makes and `sam deploy` uploads. `make test` builds it first."""

import importlib.util
import marshal
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import pytest

from local_stack.stack import BUILD, ROOT

FUNCTIONS = {
    "restore_watch": BUILD / "RestoreWatchFunction",
    "notify_people": BUILD / "NotifyPeopleFunction",
}
LAYER = BUILD / "DependenciesLayer"
PLACES = {**dict.fromkeys(FUNCTIONS.values(), "/var/task"), LAYER: "/opt"}
"""Each folder, and where Lambda puts it."""

# PEP 552: the bytecode holds a hash of its source, and Python does not compare it.
UNCHECKED_HASH = 0b01

# The e_machine field of an ELF header.
MACHINES = {62: "x86_64", 183: "aarch64"}


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    for folder in PLACES:
        assert folder.is_dir(), f"{folder.name} was not built: run make build"


def files(pattern: str) -> set[Path]:
    return {path for folder in PLACES for path in folder.rglob(pattern) if path.is_file()}


def bytecode(module: Path) -> Path:
    return module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"


def libraries() -> Iterator[tuple[Path, str]]:
    """Each native library, with the processor its header names."""
    for path in files("*"):
        with path.open("rb") as file:
            header = file.read(20)
        if header.startswith(b"\x7fELF"):
            yield path, MACHINES[struct.unpack("<H", header[18:20])[0]]


def run_as_shipped(program: str, package: str = "restore_watch") -> None:
    """Run it with function and layer alone, without the packages of the test environment."""
    path = [str(FUNCTIONS[package]), str(LAYER / "python")]
    command = [sys.executable, "-I", "-S", "-B", "-c", f"import sys; sys.path[:0] = {path}\n"]
    command[-1] += program
    subprocess.run(command, check=True, timeout=60)  # noqa: S603  # our own text


def test_the_build_sees_every_file_at_any_depth_and_one_that_is_gone(tmp_path: Path) -> None:
    """Whatever it is named, and however old it is: a file that is moved keeps its time."""
    for name in ("functions", "layers", "bench/peer"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("Makefile", "template.yaml", ".aws-sam/.built"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    built, kept = tmp_path / ".aws-sam/.built", tmp_path / "functions/foundation/clock.py"
    asked = ["make", "--question", "--old-file=.venv/.ready", str(built.relative_to(tmp_path))]

    def sees() -> bool:
        path = {"PATH": os.environ["PATH"]}
        ran = subprocess.run(asked, cwd=tmp_path, env=path, capture_output=True, check=False)  # noqa: S603
        return ran.returncode == 1

    os.utime(built)
    assert not sees()
    for name in ("a/b/c/d/e.json", "clock copy.py"):
        moved = kept.parent / name
        moved.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(kept, moved)
        assert sees()
        moved.unlink()
        assert not sees()
    kept.rename(kept.with_name("time.py"))
    assert sees()


def test_bytecode_ships_for_every_module_and_is_never_compared_with_its_source() -> None:
    assert files("*.pyc") == {bytecode(module) for module in files("*.py")}
    for folder, place in PLACES.items():
        for module in folder.rglob("*.py"):
            compiled = bytecode(module).read_bytes()
            magic, flags = struct.unpack("<4sI", compiled[:8])
            assert (magic, flags) == (importlib.util.MAGIC_NUMBER, UNCHECKED_HASH), module
            assert compiled[8:16] == importlib.util.source_hash(module.read_bytes()), module
            code = marshal.loads(compiled[16:])  # noqa: S302  # built here
            assert isinstance(code, CodeType)
            # No path of the build machine.
            assert code.co_filename == f"{place}/{module.relative_to(folder)}"


def test_the_layer_has_each_library_for_both_processors() -> None:
    """Python chooses a library by its name, so each name has to contain the processor."""
    found = list(libraries())

    of_pydantic = {machine for path, machine in found if path.parent.name == "pydantic_core"}
    assert of_pydantic == {"aarch64", "x86_64"}
    assert [path for path, machine in found if machine not in path.name] == []


@pytest.mark.parametrize("package", FUNCTIONS)
def test_a_function_ships_its_own_code_and_the_foundation_and_nothing_else(package: str) -> None:
    source, function = ROOT / "functions", FUNCTIONS[package]
    expected = {
        path.relative_to(source): path.read_bytes()
        for folder in ("foundation", package)
        for path in (source / folder).rglob("*.*")
        if path.suffix in {".py", ".html", ".css"}
    }

    assert expected == {
        path.relative_to(function): path.read_bytes()
        for path in function.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


@pytest.mark.parametrize("package", FUNCTIONS)
def test_a_function_finds_all_its_imports_in_the_layer(package: str) -> None:
    """Without the handlers, which act when they are imported."""
    run_as_shipped(
        f"import importlib, pkgutil, {package}\n"
        f"for module in pkgutil.walk_packages({package}.__path__, '{package}.'):\n"
        "    if not module.name.endswith('handler'):\n"
        "        importlib.import_module(module.name)\n",
        package,
    )


def test_the_layer_describes_only_the_services_that_the_functions_call() -> None:
    services = {"dynamodb", "kms", "lambda", "s3", "scheduler", "secretsmanager", "sns"}
    services.add("stepfunctions")
    data = LAYER / "python" / "botocore" / "data"

    assert {path.name for path in data.iterdir() if path.is_dir()} == services
    run_as_shipped(
        "import boto3\n"
        "session = boto3.Session('test', 'test', region_name='us-east-1')\n"
        f"for service in {sorted(services)}:\n"
        "    session.client(service)\n"
    )


def test_the_layer_holds_metadata_and_licences_and_nothing_that_nobody_reads() -> None:
    """Vulnerability scanners read the metadata; the licences demand to be included."""
    unread = {"bin", "tests", "examples", "RECORD", "WHEEL", "INSTALLER", "REQUESTED"}
    assert [path.name for path in LAYER.iterdir()] == ["python"]
    assert [path for path in LAYER.rglob("*") if path.name in unread] == []

    locked = (ROOT / "layers" / "dependencies" / "requirements.txt").read_text()
    records = list((LAYER / "python").glob("*.dist-info"))
    assert len(records) == sum(line[:1].isalpha() for line in locked.splitlines())
    for record in records:
        assert (record / "METADATA").is_file()
        assert list(record.rglob("LICEN[CS]E*")), record
