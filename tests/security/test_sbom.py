"""The bill of materials is what was built, and what the lock says."""

import hashlib
import json
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement

from deploy import BUILD, FUNCTIONS
from deploy.sbom import LOCK, sbom
from foundation import __version__


@pytest.fixture(scope="module")
def written() -> str:
    return sbom(__version__)


@pytest.fixture(scope="module")
def packages(written: str) -> dict[str, dict[str, Any]]:
    components = json.loads(written)["components"]
    return {one["name"]: one for one in components if one["type"] == "library"}


def lock_lines() -> list[list[str]]:
    """Each package of the lock as words: its name with the version, then its hashes."""
    joined = LOCK.read_text().replace("\\\n", " ")
    return [line.split() for line in joined.splitlines() if line and not line.startswith("#")]


def test_it_is_valid_cyclonedx_and_the_same_for_the_same_build(written: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(written) is None
    assert sbom(__version__) == written
    assert "serialNumber" not in written
    assert "timestamp" not in written


def test_it_has_the_packages_versions_and_hashes_of_the_lock(
    packages: dict[str, dict[str, Any]],
) -> None:
    expected = {}
    for first, *hashes in lock_lines():
        requirement = Requirement(first)
        (version,) = requirement.specifier
        contents = {one.removeprefix("--hash=sha256:") for one in hashes}
        expected[requirement.name] = (version.version, contents)

    assert len(expected) > 10
    assert {
        name: (
            one["version"],
            {found["content"] for found in one["externalReferences"][0]["hashes"]},
        )
        for name, one in packages.items()
    } == expected


def test_every_package_has_a_licence_and_an_address_for_scanners(
    packages: dict[str, dict[str, Any]],
) -> None:
    for name, one in packages.items():
        assert one["purl"] == f"pkg:pypi/{name}@{one['version']}"
        assert one["licenses"]
        assert "unknown" not in str(one["licenses"])


@pytest.mark.parametrize(("logical_id", "package"), FUNCTIONS.items())
def test_a_function_has_every_file_that_was_built_with_its_hash(
    written: str, logical_id: str, package: str
) -> None:
    (function,) = [one for one in json.loads(written)["components"] if one["bom-ref"] == logical_id]
    built = {
        str(path.relative_to(BUILD / logical_id)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (BUILD / logical_id).rglob("*")
        if path.is_file()
    }

    assert (function["name"], function["version"]) == (package, __version__)
    assert {one["name"]: one["hashes"][0]["content"] for one in function["components"]} == built
