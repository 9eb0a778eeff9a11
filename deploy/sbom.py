"""
What ships, as a CycloneDX bill of materials, which `make release` writes.

It has the two functions, each with its files, and the packages of the layer. Versions and licences
are those that the built packages state. The hashes of a package are those of its lock: the files
that the build accepts. It has no serial number and no time, so the same build gives the same file.
"""

import hashlib
import re
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from typing import TYPE_CHECKING, cast

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from deploy import BUILD, FUNCTIONS, ROOT

if TYPE_CHECKING:
    from email.message import Message

LOCK = ROOT / "layers" / "dependencies" / "requirements.txt"
WRITTEN = "sbom.cdx.json"
"""The name of the file in a release."""

LICENCE = "Apache-2.0"

_LOCKED = re.compile(r"^([\w.-]+)==.+((?:\\\n +--hash=sha256:[0-9a-f]{64} *)+)$", re.MULTILINE)
_HASH = re.compile(r"sha256:([0-9a-f]{64})")


def normalized(name: str) -> str:
    """Return the name of a package as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked() -> dict[str, list[str]]:
    """Return the hashes of the files that the lock accepts, by package."""
    return {
        normalized(name): _HASH.findall(hashes)
        for name, hashes in _LOCKED.findall(LOCK.read_text())
    }


def sbom(version: str) -> str:
    """Return the bill of materials of what `make build` built. `version` is the release's."""
    root = Component(
        type=ComponentType.APPLICATION,
        name="atlas-restore-watch",
        version=version,
        bom_ref="atlas-restore-watch",
        licenses=[LicenseFactory().make_from_string(LICENCE)],
    )
    functions = (_function(function, version) for function in FUNCTIONS)
    bom = Bom(components=[*functions, *_packages()])
    bom.metadata.component = root
    bom.metadata.timestamp = None  # type: ignore[assignment]
    bom.serial_number = None  # type: ignore[assignment]
    bom.register_dependency(root, bom.components)
    output = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6)
    return output.output_as_string(indent=2) + "\n"


def _function(logical_id: str, version: str) -> Component:
    folder = BUILD / logical_id
    return Component(
        type=ComponentType.APPLICATION,
        name=FUNCTIONS[logical_id],
        version=version,
        bom_ref=logical_id,
        licenses=[LicenseFactory().make_from_string(LICENCE)],
        components=[
            Component(
                type=ComponentType.FILE,
                name=str(path.relative_to(folder)),
                bom_ref=f"{logical_id}/{path.relative_to(folder)}",
                hashes=[_sha256(hashlib.sha256(path.read_bytes()).hexdigest())],
            )
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        ],
    )


def _packages() -> Iterator[Component]:
    hashes = locked()
    for package in distributions(path=[str(BUILD / "DependenciesLayer" / "python")]):
        name = normalized(package.name)
        purl = PackageURL("pypi", None, name, package.version)
        yield Component(
            type=ComponentType.LIBRARY,
            name=name,
            version=package.version,
            purl=purl,
            bom_ref=str(purl),
            licenses=_licences(package),
            external_references=[
                ExternalReference(
                    type=ExternalReferenceType.DISTRIBUTION,
                    url=XsUri(str(purl)),
                    hashes=map(_sha256, hashes[name]),
                )
            ],
        )


def _licences(package: Distribution) -> Iterator[License]:
    """Return the licence by its SPDX name if the package states one, otherwise all it states."""
    metadata = cast("Message", package.metadata)
    stated = metadata.get("License-Expression") or metadata.get("License")
    licence = LicenseFactory().make_from_string(stated) if stated else None
    if licence:
        yield licence
    if licence is None or getattr(licence, "name", None):
        for classifier in metadata.get_all("Classifier", []):
            if classifier.startswith("License ::"):
                yield LicenseFactory().make_from_string(classifier.rpartition(" :: ")[2])


def _sha256(content: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=content)
