"""What `sam build` makes and `sam deploy` uploads. `make test` builds it first."""

import importlib.util
import marshal
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import pytest

CHECKOUT = Path(__file__).parents[2]
BUILD = CHECKOUT / ".aws-sam" / "build"
FUNCTIONS = {
    "restore_watch": BUILD / "RestoreWatchFunction",
    "notify_people": BUILD / "NotifyPeopleFunction",
}
LAYER = BUILD / "DependenciesLayer"

# PEP 552: the bytecode holds a hash of its source, and Python does not compare it.
UNCHECKED_HASH = 0b01

# The e_machine field of an ELF header.
MACHINES = {62: "x86_64", 183: "aarch64"}


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    for function in FUNCTIONS.values():
        assert function.is_dir(), "a function was not built: run make build"
    assert LAYER.is_dir(), "the layer was not built: run make build"


def modules() -> Iterator[Path]:
    for function in FUNCTIONS.values():
        yield from function.rglob("*.py")
    yield from LAYER.rglob("*.py")


def bytecode(module: Path) -> Path:
    return module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"


def libraries() -> Iterator[tuple[Path, str]]:
    """Each native library, with the processor its header names."""
    for root in (*FUNCTIONS.values(), LAYER):
        for path in root.rglob("*"):
            if not path.is_file():
                continue
            with path.open("rb") as file:
                header = file.read(20)
            if header.startswith(b"\x7fELF"):
                yield path, MACHINES[struct.unpack("<H", header[18:20])[0]]


def run_as_shipped(program: str, package: str = "restore_watch") -> None:
    """Run it with function and layer alone, without the packages of the test environment."""
    function = FUNCTIONS[package]
    path = f"import sys; sys.path[:0] = [{str(function)!r}, {str(LAYER / 'python')!r}]\n"
    command = [sys.executable, "-I", "-S", "-B", "-c", path + program]
    subprocess.run(command, check=True, timeout=60)  # noqa: S603  # our own text


class TestBytecode:
    def test_ships_for_every_module(self) -> None:
        without = [module for module in modules() if not bytecode(module).is_file()]

        assert without == []

    def test_ships_together_with_its_source(self) -> None:
        sources = {bytecode(module) for module in modules()}
        shipped = {path for root in (*FUNCTIONS.values(), LAYER) for path in root.rglob("*.pyc")}

        assert shipped == sources

    def test_is_not_compared_with_its_source(self) -> None:
        for module in modules():
            magic, flags = struct.unpack("<4sI", bytecode(module).read_bytes()[:8])

            assert magic == importlib.util.MAGIC_NUMBER, module
            assert flags == UNCHECKED_HASH, module

    def test_matches_the_source_beside_it(self) -> None:
        """Python does not compare them at run time."""
        for module in modules():
            recorded = bytecode(module).read_bytes()[8:16]

            assert recorded == importlib.util.source_hash(module.read_bytes()), module

    def test_contains_no_path_of_the_build_machine(self) -> None:
        for module in modules():
            code = marshal.loads(bytecode(module).read_bytes()[16:])  # noqa: S302  # built here

            assert isinstance(code, CodeType)
            if module.is_relative_to(LAYER):
                assert code.co_filename == f"/opt/{module.relative_to(LAYER)}"
            else:
                # .aws-sam/build/<function>/<package>/<module>
                function = BUILD / module.relative_to(BUILD).parts[0]
                assert code.co_filename == f"/var/task/{module.relative_to(function)}"


class TestProcessors:
    def test_each_has_a_native_pydantic_core(self) -> None:
        folder = LAYER / "python" / "pydantic_core"

        machines = {machine for path, machine in libraries() if path.parent == folder}

        assert machines == {"aarch64", "x86_64"}

    def test_each_library_has_its_processor_in_its_name(self) -> None:
        """Python chooses a library by its name, so each name has to contain the processor."""
        mistaken = [path for path, machine in libraries() if machine not in path.name]

        assert mistaken == []


@pytest.mark.parametrize("package", FUNCTIONS)
class TestFunction:
    def test_ships_its_own_code_and_the_foundation_and_nothing_else(self, package: str) -> None:
        source, function = CHECKOUT / "functions", FUNCTIONS[package]
        expected = {
            path.relative_to(source): path.read_bytes()
            for folder in ("foundation", package)
            for path in (source / folder).rglob("*.py")
        }

        shipped = {
            path.relative_to(function): path.read_bytes()
            for path in function.rglob("*")
            if path.is_file() and path.suffix != ".pyc"
        }

        assert shipped == expected

    def test_finds_all_its_imports_in_the_layer(self, package: str) -> None:
        """Without the handler, which acts when it is imported."""
        run_as_shipped(
            f"import importlib, pkgutil, {package}\n"
            f"for module in pkgutil.walk_packages({package}.__path__, '{package}.'):\n"
            f"    if module.name != '{package}.handler':\n"
            "        importlib.import_module(module.name)\n",
            package,
        )


class TestLayer:
    def test_describes_only_the_services_that_the_function_calls(self) -> None:
        data = LAYER / "python" / "botocore" / "data"

        described = {path.name for path in data.iterdir() if path.is_dir()}

        assert described == {
            *("dynamodb", "kms", "scheduler", "secretsmanager", "sns", "stepfunctions")
        }

    def test_makes_a_client_for_each_of_them(self) -> None:
        run_as_shipped(
            "import boto3\n"
            "session = boto3.Session('test', 'test', region_name='us-east-1')\n"
            "for service in ('dynamodb', 'kms', 'scheduler', 'sns', 'stepfunctions'):\n"
            "    session.client(service)\n"
        )

    def test_holds_no_tests_examples_or_installation_records(self) -> None:
        unread = {"bin", "tests", "examples", "RECORD", "WHEEL", "INSTALLER", "REQUESTED"}

        assert [path.name for path in LAYER.iterdir()] == ["python"]
        assert [path for path in LAYER.rglob("*") if path.name in unread] == []

    def test_holds_the_metadata_and_the_licence_of_each_package(self) -> None:
        """Vulnerability scanners read the metadata; the licences demand to be included."""
        locked = (CHECKOUT / "layers" / "dependencies" / "requirements.txt").read_text()
        packages = [line for line in locked.splitlines() if line[:1].isalpha()]
        records = list((LAYER / "python").glob("*.dist-info"))

        assert len(records) == len(packages)
        for record in records:
            assert (record / "METADATA").is_file()
            assert list(record.rglob("LICEN[CS]E*")), record
