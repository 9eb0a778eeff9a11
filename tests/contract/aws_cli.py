"""
What the AWS CLI says of commands, without a call to AWS. The Python of its environment runs this.

    python aws_cli.py < commands.json

Reads a list of commands, each the list of its words. Writes what the CLI says of each: an empty
text if it accepts it.
"""

import io
import json
import sys
from contextlib import redirect_stderr
from typing import Any

from awscli.botocore.validate import ParamValidator  # type: ignore[import-not-found]
from awscli.clidriver import (  # type: ignore[import-not-found]
    CLIDriver,
    CLIOperationCaller,
    create_clidriver,
)
from awscli.customizations.commands import BasicCommand  # type: ignore[import-not-found]
from awscli.customizations.waiters import WaiterCaller  # type: ignore[import-not-found]


def call(caller: Any, service: str, operation: str, given: dict[str, Any], _: object) -> int:
    """Compare the parameters of a call with the API, instead of the call."""
    model = caller._session.get_service_model(service).operation_model(operation)  # noqa: SLF001
    report = ParamValidator().validate(given, model.input_shape)
    if report.has_errors():
        raise ValueError(report.generate_report())
    return 0


def of_the_cli(command: Any) -> list[Any]:
    """The commands that are no operations of an API, such as `aws s3 cp`."""
    return [command, *(one for kind in command.__subclasses__() for one in of_the_cli(kind))]


def said(driver: CLIDriver, words: list[str]) -> str:
    text = io.StringIO()
    with redirect_stderr(text):
        try:
            code = driver.main(words[1:])
        except SystemExit as refusal:
            code = refusal.code
    return f"{code}: {text.getvalue().rpartition(' error: ')[2].strip()}" if code else ""


def main() -> None:
    driver = create_clidriver()
    CLIOperationCaller.invoke = WaiterCaller.invoke = call
    for command in of_the_cli(BasicCommand):
        command._run_main = lambda *_: 0  # noqa: SLF001
    json.dump([said(driver, words) for words in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main()
