"""The environments of samconfig.toml, by SAM's own parsers, and `make deploy`."""

import re
import subprocess
import tomllib
from typing import Any

import pytest
from samcli.cli.types import CfnParameterOverridesType, CfnTags  # type: ignore[import-untyped]

from contract.deployed_template import source_template
from contract.documents import ROOT, page, quoted, rows, section

ENVIRONMENTS: dict[str, Any] = {
    name: one["deploy"]["parameters"]
    for name, one in tomllib.loads((ROOT / "samconfig.toml").read_text()).items()
    if name != "version"
}


def overrides(text: str) -> dict[str, str]:
    read: dict[str, str] = CfnParameterOverridesType().convert(text, None, None)
    return read


def test_an_environment_is_complete_and_of_its_own() -> None:
    """SAM reads one environment only. A stack keeps a NamePrefix, and so names roles, for ever."""
    assert list(ENVIRONMENTS) == ["default", "dev", "small", "prod"]
    for name, one in ENVIRONMENTS.items():
        assert one.keys() >= ENVIRONMENTS["default"].keys()
        assert one["capabilities"] == "CAPABILITY_NAMED_IAM"
        assert one["confirm_changeset"] is (name in {"default", "prod"})
        tags = {"Application": "atlas-restore-watch"}
        expected = tags if name == "default" else {**tags, "Environment": name}
        assert CfnTags().convert(one["tags"], None, None) == expected
        for parameter, value in overrides(one.get("parameter_overrides", "")).items():
            said = source_template()["Parameters"][parameter]
            assert value in map(str, said.get("AllowedValues", [value]))
            assert re.search(said.get("AllowedPattern", ""), value)
    for option in ("stack_name", "s3_prefix"):
        assert len({one[option] for one in ENVIRONMENTS.values()}) == 4


def test_the_docs_list_what_each_environment_sets() -> None:
    said = {row.names[0]: row.cells for row in rows(section(page("deploying"), "Environments"))}

    assert said.keys() == {"dev", "small", "prod"}
    for environment, (stack, listed, asks) in said.items():
        stored = ENVIRONMENTS[environment]
        assert quoted(stack) == (stored["stack_name"],)
        assert overrides(" ".join(quoted(listed))) == overrides(stored["parameter_overrides"])
        assert (asks == "yes") is stored["confirm_changeset"]


@pytest.mark.parametrize("name", ["STACK", "ARGS"])
def test_make_deploy_refuses_the_variables_that_it_took_before(name: str) -> None:
    """Before it builds: nothing is done, also if everything is old."""
    ran = subprocess.run(  # noqa: S603 - our own command
        ["make", "--no-print-directory", "--dry-run", "--always-make", "deploy", f"{name}=x"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 2
    assert f"make deploy takes no {name}: see Install with SAM in docs/deploying.md" in ran.stderr
    assert ran.stdout == ""
