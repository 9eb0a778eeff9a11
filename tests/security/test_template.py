"""Nothing but docs/security.md takes a finding of cfn-lint away."""

from pathlib import Path

import pytest

from security.template import Json, linted

CHECK = "E3034"


def with_queue(metadata: Json) -> Json:
    """A template whose queue has a time that SQS does not accept."""
    queue = {
        "Type": "AWS::SQS::Queue",
        "Properties": {"VisibilityTimeout": 999999},
        "Metadata": metadata,
    }
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Queue": queue}}


@pytest.mark.parametrize("folder", ["home", "project"])
def test_a_configuration_of_cfn_lint_hides_nothing(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".cfnlintrc").write_text(f"ignore_checks: [{CHECK}]\n")
    if folder == "home":
        monkeypatch.setenv("HOME", str(tmp_path))
    else:
        monkeypatch.chdir(tmp_path)

    assert CHECK in {one.check for one in linted(with_queue({"BuildMethod": "makefile"}))}


def test_an_exception_in_a_resource_is_refused() -> None:
    ignoring = {"cfn-lint": {"config": {"ignore_checks": [CHECK]}}}

    with pytest.raises(RuntimeError, match=r"^Queue has exceptions for cfn-lint itself"):
        linted(with_queue(ignoring))
