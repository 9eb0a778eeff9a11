"""
`make release`: writes what the AWS CLI alone installs, to `dist/<version>/`, and a zip of it.

    python -m deploy.release

The folder is a module of Terraform too. Two builds of a commit give the same bytes. A commit whose
CHANGELOG.md begins with its version and a date, without changes, is that version: any other release
has the first digits of the hash of its zips and its template in its name. CloudFormation takes no
new code from zips whose keys it knows, and Terraform no template whose key it knows.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from samcli.yamlhelper import yaml_dump, yaml_parse  # type: ignore[import-untyped]

from deploy import BUILD, ROOT
from deploy.released_template import ZIPS, released_template, transformed
from deploy.sbom import WRITTEN, sbom
from deploy.terraform_files import FOLDER as MODULE
from foundation import __version__

DIST = ROOT / "dist"

TEMPLATE, TRANSFORMED = "template.yaml", "template-transformed.yaml"
SMALL = "parameters-small.json"
SUMS = "SHA256SUMS"

ARCHIVE = "atlas-restore-watch-{}"
"""The name of the zip, and of the folder in it."""

README = (Path(__file__).parent / "README.txt").read_text()


def write_release(folder: Path, *, is_changed: bool, template: Path = ROOT / TEMPLATE) -> Path:
    """Write a release below the folder, in one of the version, and its zip. Return the first."""
    files = {zip_name: zipped(BUILD / built) for built, zip_name in ZIPS.items()}
    version, source = __version__, yaml_parse(template.read_text())
    if is_changed:
        held = b"".join(files.values()) + yaml_dump(released_template(source, version)).encode()
        version += f"-changed-{_sha256(held)[:8]}"
    made_of = released_template(source, version)
    files |= {
        TEMPLATE: yaml_dump(made_of).encode(),
        TRANSFORMED: yaml_dump(transformed(made_of)).encode(),
        SMALL: small_parameters().encode(),
        WRITTEN: sbom(version).encode(),
        "LICENSE.txt": (ROOT / "LICENSE").read_bytes(),
        "README.txt": README.replace("<version>", version).encode(),
        **{path.name: path.read_bytes() for path in MODULE.glob("*.tf")},
    }
    files[SUMS] = "".join(f"{_sha256(files[name])}  {name}\n" for name in sorted(files)).encode()
    made = folder / version
    # What was installed from it may have left a folder there.
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    for name, content in files.items():
        (made / name).write_bytes(content)
    archive = folder / f"{ARCHIVE.format(version)}.zip"
    archive.write_bytes(zipped(made, below=f"{archive.stem}/"))
    digest = _sha256(archive.read_bytes())
    archive.with_name(f"{archive.name}.sha256").write_text(f"{digest}  {archive.name}\n")
    return made


def zipped(folder: Path, below: str = "") -> bytes:
    """Return a zip of a folder's files, in the order of their names and without their times."""
    made = BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(_files(folder)):
            entry = ZipInfo(below + name)  # of 1980-01-01
            entry.external_attr = 0o644 << 16
            entry.compress_type = ZIP_DEFLATED
            archive.writestr(entry, (folder / name).read_bytes())
    return made.getvalue()


def small_parameters() -> str:
    """What `--config-env small` sets, as the AWS CLI reads it, and places for one's own values."""
    own = ["ReleaseBucket=<bucket>", "AtlasSecretArn=<ARN>", "AtlasProjectIds=<ids>"]
    environments = tomllib.loads((ROOT / "samconfig.toml").read_text())
    small = environments["small"]["deploy"]["parameters"]["parameter_overrides"].split()
    return json.dumps([*own, *small], indent=2) + "\n"


def is_changed() -> bool:
    """Whether the checkout has changes, or a version without a date at the top of CHANGELOG.md."""
    status = subprocess.run(
        ["git", "status", "--porcelain"],  # noqa: S607 - whatever git there is
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    newest = (ROOT / "CHANGELOG.md").read_text().partition("\n## ")[2]
    is_dated = newest.startswith(f"[{__version__}] - 2")
    return status.returncode != 0 or status.stdout != b"" or not is_dated


def _files(folder: Path) -> Iterator[str]:
    """The names of a folder's files, as they stand in a zip."""
    return (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def main() -> int:
    """Write the release of this checkout, and say where it is."""
    changed = is_changed()
    made = write_release(DIST, is_changed=changed)
    if changed:
        sys.stderr.write(
            f"This is not {__version__}, so do not publish it: a file is changed, or CHANGELOG.md "
            "does not begin with this version and its date.\n"
        )
    sys.stdout.write(
        f"Wrote {made.relative_to(ROOT)}, and a zip of it. Its README.txt says how to install it.\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
