"""A release is the checkout's own template and code, and lies in a bucket of the operator's."""

import fnmatch
import hashlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl
from zipfile import ZipFile

import pytest
import yaml

from behaviour.rows import rows
from contract import documents
from contract.deployed_template import CHECKOUT, source_template, transformed_template
from contract.test_samconfig import ENVIRONMENTS, overrides
from deploy import BUILD, SAME_CODE, release
from deploy.released_template import ZIPS
from deploy.sbom import WRITTEN
from deploy.terraform_files import FOLDER as MODULE
from foundation import __version__

PARAMETERS = {"ReleaseBucket", "ReleasePrefix"}

BUILT = {name: (built, name) for built, name in ZIPS.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of this checkout, as if nothing was changed."""
    return release.write_release(tmp_path_factory.mktemp("dist"), is_changed=False)


def plain(folder: Path, name: str) -> dict[str, dict[str, object]]:
    """A template of the release as plain YAML, without CloudFormation's short forms."""
    read: dict[str, dict[str, object]] = yaml.safe_load((folder / name).read_text())
    return read


def test_a_release_is_a_folder_of_its_version_whose_sums_are_true(folder: Path) -> None:
    lines = (folder / release.SUMS).read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}

    assert folder.name == __version__
    assert {*sums, release.SUMS} == {path.name for path in folder.iterdir()}
    assert {path.name for path in MODULE.glob("*.tf")} <= sums.keys()
    for name, digest in sums.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_its_zip_has_the_same_files_in_one_folder_and_a_sum_of_its_own(folder: Path) -> None:
    archive = folder.with_name(f"atlas-restore-watch-{__version__}.zip")
    with ZipFile(archive) as opened:
        held = {one: opened.read(one) for one in opened.namelist()}

    assert held == {f"{archive.stem}/{one.name}": one.read_bytes() for one in folder.iterdir()}
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    summed = archive.with_name(f"{archive.name}.sha256").read_text()
    assert summed == f"{digest}  {archive.name}\n"


@pytest.mark.campaign
def test_its_zip_is_the_same_each_time(folder: Path) -> None:
    archive = folder.with_name(f"atlas-restore-watch-{__version__}.zip")

    assert release.zipped(folder, f"{archive.stem}/") == archive.read_bytes()


def test_its_zip_is_all_that_the_pages_download_and_what_its_sum_is_of(folder: Path) -> None:
    files = {path.name for path in [*folder.iterdir(), *folder.parent.iterdir()]}
    text = documents.page("deploying")
    (pattern,) = re.findall(r"gh release download .*--pattern '(.+?)'", text)
    got = fnmatch.filter(files, pattern)
    assert {one.removesuffix(".sha256") for one in got} == {
        f"atlas-restore-watch-{__version__}.zip"
    }


@pytest.mark.campaign
def test_a_release_is_written_again_where_something_has_left_a_folder(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "cdk.out").mkdir()

    assert release.write_release(folder.parent, is_changed=False) == folder
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_launch_link_names_the_template_beside_its_zips(folder: Path) -> None:
    (link,) = re.findall(r"^https://console\..+$", documents.page("deploying"), re.MULTILINE)
    query = dict(parse_qsl(link.partition("/stacks/create/review?")[2]))
    parameters = plain(folder, release.TEMPLATE)["Parameters"]
    prefix = parameters["ReleasePrefix"]["Default"]  # type: ignore[index]

    assert query.pop("templateURL").endswith(f".amazonaws.com/{prefix}<version>/{release.TEMPLATE}")
    assert query.pop("stackName") == "atlas-restore-watch"
    assert {name.removeprefix("param_") for name in query} == {"ReleaseBucket"}


@pytest.mark.parametrize(("built", "name"), rows(BUILT, "restore_watch.zip"))
def test_a_zip_has_what_was_built_and_no_time(folder: Path, built: str, name: str) -> None:
    source = BUILD / built
    with ZipFile(io.BytesIO((folder / name).read_bytes())) as archive:
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist() == sorted(archive.namelist())
        held = {one: archive.read(one) for one in archive.namelist()}

    files = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    assert held.keys() == files
    assert all(content == (source / one).read_bytes() for one, content in held.items())
    assert release.zipped(source) == (folder / name).read_bytes()


@pytest.mark.campaign
def test_the_demo_runs_with_the_code_of_the_zips(folder: Path, tmp_path: Path) -> None:
    of_same_code = {built: ZIPS[other] for built, other in SAME_CODE.items()}
    for built, name in (ZIPS | of_same_code).items():
        with ZipFile(folder / name) as archive:
            archive.extractall(tmp_path / built)
    # These copies of the code are not counted beside the code itself.
    own = {name: value for name, value in os.environ.items() if name != "FUNCTION_COVERAGE"}
    ran = subprocess.run(
        [sys.executable, "-m", "demo"],
        cwd=CHECKOUT,
        env=own | {"PYTHONPATH": "functions:tests:.", "BUILT_CODE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    page = CHECKOUT / ran.stdout.splitlines()[-1]
    assert b"<html" in page.read_bytes()


def test_the_templates_are_the_checkouts_own_with_the_code_in_a_bucket(folder: Path) -> None:
    source = source_template()
    written, transformed = plain(folder, release.TEMPLATE), plain(folder, release.TRANSFORMED)

    assert written["Parameters"].keys() - source["Parameters"].keys() == PARAMETERS
    assert written["Resources"].keys() == source["Resources"].keys()
    for part in ("Outputs", "Conditions", "Rules"):
        assert json.loads(json.dumps(written[part])) == json.loads(json.dumps(source[part]))
    assert "Transform" not in transformed
    own = transformed_template()["Resources"]
    hashed = r"DependenciesLayer[0-9a-f]{10}$"
    kept = [{re.sub(hashed, "layer", one) for one in of} for of in (own, transformed["Resources"])]
    assert kept[0] == kept[1]


def test_each_zip_is_found_in_the_folder_of_its_version(folder: Path) -> None:
    """So an update that keeps every parameter takes the new code."""
    text = (folder / release.TRANSFORMED).read_text()

    for name in ZIPS.values():
        assert f"${{ReleasePrefix}}{__version__}/{name}" in text
    assert "atlas-restore-watch/1" not in text
    assert set(re.findall(r"[\w-]+/(?=[\w-]+\.zip)", text)) == {
        __version__.rpartition(".")[2] + "/"
    }


def test_the_report_has_the_zip_of_the_watch_which_holds_what_is_built_for_it(folder: Path) -> None:
    functions = ("RestoreWatchFunction", "ReportFunction")
    made = plain(folder, release.TRANSFORMED)["Resources"]
    watch, report = (made[name]["Properties"]["Code"] for name in functions)  # type: ignore[index]

    assert watch == report
    assert len({release.zipped(BUILD / name) for name in functions}) == 1


def test_small_sets_what_the_environment_of_its_name_sets(folder: Path) -> None:
    """A place that nobody has filled in fits no parameter."""
    said = dict(one.split("=", 1) for one in json.loads((folder / release.SMALL).read_text()))
    parameters = plain(folder, release.TEMPLATE)["Parameters"]

    places = {name for name, value in said.items() if value.startswith("<")}
    stored = overrides(ENVIRONMENTS["small"]["parameter_overrides"])
    assert {name: said[name] for name in said.keys() - places} == stored
    for name in places:
        pattern = parameters[name]["AllowedPattern"]  # type: ignore[index]
        assert not re.search(pattern, said[name])


@pytest.mark.campaign
def test_a_changed_checkout_has_a_version_of_what_it_holds(tmp_path: Path) -> None:
    """A change of the template alone too: Terraform updates no stack whose template has its key."""
    made = release.write_release(tmp_path, is_changed=True)
    template, source = tmp_path / "template.yaml", (CHECKOUT / "template.yaml").read_text()
    template.write_text(source.replace("follows MongoDB", "watches MongoDB", 1))
    other = release.write_release(tmp_path, is_changed=True, template=template)

    assert re.fullmatch(re.escape(__version__) + r"-changed-[0-9a-f]{8}", made.name)
    assert made.name != other.name
    assert f"Atlas Restore Watch {made.name}\n" in (made / "README.txt").read_text()
    assert f"atlas-restore-watch/{made.name}/" in (made / "README.txt").read_text()
    assert f"{made.name}/layer.zip" in (made / release.TEMPLATE).read_text()
    bill = json.loads((made / WRITTEN).read_text())
    applications = [bill["metadata"]["component"], *bill["components"]]
    assert {one["version"] for one in applications if one["type"] == "application"} == {made.name}


def test_only_a_commit_whose_changelog_begins_with_its_version_and_a_date_is_that_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clone may lack the tags, so none is read."""
    monkeypatch.setattr(release, "ROOT", tmp_path)
    changelog = tmp_path / "CHANGELOG.md"

    def is_changed_after(*words: str) -> bool:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b.example", *words]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)  # noqa: S603
        return release.is_changed()

    def is_changed_with(*headings: str) -> bool:
        changelog.write_text("# Changelog\n" + "".join(f"\n## {one}\n" for one in headings))
        is_changed_after("add", ".")
        return is_changed_after("commit", "-m", "A version")

    changelog.write_text(f"# Changelog\n\n## [{__version__}] - 2026-01-01\n")
    assert release.is_changed()  # no repository
    assert is_changed_after("init")
    assert is_changed_with(f"[{__version__}] - unreleased")
    assert is_changed_with("[99.0.0] - unreleased", f"[{__version__}] - 2026-01-01")
    assert not is_changed_with(f"[{__version__}] - 2026-01-01")
    (tmp_path / "file").touch()
    assert release.is_changed()
